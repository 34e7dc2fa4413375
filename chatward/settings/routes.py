"""``[routes]``: how traffic is guarded, and what is done about findings."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from chatward.settings.base import Fraction, Seconds, Strict

Mode = Literal["enforce", "monitor"]
TreatmentName = Literal["keep", "mask", "placeholder", "hash", "remove", "block"]
DetectionName = Literal["full", "fast", "rules"]
LinkTreatmentName = Literal["keep", "mask", "placeholder", "hash", "remove", "defang", "annotate", "block"]


class RuleException(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switches one rule off for a while. ``rule`` may end in ``*``. Needs an owner and a last day (ISO date)."""

    rule: str
    """Id of a rule (`text.pii/email`), or a pattern of such (`text.pii/*`)."""
    owner: str
    """Who answers for it."""
    expires: str
    """Its last day (YYYY-MM-DD, UTC)."""
    reason: str = ""
    """Why; for people."""
    values: tuple[str, ...] = ()
    """Only these values (exact, or ``*@example.com``); empty: the whole rule."""


class Recogniser(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is personal, secret or unwanted in one organisation. Has ``words`` or a ``pattern``."""

    name: str
    """Names its rule: `text.custom/NAME`. Lower-case letters, digits and hyphens."""
    entity: str = "VALUE"
    """What placeholders and masks call it, such as `STAFF_NUMBER`."""
    words: tuple[str, ...] = ()
    """Matched as whole words, in any case."""
    pattern: str = ""
    """A regular expression of bounded width, without anchors."""
    category: Literal["pii", "phi", "secret", "policy"] = "pii"
    """Whose treatment applies; `policy` takes that of `other`."""
    confidence: Fraction = 0.9
    """How sure a match is."""
    summary: str = ""
    """What it is, for people."""


class Treatments(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to a category of finding, by direction."""

    pii_input: TreatmentName = "placeholder"
    """Personal and health data on the way to the bot."""
    pii_output: TreatmentName = "mask"
    """Personal and health data in replies."""
    pii_own: TreatmentName = "keep"
    """PII in a reply that the same person gave in this conversation."""
    secret_input: TreatmentName = "placeholder"
    """Keys, tokens and passwords on the way to the bot."""
    secret_output: TreatmentName = "mask"
    """Keys, tokens and passwords in replies."""
    link_input: LinkTreatmentName = "block"
    """Links on the way to the bot that are listed as harmful or clearly lie about where they lead."""
    link_output: LinkTreatmentName = "remove"
    """Links and images in replies that carry data out, run, or lie."""
    hidden_text: TreatmentName = "remove"
    """Text that people do not see and models do."""
    injection: TreatmentName = "block"
    """Prompt injection and jailbreaks by the person."""
    indirect_injection: TreatmentName = "block"
    """Instructions in tool results and documents."""
    leak: TreatmentName = "block"
    """The operator's prompt or a canary in a reply."""
    abuse: TreatmentName = "block"
    """Hate, sexual content, threats, self-harm and asks for illegal things. Insults are only noted."""
    social_engineering: TreatmentName = "block"
    """Phishing by either side: asks for codes, passwords, cards, payment, another channel."""
    other: TreatmentName = "block"
    """Everything else, such as limits on size and loops."""


class RuleSetting(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for one rule or guard (key: its id, may end in ``*``)."""

    enabled: bool = True
    """Whether it counts at all."""
    threshold: Fraction | None = None
    """Confidence from which it counts, in place of the route's."""
    treatment: LinkTreatmentName | None = None
    """What is done, in place of the category's treatment. `defang` and `annotate` (show where it leads) are for
    links."""


class Route(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of traffic is guarded. The first route whose conditions all match is taken."""

    paths: tuple[str, ...] = ()
    """Paths of this server, as shell-style patterns; empty matches all."""
    models: tuple[str, ...] = ()
    """Names of models, as shell-style patterns; empty matches all."""
    bot: str = "default"
    """The bot that this traffic goes to."""
    mode: Mode = "enforce"
    """`monitor` changes and stops nothing, and records what would have been done."""
    guards: tuple[str, ...] = ("*",)
    """Guard ids or patterns. An empty list is an error: write ``["none"]`` to mean it."""
    detection: DetectionName = "full"
    """How deep guards look: `full` by rules and all models; `fast` by rules and the small model (about 0.3 ms a text;
    finds fewer attacks, and no names of people); `rules` by rules alone."""
    on_unavailable: Literal["block", "allow"] = "block"
    """What a guard that cannot run means."""
    guard_budget: Seconds = 2.0
    """Seconds that one guard may take on one message before it counts as unavailable."""
    threshold: Fraction = 0.5
    """Confidence from which a finding counts."""
    treatments: Treatments = field(default_factory=Treatments)
    """What is done about findings, by category and direction."""
    rules: dict[str, RuleSetting] = field(default_factory=dict)
    """Overrides by rule or guard."""
    exceptions: tuple[RuleException, ...] = ()
    """Rules that do not count for a while."""
    allow: tuple[str, ...] = ()
    """Values that are never personal here (a hotline's number, ``*@example.com``)."""
    recognisers: tuple[Recogniser, ...] = ()
    """Words and patterns of this organisation that count as personal, secret or unwanted."""
    allow_links: tuple[str, ...] = ()
    """Hosts that replies may link to and load images from, and that nobody's links to are stopped."""
    owned_links: tuple[str, ...] = ()
    """The bot's own pages (`shop.example`, `*.shop.example`, `shop.example/help/*`). Other links to these domains, and
    to hosts that play them, are taken out of replies."""
    brands: tuple[str, ...] = ()
    """Domains (`shop.example`) whose names others may not play, beside the brands that are known."""
    refusal: str = "This message was stopped by a safety check."
    """The sentence that a person reads in place of what was blocked."""
    help_line: str = (
        "I am a computer and cannot help the way a person can, but you do not have to be alone with this. If you are "
        "in danger, please call your local emergency number. People who listen, by country: https://findahelpline.com"
    )
    """The answer to a person who speaks of harming themselves, in place of the refusal."""
    unread_file: str = (
        "A file could not be read here, so this message was not passed on. Please send what it holds in another form, "
        "such as text, an image or an Office document."
    )
    """The same where nothing was found, and a file that nobody here could read (7z, RAR, a damaged one) stopped it."""
    canaries: tuple[str, ...] = ()
    """References to strings that must never appear in a reply."""
    end_users: Literal["pseudonym", "name"] = "pseudonym"
    """What the bot gets in place of a person whom a program names (`[identity.end_users]`): a keyed digest, the same in
    every request, or the name."""
    purpose: str = ""
    """What this traffic is processed for: a name of `[privacy.purposes]`. Needed under the profile `gdpr`."""

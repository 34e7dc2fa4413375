"""What settings may not say under a profile of ``[privacy]``: the rules that refuse to start.

Each rule is one requirement of a law, numbered as in ``docs/privacy.md`` (``gdpr.3``), and names the key that
contradicts it. Not legal advice: a configuration without a contradiction is no proof that the law is kept.

Sources: Regulation (EU) 2016/679 (GDPR); 45 CFR 164 (HIPAA); California Civil Code 1798.100 ff. (CCPA, as amended by
CPRA) and 11 CCR 7000 ff.; Regulation (EU) 2024/1689 (EU AI Act). Pure: ``today`` is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from chatward.settings import Privacy, Processor, Purpose, Route, Settings
from chatward.settings.rules import Problem, is_loopback, last_day
from chatward.settings.types import Steps, did_you_mean

EEA: Final = frozenset(
    ("EU", "EEA", "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
     "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO")
)  # fmt: skip
"""The 27 member states, Iceland, Liechtenstein and Norway (EEA Agreement, Annex XI), and their two short names."""
CONTRADICTION: Final = "privacy-contradiction"
"""The reason of every problem that comes from a profile."""

SELF_HARM: Final = "text.abuse/self-harm"
"""The rule whose findings a route answers with its ``help_line``."""
_REGION: Final = re.compile(r"[A-Z]{2}|EEA")
_VERSION: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def privacy_on(privacy: Privacy) -> bool:
    """Whether anything of it is in the path of messages."""
    return bool(privacy.profile or privacy.purposes)


def profiles(privacy: Privacy) -> frozenset[str]:
    """The profiles that count: a strict one includes the other."""
    named = set(privacy.profile)
    return frozenset(named | {"hipaa"} if "hipaa-strict" in named else named)


def retention_days(settings: Settings) -> int | None:
    """Days that stored turns stay; ``None``: until somebody erases them."""
    served = {route.purpose for route in settings.routes.values()}
    times = [one.retention_days for name, one in settings.privacy.purposes.items() if name in served]
    times.append(settings.conversations.retention_days or None)
    return min((days for days in times if days is not None), default=None)


def privacy_problems(settings: Settings, today: date) -> list[Problem]:
    """All that is wrong with ``[privacy]`` and, under its profiles, with the rest of complete settings."""
    on = profiles(settings.privacy)
    found = [*_forms(settings, today), *_consent(settings)]
    if on:
        found += _always(settings, on)
    if "gdpr" in on:
        found += _gdpr(settings, today)
    if "hipaa" in on:
        found += _hipaa(settings, today)
    if "ccpa" in on:
        found += _ccpa(settings)
    if "eu-ai-act" in on:
        found += _ai_act(settings)
    if "companion" in on:
        found += _companion(settings)
    return list(dict.fromkeys(found))


def _against(requirement: str, steps: Steps, sentence: str) -> Problem:
    return Problem(steps, f"{sentence} ({requirement})", CONTRADICTION)


# --- what holds without any profile ----------------------------------------------------------------------


def _forms(settings: Settings, today: date) -> Iterator[Problem]:
    privacy = settings.privacy
    for name in privacy.purposes:
        if not _NAME.fullmatch(name):
            yield Problem(("privacy", "purposes", name), "a name has letters, digits, _ - only, at most 64")
    for name, route in settings.routes.items():
        if route.purpose and route.purpose not in privacy.purposes:
            hint = did_you_mean(route.purpose, list(privacy.purposes))
            yield Problem(("routes", name, "purpose"), f"names no purpose of `[privacy.purposes]`{hint}")
    taken: dict[str, str] = {}
    for name, processor in privacy.processors.items():
        steps: Steps = ("privacy", "processors", name)
        for index, bot in enumerate(processor.bots):
            if bot not in settings.bots:
                yield Problem((*steps, "bots", index), f"names no bot{did_you_mean(bot, list(settings.bots))}")
            elif bot in taken:
                yield Problem((*steps, "bots", index), f"is run by `{taken[bot]}` already")
            taken[bot] = name
        if processor.region and not _REGION.fullmatch(processor.region):
            yield Problem((*steps, "region"), "must be two capital letters (ISO 3166-1), or EEA")
        for key in ("contract_until", "business_associate_until"):
            until = getattr(processor, key)
            if until and last_day(until) is None:
                yield Problem((*steps, key), "must be a day such as 2030-12-31 (ISO 8601)")
    for name, recipient in privacy.recipients.items():
        parts = urlsplit(recipient.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            yield Problem(("privacy", "recipients", name, "url"), "must be https://, or on this machine")
        if not _NAME.fullmatch(name):
            yield Problem(("privacy", "recipients", name), "a name has letters, digits, _ - only, at most 64")
    yield from _mail(settings)
    if privacy.notice.version and not _VERSION.fullmatch(privacy.notice.version):
        yield Problem(("privacy", "notice", "version"), "has letters, digits, _ . - only, at most 64")


def _mail(settings: Settings) -> Iterator[Problem]:
    mail = settings.mail
    if not mail.host:
        return
    if not (settings.identity.end_users.role and settings.identity.end_users.space):
        sentence = "is needed for mail: an address is a person where programs name people by it, in one space"
        yield Problem(("identity", "end_users", "space"), sentence)
    if "@" not in mail.sender:
        yield Problem(("mail", "sender"), "must be a mail address")
    origin = urlsplit(mail.url)
    if origin.scheme != "https" and not (origin.scheme == "http" and is_loopback(origin.hostname or "")):
        yield Problem(("mail", "url"), "must be the https:// origin of this server, which links begin with")
    if mail.security == "none" and not is_loopback(mail.host):
        yield Problem(("mail", "security"), "must not be `none`: mail would go over the network unencrypted")
    if mail.user and mail.password is None:
        yield Problem(("mail", "password"), "is missing: a reference such as env:MAIL_PASSWORD")


def _consent(settings: Settings) -> Iterator[Problem]:
    """gdpr.4: consent is given to a text, so there has to be one."""
    privacy = settings.privacy
    for name, purpose in privacy.purposes.items():
        if purpose.lawful_basis == "consent" and not privacy.notice.version:
            steps = ("privacy", "notice", "version")
            yield _against("gdpr.4: Article 7(1)", steps, f"is missing: consent to `{name}` is to a version")


# --- profiles --------------------------------------------------------------------------------------------


def _always(settings: Settings, on: frozenset[str]) -> Iterator[Problem]:
    """What several laws ask for alike: a record, and encryption on the way to a bot."""
    if not settings.ledger.enabled:
        law = next(
            law
            for profile, law in (
                ("gdpr", "gdpr.3: Article 5(2)"),
                ("hipaa", "hipaa.5: 164.312(b)"),
                ("ccpa", "ccpa.9: 11 CCR 7101"),
                ("eu-ai-act", "eu-ai-act.5: Article 26(6)"),
                ("companion", "companion.2: 22602(b)"),
            )
            if profile in on
        )
        yield _against(law, ("ledger", "enabled"), "must be true: what happened has to be shown")
    law = "hipaa.8: 164.312(e)" if "hipaa" in on else "gdpr.14: Article 32" if "gdpr" in on else ""
    for name, bot in settings.bots.items():
        parts = urlsplit(bot.upstream)
        if law and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            short = name == "default" and settings.upstream is not None
            steps: Steps = ("upstream",) if short else ("bots", name, "upstream")
            yield _against(law, steps, "must be https://: messages go there unencrypted")


def _used(settings: Settings) -> Iterator[tuple[str, Route, Purpose | None]]:
    """Routes with their purposes."""
    for name, route in settings.routes.items():
        yield name, route, settings.privacy.purposes.get(route.purpose)


def _retention(settings: Settings, law: str) -> Iterator[Problem]:
    for name in dict.fromkeys(route.purpose for _, route, purpose in _used(settings) if purpose is not None):
        if settings.privacy.purposes[name].retention_days is None:
            yield _against(law, ("privacy", "purposes", name, "retention_days"), "is missing")
    if settings.conversations.store and settings.conversations.retention_days == 0:
        yield _against(law, ("conversations", "retention_days"), "must not be 0: nothing would ever be purged")


def _kept(settings: Settings, law: str, needed: str) -> Iterator[Problem]:
    """Personal data are hidden from a bot that does not need them."""
    for name, route, purpose in _used(settings):
        listed = () if purpose is None else purpose.necessary
        if route.treatments.pii_input == "keep" and needed not in listed:
            steps = ("routes", name, "treatments", "pii_input")
            sentence = f'must not be `keep` while the purpose does not list `necessary = ["{needed}"]`'
            yield _against(law, steps, sentence)


def _run_by(settings: Settings) -> Iterator[tuple[str, str, Processor | None]]:
    """Bots that somebody else may run, who runs them by name, and who that is."""
    for name, bot in settings.bots.items():
        found = [(key, one) for key, one in settings.privacy.processors.items() if name in one.bots]
        if found:
            yield name, found[0][0], found[0][1]
        elif not is_loopback(urlsplit(bot.upstream).hostname or ""):
            yield name, "", None


def _on_file(where: str, until: str, today: date) -> bool:
    end = last_day(until) if until else None
    return bool(where.strip()) and (end is None or end >= today)


def _gdpr(settings: Settings, today: date) -> Iterator[Problem]:
    privacy = settings.privacy
    for name, route, purpose in _used(settings):
        if not route.purpose:
            steps: Steps = ("routes", name, "purpose")
            yield _against("gdpr.3: Articles 5(1)(b), 6", steps, "is missing: name one of `[privacy.purposes]`")
        elif purpose is not None and purpose.lawful_basis is None:
            steps = ("privacy", "purposes", route.purpose, "lawful_basis")
            yield _against("gdpr.3: Article 6(1)", steps, "is missing")
        elif purpose is not None and purpose.lawful_basis == "legitimate-interests" and not purpose.interest.strip():
            steps = ("privacy", "purposes", route.purpose, "interest")
            yield _against("gdpr.6: Article 13(1)(d)", steps, "must say which interests they are")
        if purpose is not None and purpose.special and purpose.special_ground is None:
            steps = ("privacy", "purposes", route.purpose, "special_ground")
            yield _against("gdpr.3: Article 9(2)", steps, "is missing: special categories need a ground of their own")
        elif purpose is not None and purpose.explicit and purpose.lawful_basis != "consent":
            steps = ("privacy", "purposes", route.purpose, "lawful_basis")
            yield _against("gdpr.3: Article 9(2)(a)", steps, "must be `consent`, which is asked for at every message")
        if purpose is not None and purpose.decides and not purpose.human_route.strip():
            steps = ("privacy", "purposes", route.purpose, "human_route")
            yield _against("gdpr.11: Article 22(3)", steps, "must say how a person reaches a human")
        if purpose is not None and (purpose.special or purpose.decides) and not purpose.assessment.strip():
            steps = ("privacy", "purposes", route.purpose, "assessment")
            yield _against("gdpr.16: Article 35(3)", steps, "is missing: see `chatward privacy assessment`")
    yield from _kept(settings, "gdpr.1: Articles 5(1)(c), 25", "pii")
    yield from _retention(settings, "gdpr.2: Article 5(1)(e)")
    yield from _told(settings, "gdpr.6: Article 13")
    for bot, key, processor in _run_by(settings):
        if processor is None:
            steps = ("privacy", "processors")
            yield _against("gdpr.12: Article 28", steps, f"nobody is named who runs the bot `{bot}`")
            continue
        steps = ("privacy", "processors", key)
        if not processor.own and not _on_file(processor.contract, processor.contract_until, today):
            ended = bool(processor.contract.strip())
            what = ("contract_until", "the contract has ended") if ended else ("contract", "is missing")
            yield _against("gdpr.12: Article 28(3)", (*steps, what[0]), what[1])
        if not processor.region:
            yield _against("gdpr.17: Article 44", (*steps, "region"), "is missing")
        elif processor.region not in EEA and processor.transfer is None:
            sentence = "is missing: data leave the European Economic Area"
            yield _against("gdpr.17: Articles 44-49", (*steps, "transfer"), sentence)
    if privacy.breach_hours > 72:
        yield _against("gdpr.15: Article 33(1)", ("privacy", "breach_hours"), "must not be more than 72")


def _told(settings: Settings, law: str) -> Iterator[Problem]:
    privacy = settings.privacy
    for key in ("controller", "contact"):
        if not getattr(privacy, key).strip():
            yield _against(law, ("privacy", key), "is missing: people are told")
    if not privacy.notice.version:
        yield _against(law, ("privacy", "notice", "version"), "is missing: people are told by a notice with a version")


def _hipaa(settings: Settings, today: date) -> Iterator[Problem]:
    identity, server = settings.identity, settings.server
    held = {route.bot for _, route, purpose in _used(settings) if purpose is None or purpose.phi}
    if held and identity.anonymous and not server.keys:
        steps: Steps = ("identity", "anonymous")
        yield _against("hipaa.1: 164.312(a)(2)(i), (d)", steps, "must be false: users of health information are known")
    for bot, key, processor in _run_by(settings):
        if bot not in held or (processor is not None and processor.own):
            continue
        if processor is None:
            steps = ("privacy", "processors")
            sentence = f"nobody is named who runs the bot `{bot}`, which gets health information"
            yield _against("hipaa.10: 164.308(b), 314(a)", steps, sentence)
        elif not _on_file(processor.business_associate, processor.business_associate_until, today):
            ended = bool(processor.business_associate.strip())
            steps = ("privacy", "processors", key, "business_associate_until" if ended else "business_associate")
            sentence = "the agreement has ended" if ended else f"is missing: health information goes to `{bot}`"
            yield _against("hipaa.10: 164.308(b), 314(a)", steps, sentence)
    yield from _kept(settings, "hipaa.11: 164.502(b)", "phi")
    if "hipaa-strict" in settings.privacy.profile and settings.operators.second_factor != "required":
        steps = ("operators", "second_factor")
        yield _against("hipaa.7: 164.312(d), strict", steps, "must be `required`")


def _ccpa(settings: Settings) -> Iterator[Problem]:
    privacy = settings.privacy
    yield from _told(settings, "ccpa.1: 1798.100(a)")
    yield from _retention(settings, "ccpa.1: 1798.100(a)(3)")
    if not privacy.gpc:
        yield _against("ccpa.6: 1798.135, 11 CCR 7025", ("privacy", "gpc"), "must be true")
    for name, purpose in privacy.purposes.items():
        sold = purpose.use in {"sale", "sharing"}
        if sold and purpose.minors == "allow" and purpose.lawful_basis != "consent":
            steps: Steps = ("privacy", "purposes", name, "minors")
            sentence = "must be `refuse`, or the lawful basis consent: who is under 16 opts in"
            yield _against("ccpa.3: 1798.120(c)", steps, sentence)
    for bot, key, processor in _run_by(settings):
        if processor is None:
            steps = ("privacy", "processors")
            yield _against("ccpa.8: 11 CCR 7051", steps, f"nobody is named who runs the bot `{bot}`")
        elif not processor.own and not processor.service_provider.strip():
            steps = ("privacy", "processors", key, "service_provider")
            yield _against("ccpa.8: 11 CCR 7051", steps, "is missing: the terms for service providers")


def _ai_act(settings: Settings) -> Iterator[Problem]:
    privacy = settings.privacy
    if privacy.disclosure == "off":
        steps: Steps = ("privacy", "disclosure")
        yield _against("eu-ai-act.1: Article 50(1)", steps, "must not be off: people are told that it is an AI")
    if not settings.chat.disclosure.strip():
        yield _against("eu-ai-act.1: Article 50(1)", ("chat", "disclosure"), "must say that it is an AI")
    if not privacy.mark:
        yield _against("eu-ai-act.2: Article 50(2)", ("privacy", "mark"), "must be true")


def _companion(settings: Settings) -> Iterator[Problem]:
    """California Business and Professions Code 22602: bots that keep people company."""
    privacy = settings.privacy
    if privacy.disclosure == "off":
        yield _against("companion.1: 22602(a)", ("privacy", "disclosure"), "must not be off: people are told")
    for name, route in settings.routes.items():
        steps: Steps = ("routes", name)
        law = "companion.2: 22602(b)"
        if not any(fnmatchcase("text.abuse", pattern) for pattern in route.guards):
            yield _against(law, (*steps, "guards"), "must have `text.abuse`: who speaks of self-harm is answered")
        if route.detection == "rules":
            yield _against(law, (*steps, "detection"), "must not be `rules`: talk of self-harm is found by models")
        if route.mode != "enforce":
            yield _against(law, (*steps, "mode"), "must be `enforce`")
        if route.treatments.abuse != "block":
            yield _against(law, (*steps, "treatments", "abuse"), "must be `block`")
        for rule, setting in route.rules.items():
            weaker = not setting.enabled or setting.treatment not in {None, "block"}
            if weaker and (rule == "text.abuse" or fnmatchcase(SELF_HARM, rule)):
                yield _against(law, (*steps, "rules", rule), "must not let talk of self-harm pass")
        for index, exception in enumerate(route.exceptions):
            if fnmatchcase(SELF_HARM, exception.rule):
                yield _against(law, (*steps, "exceptions", index), "must not let talk of self-harm pass")
        if not route.help_line.strip():
            yield _against(law, (*steps, "help_line"), "must name where people in danger find help")
    if not privacy.minor_role:
        yield _against("companion.3: 22602(c)", ("privacy", "minor_role"), "is missing: known minors are reminded")
    if not privacy.reminder.strip():
        yield _against("companion.3: 22602(c)", ("privacy", "reminder"), "must remind of a break, and of the AI")

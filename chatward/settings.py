"""The settings of one Chatward, as the configuration file gives them.

The rule: the smallest useful file is one line, ``upstream = "https://..."``; everything else has a safe
default. Unknown keys are refused. Secrets appear only by reference: ``env:NAME`` or ``file:/path``. Reading files,
lines and suggestions live in ``chatward.configuration``; this module only says what can be set.

Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings_acme import Acme
from chatward.settings_assurance import Assurance, Vendor
from chatward.settings_base import Fraction, Seconds, Size, Strict
from chatward.settings_behaviour import BehaviourSettings
from chatward.settings_channels import Channel, McpServer
from chatward.settings_education import Education
from chatward.settings_end_users import EndUserSettings
from chatward.settings_files import Files
from chatward.settings_monitoring import AlertTarget, Monitoring, Siem
from chatward.settings_rights import Mail, Recipient, SpecialCategory, SpecialGround
from chatward.settings_traffic import TrafficSettings
from chatward.settings_watch import Watch

Port = Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 takes a free one")]
Mode = Literal["enforce", "monitor"]
TreatmentName = Literal["keep", "mask", "placeholder", "hash", "remove", "block"]
LinkTreatmentName = Literal["keep", "mask", "placeholder", "hash", "remove", "defang", "annotate", "block"]
ActionName = Literal["allow", "redact", "challenge", "block"]


class Server(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Chatward listens. Other addresses than loopback need TLS (or ``behind_tls_proxy``); there every caller must
    be known: by ``keys``, issued keys (``identity.anonymous = false``), an identity provider or a certificate."""

    host: str = "127.0.0.1"
    """Address of the gateway."""
    port: Port = 8787
    """Port of the gateway."""
    admin_host: str = "127.0.0.1"
    """Address of the admin plane."""
    admin_port: Port = 8788
    """Port of the admin plane."""
    tls_cert: str | None = None
    """File with the certificate chain (PEM)."""
    tls_key: str | None = None
    """File with its private key (PEM)."""
    client_ca: str | None = None
    """Authorities (PEM) that the certificates of all callers of the gateway must come from. Who shows nothing else is
    known by their SPIFFE ID or name; tokens may be bound to certificates (RFC 8705). HTTP/1.1 only."""
    behind_tls_proxy: bool = False
    """Says that a proxy in front ends TLS, so plain HTTP is spoken on other addresses than loopback."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies that are believed about who the caller is (`x-forwarded-*`, `client-cert`)."""
    cors_origins: tuple[str, ...] = ()
    """Other origins whose pages may ask what stands below `/v1` and `/channels`, as browsers write them
    (`https://shop.example`). All others are refused. A widget's pages are listed in `widget.origins`."""
    cors_credentials: bool = False
    """Whether those pages may send what the browser keeps for this address, such as client certificates."""
    keys: tuple[str, ...] = ()
    """References to API keys (``env:``/``file:``) that callers must present as bearer or ``x-api-key``."""
    max_body: Size = 10 * 1024 * 1024
    """Bytes of the largest request."""
    max_depth: Size = 64
    """Levels of the deepest JSON."""
    max_parts: Size = 20_000
    """Texts of the longest request."""
    body_timeout: Seconds = 30.0
    """Seconds that a caller may take to send a request."""
    max_concurrent: Size = 1024
    """Requests served at once; more are refused."""


class Bot(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One guarded bot. ``upstream`` is its base URL, with or without the trailing ``/v1``."""

    upstream: str
    """Its base URL."""
    api_key: str | None = None
    """Reference to the key sent upstream; without it the caller's own credential is passed on."""
    connect_timeout: Seconds = 10.0
    """Seconds to reach the bot, waiting for a free connection included."""
    read_timeout: Seconds = 300.0
    """Seconds of silence after which the bot counts as gone."""
    max_connections: Size = 256
    """Connections to the bot at once."""
    max_reply: Size = 32 * 1024 * 1024
    """Bytes of the largest reply."""
    ca_file: str | None = None
    """Authorities (PEM) to trust in place of the system's."""
    client_cert: str | None = None
    """File with the certificate (PEM) that Chatward shows the bot; read again when it changes."""
    client_key: str | None = None
    """File with its private key (PEM)."""
    spiffe_id: str | None = None
    """The SPIFFE ID that the bot's certificate must have, in place of its name. Needs `ca_file`."""
    sign: bool = False
    """Whether requests to it are signed with the keys of `[genuine]` (RFC 9421, Web Bot Auth)."""


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
    canaries: tuple[str, ...] = ()
    """References to strings that must never appear in a reply."""
    purpose: str = ""
    """What this traffic is processed for: a name of `[privacy.purposes]`. Needed under the profile `gdpr`."""


class LedgerSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record. ``durability``: ``power`` waits for the disk, ``process`` for the operating system."""

    enabled: bool = True
    """Without it nothing is recorded."""
    path: str = "chatward.db"
    """The SQLite file; beside it stands the key of this installation (`.key`)."""
    durability: Literal["power", "process"] = "power"
    """What an entry survives once it counts as written."""
    group_wait: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds to wait for more entries to write together."""
    min_free: Size = 64 * 1024 * 1024
    """The gate closes while the disk has less free space than this."""
    origin: str = ""
    """The name of a new ledger in its checkpoints, such as `example.com/chatward`; else it is named by chance."""
    checkpoint_every: Annotated[int, Meta(ge=0)] = 4096
    """Entries after which a checkpoint is signed; 0: none ever is."""
    checkpoint_seconds: Annotated[float, Meta(gt=0)] = 10.0
    """Seconds after which new entries are under a checkpoint."""
    checkpoint_file: str | None = None
    """A file to which each checkpoint is appended, best on another machine's disk."""
    witnesses: tuple[str, ...] = ()
    """Witnesses that cosign checkpoints: each a verification key, a blank and the URL that takes checkpoints."""
    witness_seconds: Annotated[float, Meta(gt=0)] = 60.0
    """Seconds between two times that the newest checkpoint is shown to the witnesses."""


class Conversations(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people and bots write: kept, sealed and with an end, where `store` says so; and what is remembered of it."""

    store: bool = False
    """Whether it is kept, sealed under `[seal]`: what is new in a request before the bot is asked, a reply once it has
    left."""
    vault: bool = False
    """Whether what stands behind placeholders is kept, sealed, for conversations that their caller names and threads of
    the bot (`previous_response_id`): other processes, and this one after a restart, restore it then."""
    path: str = ""
    """The SQLite file with stored conversations, sealed. Empty: `chatward-conversations.db` beside the
    ledger."""
    retention_days: Annotated[int, Meta(ge=0)] = 30
    """Days after which stored turns are purged, whole UTC days at a time; 0: they stay until somebody erases
    them."""
    memory: Size = 50_000
    """How many inspected messages are remembered by digest."""
    threads: Size = 10_000
    """How many threads (``previous_response_id``) are remembered for ``thread_ttl``."""
    thread_ttl: Seconds = 86_400.0
    """Seconds that a thread is remembered."""


class VaultTransit(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of HashiCorp Vault's or OpenBao's transit engine as the root key."""

    url: str
    """The server's base URL, such as `https://vault.example:8200`."""
    token: str
    """Reference to a token that may encrypt, decrypt and read the key."""
    key: str = "chatward"
    """The key's name there."""
    mount: str = "transit"
    """Where the engine is mounted."""
    namespace: str = ""
    """The namespace, where there are any."""


class AwsKms(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of AWS KMS as the root key."""

    region: str
    """Such as `eu-central-1`."""
    keys: tuple[str, ...]
    """Ids, ARNs or aliases of symmetric keys; the last one wraps."""
    access_key: str
    """Reference to the access key's id."""
    secret_key: str
    """Reference to the secret access key."""
    session_token: str | None = None
    """Reference to a session token, where there is one."""
    endpoint: str = ""
    """In place of `https://kms.REGION.amazonaws.com`."""


class Pkcs11(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a hardware security module as the root key (PKCS#11)."""

    module: str
    """The module's library, such as `/usr/lib/softhsm/libsofthsm2.so`."""
    token: str
    """The token's label."""
    pin: str
    """Reference to its PIN."""
    keys: tuple[str, ...]
    """Labels of AES-256 keys; the last one wraps. Only ever append."""


class Seal(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what is stored is encrypted, and where its keys are."""

    path: str = ""
    """The SQLite file with wrapped keys, not for ordinary backups. Empty: `chatward-keys.db` beside the ledger."""
    register: str = ""
    """The SQLite file that says who was erased, for every backup. Empty: `chatward-erasures.db` beside the ledger."""
    root: Literal["file", "environment", "vault", "aws-kms", "pkcs11"] = "file"
    """What keeps the root key."""
    root_file: str = ""
    """`file`: the root key under `passphrase`; made if missing. Empty: `chatward-root.key` beside the ledger."""
    passphrase: str | None = None
    """`file`: reference to the passphrase, 12 characters or more."""
    root_keys: str | None = None
    """`environment`: reference to root keys, as `VERSION:BASE64` of 32 bytes, apart by blanks."""
    vault: VaultTransit | None = None
    """`vault`: where it is."""
    aws: AwsKms | None = None
    """`aws-kms`: where it is."""
    pkcs11: Pkcs11 | None = None
    """`pkcs11`: where it is."""
    memory: Size = 4096
    """How many keys are kept in memory."""
    memory_seconds: Seconds = 300.0
    """Seconds that a key is kept in memory: how long a root key that was taken away still opens what is in use."""


class Genuine(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proof of who answers: signed replies, and a manifest at `/.well-known/chatward.json`."""

    sign: bool = True
    """Whether replies carry a proof (`x-chatward-proof`)."""
    origin: str = ""
    """The site that answers, as people see it: `https://chat.example.com`. Empty: this machine's own address, if nobody
    else can reach it; else nothing is signed. Never taken from a request: a copy of the site would fill it in."""
    name: str = ""
    """What the bot is called."""
    owner: str = ""
    """Who answers for it."""
    contact: str = ""
    """Where copies of it are to be reported."""
    channels: tuple[str, ...] = ()
    """Where else it can be met: addresses of accounts and pages."""
    domains: tuple[str, ...] = ()
    """Domains that are its owner's."""
    path: str = ""
    """The file with the keys that sign. Empty: `chatward-signing.json` beside the ledger."""
    watch: Watch = field(default_factory=Watch)
    """The watch for copies."""


class Chat(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chat page at ``/chat``."""

    enabled: bool = True
    """Whether the page is served."""
    title: str = "Chat"
    """Heading and title of the page."""
    model: str = ""
    """The model it asks; empty: the first that the bot lists."""
    disclosure: str = "You are talking to an AI system. Do not rely on it in an emergency."
    """What people read before they write."""


class WidgetSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat for visitors of other pages: `/widget.js` and the sessions that it asks with."""

    enabled: bool = False
    """Whether there is one."""
    origins: tuple[str, ...] = ()
    """Origins of the pages that may have it, as browsers write them (`https://shop.example`)."""
    bot: str = "default"
    """The bot that visitors talk to, and no other."""
    model: str = ""
    """The model it asks, and no other; empty: the first that the bot lists, and visitors may ask any of this bot."""
    title: str = "Chat"
    """Its heading, and the name of its button."""
    disclosure: str = "You are talking to an AI system. Do not rely on it in an emergency."
    """What people read before they write."""
    lifetime: Annotated[float, Meta(ge=60, le=3_600)] = 900.0
    """Seconds that a token is good; a page renews it before."""
    longest: Annotated[float, Meta(ge=300, le=86_400)] = 43_200.0
    """Seconds after which a visitor's session ends for good."""
    sessions_per_minute: Annotated[int, Meta(ge=1)] = 30
    """New sessions that one address (of IPv6 one /64) may begin in a minute."""


class JudgeSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A language model that is asked where the detection models are unsure. The text goes to its bot."""

    enabled: bool = False
    """Whether it is asked at all."""
    bot: str = "default"
    """The bot of `[bots]` that judges; it must speak OpenAI's chat completions."""
    model: str = ""
    """The model it asks for."""
    low: Fraction = 0.2
    """Scores below this are sure enough: no attack."""
    high: Fraction = 0.5
    """Scores from this on are sure enough: an attack."""
    clears: bool = False
    """Whether a firm `benign` also takes away an unsure finding. Without it the judge can add findings only."""
    required: bool = True
    """Whether no opinion counts as a guard that could not run; otherwise the first tiers decide alone."""
    calls_per_minute: Size = 60
    """Calls begun in any 60 seconds."""
    tokens_per_day: Size = 500_000
    """Tokens, questions and answers together, in a day (UTC)."""
    seconds: Seconds = 5.0
    """How long one opinion may take, waiting for its turn included."""
    concurrent: Size = 4
    """Calls at once; more wait."""
    max_text: Size = 8_000
    """The longest text that is judged. A longer one gets no opinion, since a part of it is not the whole."""
    max_answer_tokens: Annotated[int, Meta(ge=64)] = 200
    """Tokens that an answer may have. A model that reasons aloud needs thousands."""
    reasoning: bool = False
    """The model takes no temperature, and its limit is called `max_completion_tokens`."""
    structured: Literal["json_schema", "json_object", "none"] = "json_schema"
    """How the bot is told the form of the answer (`response_format`). The answer is checked either way."""
    trial_every: Seconds = 3_600.0
    """Seconds after which the judge must show again that it can judge."""
    memory: Annotated[int, Meta(ge=0)] = 2_000
    """How many opinions are remembered by digest, so that the same text is asked about once."""


class Oidc(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One OpenID Connect identity provider: its people sign in here, and its tokens are accepted."""

    issuer: str
    """Its issuer identifier, to the letter as its tokens say it (`iss`); https, or loopback."""
    title: str = ""
    """What people read where they choose it; empty: its name here."""
    client_id: str = ""
    """What Chatward is called there; needed for signing in and for back-channel logout."""
    client_secret: str | None = None
    """Reference to the secret of that client; without it Chatward is a public client (PKCE alone)."""
    audiences: tuple[str, ...] = ()
    """Who a bearer token may be for (`aud`); empty: `client_id` only."""
    clients: tuple[str, ...] = ()
    """Clients, besides `client_id`, whose tokens are accepted (`azp`, `client_id`). Both empty: any of this issuer."""
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...
    ] = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
    """Signature algorithms that are accepted."""
    token_types: tuple[Literal["at+jwt", "jwt"], ...] = ("at+jwt", "jwt")
    """Types (`typ`) of bearer tokens; `jwt` stands for none as well. Only `at+jwt`: access tokens of RFC 9068 alone."""
    scopes: tuple[str, ...] = ("openid",)
    """What is asked for when a person signs in."""
    roles_claim: str = ""
    """The claim that lists groups or roles; dots enter objects (`realm_access.roles`)."""
    role_map: dict[str, str] = field(default_factory=dict)
    """Role here by group or role there. What is not in it gives no role."""
    tenant: str = "default"
    """The tenant of its people, where `tenant_claim` is empty."""
    tenant_claim: str = ""
    """The claim that names the tenant; a token without it is refused."""
    acr_multi: tuple[str, ...] = ()
    """Values of `acr` that stand for two factors; `mfa` in `amr` does so anyway."""
    acr_strong: tuple[str, ...] = ()
    """Values of `acr` that stand for a passkey with user verification."""
    clock_skew: Annotated[float, Meta(ge=0, le=300)] = 30.0
    """Seconds that its clock and this one may differ."""
    max_age: Seconds = 86_400.0
    """Seconds after its issue from which a token is refused, whatever `exp` says."""
    keys_fresh: Seconds = 3_600.0
    """Seconds after which its keys are fetched anew. A token is verified anew as often."""
    keys_stale: Annotated[float, Meta(ge=0)] = 21_600.0
    """Seconds beyond that for which its keys serve while it does not answer."""
    keys_cooldown: Seconds = 30.0
    """Seconds between two fetches, whatever tokens ask for."""


class ScimLink(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people of one identity provider are found among the users of the directory."""

    attribute: Literal["externalId", "userName"] = "externalId"
    """What of a user is compared."""
    claim: str = "sub"
    """The claim of a token that it is compared with."""


class Scim(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory tells who works here (SCIM 2.0 at `/scim/v2` of the admin plane)."""

    enabled: bool = False
    """Whether it may."""
    required: bool = False
    """Whether only people that it has told of are let in."""
    groups: dict[str, str] = field(default_factory=dict)
    """Role here by the name or `externalId` of a group there. What is not in it gives no role."""
    links: dict[str, ScimLink] = field(default_factory=dict)
    """By the name of an identity provider; empty: `externalId` is `sub`, for all of them."""


class SignIn(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people sign in at `/signin`, where an identity provider has a `client_id`."""

    url: str = ""
    """The gateway's origin as browsers know it (`https://chat.example`), for the provider to send them back to. Empty:
    only browsers on this machine can sign in."""
    idle: Annotated[float, Meta(ge=60)] = 3_600.0
    """Seconds without a request after which a session ends."""
    absolute: Annotated[float, Meta(ge=300, le=2_592_000)] = 43_200.0
    """Seconds from signing in after which it ends whatever happens; 30 days at most."""


class Identity(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may ask, and how they are known."""

    path: str = ""
    """The SQLite file with keys, operators, sessions and revocations. Empty: `chatward-identity.db` beside the
    ledger."""
    anonymous: bool = True
    """Whether somebody without any credential may ask; policy still decides what."""
    agents: tuple[str, ...] = ()
    """Origins of automated clients that sign their requests (Web Bot Auth): `https://agent.example`. Their keys are
    read from there. Others that sign are refused."""
    oidc: dict[str, Oidc] = field(default_factory=dict)
    """Identity providers by name."""
    sign_in: SignIn = field(default_factory=SignIn)
    """Signing in with a browser."""
    scim: Scim = field(default_factory=Scim)
    """The directory that says who works here."""
    end_users: EndUserSettings = field(default_factory=EndUserSettings)
    """The people behind one API key."""


class StepUp(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proving who one is in the middle of a conversation: passkeys, and one-time codes as a fallback."""

    rp_id: str = "localhost"
    """The domain that passkeys are made for (RP ID). Changed later, the old passkeys no longer work."""
    rp_name: str = "Chatward"
    """What people's devices call it."""
    origins: tuple[str, ...] = ()
    """Origins of the pages that may ask for a passkey. Empty: `https://RP_ID`, or `http://localhost:PORT`."""
    freshness: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """Seconds that a proof holds for everything in its session; 0: for the one thing it was given for."""
    expiry: Annotated[float, Meta(ge=30, le=3_600)] = 300.0
    """Seconds to give a proof, and then to use it."""
    totp: bool = True
    """Whether one-time codes (RFC 6238) are accepted where policy is content with two factors."""
    first: Literal["signed-in", "two-factors", "code"] = "signed-in"
    """Who may register a first passkey: who is signed in, who signed in with two factors, who brings a code."""


class RiskSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How risky a person or visitor is just now, by what this gateway found of them: `context.risk` in policies."""

    enabled: bool = True
    """Whether anybody is rated. Else the risk is `unknown`."""
    raised: Annotated[float, Meta(gt=0)] = 4.0
    """Points from which on it is `raised`. An injection that was blocked is worth 3, a listed link 2, a canary 5."""
    high: Annotated[float, Meta(gt=0)] = 10.0
    """Points from which on it is `high`."""
    half_life: Annotated[float, Meta(ge=10)] = 600.0
    """Seconds in which points fade by half."""


class Authorization(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may do what, as Cedar policies. What no policy permits is denied."""

    policies: tuple[str, ...] = ()
    """Files with policies (`.cedar`): shell-style patterns, relative to the folder of this file."""
    default: bool = True
    """Whether the policies that come with Chatward apply too."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Groups of resources for policies to name: `step-up = ["Tool::refund_*"]`."""
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Roles that include others: `lead = ["agent", "auditor"]`."""


class OperatorProvider(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which people of an identity provider of `[identity.oidc]` (by the same name) are operators."""

    claim: str
    """The claim that lists their groups or roles; dots enter objects (`realm_access.roles`)."""
    roles: dict[str, str]
    """Operator's role here by group there. Who has none of them cannot sign in to the console."""


class OperatorSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The people who run this Chatward, and how long they stay signed in to the console."""

    idle: Annotated[float, Meta(ge=60)] = 1800.0
    """Seconds without a request after which a session ends."""
    absolute: Annotated[float, Meta(ge=300)] = 43_200.0
    """Seconds from signing in after which it ends whatever happens."""
    break_glass: Annotated[float, Meta(ge=300)] = 3600.0
    """The same for break-glass accounts."""
    second_factor: Literal["optional", "required"] = "optional"
    """`required`: who signs in with a password alone can do nothing but set up one-time codes, and an identity provider
    must say that it saw two factors."""
    url: str = ""
    """The console's origin as browsers know it: an identity provider sends them back to it, and operators' passkeys are
    made for its name. Empty: on this machine."""
    oidc: dict[str, OperatorProvider] = field(default_factory=dict)
    """Identity providers by which operators sign in too."""


class Purpose(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What personal data is processed for, and on what ground. A route has one."""

    summary: str = ""
    """What for, in a sentence that people read in the notice."""
    lawful_basis: (
        Literal["consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"]
        | None
    ) = None
    """The ground (GDPR Article 6(1)). `consent`: no message passes before its person has consented."""
    interest: str = ""
    """`legitimate-interests`: which they are (Article 13(1)(d))."""
    use: Literal["service", "analytics", "sharing", "sale"] = "service"
    """All but `service` is opted out of by Global Privacy Control, and by who asks for it."""
    retention_days: Annotated[int, Meta(ge=1)] | None = None
    """Days that stored turns are kept for it."""
    necessary: tuple[Literal["pii", "phi"], ...] = ()
    """What a bot has to be sent as written. Where it is not listed, a profile refuses `pii_input = "keep"`."""
    special: tuple[SpecialCategory, ...] = ()
    """Special categories of data that it is about (GDPR Article 9(1))."""
    special_ground: SpecialGround | None = None
    """Why they may be processed (Article 9(2)). `explicit-consent`: no message passes before its person has consented
    expressly."""
    phi: bool = True
    """Whether health information may be in it; counts under `hipaa`."""
    minors: Literal["allow", "refuse"] = "allow"
    """Whether people who are known to be minors (`privacy.minor_role`) are served."""
    decides: bool = False
    """Whether it leads to decisions with legal or similarly significant effects (Article 22)."""
    human_route: str = ""
    """`decides`: how a person reaches a human who can decide anew."""

    @property
    def explicit(self) -> bool:
        """Whether consent to it has to be explicit."""
        return bool(self.special) and self.special_ground == "explicit-consent"


class Processor(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs bots for the controller. Bots on loopback addresses need none."""

    name: str = ""
    """Its legal name, for the notice."""
    bots: tuple[str, ...] = ()
    """The bots that it runs."""
    own: bool = False
    """The controller itself: no contract is needed."""
    region: str = ""
    """Where it processes: a country's two letters (ISO 3166-1), `EU` or `EEA`."""
    transfer: Literal["adequacy", "standard-clauses", "binding-rules", "derogation"] | None = None
    """On what ground data leave the EEA (GDPR Articles 45, 46, 47, 49); needed for other regions."""
    contract: str = ""
    """Where the processing contract (Article 28) is on file."""
    contract_until: str = ""
    """Its last day (YYYY-MM-DD, UTC), if it ends."""
    business_associate: str = ""
    """Where the business-associate agreement (45 CFR 164.314) is on file."""
    business_associate_until: str = ""
    """Its last day."""
    service_provider: str = ""
    """Where the terms of 11 CCR 7051 are on file."""


class Notice(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people are told when their data are collected; served at `/v1/privacy/notice`."""

    version: str = ""
    """Names the text, such as `2026-03`. Consent holds for the version that it was given to."""
    text: str = ""
    """What is told beside the list that is made from the settings."""
    url: str = ""
    """Where people read the whole of it."""


class Privacy(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Purposes, consent, rights and the laws to be kept. Without profile and purposes nothing of it is on."""

    profile: tuple[Literal["gdpr", "hipaa", "hipaa-strict", "ccpa", "eu-ai-act"], ...] = ()
    """Laws whose requirements are switched on: what contradicts them is refused at the start."""
    path: str = ""
    """The SQLite file with consents, objections, requests and incidents. Empty: `chatward-privacy.db` beside the
    ledger."""
    controller: str = ""
    """Who decides about the data: name and address."""
    contact: str = ""
    """How people reach the controller."""
    officer: str = ""
    """How people reach the data protection officer, where there is one."""
    consent_url: str = ""
    """The page where people give consent; refusals name it. Programs use `POST /v1/privacy/consents`."""
    verify: Literal["credential", "passkey"] = "credential"
    """How surely it has to be known who asks for a right: by their credential, or by a passkey at that moment."""
    minor_role: str = ""
    """The role that says that a person is a minor, as keys and identity providers give roles."""
    gpc: bool = True
    """Whether `Sec-GPC: 1` opts out of purposes that are no `service`."""
    disclosure: Literal["header", "notice", "off"] = "header"
    """How the first answer of a conversation says that an AI wrote it (`chat.disclosure`): `notice`: in a member of the
    answer or a comment of the stream too. The bot's words are never changed."""
    mark: bool = True
    """Whether answers are marked as generated (`x-chatward-ai`)."""
    high_risk: bool = False
    """Whether this is a high-risk AI system (EU AI Act, Article 6)."""
    breach_hours: Annotated[int, Meta(ge=1)] = 72
    """Hours from awareness in which the authority is told (GDPR Article 33)."""
    notice: Notice = field(default_factory=Notice)
    """What people are told."""
    purposes: dict[str, Purpose] = field(default_factory=dict)
    """Purposes by name."""
    processors: dict[str, Processor] = field(default_factory=dict)
    """Processors by name."""
    recipients: dict[str, Recipient] = field(default_factory=dict)
    """Who is told, by a signed webhook, when people use their rights."""


class IntelSource(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source of threat intelligence: a file, or something that is asked over HTTPS."""

    name: str
    """What findings call it: `links.intel/NAME`. Lower-case letters, digits and hyphens."""
    format: Literal[
        "list", "hosts", "cidr", "csv", "json", "urlhaus", "threatfox", "phishtank", "openphish", "stix", "taxii",
        "misp", "misp-warninglist", "crowdsec", "yara"
    ] = "list"  # fmt: skip
    """How it is written."""
    location: str
    """A file or folder, relative to the folder of the ledger, or a URL (https, or loopback)."""
    type: Literal[
        "phishing", "scam", "malware", "command-and-control", "spam", "scanner", "anonymiser", "compromised",
        "malicious"
    ] = "malicious"  # fmt: skip
    """What its entries stand for where they do not say it themselves."""
    confidence: Fraction = 0.8
    """How sure its entries are where they do not say it themselves."""
    tlp: Literal["clear", "green", "amber", "amber+strict", "red"] = "amber"
    """To whom its entries may be passed on, where they do not say it themselves."""
    context: str = ""
    """Makes it a warninglist: its entries are no threats, they are `shared-hosting`, `public-resolver`, `vpn`, ..."""
    refresh: Annotated[float, Meta(ge=1)] = 3_600.0
    """Seconds between two fetches over the network. Files are looked at twice a second."""
    stale_after: Seconds = 259_200.0
    """Seconds without a successful fetch after which it is out of date: what it does not list is unknown then."""
    forgets: Literal["auto", "at-once", "with-age"] = "auto"
    """When what it no longer lists stops to count: at once, or with age. `auto`: at once for a file, with age for a
    server, whose list often has the newest only."""
    on_stale: Literal["note", "unavailable"] = "note"
    """What being out of date means: it is shown, or the guard counts as one that could not run."""
    key: str | None = None
    """Reference to the key that the source asks for."""
    key_header: str = "authorization"
    """The header in which the key is sent (CrowdSec: `x-api-key`); for `authorization`, `Bearer` stands before it."""
    sha256: str = ""
    """A URL or file with the SHA-256 of what is fetched, or the digest itself; without a match nothing is taken."""
    signed_by: str = ""
    """The verification key (`name+id+base64`) that must have signed the list (a signed note)."""
    columns: dict[str, str] = field(default_factory=dict)
    """`csv`, `json`: names or numbers of columns for `value`, `kind`, `type`, `first`, `last`, `confidence`."""
    max_size: Size = 1024 * 1024 * 1024
    """Bytes of the largest answer, unpacked."""


class Intel(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Threat intelligence: what is listed as harmful, by whom, and for how long that counts."""

    path: str = ""
    """The folder with what was fetched. Empty: `chatward-intel` beside the ledger."""
    sources: tuple[IntelSource, ...] = ()
    """Where it comes from."""
    lifetimes: dict[str, float] = field(default_factory=dict)
    """Days after the last sighting from which an entry counts for nothing, by type: `phishing = 60`."""
    keep: Annotated[float, Meta(ge=1)] = 730.0
    """Days after the last sighting from which an entry is deleted."""


class Limit(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast something may be asked for: `rate` in every `period`, and `burst` of it at once (docs/limits.md)."""

    of: Literal["requests", "tokens", "money", "streams"] = "requests"
    """What is counted. Money is in the currency of `limiter.prices`; streams are replies under way at the same time."""
    per: Literal["tenant", "principal", "session", "address", "bot"] = "principal"
    """Whose count it is, within a tenant; a principal is a key or a person."""
    rate: Annotated[float, Meta(gt=0)] = 60.0
    """How much in every period. Streams have none."""
    period: Seconds = 60.0
    """Seconds. Of streams: after which one counts no more, should its end have been lost."""
    burst: Annotated[float, Meta(gt=0)] = 10.0
    """How much at once. Of streams: how many at the same time."""


class Price(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What 1,000 tokens of a model cost. The section's name is the model, or a pattern (`gpt-*`)."""

    input: Annotated[float, Meta(ge=0)] = 0.0
    """Tokens that it reads."""
    output: Annotated[float, Meta(ge=0)] = 0.0
    """Tokens that it writes."""


class Limiter(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How limits are counted."""

    store: Literal["memory", "valkey"] = "memory"
    """In this process, or in a server that speaks the Valkey/Redis protocol, for all processes together."""
    url: str = "valkey://127.0.0.1:6379"
    """Address of that server (`valkeys://` with TLS); with a password in it, a reference: `env:NAME`, `file:/path`."""
    cluster: bool = False
    """Whether it is one of a cluster."""
    timeout: Seconds = 0.1
    """Seconds that it may take to answer."""
    on_failure: Literal["local", "allow", "refuse"] = "local"
    """When it does not: count in this process, let everybody in, or nobody (503)."""
    retry: Seconds = 1.0
    """Seconds after which it is asked again."""
    most: Size = 100_000
    """Keys that this process remembers."""
    ipv4_prefix: Annotated[int, Meta(ge=8, le=32)] = 24
    """Bits of an IPv4 address that are counted as one."""
    ipv6_prefix: Annotated[int, Meta(ge=16, le=128)] = 56
    """Bits of an IPv6 address that are counted as one."""
    reply_tokens: Size = 500
    """Tokens of a reply that are taken beforehand where a request does not say how long it may be."""
    prices: dict[str, Price] = field(default_factory=dict)
    """Prices by model; the first pattern that fits counts."""


class Settings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``upstream = URL`` is short for ``[bots.default]`` with that ``upstream``."""

    upstream: str | None = None
    """The base URL of the bot, where there is one bot."""
    server: Server = field(default_factory=Server)
    """Where to listen."""
    acme: Acme = field(default_factory=Acme)
    """A certificate that is got and renewed by itself."""
    bots: dict[str, Bot] = field(default_factory=dict)
    """Bots by name."""
    channels: dict[str, Channel] = field(default_factory=dict)
    """Rasa assistants and webhook bots by name."""
    mcp: dict[str, McpServer] = field(default_factory=dict)
    """MCP servers by name."""
    routes: dict[str, Route] = field(default_factory=dict)
    """Routes by name; `default` takes what no other takes."""
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    """The record."""
    genuine: Genuine = field(default_factory=Genuine)
    """Proof of who answers."""
    conversations: Conversations = field(default_factory=Conversations)
    """What is remembered of conversations."""
    seal: Seal = field(default_factory=Seal)
    """How what is stored is encrypted."""
    chat: Chat = field(default_factory=Chat)
    """The chat page."""
    widget: WidgetSettings = field(default_factory=WidgetSettings)
    """The chat for other pages."""
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    """The language model that is asked where the models are unsure."""
    identity: Identity = field(default_factory=Identity)
    """Who may ask, and how they are known."""
    operators: OperatorSettings = field(default_factory=OperatorSettings)
    """The people of the console."""
    limits: dict[str, Limit] = field(default_factory=dict)
    """Limits by name."""
    limiter: Limiter = field(default_factory=Limiter)
    """How they are counted."""
    traffic: TrafficSettings = field(default_factory=TrafficSettings)
    """Who is automated, and what is done about it."""
    step_up: StepUp = field(default_factory=StepUp)
    """Proofs in the middle of a conversation."""
    authorization: Authorization = field(default_factory=Authorization)
    """Who may do what."""
    risk: RiskSettings = field(default_factory=RiskSettings)
    """How risky callers are just now."""
    intel: Intel = field(default_factory=Intel)
    """Threat intelligence."""
    behaviour: BehaviourSettings = field(default_factory=BehaviourSettings)
    """What is usual, and what is not."""
    mail: Mail = field(default_factory=Mail)
    """Mail to people."""
    privacy: Privacy = field(default_factory=Privacy)
    """Purposes, consent and rights."""
    files: Files = field(default_factory=Files)
    """Files that travel with messages."""
    education: Education = field(default_factory=Education)
    """Tips for people."""
    monitoring: Monitoring = field(default_factory=Monitoring)
    """What is watched for in the record."""
    siem: tuple[Siem, ...] = ()
    """Who gets every entry of it."""
    alerts: tuple[AlertTarget, ...] = ()
    """Who is told when something is seen there."""
    assurance: Assurance = field(default_factory=Assurance)
    """Known vulnerabilities, and what is due about them."""
    vendors: dict[str, Vendor] = field(default_factory=dict)
    """Third parties by name."""

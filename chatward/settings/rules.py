"""What settings of the right types may still not say, and how they are made complete.

The rules are the functions here: addresses that are safe by place, upstreams that are URLs without secrets, routes
whose bot and guards exist, exceptions with an owner and a last day, secrets by reference. Pure: no file, no
variable, no clock is read; ``today`` is given.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from chatward.core.browsers import origin_problem
from chatward.core.indicators import ThreatType
from chatward.settings import Bot, Intel, Route, RuleException, Settings
from chatward.settings.base import NO_LITERAL, REFERENCE
from chatward.settings.channels import channel_problems
from chatward.settings.receivers import monitoring_found
from chatward.settings.types import Steps, did_you_mean
from chatward.settings.watch import watch_problems

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_RECOGNISER: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_ENTITY: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}")
NONE: Final = "none"
TYPES: Final = frozenset(type_.value for type_ in ThreatType)
"""Types of threats that `intel.lifetimes` may name."""
_COLUMNS: Final = frozenset(("value", "kind", "type", "first", "last", "confidence"))


@dataclass(frozen=True, slots=True)
class Problem:
    """A key and what is wrong with it. A ``warning`` does not stop anything."""

    steps: Steps
    sentence: str
    reason: str = "config-invalid"
    warning: bool = False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``: ``localhost``, 127.0.0.0/8, ::1 (RFC 6890, RFC 6761)."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def complete(settings: Settings) -> Settings:
    """With a route ``default`` as the last. Routes that name no bot take the only one, if there is one only."""
    settings = _with_certificate(_met_by_name(settings))
    only = next(iter(settings.bots)) if len(settings.bots) == 1 and "default" not in settings.bots else None
    routes = {name: route for name, route in settings.routes.items() if name != "default"}
    routes["default"] = settings.routes.get("default", Route())
    if only is not None:
        routes = {name: replace(route, bot=only) if route.bot == "default" else route for name, route in routes.items()}
        if settings.widget.bot == "default":
            settings = replace(settings, widget=replace(settings.widget, bot=only))
    return replace(settings, routes=routes)


def acme_folder(settings: Settings) -> Path:
    """Where ``[acme]`` keeps its files."""
    return Path(settings.acme.folder or Path(settings.ledger.path).with_name("chatward-acme"))


def _with_certificate(settings: Settings) -> Settings:
    """With the files of ``[acme]`` as the server's, where it has no others."""
    server = settings.server
    if not settings.acme.domains or server.tls_cert is not None or server.tls_key is not None:
        return settings
    folder = acme_folder(settings)
    return replace(settings, server=replace(server, tls_cert=str(folder / "cert.pem"), tls_key=str(folder / "key.pem")))


def _acme(settings: Settings) -> Iterator[Problem]:
    acme = settings.acme
    if not acme.domains:
        return
    if settings.server.tls_cert != str(acme_folder(settings) / "cert.pem"):
        yield Problem(("acme", "domains"), "a certificate is given already, as `server.tls_cert`")
    if not acme.agree:
        yield Problem(("acme", "agree"), "must be true: the authority's terms have to be agreed to")
    if (problem := upstream_problem(acme.directory)) is not None:
        yield Problem(("acme", "directory"), problem)
    for index, domain in enumerate(acme.domains):
        if not _DOMAIN.fullmatch(domain.lower()):
            yield Problem(
                ("acme", "domains", index), "must be a host name such as chat.example.com, without a wildcard"
            )


def _met_by_name(settings: Settings) -> Settings:
    """With a bot for every channel and MCP server that says its own address. Where there is no other bot, the first
    of them is the default one too."""
    bots = {name: Bot(upstream=one.upstream) for name, one in settings.mcp.items() if one.upstream}
    bots |= {name: Bot(upstream=one.upstream) for name, one in settings.channels.items() if one.upstream}
    if not bots:
        return settings
    if not settings.bots:
        bots["default"] = next(iter(bots.values()))
    return replace(settings, bots={**bots, **settings.bots})


def problems_of(settings: Settings, guards: Collection[str] | None, today: date) -> list[Problem]:
    """All that is wrong with complete settings. ``guards``: the known ids, or ``None`` to leave names unchecked."""
    return [
        *_bots(settings),
        *_listeners(settings),
        *_acme(settings),
        *_signing_in(settings),
        *_risk(settings),
        *_references(settings),
        *_routes(settings, guards, today),
        *_recognisers(settings),
        *_judge(settings),
        *_by_name(settings),
        *_pages(settings),
        *_kept(settings),
        *_genuine(settings),
        *_intel(settings.intel),
        *_monitoring(settings),
        *([] if settings.ledger.path.strip() else [Problem(("ledger", "path"), "must not be empty")]),
    ]


def _by_name(settings: Settings) -> Iterator[Problem]:
    bots = {name: bot.upstream for name, bot in settings.bots.items()}
    for steps, sentence in channel_problems(settings.channels, settings.mcp, bots):
        yield Problem(steps, sentence, "secret-literal") if "secret itself" in sentence else Problem(steps, sentence)


def _monitoring(settings: Settings) -> Iterator[Problem]:
    found = monitoring_found(settings.siem, settings.alerts, is_loopback, recorded=settings.ledger.enabled)
    for steps, sentence in found:
        secret = "secret itself" in sentence or "holds a secret" in sentence
        yield Problem(steps, sentence, "secret-literal") if secret else Problem(steps, sentence)


def _judge(settings: Settings) -> Iterator[Problem]:
    judge = settings.judge
    if not judge.enabled:
        return
    if judge.bot not in settings.bots:
        yield Problem(("judge", "bot"), "names no bot" + did_you_mean(judge.bot, list(settings.bots)))
    if not judge.model:
        yield Problem(("judge", "model"), "must name the model to ask")
    if judge.low >= judge.high:
        yield Problem(("judge", "low"), "must be below `judge.high`")


def _pages(settings: Settings) -> Iterator[Problem]:
    """Pages of other origins: exact origins, and for a widget such as browsers give keys to (WebCrypto wants a secure
    context: https, or this machine)."""
    for index, origin in enumerate(settings.server.cors_origins):
        if problem := origin_problem(origin):
            yield Problem(("server", "cors_origins", index), problem)
    if settings.server.cors_credentials and not settings.server.cors_origins:
        yield Problem(("server", "cors_credentials"), "needs `server.cors_origins`")
    widget = settings.widget
    pages: list[tuple[Steps, str]] = [(("widget", "origins", index), one) for index, one in enumerate(widget.origins)]
    if widget.frame:
        pages.append((("widget", "frame"), widget.frame))
    for steps, origin in pages:
        if problem := origin_problem(origin):
            yield Problem(steps, problem)
        elif origin.startswith("http://") and not is_loopback(urlsplit(origin).hostname or ""):
            yield Problem(steps, "must be https: on other pages browsers give a widget no key")
    if not widget.enabled:
        return
    if not widget.origins:
        yield Problem(("widget", "origins"), "lists no origin; name the pages that may have the widget")
    if settings.bots and widget.bot not in settings.bots:
        yield Problem(("widget", "bot"), "names no bot" + did_you_mean(widget.bot, list(settings.bots)))
    if widget.longest < widget.lifetime:
        yield Problem(("widget", "longest"), "must not be below `widget.lifetime`")


def _genuine(settings: Settings) -> Iterator[Problem]:
    """Who answers, in proofs: an origin, and domains without anything around them."""
    genuine = settings.genuine
    if genuine.origin and (problem := origin_problem(genuine.origin)) is not None:
        yield Problem(("genuine", "origin"), problem)
    elif genuine.sign and not genuine.origin and not is_loopback(settings.server.host):
        yield Problem(("genuine", "origin"), "is needed to sign replies: the site as people see it", warning=True)
    for index, agent in enumerate(settings.identity.agents):
        if (problem := origin_problem(agent)) is not None:
            yield Problem(("identity", "agents", index), problem)
    for name, bot in settings.bots.items():
        if bot.sign and not (genuine.sign and (genuine.origin or is_loopback(settings.server.host))):
            yield Problem(
                ("bots", name, "sign"), "needs `genuine.sign` and `genuine.origin`: the keys, and whose they are"
            )
    if genuine.agent_card and not (genuine.sign and (genuine.origin or is_loopback(settings.server.host))):
        yield Problem(("genuine", "agent_card"), "needs `genuine.sign` and `genuine.origin`: whose keys sign it")
    if genuine.agent_card_keys and not genuine.agent_card:
        yield Problem(("genuine", "agent_card_keys"), "needs `agent_card`: the card that they signed")
    for index, domain in enumerate(genuine.domains):
        if not _DOMAIN.fullmatch(domain):
            yield Problem(("genuine", "domains", index), "must be a domain in lower case, such as example.com")
    for steps, sentence in watch_problems(genuine.watch, genuine.domains):
        yield Problem(("genuine", "watch", *steps), sentence)


def _kept(settings: Settings) -> Iterator[Problem]:
    """Conversations, and values behind placeholders, are stored sealed or not at all, and in one place."""
    seal, wanted = settings.seal, settings.conversations
    if settings.stores.postgres is not None and wanted.path:
        yield Problem(("conversations", "path"), "and `stores.postgres` say two places: leave one out")
    if not (wanted.store or wanted.vault):
        return
    key = ("conversations", "store" if wanted.store else "vault")
    if not settings.ledger.enabled:
        yield Problem(key, "needs `ledger.enabled`: who reads and erases is put on record")
    needed = {"file": "passphrase", "environment": "root_keys", "vault": "vault", "aws-kms": "aws", "pkcs11": "pkcs11"}
    if getattr(seal, needed[seal.root]) is None:
        yield Problem(key, f"needs `seal.{needed[seal.root]}`: what is stored is sealed")


def _recognisers(settings: Settings) -> Iterator[Problem]:
    for name, route in settings.routes.items():
        seen: set[str] = set()
        for index, recogniser in enumerate(route.recognisers):
            steps: Steps = ("routes", name, "recognisers", index)
            if not _RECOGNISER.fullmatch(recogniser.name):
                yield Problem((*steps, "name"), "must be lower-case letters, digits and hyphens")
            elif recogniser.name in seen:
                yield Problem((*steps, "name"), "is used twice")
            seen.add(recogniser.name)
            if not _ENTITY.fullmatch(recogniser.entity):
                yield Problem((*steps, "entity"), "must be capital letters, digits and underscores")
            if bool(recogniser.words) == bool(recogniser.pattern):
                yield Problem(steps, "needs either `words` or a `pattern`")
            elif any(not word.strip() for word in recogniser.words):
                yield Problem((*steps, "words"), "holds an empty word")


# --- bots and listeners ----------------------------------------------------------------------------------


def _bots(settings: Settings) -> Iterator[Problem]:
    if not settings.bots:
        yield Problem(
            (),
            'there is no bot to guard; the one line needed is: upstream = "https://your-bot.example/v1"',
            "no-upstream",
        )
    for name, bot in settings.bots.items():
        yield from _named(("bots", name), name)
        yield from _upstream(settings, name, bot)


def _upstream(settings: Settings, name: str, bot: Bot) -> Iterator[Problem]:
    short = name == "default" and settings.upstream is not None
    steps: Steps = ("upstream",) if short else ("bots", name, "upstream")
    if short and settings.upstream != bot.upstream:
        yield Problem(("bots", name, "upstream"), "is given twice: here and as `upstream`, with different values")
    problem = upstream_problem(bot.upstream)
    if problem is not None:
        yield Problem(steps, problem, "upstream-url")


def upstream_problem(url: str) -> str | None:
    """Why a text is not the base URL of a bot, or ``None``. Read as browsers do (WHATWG URL)."""
    import can_ada  # noqa: PLC0415 - not needed to print help

    try:
        parsed = can_ada.parse(url)
    except ValueError:
        return "must be a URL such as https://your-bot.example/v1"
    if parsed.protocol not in {"http:", "https:"} or not parsed.hostname:
        return "must be an http:// or https:// URL"
    if parsed.username or parsed.password:
        return "must not hold a user or password; give the key as `api_key` by reference"
    if parsed.search or parsed.hash or not url.isascii() or re.search(r"[\s\\?#]", url):
        return "must be a plain base URL, without query, fragment or blanks"
    return None


def _listeners(settings: Settings) -> Iterator[Problem]:
    server = settings.server
    if (server.tls_cert is None) != (server.tls_key is None):
        missing, given = ("tls_cert", "tls_key") if server.tls_cert is None else ("tls_key", "tls_cert")
        yield Problem(("server", given), f"needs `server.{missing}` as well")
    if server.client_ca is not None and server.tls_cert is None:
        sentence = "needs `server.tls_cert`: who ends TLS asks for certificates; a proxy passes them on (RFC 9440)"
        yield Problem(("server", "client_ca"), sentence)
    if server.port and server.port == server.admin_port and server.host == server.admin_host:
        yield Problem(("server", "admin_port"), "is the same as `server.port`; the admin plane needs its own")
    secure = server.behind_tls_proxy or (server.tls_cert is not None and server.tls_key is not None)
    for key, host in (("host", server.host), ("admin_host", server.admin_host)):
        if not host.strip():
            yield Problem(("server", key), "must not be empty")
        elif not is_loopback(host):
            needs = (
                [] if secure else ["TLS (`server.tls_cert` and `server.tls_key`, or `server.behind_tls_proxy = true`)"]
            )
            needs += [] if key == "admin_host" or _known_callers(settings) else [_AUTHENTICATION]
            if needs:
                sentence = f"other machines can reach this address, so it needs {' and '.join(needs)}"
                yield Problem(("server", key), sentence, "unsafe-listener")


def _risk(settings: Settings) -> Iterator[Problem]:
    if settings.risk.high <= settings.risk.raised:
        yield Problem(("risk", "high"), "must be more than `risk.raised`")


def _signing_in(settings: Settings) -> Iterator[Problem]:
    """Where identity providers send browsers back to: an address is never taken from a request of another machine."""
    known = {name for name, one in settings.identity.oidc.items() if one.client_id}
    given: tuple[tuple[Steps, str, str, bool], ...] = (
        (("identity", "sign_in", "url"), settings.identity.sign_in.url, settings.server.host, bool(known)),
        (("operators", "url"), settings.operators.url, settings.server.admin_host, bool(settings.operators.oidc)),
    )
    for steps, url, host, wanted in given:
        if url and ((problem := origin_problem(url)) is not None):
            yield Problem(steps, problem)
        elif url.startswith("http:") and not is_loopback(urlsplit(url).hostname or ""):
            yield Problem(steps, "must be https, but on this machine")
        elif wanted and not url and not is_loopback(host):
            yield Problem(steps, "is needed for people on other machines to sign in", warning=True)
    for name in settings.operators.oidc:
        if name not in known:
            sentence = f"names no provider of `[identity.oidc]` with a `client_id`{did_you_mean(name, sorted(known))}"
            yield Problem(("operators", "oidc", name), sentence)


_AUTHENTICATION: Final = (
    'authentication (`server.keys = ["env:CHATWARD_KEY"]`, an identity provider in `identity.oidc`, '
    "`server.client_ca`, or `identity.anonymous = false` for issued keys alone)"
)


def _known_callers(settings: Settings) -> bool:
    """Whether it is said how callers of the gateway are known. There every caller must be (``callers``): without keys
    of the settings by an issued key, a token, a session or a certificate. The console needs nothing said: beyond this
    machine it is never open, and its first admin comes by the link that ``serve`` prints."""
    server, identity = settings.server, settings.identity
    by_tls = server.client_ca is not None and server.tls_cert is not None
    return bool(server.keys or by_tls or identity.oidc or not identity.anonymous)


def _references(settings: Settings) -> Iterator[Problem]:
    """Secrets by reference: files with secrets end up in repositories, backups and tickets."""
    oidc = settings.identity.oidc
    given: list[tuple[Steps, str | None]] = [
        *((("server", "keys", index), key) for index, key in enumerate(settings.server.keys)),
        (("seal", "passphrase"), settings.seal.passphrase),
        (("seal", "root_keys"), settings.seal.root_keys),
        (("stores", "postgres"), settings.stores.postgres),
        (("seal", "pkcs11", "pin"), settings.seal.pkcs11.pin if settings.seal.pkcs11 else None),
        (("mail", "password"), settings.mail.password),
        *((("privacy", "recipients", name, "secret"), one.secret) for name, one in settings.privacy.recipients.items()),
        *((("bots", name, "api_key"), bot.api_key) for name, bot in settings.bots.items()),
        *((("identity", "oidc", name, "client_secret"), one.client_secret) for name, one in oidc.items()),
        *(
            (("routes", name, "canaries", index), canary)
            for name, route in settings.routes.items()
            for index, canary in enumerate(route.canaries)
        ),
    ]
    for steps, reference in given:
        if reference is not None and not REFERENCE.fullmatch(reference):
            yield Problem(steps, NO_LITERAL, "secret-literal")


# --- threat intelligence ---------------------------------------------------------------------------------


def _intel(intel: Intel) -> Iterator[Problem]:
    seen: set[str] = {"unknown"}  # the rule of links that nobody can tell of
    for index, source in enumerate(intel.sources):
        steps: Steps = ("intel", "sources", index)
        if not _RECOGNISER.fullmatch(source.name):
            yield Problem((*steps, "name"), "must be lower-case letters, digits and hyphens")
        elif source.name in seen:
            yield Problem((*steps, "name"), "is used twice, or is `unknown`")
        seen.add(source.name)
        scheme, mark, rest = source.location.partition("://")
        if not source.location.strip():
            yield Problem((*steps, "location"), "must not be empty")
        elif mark:
            host = rest.partition("/")[0].rpartition(":")[0] or rest.partition("/")[0]
            if scheme != "https" and not (scheme == "http" and is_loopback(host)):
                yield Problem((*steps, "location"), "must be a file or an https:// URL")
            elif "@" in rest.partition("/")[0]:
                yield Problem((*steps, "location"), "must not hold a user or password; give `key` by reference")
        elif source.format in {"taxii", "crowdsec"}:
            yield Problem((*steps, "location"), f"must be a URL for the format {source.format}")
        if source.key is not None and not REFERENCE.fullmatch(source.key):
            yield Problem((*steps, "key"), NO_LITERAL, "secret-literal")
        for column in source.columns.keys() - _COLUMNS:
            yield Problem((*steps, "columns", column), f"is none of {', '.join(sorted(_COLUMNS))}")
    for type_, days in intel.lifetimes.items():
        if type_ not in TYPES:
            yield Problem(("intel", "lifetimes", type_), f"is no type{did_you_mean(type_, sorted(TYPES))}")
        elif days <= 0:
            yield Problem(("intel", "lifetimes", type_), "must be more than 0 days")


# --- routes ----------------------------------------------------------------------------------------------


def _routes(settings: Settings, guards: Collection[str] | None, today: date) -> Iterator[Problem]:
    for name, route in settings.routes.items():
        steps: Steps = ("routes", name)
        yield from _named(steps, name)
        if settings.bots and route.bot not in settings.bots:
            yield _unknown_bot(settings.bots, settings.routes, steps, route)
        if name == "default" and (route.paths or route.models):
            key = "paths" if route.paths else "models"
            yield Problem((*steps, key), "the route `default` takes what no other route takes; it has no conditions")
        yield from _guards((*steps, "guards"), route.guards, guards)
        for rule in route.rules:
            yield from _rule((*steps, "rules", rule), rule, guards)
        for index, exception in enumerate(route.exceptions):
            yield from _exception((*steps, "exceptions", index), exception, guards, today)
        for key, patterns in (("paths", route.paths), ("models", route.models), ("allow", route.allow)):
            for index, pattern in enumerate(patterns):
                if not pattern.strip():
                    yield Problem((*steps, key, index), "must not be empty")
                elif key == "paths" and not pattern.startswith(("/", "*")):
                    yield Problem((*steps, key, index), "must start with / (a path of this server, such as /v1/*)")


def _unknown_bot(bots: Mapping[str, Bot], routes: Mapping[str, Route], steps: Steps, route: Route) -> Problem:
    known = ", ".join(bots)
    if route.bot == "default":
        return Problem((*steps, "bot"), f"must say which bot: {known} (none of them is named default)")
    return Problem((*steps, "bot"), f"names no bot; known: {known}{did_you_mean(route.bot, list(bots))}")


def _guards(steps: Steps, patterns: tuple[str, ...], known: Collection[str] | None) -> Iterator[Problem]:
    if not patterns:
        yield Problem(steps, 'is empty; write ["none"] to let traffic through unguarded', "guards-empty")
    for index, pattern in enumerate(patterns):
        if pattern == NONE:
            if len(patterns) > 1:
                yield Problem((*steps, index), "`none` stands alone")
        elif known is not None and not any(fnmatchcase(guard, pattern) for guard in known):
            yield Problem((*steps, index), f"names no known guard{did_you_mean(pattern, sorted(known))}")


def _rule(steps: Steps, rule: str, known: Collection[str] | None) -> Iterator[Problem]:
    """A rule's id is ``<guard>/<rule>``; the key may be a guard, a rule, or a pattern of either."""
    guard = rule.partition("/")[0]
    if not rule.strip():
        yield Problem(steps, "names no rule")
    elif known is not None and not any(fnmatchcase(one, guard) for one in known):
        yield Problem(steps, f"names no known guard{did_you_mean(guard, sorted(known))}")


def _exception(steps: Steps, exception: RuleException, known: Collection[str] | None, today: date) -> Iterator[Problem]:
    yield from _rule((*steps, "rule"), exception.rule, known)
    if not exception.owner.strip():
        yield Problem((*steps, "owner"), "an exception needs an owner")
    last = last_day(exception.expires)
    if last is None:
        yield Problem((*steps, "expires"), "must be a day such as 2030-12-31 (ISO 8601)")
    elif last < today:
        yield Problem((*steps, "expires"), f"the exception ended on {last.isoformat()} and has no effect", warning=True)


def identity_file(settings: Settings) -> Path:
    """The file of ``[identity]``."""
    return Path(settings.identity.path or Path(settings.ledger.path).with_name("chatward-identity.db"))


def shared_file(settings: Settings) -> Path:
    """The file of what processes that share callers tell each other."""
    return identity_file(settings).with_name("chatward-shared.db")


def last_day(text: str) -> date | None:
    """The day, or ``None`` if the text is none. Only the extended form YYYY-MM-DD."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _named(steps: Steps, name: str) -> Iterator[Problem]:
    """Names of bots and routes stand in the ledger, which holds identifiers only."""
    if not _NAME.fullmatch(name):
        yield Problem(steps, "a name has letters, digits, _ . - only, at most 64")

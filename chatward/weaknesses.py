"""What is allowed but weak in settings: the rows that ``chatward check`` prints.

The rule: a weakness is a choice that lowers the protection somebody might count on. It is named with its key and a
sentence that says what it means and, where there is one, the way out; it never stops anything. ``high``: messages
pass unguarded or unrecorded, or anyone may call. ``medium``: a guard or a promise is limited. ``low``: look again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from urllib.parse import urlsplit

from chatward.settings import Bot, Conversations, LedgerSettings, Route, RuleException, Server, Settings
from chatward.settings.rules import NONE, is_loopback, last_day
from chatward.settings.types import Steps, dotted

Level = Literal["high", "medium", "low"]
LEVELS: Final[tuple[Level, ...]] = ("high", "medium", "low")

HIGH_THRESHOLD: Final = 0.8
SOON: Final = timedelta(days=14)
LONG: Final = timedelta(days=366)
MANY_VALUES: Final = 100

_KEPT: Final = frozenset({"injection", "indirect_injection", "leak", "secret_output", "pii_output", "link_output"})
"""Treatments for which ``keep`` means that the guard has no effect."""


@dataclass(frozen=True, slots=True)
class Weakness:
    level: Level
    key: str
    sentence: str


def weaknesses(settings: Settings, today: date) -> list[Weakness]:
    """All weaknesses, the worst first. ``settings`` are complete, as ``load`` returns them."""
    found = [
        *_server(settings.server, anonymous=settings.identity.anonymous),
        *(weakness for name, bot in settings.bots.items() for weakness in _bot(("bots", name), bot)),
        *(weakness for name, route in settings.routes.items() for weakness in _route(("routes", name), route, today)),
        *_ledger(settings.ledger),
        *_conversations(settings.conversations),
    ]
    return sorted(found, key=lambda weakness: LEVELS.index(weakness.level))


def _weak(level: Level, steps: Steps, sentence: str) -> Weakness:
    return Weakness(level, dotted(steps), sentence)


def _server(server: Server, *, anonymous: bool) -> Iterator[Weakness]:
    local = is_loopback(server.host) and is_loopback(server.admin_host)
    if server.keys or not anonymous:
        return
    if server.behind_tls_proxy or not local:
        yield _weak("high", ("server", "keys"), "There are no keys: whoever reaches the proxy reaches the bots.")
    else:
        yield _weak("low", ("server", "keys"), "There are no keys: every program on this machine may call.")


def _bot(steps: Steps, bot: Bot) -> Iterator[Weakness]:
    parts = urlsplit(bot.upstream)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield _weak(
            "high", (*steps, "upstream"), "Messages and keys travel to the bot unencrypted: use an https:// address."
        )


def _route(steps: Steps, route: Route, today: date) -> Iterator[Weakness]:
    if route.mode == "monitor":
        yield _weak("high", (*steps, "mode"), "Monitor mode records what it sees and stops nothing.")
    if route.guards == (NONE,):
        yield _weak("high", (*steps, "guards"), "All guards are off.")
    elif "*" not in route.guards:
        yield _weak("medium", (*steps, "guards"), "Only the named guards look; guards added later will not.")
    if route.detection != "full":
        by = "rules and the small model" if route.detection == "fast" else "rules"
        yield _weak("medium", (*steps, "detection"), f"Guards look by {by} alone: attacks in words of their own pass.")
    if route.on_unavailable == "allow":
        yield _weak("high", (*steps, "on_unavailable"), "A guard that cannot run lets messages pass uninspected.")
    yield from _threshold((*steps, "threshold"), route.threshold)
    for rule, setting in route.rules.items():
        key = (*steps, "rules", rule)
        if not setting.enabled:
            yield _weak(_level(rule), (*key, "enabled"), f"{rule} is switched off.")
        if setting.threshold is not None:
            yield from _threshold((*key, "threshold"), setting.threshold)
        if setting.treatment == "keep":
            yield _weak("medium", (*key, "treatment"), f"What {rule} finds is kept as it is.")
    for name in sorted(_KEPT):
        if getattr(route.treatments, name) == "keep":
            yield _weak("high", (*steps, "treatments", name), "What is found is let through unchanged.")
    for name, what in (("pii_input", "personal data"), ("secret_input", "secrets")):
        if getattr(route.treatments, name) == "keep":
            yield _weak("medium", (*steps, "treatments", name), f"The bot is sent {what} as written.")
    for index, exception in enumerate(route.exceptions):
        yield from _exception((*steps, "exceptions", index), exception, today)
    yield from _lists(steps, route)


def _level(rule: str) -> Level:
    """Of switching off all guards, a guard, or one rule."""
    if rule.strip("*/.") == "":
        return "high"
    return "low" if "/" in rule and not rule.endswith("/*") else "medium"


def _threshold(steps: Steps, threshold: float) -> Iterator[Weakness]:
    if threshold > HIGH_THRESHOLD:
        yield _weak("medium", steps, f"Above {HIGH_THRESHOLD:g} only what is nearly certain counts; attacks will pass.")


def _exception(steps: Steps, exception: RuleException, today: date) -> Iterator[Weakness]:
    last = last_day(exception.expires)
    if last is None or last < today:  # an error, and a warning of its own
        return
    if exception.rule in {"*", "*/*"} and not exception.values:
        yield _weak("high", (*steps, "rule"), "This exception switches every rule off.")
    if last - today <= SOON:
        yield _weak("low", (*steps, "expires"), f"The exception ends on {last.isoformat()}; its owner should look.")
    elif last - today > LONG:
        yield _weak("medium", (*steps, "expires"), "The exception lasts more than a year; nobody will remember why.")


def _lists(steps: Steps, route: Route) -> Iterator[Weakness]:
    for key, patterns in (("allow", route.allow), ("allow_links", route.allow_links)):
        for index, pattern in enumerate(patterns):
            if _broad(pattern):
                yield _weak("high", (*steps, key, index), "The pattern allows nearly everything.")
        if len(patterns) > MANY_VALUES:
            yield _weak(
                "low", (*steps, key), f"The list has more than {MANY_VALUES} entries; each is a way past a guard."
            )


def _broad(pattern: str) -> bool:
    """Whether little but wildcards is left: ``*``, ``*@*``, ``*.com``, ``+49*``."""
    fixed = pattern.replace("*", "").replace("?", "").strip(" .@+-/:")
    telling = "." in fixed or "@" in pattern or fixed.replace(" ", "").isdigit()
    return "*" in pattern and (len(fixed) < 4 or not telling)


def _ledger(ledger: LedgerSettings) -> Iterator[Weakness]:
    if not ledger.enabled:
        yield _weak("high", ("ledger", "enabled"), "Nothing is recorded: what happened cannot be proved.")
    elif ledger.durability == "process":
        yield _weak("medium", ("ledger", "durability"), "A power cut may lose the newest entries of the record.")


def _conversations(conversations: Conversations) -> Iterator[Weakness]:
    if conversations.store:
        yield _weak(
            "medium", ("conversations", "store"), "What people write is stored: that needs a purpose and an end."
        )

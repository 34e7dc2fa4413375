"""What ``links.url`` says of a text, at each place, as policy would act on it."""

from __future__ import annotations

from chatward.core.normalise import read
from chatward.core.ports import Item
from chatward.core.values import Exchange, Finding, Moment, Part, PartKind, Severity, Source
from chatward.guards.links.urls import UrlGuard

GUARD = UrlGuard(("shop-nine.example",))


def findings(text: str, place: str = "document", guard: UrlGuard = GUARD) -> list[Finding]:
    """``user``, ``document``, ``reply`` or ``call`` (tool arguments, JSON)."""
    if place in ("reply", "call"):
        kind = PartKind.JSON if place == "call" else PartKind.TEXT
        return list(guard.open(Exchange("test", ()), kind).feed(text, True))
    source = Source.USER if place == "user" else Source.DOCUMENT
    part = Part(text, source)
    item = Item(0, source, PartKind.TEXT, read(text, deep=True))
    return list(guard.inspect(Exchange("test", (part,)), Moment.INPUT, [item]))


def acted_on(text: str, place: str = "document", guard: UrlGuard = GUARD) -> set[str]:
    """Names of rules that would act."""
    return {
        finding.rule.partition("/")[2]
        for finding in findings(text, place, guard)
        if finding.confidence >= 0.5 and finding.severity > Severity.INFO
    }

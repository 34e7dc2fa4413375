"""Links to what threat intelligence lists: phishing pages, malware, and the domains and addresses behind them.

The rule: every link of a turn is looked up as a URL, as its host with the domains above it, or as its address; in
documents, tool results and earlier messages too, because what was unknown when they came may be listed now. What a
source says counts as much as its confidence and its age allow (``Sighting.score``); sources that agree count more than
each alone, as independent witnesses: ``1 - (1 - a)(1 - b)``.

A whole domain that many strangers share, or an address that serves many, counts half: one source alone then only has
it noted, two that agree still stop it. A URL there counts in full.

A finding's rule is ``links.intel/`` and the name of the source that says most. Where nothing is found and a source is
out of date, the link is *unknown*: a finding ``links.intel/unknown`` for information, or, where the settings require
the source, the guard is unavailable.

Links of recent texts are kept in memory (``_KEPT`` texts), so that a long conversation is not read again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from chatward.core.addresses import SPECIAL, Address, HostKind, parse
from chatward.core.indicators import (
    MAX_VALUE,
    NO_INDICATORS,
    IndicatorKind,
    Indicators,
    Sighting,
    ThreatType,
    domains_of,
    url_values,
)
from chatward.core.ports import Cost, GuardSpec, Item, Scope, StreamInspector
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Span
from chatward.guards.links.extraction import Link, LinkReader, links_in

_ID: Final = "links.intel"
# Looked up once: a member of an enumeration costs as much as a hash.
_URL, _DOMAIN, _IP = IndicatorKind.URL, IndicatorKind.DOMAIN, IndicatorKind.IP
_NAME: Final = HostKind.DOMAIN
_KEPT: Final = 8192
_MANY: Final = frozenset(("shared-hosting", "public-suffix", "public-resolver", "cdn", "cloud", "popular"))
"""Contexts in which a domain or an address stands for many."""
_UNKNOWN: Final = Finding(f"{_ID}/unknown", Category.LINK, Severity.INFO, 0.0, (0, 0), detail="stale")

Keys = tuple[tuple[IndicatorKind, tuple[str, ...]], ...]
"""What one link is looked up as."""


class IndicatorsStale(Exception):
    """A source that the settings require is out of date."""


@dataclass(frozen=True, slots=True)
class _Place:
    span: Span
    keys: Keys


class IntelGuard:
    """Asks ``indicators`` about every link (a ``Guard`` of turns and a ``StreamGuard``)."""

    def __init__(self, indicators: Indicators = NO_INDICATORS) -> None:
        self._indicators = indicators
        self._links: dict[tuple[int, int, PartKind], tuple[_Place, ...]] = {}

    @property
    def spec(self) -> GuardSpec:
        return GuardSpec(
            id=_ID,
            summary="Links that threat intelligence lists, by URL, domain or address",
            moments=frozenset(Moment),
            look_ahead=1024,
            cost=Cost.LIGHT,
            scope=Scope.EXCHANGE,
            raw=True,
        )

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        if self._indicators.empty:
            return ()
        found: list[Finding] = []
        for index, part in enumerate(exchange.parts):
            if part.text:
                for place in self._places(part.text, part.kind):
                    finding = self._judge(place)
                    if finding is not None:
                        found.append(replace(finding, part=index))
        return found

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        return _Inspector(self, kind) if not self._indicators.empty else _Nothing()

    def look(self, link: Link) -> Finding | None:
        """What is found at one link of a stream."""
        keys = keys_of(parse(link.url))
        return self._judge(_Place(link.span, keys)) if keys else None

    def _places(self, text: str, kind: PartKind) -> tuple[_Place, ...]:
        key = (hash(text), len(text), kind)  # SipHash with a key of this process: the texts themselves are not kept
        known = self._links.get(key)
        if known is None:
            if len(self._links) >= _KEPT:
                self._links.clear()
            found = ((link.span, keys_of(parse(link.url))) for link in links_in(text, kind))
            known = self._links[key] = tuple(_Place(span, keys) for span, keys in found if keys)
        return known

    def _judge(self, place: _Place) -> Finding | None:
        weights: dict[str, tuple[float, Sighting, str]] = {}
        for kind, values in place.keys:
            _weigh(self._indicators.look_up(kind, values), values, weights)
        if not weights:
            if not self._indicators.stale():
                return None
            if self._indicators.required():
                raise IndicatorsStale
            return replace(_UNKNOWN, span=place.span)
        left = 1.0
        for weight, sighting, value in weights.values():
            left *= 1.0 - weight
            self._indicators.seen(sighting, value)
        most = max(weights.values(), key=lambda one: one[0])[1]
        category = most.type.category
        if any(one.type.category is Category.MALWARE for weight, one, _ in weights.values() if weight >= 0.5):
            category = Category.MALWARE
        return Finding(
            rule=f"{_ID}/{most.source}",
            category=category,
            severity=_severity(most.type),
            confidence=round(1.0 - left, 4),
            span=place.span,
            detail=most.type.value,
        )


def keys_of(address: Address | None) -> Keys:
    """What a parsed link is looked up as; nothing where it leads to no host."""
    if address is None:
        return ()
    _, scheme, host, kind, port, _, _, path, query, _ = address  # at once: by name each costs as much as a look-up
    if not host or scheme not in SPECIAL:
        return ()
    urls = url_values(host, port, path, query)
    if len(urls[0]) > MAX_VALUE:
        urls = tuple(value for value in urls if len(value) <= MAX_VALUE)
    if kind is _NAME:
        return ((_URL, urls), (_DOMAIN, domains_of(host)))
    return ((_URL, urls), (_IP, (host,)))


def _weigh(
    sightings: Sequence[Sighting], values: Sequence[str], weights: dict[str, tuple[float, Sighting, str]]
) -> None:
    """Puts the weight of each source's heaviest word into ``weights``, by source."""
    for sighting in sightings:
        weight = sighting.score
        if sighting.kind is not _URL and _MANY.intersection(sighting.contexts):
            weight *= 0.5
        known = weights.get(sighting.source)
        if weight > 0 and (known is None or weight > known[0]):
            weights[sighting.source] = (weight, sighting, values[sighting.index])


def _severity(type_: ThreatType) -> Severity:
    if type_.category is Category.MALWARE:
        return Severity.CRITICAL
    return Severity.MEDIUM if type_ in (ThreatType.SPAM, ThreatType.SCANNER, ThreatType.ANONYMISER) else Severity.HIGH


class _Inspector:
    """A growing reply, link by link."""

    def __init__(self, guard: IntelGuard, kind: PartKind) -> None:
        self._guard = guard
        self._reader = LinkReader(kind)

    @property
    def settled(self) -> int:
        return self._reader.settled

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        found = (self._guard.look(link) for link in self._reader.feed(piece, final))
        return sorted((finding for finding in found if finding is not None), key=lambda finding: finding.span)


class _Nothing:
    """No source, nothing to hold back for."""

    def __init__(self) -> None:
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        self.settled += len(piece)
        return ()

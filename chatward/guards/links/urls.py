"""Links in both directions: what a link claims, against what it is.

The rule: every link that ``extraction`` finds is parsed as browsers do and judged by its signs (``signs``). Clear signs
act, hints are noted. Texts are read as they stand and as they decode (base64, entities, percent, ...); in decoded and
disguised readings only clear signs count. Replies and tool arguments are read while they grow, with the same result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from chatward.core.addresses import parse
from chatward.core.brands import Brands, brands
from chatward.core.ports import Cost, GuardSpec, Item, StreamInspector
from chatward.core.text import Reading, ViewKind
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Source, Span
from chatward.guards.links.extraction import WORD, Link, LinkReader, links_in
from chatward.guards.links.signs import Place, Sign, signs

GUARD: Final = "links.url"
_VIEWS: Final = 4  # readings beside the text itself
_CLEAR: Final = 0.6
_LONGEST: Final = 65536
_APART: Final = re.compile(r"\s{0,2}([:/.])\s{0,2}")
_NUMBERS: Final = re.compile(r"(?i)https?:/{0,2}[0-9a-fx]+(?![a-z.])")

Popular = Callable[[str], bool]


def nobody(name: str) -> bool:
    """For want of a list: no name is well known."""
    return False


class UrlGuard:
    """The signs of links (a ``Guard`` of parts and a ``StreamGuard``). ``own`` are an operator's brands; ``popular``
    knows registered names that very many people visit."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Links that play another site, hide where they lead, run, or reach into the own network",
        moments=frozenset(Moment),
        look_ahead=WORD,
        cost=Cost.LIGHT,
        raw=True,
    )

    def __init__(self, own: tuple[str, ...] = (), popular: Popular = nobody) -> None:
        self._brands = brands(own)
        self._popular = popular

    def load(self) -> None:
        """Loads what knows which names are popular. Raises what that raises."""
        self._popular("example.com")

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        found: list[Finding] = []
        for item in items:
            place = Place.UNTRUSTED if item.source.untrusted else Place.PERSON
            found.extend(self._part(item.reading, item.kind, place, item.index))
        return found

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        return _Inspector(self._judge, Place.CALL if kind is PartKind.JSON else Place.REPLY, kind)

    def _part(self, reading: Reading, kind: PartKind, place: Place, index: int) -> list[Finding]:
        found = [one for link in links_in(reading.text, kind) for one in self._judge(link, place, index)]
        for text, span in hidden(reading):
            for link in links_in(text):
                found += [
                    _finding(Sign(f.rule.partition("/")[2], f.severity, f.confidence), span, index)
                    for f in self._judge(link, place, index)
                    if f.confidence >= _CLEAR and f.severity > Severity.LOW
                ]
        return found

    def _judge(self, link: Link, place: Place, index: int = 0) -> list[Finding]:
        return [_finding(sign, link.span, index) for sign in _signs(link, place, self._brands, self._popular)]


@lru_cache(maxsize=4096)
def _signs(link: Link, place: Place, known: Brands, popular: Popular) -> tuple[Sign, ...]:
    address = parse(link.url)
    return () if address is None else tuple(signs(link, address, place, known, popular))


def hidden(reading: Reading) -> list[tuple[str, Span]]:
    """What a text says decoded, or with its letters joined, with the span of the original that says it."""
    found: dict[str, Span] = {}
    for view in reading.others:
        if not 8 <= len(view.text) <= _LONGEST:
            continue
        if view.kind is ViewKind.DECODED:
            found.setdefault(view.text, view.original(0, len(view.text)))
        elif view.name == "joined":
            # Dots between numbers are gone there, so what is left of an address says nothing.
            text = _NUMBERS.sub(" ", _APART.sub(r"\1", view.text))
            found.setdefault(text, view.original(0, len(view.text)))
    return list(found.items())[:_VIEWS]


def _finding(sign: Sign, span: Span, index: int) -> Finding:
    return Finding(f"{GUARD}/{sign.rule}", Category.LINK, sign.severity, sign.confidence, span, index, detail="link")


class _Inspector:
    """A ``StreamInspector`` over the original text."""

    def __init__(self, judge: Callable[[Link, Place], list[Finding]], place: Place, kind: PartKind) -> None:
        self._judge = judge
        self._place = place
        self._reader = LinkReader(kind)

    @property
    def settled(self) -> int:
        return self._reader.settled

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        """See ``core.ports.StreamInspector.feed``."""
        found = [one for link in self._reader.feed(piece, final) for one in self._judge(link, self._place)]
        found.sort(key=lambda finding: finding.span)
        return found


SOURCES: Final = frozenset(Source)

"""Text as guards read it: one original, several normalised views, one map back.

The rule: text is normalised **once**; guards read views and report positions in views; the map turns
every position into a span of the original, in Unicode code points. A view never invents a position:
``View.original`` always returns a span that lies inside the original text.

Kinds of view:

* ``PLAIN``: invisible characters dropped, compatibility forms folded (full-width, circled, mathematical
  letters, other scripts' digits). Always present, and the very same string for ordinary text.
* ``DECODED``: what a token says after base64, base32, hex, percent, HTML-entity or backslash decoding,
  nested within limits. Every position maps to the whole encoded token.
* ``DISGUISED``: readings that are wrong for ordinary text and right for disguised text: look-alike
  letters folded to Latin, leet, spaced-out letters, rot13, reversed. Read by rules on intent
  (injection), not by rules on values.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from chatward.core.values import Span

LINEAR: Final = -1
"""In ``View.stops``: the run maps in step, code point by code point."""


class ViewKind(str, Enum):
    PLAIN = "plain"
    DECODED = "decoded"
    DISGUISED = "disguised"


class View(NamedTuple):
    """A normalised text and its map back to the original.

    ``anchors``/``targets`` describe the map as runs: view position ``anchors[i] + k`` stands for original
    position ``targets[i] + k`` up to the next anchor. Both are ``None`` when the map is the identity.
    Where ``stops[i]`` is not ``LINEAR``, all of run ``i`` stands for the span ``targets[i]`` to ``stops[i]``
    (an escape, a ligature, an encoded token). ``whole`` overrides the map: every position stands for that span.
    """

    text: str
    kind: ViewKind = ViewKind.PLAIN
    name: str = "plain"
    anchors: Sequence[int] | None = None
    targets: Sequence[int] | None = None
    whole: Span | None = None
    stops: Sequence[int] | None = None

    def original(self, start: int, end: int) -> Span:
        """The span of the original that view positions ``start`` to ``end`` (exclusive) stand for."""
        if self.whole is not None:
            return self.whole
        anchors, targets = self.anchors, self.targets
        if anchors is None or targets is None:
            return (start, end)
        first = self._at(anchors, targets, start)[0]
        if end <= start:
            return (first, first)
        return (first, max(self._at(anchors, targets, end - 1)[1], first))

    def _at(self, anchors: Sequence[int], targets: Sequence[int], position: int) -> Span:
        """What one position stands for."""
        run = bisect_right(anchors, position) - 1
        target = targets[run]
        if self.stops is not None and self.stops[run] != LINEAR:
            return (target, self.stops[run])
        target += position - anchors[run]
        if run + 1 < len(targets):
            target = min(target, max(targets[run + 1] - 1, targets[run]))
        return (target, target + 1)


class Reading(NamedTuple):
    """One original text with its views. ``invisible`` counts the code points that plain drops."""

    text: str
    plain: View
    others: tuple[View, ...] = ()
    invisible: tuple[Span, ...] = ()

    @property
    def views(self) -> tuple[View, ...]:
        return (self.plain, *self.others)

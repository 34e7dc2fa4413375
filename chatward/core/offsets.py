"""Building a view together with its map back to the original.

The rule: a view is woven from pieces in order. A piece is either *copied* (each of its code points stands for
one code point of the source, in step) or *put* (all of it stands for one span of the source). Copied pieces
that follow on from each other form one run, so that ordinary text has no map at all.

The source of a weave is the original text, or another view of it; then its map is composed with that
view's, and the result maps to the original all the same.
"""

from __future__ import annotations

from bisect import bisect_right

from chatward.core.text import LINEAR, View, ViewKind


class Weave:
    """Collects the pieces of one view. ``base`` is the view that positions refer to; ``None``: the original."""

    __slots__ = ("_anchors", "_base", "_length", "_pieces", "_stops", "_targets")

    def __init__(self, base: View | None = None) -> None:
        if base is not None and base.anchors is None and base.whole is None:
            base = None
        self._base = base
        self._pieces: list[str] = []
        self._anchors: list[int] = []
        self._targets: list[int] = []
        self._stops: list[int] = []
        self._length = 0

    @property
    def length(self) -> int:
        """Code points woven so far."""
        return self._length

    def copy(self, piece: str, start: int) -> None:
        """Adds ``piece``, whose code points stand one by one for those of the source from ``start`` on."""
        if not piece:
            return
        base = self._base
        if base is None:
            self._linear(len(piece), start)
        elif base.whole is not None:
            self._atomic(*base.whole)
            self._length += len(piece)
        else:
            self._composed(base, len(piece), start)
        self._pieces.append(piece)

    def put(self, piece: str, start: int, end: int) -> None:
        """Adds ``piece``, all of which stands for the span ``start`` to ``end`` of the source."""
        if not piece:
            return
        span = (start, end) if self._base is None else self._base.original(start, end)
        self._atomic(*span)
        self._length += len(piece)
        self._pieces.append(piece)

    def view(self, kind: ViewKind, name: str, source_length: int) -> View:
        """The view woven so far, of an original with ``source_length`` code points."""
        text = "".join(self._pieces)
        if not self._anchors:
            ends = (source_length,)
            return View(text, kind, name, (0,), ends, stops=ends) if source_length else View(text, kind, name)
        if len(self._anchors) == 1 and self._targets[0] == 0 and self._stops[0] == LINEAR:
            return View(text, kind, name)
        return View(text, kind, name, tuple(self._anchors), tuple(self._targets), stops=tuple(self._stops))

    def _linear(self, count: int, start: int) -> None:
        follows = (
            self._anchors
            and self._stops[-1] == LINEAR
            and self._targets[-1] + self._length - self._anchors[-1] == start
        )
        if not follows:
            self._anchors.append(self._length)
            self._targets.append(start)
            self._stops.append(LINEAR)
        self._length += count

    def _atomic(self, start: int, end: int) -> None:
        if self._anchors and self._stops[-1] == end and self._targets[-1] == start:
            return
        self._anchors.append(self._length)
        self._targets.append(start)
        self._stops.append(end)

    def _composed(self, base: View, count: int, start: int) -> None:
        """Copies through the map of ``base``, run by run."""
        anchors, targets = base.anchors or (0,), base.targets or (0,)
        end = start + count
        run = bisect_right(anchors, start) - 1
        while start < end:
            following = anchors[run + 1] if run + 1 < len(anchors) else end
            upto = min(end, following)
            if base.stops is not None and base.stops[run] != LINEAR:
                self._atomic(targets[run], base.stops[run])
                self._length += upto - start
            else:
                self._linear(upto - start, targets[run] + start - anchors[run])
            start, run = upto, run + 1

"""Release: what of a growing text may leave, and as what.

The rules:

1. **Nothing leaves undecided.** A code point leaves when every inspector has settled beyond it.
2. **Splitting does not matter.** Findings are taken in order of ``precedence`` once all findings that start before
   them are known; an edit covers its span, and what a later finding adds beyond the edit is edited by
   the later one. So what comes out is a function of the whole text.
3. **The cost of a piece does not grow with the reply.** What has left is forgotten, but for the look-back that
   inspectors keep for themselves.
4. A block lets out what stands before the blocked span, edited, and nothing after.
5. In JSON text an edit never breaks the JSON: it is escaped inside strings, quoted outside of them, and never
   swallows the quotation marks and punctuation between two strings.

No I/O and no clock: an inspector that raises is reported through ``on_failure``, which says whether to stop.
"""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chatward.core.normalise import PlainStream
from chatward.core.ports import StreamInspector
from chatward.core.text import LINEAR, View
from chatward.core.values import MODEL, Finding, PartKind


@dataclass(frozen=True, slots=True)
class Edit:
    """What takes the place of a span. ``text`` ``None`` keeps it; ``block`` ends the text before it."""

    text: str | None = None
    block: bool = False


@dataclass(slots=True)
class Watcher:
    """An inspector on a lane: the guards it stands for, and whether it reads the original text."""

    inspector: StreamInspector
    guards: tuple[str, ...]
    raw: bool = False


KEEP = Edit()
TRAIL: Final = 300
"""Code points before a finding that ``Release.before`` knows of."""

Decide = Callable[[Finding, str], Edit]
OnFailure = Callable[[Watcher, Exception], bool]


def precedence(finding: Finding) -> tuple[int, int, bool, float, str]:
    """The order in which findings are treated: the earlier, the longer, a rule's before a model's, the surer."""
    start, end = finding.span
    return start, -end, finding.detail == MODEL, -finding.confidence, finding.rule


class Release:
    """The hold-back buffer of one text: ``feed`` pieces, ``close`` once; both return what may leave."""

    def __init__(
        self,
        watchers: Sequence[Watcher],
        decide: Decide,
        on_failure: OnFailure,
        kind: PartKind = PartKind.TEXT,
    ) -> None:
        self._watchers = list(watchers)
        self._decide = decide
        self._on_failure = on_failure
        self._json = JsonCursor() if kind is PartKind.JSON else None
        self._plain = PlainStream(kind)
        self._map = _PlainMap()
        self._held = ""  # original text that has not left
        self._trail = ""  # the end of what has left, as it came
        self._base = 0  # offset of its first code point
        self._left = 0  # offset up to which text has left or was replaced
        self._pending: list[Finding] = []
        self.blocked = False
        self.closed = False
        self.stopped = False  # set from outside while inspectors run: nothing more may leave

    def feed(self, piece: str) -> str:
        """The next piece of the text; returns what may leave now."""
        if self.blocked or self.closed or not piece:
            return ""
        return self._advance(piece, final=False)

    def close(self) -> str:
        """The text has ended; returns the rest."""
        if self.blocked or self.closed:
            return ""
        self.closed = True
        return self._advance("", final=True)

    def before(self, offset: int) -> str:
        """The original text that stands before an offset which has not left, ``TRAIL`` code points of it at most."""
        return (self._trail + self._held[: offset - self._base])[-TRAIL:]

    def whole(self, text: str) -> str:
        """A text that is complete: what ``feed`` and ``close`` would return, in one."""
        if self.blocked or self.closed:
            return ""
        self.closed = True
        return self._advance(text, final=True)

    def _advance(self, piece: str, *, final: bool) -> str:
        self._held += piece
        end = self._base + len(self._held)
        plain = self._map.add(self._plain, piece, final=final)
        settled, settled_plain = end, sys.maxsize
        for watcher in self._watchers:
            inspector = watcher.inspector
            try:
                findings = inspector.feed(piece if watcher.raw else plain, final)
                offset = inspector.settled
            except Exception as error:
                self._watchers = [other for other in self._watchers if other is not watcher]
                if self._on_failure(watcher, error):
                    self.blocked = True
                    return ""
                continue
            if watcher.raw:
                self._pending += findings
                settled = min(settled, offset)
            else:
                if findings:
                    self._pending.extend(self._map.finding(finding) for finding in findings)
                settled_plain = min(settled_plain, offset)
        if self.stopped:
            self.blocked = True
            return ""
        if final:
            return self._emit(end, final=True) if self._pending else self._take(end)
        settled = min(settled, self._map.settled(settled_plain, end))
        if self._pending:
            return self._emit(settled, final=False)
        if settled <= self._left:
            return ""
        out = self._take(settled)
        self._forget(settled)
        return out

    def _emit(self, settled: int, *, final: bool) -> str:
        out: list[str] = []
        if self._pending:
            self._pending.sort(key=precedence)
            due = [f for f in self._pending if final or f.span[0] < settled]
            self._pending = self._pending[len(due) :]
            for finding in due:
                start, end = finding.span
                if end <= self._left and end > start:
                    continue
                # Of a finding that an edit has covered in part, the rest is what is decided on.
                edit = self._decide(finding, self._held[max(start, self._left) - self._base : end - self._base])
                if edit.block:
                    out.append(self._take(max(start, self._left)))
                    self.blocked = True
                    self._held = ""
                    return "".join(out)
                if edit.text is None:
                    continue
                out.append(self._take(max(start, self._left)))
                out.append(self._replace(end, edit.text))
        if settled > self._left:
            out.append(self._take(settled))
        self._forget(settled)
        return "".join(out)

    def _take(self, upto: int) -> str:
        """The kept text up to an offset, as it is."""
        text = self._held[self._left - self._base : upto - self._base]
        self._left = max(self._left, upto)
        if self._json is not None:
            self._json.pass_over(text)
        return text

    def _replace(self, upto: int, replacement: str) -> str:
        """The replacement for the text up to an offset."""
        text = self._held[self._left - self._base : upto - self._base]
        self._left = upto
        return replacement if self._json is None else self._json.replace(text, replacement)

    def _forget(self, settled: int) -> None:
        drop = self._left - self._base
        if drop > 0:
            self._trail = (self._trail + self._held[:drop])[-TRAIL:]
            self._held = self._held[drop:]
            self._base = self._left
            # An edit may reach beyond what is settled: findings that start under it are still to come.
            self._map.forget(min(self._base, settled))


def rewrite(text: str, edits: Sequence[tuple[int, int, str]], kind: PartKind = PartKind.TEXT) -> str:
    """A whole text with edits put in. Edits are (start, end, replacement) in any order; rules 2 and 5 hold."""
    if not edits:
        return text
    cursor = JsonCursor() if kind is PartKind.JSON else None
    out: list[str] = []
    left = 0
    for start, end, replacement in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if end <= left:
            continue
        kept = text[left : max(start, left)]
        replaced = text[max(start, left) : end]
        out.append(kept)
        if cursor is None:
            out.append(replacement)
        else:
            cursor.pass_over(kept)
            out.append(cursor.replace(replaced, replacement))
        left = end
    out.append(text[left:])
    return "".join(out)


class JsonCursor:
    """Knows whether a position in JSON text (RFC 8259) is inside a string."""

    _MARK = re.compile(r'\\.|["\\]', re.DOTALL)

    def __init__(self) -> None:
        self.in_string = False
        self._escaped = False  # what was passed over ended in a lone backslash

    def pass_over(self, text: str) -> None:
        """Moves over text."""
        if not text:
            return
        if self._escaped:
            self._escaped = False
            text = text[1:]
        for mark in self._MARK.findall(text):
            if mark == '"':
                self.in_string = not self.in_string
            elif mark == "\\":
                self._escaped = True

    def replace(self, text: str, replacement: str) -> str:
        """Moves over ``text`` and returns JSON text that stands for ``replacement`` in its place."""
        inner = json.dumps(replacement, ensure_ascii=False)[1:-1]
        if '"' not in text:
            inside = self.in_string
            self.pass_over(text)
            return inner if inside else f'"{inner}"'
        # The span reaches over the border of a string: the marks and what stands between strings stay.
        out: list[str] = []
        for piece in re.split(r'((?:\\.)|")', text):
            inside = self.in_string
            self.pass_over(piece)
            if piece == '"' or not inside:
                out.append(piece)
            elif piece and inner:
                out.append(inner)
                inner = ""
        return "".join(out)


class _PlainMap:
    """Maps offsets of the plain view to offsets of the original while both grow.

    While the two are the same text, which is nearly always, there is no map. Then runs, as in ``core.text.View``.
    """

    def __init__(self) -> None:
        self._anchors: list[int] | None = None
        self._targets: list[int] = []
        self._stops: list[int] = []
        self._plain = 0
        self._consumed = 0

    def add(self, stream: PlainStream, piece: str, *, final: bool) -> str:
        """Feeds a piece to the normaliser, notes the map, returns the plain text that came out."""
        if self._anchors is None and self._plain == self._consumed and stream.takes(piece):
            self._plain += len(piece)
            self._consumed = stream.consumed
            return piece
        text = self._note(stream.feed(piece), stream.consumed)
        return text + self._note(stream.close(), stream.consumed) if final else text

    def _note(self, view: View, consumed: int) -> str:
        if self._anchors is None and (view.anchors is not None or self._plain != self._consumed):
            self._anchors, self._targets, self._stops = [0], [0], [LINEAR]
        if self._anchors is not None:
            if view.anchors is None:
                self._run(self._plain, self._consumed, LINEAR)
            else:
                assert view.targets is not None
                stops = view.stops or (LINEAR,) * len(view.anchors)
                for anchor, target, stop in zip(view.anchors, view.targets, stops, strict=True):
                    base = self._consumed
                    self._run(self._plain + anchor, base + target, stop if stop == LINEAR else base + stop)
        self._plain += len(view.text)
        self._consumed = consumed
        return view.text

    def _run(self, anchor: int, target: int, stop: int) -> None:
        assert self._anchors is not None
        if self._anchors[-1] == anchor:  # an empty run: the new one takes its place
            self._anchors.pop(), self._targets.pop(), self._stops.pop()
        self._anchors.append(anchor)
        self._targets.append(target)
        self._stops.append(stop)

    def finding(self, finding: Finding) -> Finding:
        """The finding with its span in the original."""
        if self._anchors is None:
            return finding
        start, end = finding.span
        return replace(finding, span=(self._at(start)[0], self._at(max(start, end - 1))[1]))

    def settled(self, offset: int, end: int) -> int:
        """The offset of the original before which everything stands for plain text before ``offset``."""
        if offset >= self._plain:
            return min(self._consumed, end)
        return offset if self._anchors is None else self._at(offset)[0]

    def _at(self, position: int) -> tuple[int, int]:
        assert self._anchors is not None
        run = bisect_right(self._anchors, position) - 1
        target, stop = self._targets[run], self._stops[run]
        if stop != LINEAR:
            return target, stop
        target += position - self._anchors[run]
        return target, target + 1

    def forget(self, base: int) -> None:
        """Nothing before ``base`` of the original will be asked for again."""
        if self._anchors is None or len(self._anchors) < 256:
            return
        drop = max(0, bisect_right(self._targets, base) - 1)
        del self._anchors[:drop], self._targets[:drop], self._stops[:drop]

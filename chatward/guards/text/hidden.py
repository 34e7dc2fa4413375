"""Hidden text: what a model reads and a person does not see.

The rules, each about a maximal *run* of code points without a mark of their own and its two neighbours, so that a
stream finds what the whole text has:

1. Tag characters (U+E0000 to U+E007F) spell ASCII invisibly. Legitimate is only the flag of a region: a black flag
   and at most seven tags (UTS 51, emoji tag sequences).
2. Bidirectional overrides (U+202D, U+202E) show letters in another order than they stand (CVE-2021-42574).
3. Zero-width code points inside a word of a script that does not need them (Latin, Greek, Cyrillic) split the word for
   whoever compares it. Joiners in emoji, in Persian or in Indic scripts are ordinary, as is a soft hyphen.
4. Variation selectors come one at a time; several in a row carry data.
5. Any other run of four or more carries data.

In messages, also: HTML that is styled away and comments that speak to a machine (whole texts only).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from chatward.core.ports import Cost, GuardSpec, Item
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity

_CLASS: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
)
_RUN: Final = re.compile(f"[{_CLASS}]+")
_TRAILING: Final = re.compile(f"[{_CLASS}]*\\Z")
_ANY: Final = re.compile(f"[{_CLASS}]")
_FLAG: Final = "\U0001f3f4"
_DATA_RUN: Final = 4
_MAX_RUN: Final = 4096
"""Code points of one run that a stream holds back; a longer one is found in pieces."""

_STYLED_AWAY: Final = re.compile(
    r"<(?P<tag>[a-z]{1,12})\b[^<>]{0,300}?(?:style\s*=\s*[\"'][^\"'<>]{0,300}?(?:display\s*:\s*none|visibility\s*:\s*hidden"
    r"|font-size\s*:\s*0(?:px|pt|em|%)?\s*[;\"']|opacity\s*:\s*0(?:\.0+)?\s*[;\"']"
    r"|color\s*:\s*(?:white|#fff(?:fff)?|rgba?\(\s*255\s*,\s*255\s*,\s*255|transparent)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,5}px)|\bhidden\b(?!\s*=))[^<>]{0,300}>(?P<text>[^<]{8,4000})",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(
    r"<!--(?P<html>.{8,4000}?)-->|^\[(?://|comment)\]:\s{0,3}(?:#|<>)\s{0,3}[(\"'](?P<markdown>.{8,2000}?)[)\"']\s*$",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_TO_A_MACHINE: Final = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override|instructions?|assistant|system prompt|language model|llm|chatbot|ai (?:model"
    r"|agent|assistant|system)|you (?:must|should|are)|do not (?:tell|mention|reveal)|reveal|respond|reply with|send"
    r"|anweisung\w*|ignorier\w*|instrucciones|ignora\w*|ignorez|consignes|istruzioni|instruções|игнорир\w*|инструкц\w*)"
    r"|忽略|指示|指令|無視"
)


class HiddenTextGuard:
    """Looks at original text for what normalising would drop."""

    spec: Final = GuardSpec(
        id="text.hidden",
        summary="Text that models read and people do not see: tag characters, bidi overrides, zero-width, hidden HTML",
        moments=frozenset(Moment),
        look_ahead=_MAX_RUN,
        cost=Cost.LIGHT,
        raw=True,
    )

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        found: list[Finding] = []
        for item in items:
            text = item.reading.text
            if not text.isascii() and _ANY.search(text):
                found.extend(_runs(text, item.index))
            if item.kind is PartKind.TEXT and "<" in text or "]:" in text:
                found.extend(_markup(text, item.index))
        return found

    def open(self, exchange: Exchange, kind: PartKind) -> _HiddenStream:
        return _HiddenStream()


def _runs(text: str, part: int) -> Iterator[Finding]:
    for match in _RUN.finditer(text):
        start, end = match.span()
        for at in range(start, end, _MAX_RUN):
            stop = min(at + _MAX_RUN, end)
            finding = _judged(text[at:stop], text[start - 1 : start], text[end : end + 1], at, part)
            if finding is not None:
                yield finding


def _judged(run: str, before: str, after: str, at: int, part: int) -> Finding | None:
    """What a run is, by rules 1 to 5, or ``None`` where it is ordinary."""

    def finding(rule: str, confidence: float, severity: Severity = Severity.MEDIUM) -> Finding:
        span = (at, at + len(run))
        return Finding(f"text.hidden/{rule}", Category.INDIRECT_INJECTION, severity, confidence, span, part)

    tags = sum("\U000e0000" <= char <= "\U000e007f" for char in run)
    if tags and not (before == _FLAG and len(run) <= 8 and run.endswith("\U000e007f")):
        return finding("tag-characters", 0.95, Severity.HIGH)
    if "\u202e" in run or "\u202d" in run:
        return finding("bidi-override", 0.8)
    selectors = sum("\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" for char in run)
    if selectors > 1:
        return finding("variation-selectors", 0.9, Severity.HIGH)
    if len(run) >= _DATA_RUN and not tags:
        return finding("invisible-run", 0.8)
    if run.strip("\u00ad") and not selectors and _in_word(before) and _in_word(after):
        return finding("zero-width", 0.7)
    return None


def _in_word(char: str) -> bool:
    """True for a letter or digit of a script that has no use for joiners: Latin, Greek, Cyrillic."""
    return bool(char) and ord(char) < 0x530 and char.isalnum()


def _markup(text: str, part: int) -> Iterator[Finding]:
    for match in _STYLED_AWAY.finditer(text):
        sure = 0.8 if _TO_A_MACHINE.search(match["text"]) else 0.4
        yield Finding(
            "text.hidden/html", Category.INDIRECT_INJECTION, Severity.MEDIUM, sure, match.span("text"), part
        )
    for match in _COMMENT.finditer(text):
        inside = match["html"] or match["markdown"] or ""
        if _TO_A_MACHINE.search(inside):
            yield Finding(
                "text.hidden/comment", Category.INDIRECT_INJECTION, Severity.MEDIUM, 0.6, match.span(), part
            )


class _HiddenStream:
    """Rules 1 to 5 on a growing text. Holds back a run that has not ended, and nothing else."""

    def __init__(self) -> None:
        self.settled = 0
        self._held = ""
        self._before = ""  # the code point before the run that is held
        self._start = 0  # where that run begins, beyond pieces of it that are settled

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        if not self._held and (piece.isascii() or not _ANY.search(piece)):
            if piece:
                self._before = piece[-1]
                self.settled += len(piece)
            return ()
        text = self._held + piece
        base = self.settled
        found: list[Finding] = []
        done = 0
        for match in _RUN.finditer(text):
            start, end = match.span()
            if end == len(text) and not final:
                break
            before = text[start - 1] if start else self._before
            found.extend(self._pieces(text[start:end], before, text[end : end + 1], base + start))
            done = end
        tail = 0 if final else len(text) - _TRAILING.search(text).start()  # type: ignore[union-attr]
        settled = len(text) - tail
        if settled:
            self._before = text[settled - 1] if done < settled or settled > 0 else self._before
        self._held = text[settled:]
        self.settled = base + settled
        return found

    def _pieces(self, run: str, before: str, after: str, at: int) -> Iterator[Finding]:
        for offset in range(0, len(run), _MAX_RUN):
            finding = _judged(run[offset : offset + _MAX_RUN], before, after, at + offset, 0)
            if finding is not None:
                yield finding

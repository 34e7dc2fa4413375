"""Text that people do not see and models do: invisible code points, hidden HTML, comments with instructions.

The rule: what leaves no mark is fine where a script or an emoji needs it, and a finding where it carries data or cuts
words. Legitimate: a joiner in emoji and in Arabic or Indic words, one variation selector after its base, tag
characters in a flag (U+1F3F4, UTS 51), a zero-width space between words of scripts without blanks, direction
marks. Not legitimate: tag characters elsewhere ("ASCII smuggling"), several variation selectors in a row (a byte each),
zero-width code points inside Latin, Greek or Cyrillic words or in long runs, and direction overrides.

Spans cover exactly what is to be removed. What hidden code points say is read by the injection rules as a decoded view;
here only their presence counts. Hidden HTML and comments are looked for in input alone, and a comment only counts if it
speaks to the bot, so that ordinary pages pass. Runs are cut every ``_SLICE`` code points, which bounds what a stream
holds back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from chatward.core.ports import Cost, GuardSpec, Item
from chatward.core.text import Reading
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Span

GUARD: Final = "text.hidden"
_SLICE: Final = 256
_LONGEST_ESCAPE: Final = 12

_MARKS: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ESCAPED_MARKS: Final = (
    r"\\u(?:00[aA][dD]|034[fF]|061[cC]|115[fF]|1160|17[bB][45]|180[b-fB-F]|200[b-fB-F]|202[a-eA-E]|206[0-9a-fA-F]|3164"
    r"|[fF][eE](?:0[0-9a-fA-F]|[fF][fF])|[fF][fF](?:[aA]0|[fF][0-9a-bA-B]))"
    r"|\\u[dD][bB]4[0-3]\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_RUN: Final = re.compile(f"(?P<run>[{_MARKS}]+)")
_RUN_JSON: Final = re.compile(rf"(?P<run>(?:[{_MARKS}]|{_ESCAPED_MARKS})+)|\\[^u]")
_ESCAPE: Final = re.compile(
    r"\\u[dD][bB]4[0-3]\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<open>(?:\\u[dD][bB]4[0-3](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?|\\(?:u[0-9a-fA-F]{0,3})?)\Z)"
    r"|\\(?:[^u]|u[0-9a-fA-F]{4})"
)
_MARK_JSON: Final = re.compile(rf"{_ESCAPED_MARKS}|[{_MARKS}]")

_FLAG: Final = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_TAGS: Final = re.compile("[\U000e0000-\U000e007f]")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_OVERRIDES: Final = re.compile("[\u202d\u202e]")
_EMOJI_GLUE: Final = frozenset({"\ufe0f", "\ufe0e", "\u200d", "\ufe0f\u200d"})


class Verdict(NamedTuple):
    """What one run is, or nothing: rule name, confidence, severity, category."""

    rule: str
    confidence: float
    severity: Severity
    category: Category


_SMUGGLED: Final = Verdict("tag-characters", 0.95, Severity.HIGH, Category.INDIRECT_INJECTION)
_SELECTED: Final = Verdict("variation-selectors", 0.9, Severity.HIGH, Category.INDIRECT_INJECTION)
_OVERRIDDEN: Final = Verdict("bidi", 0.75, Severity.MEDIUM, Category.POLICY)
_DATA: Final = Verdict("zero-width-data", 0.8, Severity.HIGH, Category.INDIRECT_INJECTION)
_SPLIT: Final = Verdict("zero-width", 0.6, Severity.MEDIUM, Category.POLICY)
_PADDING: Final = Verdict("zero-width", 0.4, Severity.LOW, Category.POLICY)


def judge(run: str, before: str, after: str) -> Verdict | None:
    """What a run of invisible code points is, between the code points before and after it ("" at the ends)."""
    if _TAGS.search(run):
        return None if before == "\U0001f3f4" and _FLAG.fullmatch(run) else _SMUGGLED
    if len(_SELECTORS.findall(run)) >= 2:
        return _SELECTED
    if _OVERRIDES.search(run):
        return _OVERRIDDEN
    inside = _plain_letter(before) and _plain_letter(after)
    if len(run) >= 6:
        return _DATA if len(set(run)) >= 2 else _PADDING
    if inside and run == "\u00ad":
        return Verdict("zero-width", 0.3, Severity.INFO, Category.POLICY)  # a soft hyphen is where it belongs
    if inside and run not in {"\ufe0e", "\ufe0f"}:
        return _SPLIT
    return None


def _plain_letter(char: str) -> bool:
    """A letter of a script in which no word holds invisible code points: Latin, Greek, Cyrillic."""
    return char.isalpha() and (char < "\u0530" or "\u1e00" <= char < "\u2000")


# --- runs ----------------------------------------------------------------------------------------------


class _Run(NamedTuple):
    start: int
    end: int
    verdict: Verdict | None


def _runs(text: str, kind: PartKind, before: str, final: bool) -> tuple[list[_Run], int, str]:
    """The judged runs of a text that follows ``before``, the offset up to which it is settled, and what the rest
    of the text follows."""
    as_json = kind is PartKind.JSON
    if not as_json and text.isascii():
        return [], len(text), text[-1:] or before
    limit = len(text) if final or not as_json else _settled_escapes(text)
    found: list[_Run] = []
    for match in (_RUN_JSON if as_json else _RUN).finditer(text, 0, limit):
        if match["run"] is None:
            continue
        start, end = match.span()
        previous = _previous(text, start, before, as_json)
        for low, high, run, last in _sliced(text, start, end, as_json):
            if last and high == limit and not final:
                return found, low, previous
            found.append(_Run(low, high, judge(run, previous, text[high : high + 1] if last else "")))
            previous = ""
    return found, limit, _previous(text, limit, before, as_json)


def _previous(text: str, at: int, before: str, as_json: bool) -> str:
    """The code point before an offset; "" where that is the end of a JSON escape."""
    if at == 0:
        return before
    if as_json and (text[at - 2 : at - 1] == "\\" or text[max(at - 6, 0) : max(at - 4, 0)] == "\\u"):
        return ""
    return text[at - 1]


def _settled_escapes(text: str) -> int:
    """The offset before an escape at the end of a text that the next piece may complete."""
    if "\\" in text:
        for found in _ESCAPE.finditer(text):
            if found["open"] is not None:
                return found.start()
    return len(text)


def _sliced(text: str, start: int, end: int, as_json: bool) -> Iterator[tuple[int, int, str, bool]]:
    """A run in slices: start, end, the code points that it holds, and whether it is the last."""
    if as_json:
        places = [match.span() for match in _MARK_JSON.finditer(text, start, end)]
    else:
        places = [(at, at + 1) for at in range(start, end)]
    for first in range(0, len(places), _SLICE):
        chosen = places[first : first + _SLICE]
        low, high = chosen[0][0], chosen[-1][1]
        run = json.loads(f'"{text[low:high]}"') if as_json else text[low:high]
        yield low, high, run, first + _SLICE >= len(places)


# --- HTML and comments -----------------------------------------------------------------------------------

_CONCEALED: Final = re.compile(
    r"<(?P<name>[a-z][a-z0-9]{0,15})\b[^<>]{0,300}?(?:\bstyle\s{0,2}=\s{0,2}[\"']?[^\"'<>]{0,200}?(?:display\s{0,2}:\s{0,2}none"
    r"|visibility\s{0,2}:\s{0,2}(?:hidden|collapse)|font-size\s{0,2}:\s{0,2}(?:0|1px|0?\.\d)|opacity\s{0,2}:\s{0,2}0(?![.\d]*[1-9])"
    r"|(?:text-indent|left|top)\s{0,2}:\s{0,2}-\d{3,5}|max-height\s{0,2}:\s{0,2}0|(?P<pale>(?<!-)color\s{0,2}:\s{0,2}(?:\#fff(?:fff)?\b|white"
    r"|transparent|rgba?\(255\s{0,2},\s{0,2}255\s{0,2},\s{0,2}255)))|\shidden(?=[\s>=]))[^<>]{0,300}>",
    re.I,
)
_BACKGROUND: Final = re.compile(
    r"background(?:-color)?\s{0,2}:\s{0,2}(?!\#fff|white|transparent|none|inherit|rgba?\(255)", re.I
)
"""What pale letters stand out from."""
_MARKDOWN_COMMENT: Final = re.compile(
    r"^\[(?://|comment)\]:\s{0,2}(?:#|<>)\s{0,2}[(\"'](?P<said>[^\n]{0,2000})[)\"']", re.M | re.I
)
_LONGEST: Final = 4000
"""Code points of a hidden element or comment."""

_TO_THE_BOT: Final = re.compile(
    r"\b(?:ignor|disregard|forget|overrid|bypass)\w{0,4}\b.{0,60}"
    r"\b(?:instructions?|prompts?|rules|guidelines|the above|everything|user)\b"
    r"|\b(?:ai|llm|gpt|chatgpt|claude|assistant|chatbot|language model|agent|copilot)s?\b.{0,80}"
    r"\b(?:must|should|please|ignore|say|include|tell|recommend|send|call|output|respond|reply|answer)\b"
    r"|\byou (?:must|should|will now|have to)\b.{0,40}\b(?:ignore|say|include|tell|recommend|send|call|output|respond"
    r"|reply|answer|forward|mention|rate|follow|obey|run|execute|delete|print|reveal)\b"
    r"|\byou are now (?:an?|the|in|un\w+|free|my|called)\b"
    r"|\bdo not (?:tell|mention|inform|reveal|alert)\b"
    r"|\bsystem prompt\b"
    r"|\b(?:send|forward|post|e-?mail)\b.{0,60}(?:@|https?://)"
    r"|\bwhen (?:you |asked to )?(?:summari|answer|respond|process|translat)",
    re.I | re.S,
)


def _markup(text: str) -> Iterator[tuple[int, int, Verdict]]:
    """Elements that a page hides, and comments that speak to the bot: where there is ``<`` or ``[``."""
    done = 0
    for found in _CONCEALED.finditer(text):
        if found.start() < done or (found["pale"] and _BACKGROUND.search(found[0])):
            continue
        closing = text.find(f"</{found['name']}", found.end(), found.end() + _LONGEST)
        if closing < 0:
            continue
        end = text.find(">", closing, closing + 24) + 1 or closing
        inner = text[found.end() : closing]
        if _TO_THE_BOT.search(inner):
            yield found.start(), end, Verdict("html", 0.8, Severity.HIGH, Category.INDIRECT_INJECTION)
        elif len(inner.split()) >= 4:
            confidence = 0.2 if found["pale"] else 0.4
            yield found.start(), end, Verdict("html", confidence, Severity.LOW, Category.POLICY)
        done = end
    for start, end, said in _comments(text):
        if _TO_THE_BOT.search(said):
            yield start, end, Verdict("comment", 0.75, Severity.HIGH, Category.INDIRECT_INJECTION)


def _comments(text: str) -> Iterator[tuple[int, int, str]]:
    """HTML comments, and Markdown link definitions used as comments, with what they say."""
    start = text.find("<!--")
    while start >= 0:
        end = text.find("-->", start + 4, start + _LONGEST)
        if end >= 0:
            yield start, end + 3, text[start + 4 : end]
        start = text.find("<!--", max(end, start + 4))
    if "]:" in text:
        for found in _MARKDOWN_COMMENT.finditer(text):
            yield *found.span(), found["said"]


# --- the guard ---------------------------------------------------------------------------------------------


def _finding(verdict: Verdict, span: Span, part: int = 0) -> Finding:
    return Finding(
        f"{GUARD}/{verdict.rule}", verdict.category, verdict.severity, verdict.confidence, span, part, "", verdict.rule
    )


class HiddenTextGuard:
    """Looks for what is hidden in a text. Streams are read by the same rules, piece by piece."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Invisible code points that carry data or cut words, direction overrides, hidden HTML and comments",
        moments=frozenset({Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL}),
        look_ahead=_SLICE * _LONGEST_ESCAPE,
        cost=Cost.LIGHT,
    )

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        found: list[Finding] = []
        for item in items:
            reading = item.reading
            text = reading.plain.text
            if item.kind is not PartKind.OPAQUE and (reading.invisible or "<" in text or "[" in text):
                found.extend(self._of(reading, item.kind, moment, item.index))
        return found

    def _of(self, reading: Reading, kind: PartKind, moment: Moment, part: int) -> Iterator[Finding]:
        if reading.invisible:
            for run in _runs(reading.text, kind, "", True)[0]:
                if run.verdict is not None:
                    yield _finding(run.verdict, (run.start, run.end), part)
        if moment is Moment.INPUT:
            for start, end, verdict in _markup(reading.plain.text):
                yield _finding(verdict, reading.plain.original(start, end), part)

    def open(self, exchange: Exchange, kind: PartKind) -> HiddenTextStream:
        return HiddenTextStream(kind)


class HiddenTextStream:
    """The guard's look at one growing text; finds what ``inspect`` finds in the whole, but for HTML."""

    def __init__(self, kind: PartKind) -> None:
        self._kind = kind
        self._rest = ""
        self._before = ""
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        if not self._rest and self._kind is not PartKind.JSON and piece.isascii():
            self._before = piece[-1:] or self._before
            self.settled += len(piece)
            return ()
        text = self._rest + piece
        runs, upto, self._before = _runs(text, self._kind, self._before, final)
        found = [
            _finding(run.verdict, (run.start + self.settled, run.end + self.settled))
            for run in runs
            if run.verdict is not None
        ]
        self._rest = text[upto:]
        self.settled += upto
        return found

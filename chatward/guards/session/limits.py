r"""Limits on the size and shape of a turn, and loops that agents fall into.

The rule: what no conversation needs is a finding, whatever it says.

1. Too much: messages, parts, tools, code points in all, JSON nested too deep.
2. One *token* of tens of thousands of letters with no blank, quote, comma or bracket in it. Tokenisers
   degrade on it; base64 of a small attachment stays below the limit, compact JSON and Chinese prose have breaks.
3. A *flood*: thousands of code points that say one thing over and over. Measured by compression (RFC 1951) of
   windows, because a flood compresses forty times and more, logs and tables some five to twenty times.
4. *Many-shot*: a dialogue of many invented turns between a user and an assistant inside one message, which teaches a
   model to go on likewise. A pasted transcript of a few turns is none; an operator's examples are none.
5. *Loops*: within one turn of the person, the same tool call with the same arguments and the same result,
   again and again, or two to four calls in a circle. Polling whose result changes may go on four times as long.

The cost is linear; an ordinary message costs a few microseconds. Sizes are code points.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chatward.core.ports import Cost, GuardSpec, Item, Scope
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Source, Span

_ID: Final = "session.limits"

_BREAK: Final = "\\s\"'`,;|{}\\[\\]()<>\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff5b-\uff65"
_TOKEN: Final = re.compile(f"[^{_BREAK}]+")

_WINDOW: Final = 4096  # code points compressed at once
_RATIO: Final = 40  # how many times smaller a window of a flood is
_SPARSE: Final = 65_536  # texts longer than this are sampled: one window in four
_TURNS_SEEN: Final = 1024  # parts of the current turn in which loops are sought

_ASKING: Final = (
    "user|human|person|instruction|prompt|me|nutzer|benutzer|mensch|utilisateur|usuario|usuário|utente|gebruiker"
    "|пользователь|человек|用户|用戶|ユーザー|사용자|المستخدم|उपयोगकर्ता"
)
_ANSWERING: Final = (
    "assistant|ai|bot|chatbot|model|response|completion|gpt|chatgpt|claude|llama|gemini|assistent|ki|assistante|ia"
    "|asistente|assistente|ассистент|бот|助手|助理|アシスタント|어시스턴트|المساعد|सहायक"
)
# A speaker's label, where a line or a sentence starts; also as roles in JSON and in chat templates.
_LABEL: Final = re.compile(
    r"""(?i)(?:(?:(?<=[\n.!?。！？"'])|\A)[ \t]{0,8}[#>*_\[(<-]{0,6}[ ]?"""
    rf"""(?:(?P<ask>{_ASKING})|(?P<answer>{_ANSWERING}))[ ]?[0-9]{{0,4}}[\])>*_]{{0,4}}[ ]?:"""
    r"""|(?<=[.!?,;] )(?:(?P<ask2>user|human)|(?P<answer2>assistant|ai)):"""
    r"""|["']role["']\s{0,4}:\s{0,4}["'](?:(?P<ask3>user|human)|(?P<answer3>assistant|model|ai))["']"""
    r"""|<\|(?:im_start\|>|start_header_id\|>)?(?:(?P<ask4>user)|(?P<answer4>assistant))\b"""
    r"""|(?P<ask5>\[INST\])|(?P<answer5>\[/INST\]))"""
)
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]+|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a turn may hold. A value of 0 switches the limit off."""

    messages: int = 2_000
    parts: int = 20_000
    tools: int = 512
    text: int = 4_000_000
    token: int = 20_000
    flood: int = 8_000
    shots: int = 16
    same_calls: int = 5
    cycles: int = 4
    depth: int = 64


class LimitsGuard:
    """Size and loop limits (a ``Guard``). Reads whole parts; says nothing of their meaning."""

    spec: Final = GuardSpec(
        id=_ID,
        summary="Turns that are too large, repeat themselves, or hold an invented dialogue; agents in a loop",
        moments=frozenset({Moment.INPUT}),
        cost=Cost.LIGHT,
        scope=Scope.EXCHANGE,
    )

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        found: list[Finding] = list(self._sizes(exchange))
        if exchange.parts and exchange.parts[-1].source is not Source.USER:
            found.extend(self._loops(exchange))
        for item in items:
            found.extend(self._part(item))
        return found

    # The turn as a whole

    def _sizes(self, exchange: Exchange) -> Iterator[Finding]:
        limits = self._limits
        sizes = (
            ("messages", len(exchange.messages), limits.messages),
            ("parts", len(exchange.parts), limits.parts),
            ("tools", len(exchange.tools), limits.tools),
            ("text", sum([len(part.text) for part in exchange.parts]), limits.text),
        )
        for name, size, limit in sizes:
            if 0 < limit < size:
                yield _finding(name, 1.0, (0, 0), max(0, len(exchange.parts) - 1), "too-many")

    def _loops(self, exchange: Exchange) -> Iterator[Finding]:
        calls = _calls(exchange)
        limits = self._limits
        if limits.same_calls and len(calls) >= limits.same_calls:
            outcomes = Counter(call[1:] for call in calls)
            plain = Counter(call[1:3] for call in calls)
            outcome, same = outcomes.most_common(1)[0]
            call, polled = plain.most_common(1)[0]
            if same >= limits.same_calls:
                part = max(index for index, *rest in calls if tuple(rest) == outcome)
                yield _finding("same-call", 0.9, (0, len(exchange.parts[part].text)), part, "loop", Category.ANOMALY)
            elif polled >= 4 * limits.same_calls:
                part = max(index for index, name, text, _ in calls if (name, text) == call)
                yield _finding("same-call", 0.7, (0, len(exchange.parts[part].text)), part, "polling", Category.ANOMALY)
        if limits.cycles and _cycles([call[1:] for call in calls], limits.cycles):
            part = calls[-1][0]
            yield _finding("call-cycle", 0.9, (0, len(exchange.parts[part].text)), part, "loop", Category.ANOMALY)

    # One part

    def _part(self, item: Item) -> Iterator[Finding]:
        limits = self._limits
        text = item.reading.text
        if 0 < limits.token <= len(text):
            for span in _tokens(text, limits.token):
                yield _finding("token", 0.9, span, item.index, "unbroken")
        if 0 < limits.flood <= len(text):
            for span in _floods(text, limits.flood):
                yield _finding("flood", 0.9, span, item.index, "repetition")
        if limits.shots and item.source is not Source.OPERATOR and item.source is not Source.BOT:
            view = item.reading.plain
            shots, span = invented(view.text, limits.shots)
            if shots >= limits.shots:
                confidence = 0.8 if shots >= 2 * limits.shots else 0.6
                yield _finding(
                    "many-shot", confidence, view.original(*span), item.index, "dialogue", Category.JAILBREAK
                )
        if limits.depth and (item.kind is PartKind.JSON or text.lstrip()[:1] in ("[", "{")):
            at = _too_deep(text, limits.depth)
            if at is not None:
                yield _finding("nesting", 1.0, (at, len(text)), item.index, "too-deep")


def _finding(
    name: str, confidence: float, span: Span, part: int, detail: str, category: Category = Category.POLICY
) -> Finding:
    severity = Severity.HIGH if category is Category.JAILBREAK else Severity.MEDIUM
    return Finding(f"{_ID}/{name}", category, severity, confidence, span, part, "", detail)


# --- loops -------------------------------------------------------------------------------------------

_Call = tuple[int, str, str, str]  # part, tool, arguments, result


def _calls(exchange: Exchange) -> list[_Call]:
    """The tool calls since the person last wrote, each with its result; parallel calls take results in turn."""
    calls: list[_Call] = []
    answered = 0
    parts = exchange.parts
    first = max(0, len(parts) - _TURNS_SEEN)
    for index in range(len(parts) - 1, first - 1, -1):
        if parts[index].source is Source.USER:
            first = index + 1
            break
    for index in range(first, len(parts)):
        part = parts[index]
        if part.source is Source.BOT and part.kind is PartKind.JSON:
            calls.append((index, part.name, part.text.strip(), ""))
        elif part.source is Source.TOOL and answered < len(calls):
            calls[answered] = (*calls[answered][:3], part.text)
            answered += 1
    return calls


def _cycles(calls: Sequence[tuple[str, str, str]], times: int) -> bool:
    """Whether the last calls go round in a circle of two to four, ``times`` times."""
    for period in (2, 3, 4):
        size = period * times
        if len(calls) >= size:
            last = calls[-size:]
            if len(set(last)) > 1 and all(last[at] == last[at % period] for at in range(size)):
                return True
    return False


# --- texts -------------------------------------------------------------------------------------------


def _tokens(text: str, limit: int) -> Iterator[Span]:
    """Tokens of ``limit`` code points and more. Each holds one of the places looked at, so few are."""
    done = 0
    for at in range(limit - 1, len(text), limit):
        if at < done:
            continue
        # From the last break before this place on; a token that starts further back was seen there.
        behind = _TOKEN.match(text[max(done, at - limit + 1) : at + 1][::-1])
        if behind is None:
            continue
        start = at + 1 - len(behind[0])
        match = _TOKEN.match(text, start)
        end = match.end() if match is not None else start
        done = max(done, end)
        if end - start >= limit:
            yield (start, end)


def _floods(text: str, least: int) -> Iterator[Span]:
    """Stretches whose windows compress like one thing repeated: surely found from ``least`` code points on (in
    sampled texts from four windows on), never reported below one window."""
    stride = _WINDOW if len(text) <= _SPARSE else 4 * _WINDOW
    start: int | None = None
    end = 0
    for at in range(0, len(text), stride):
        window = text[at : at + _WINDOW]
        if len(window) < _WINDOW // 2 and start is None:
            break
        if _repeats(window):
            start = at if start is None else start
            end = at + len(window)
            continue
        if start is not None and end - start >= least - _WINDOW:
            yield (start, end)
        start = None
    if start is not None and end - start >= least - _WINDOW:
        yield (start, end)


def _repeats(window: str) -> bool:
    data = window.encode("utf-8", "surrogatepass")
    # The header of a block costs some thirty bytes whatever its size.
    return max(1, len(zlib.compress(data, 1)) - 24) * _RATIO <= len(data)


def invented(text: str, least: int) -> tuple[int, Span]:
    """How often a user and then an assistant speak in ``text``, and from where to where."""
    if text.count(":") < least and text.count("<|") < least and text.count("[/INST]") < least:
        return 0, (0, 0)
    shots, asked = 0, False
    start: int | None = None
    end = 0
    for label in _LABEL.finditer(text):
        asks = (label.lastgroup or "").startswith("ask")
        if asks and start is None:
            start = label.start()
        elif not asks and asked:
            shots += 1
            end = label.end()
        asked = asks
    return shots, (start or 0, end)


def _too_deep(text: str, limit: int) -> int | None:
    """Where JSON text nests deeper than ``limit``, or ``None``. Brackets in strings do not count."""
    if text.count("[") + text.count("{") <= limit:
        return None
    depth = 0
    for mark in _STRUCTURE.finditer(text):
        char = text[mark.start()]
        if char in "[{":
            depth += 1
            if depth > limit:
                return mark.start()
        elif char in "]}":
            depth = max(0, depth - 1)
    return None

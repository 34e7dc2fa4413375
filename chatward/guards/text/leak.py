r"""Replies that repeat what the operator told the bot, and canaries that must never leave.

The rule: a reply leaks the system prompt when it holds a long enough *run* of it. Runs are compared letter by letter
on the *letters* of both texts: alphanumerics alone, lower case. So case, punctuation, Markdown, line breaks and
spaced-out letters make no difference, and scripts without blanks need no words. The same run is sought
reversed, in rot13, and in hex or base64 of the prompt's bytes (at all three offsets, RFC 4648).

1. A run counts from twelve words (an ideograph is half a word; a long word is one for each dozen letters) and is
   reported in stretches of twenty, so that little is held back. Of a sentence that says that it is secret, six
   tenths are enough.
2. What reads like instructions weighs more than facts, unless the prompt asks for secrecy: a shop's bot may well
   recite how returns work. Facts alone stay below the usual threshold up to forty words on end.
3. What the person, a tool or a document wrote in this exchange is no secret: a run found there is none.
4. A canary is found by its letters too, and reversed, in rot13, hex and base64.
5. A stream finds what the whole text has: seeds stand at every fourth letter of the *whole* text, and a run's
   end depends on letters and offsets alone. Memory and hold-back are bounded by ``LOOK_AHEAD``.

Not checked: paraphrase and translation. What is known of prompts stands in ``leak_prompts``, of canaries in
``leak_canaries``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from chatward.core.normalise import plain
from chatward.core.ports import Cost, GuardSpec, Item, Scope, StreamInspector
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Source
from chatward.guards.text.leak_canaries import Canaries
from chatward.guards.text.leak_prompts import EVERY, FULL, PLAIN_STEP, ROT13, TAIL, Form, Prompt, letters_of, prompt_of

_ID: Final = "text.leak"
LOOK_AHEAD: Final = 1024
_NEAR: Final = 256  # letters from the end that are counted rather than looked up
_SPREAD: Final = 900  # code points that one reported stretch may be spread over
_HEX: Final = re.compile("[0-9a-f]*")
_TOKEN: Final = 64  # code points over which the first gram of an encoded form may be spread


# --- the inspector -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """A shared run under way: ``count`` letters from ``start`` in the reply, from ``at`` in the form."""

    form: Form
    start: int
    at: int
    count: int
    goes_on: bool = False


class LeakInspector:
    """A ``StreamInspector`` over plain text. Counts letters of the whole text in ``_letters`` from ``_first``."""

    def __init__(
        self, prompt: Prompt | None, canaries: Canaries, known: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._prompt = prompt
        self._canaries = canaries
        self._known = known
        self._text = ""  # the kept end of the text, and the offset of its first code point
        self._base = 0
        self._letters = ""  # the letters of ``_text``, and the number of the first of them
        self._first = 0
        self._offsets: list[int] | None = None  # of the letters kept, worked out when asked for
        self._next = 0  # the next letter whose gram is looked up
        self._floor = 0  # no run starts before this letter
        self._canary_from = 0
        self._run: _Run | None = None
        self._found: list[Finding] = []
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        """See ``core.ports.StreamInspector.feed``."""
        if self._prompt is None and self._canaries.search is None:
            self._base += len(piece)
            self.settled = self._base
            return ()
        self._text += piece
        self._letters += letters_of(piece)
        self._offsets = None
        hold = len(self._text)
        if self._canaries.search is not None:
            hold = self._seek_canaries(final)
        if self._prompt is not None:
            hold = min(hold, self._seek_runs(self._prompt, final))
        size = self._base + len(self._text)
        self.settled = size if final else max(self.settled, self._base + hold, size - LOOK_AHEAD)
        found = self._due() if self._found else ()
        if self.settled - self._base > 2 * LOOK_AHEAD:
            self._drop()
        return found

    def _due(self) -> Sequence[Finding]:
        self._found.sort(key=lambda finding: (finding.span, finding.rule))
        due = [finding for finding in self._found if finding.span[0] < self.settled]
        # A finding is certain once made; it waits only for one that may start before it.
        self._found = self._found[len(due) :]
        return due

    def _drop(self) -> None:
        """Forgets what no finding can reach any more."""
        keep = self.settled - self._base - LOOK_AHEAD
        gone = len(letters_of(self._text[:keep]))
        self._text = self._text[keep:]
        self._base += keep
        self._letters = self._letters[gone:]
        self._first += gone
        self._offsets = None

    def _offset(self, letter: int) -> int:
        """The offset in the whole text of a letter, by its number."""
        if self._offsets is None:
            behind = self._first + len(self._letters) - letter
            at = _back(self._text, behind) if behind < _NEAR else -1
            if at >= 0:
                return self._base + at
        return self._base + self._places()[letter - self._first]

    def _places(self) -> list[int]:
        """The offsets in ``_text`` of all letters that are kept."""
        if self._offsets is None:
            self._offsets = [at for at, char in enumerate(self._text) if char.isalnum()]
        return self._offsets

    def _report(self, rule: str, start: int, count: int, confidence: float, detail: str) -> None:
        canary = rule == "canary"
        self._found.append(
            Finding(
                rule=f"{_ID}/{rule}",
                category=Category.LEAK,
                severity=Severity.CRITICAL if canary else Severity.HIGH,
                confidence=confidence,
                span=(self._offset(start), self._offset(start + count - 1) + 1),
                detail=detail,
            )
        )

    # Canaries

    def _seek_canaries(self, final: bool) -> int:
        """Reports canaries; returns the offset in ``_text`` from where one may have begun."""
        search = self._canaries.search
        assert search is not None
        at = max(0, self._canary_from - self._first)
        while (match := search(self._letters, at)) is not None:
            start, end = match.span()
            if match[0] in self._canaries.needles:
                if self._near(start, end):
                    self._report("canary", start + self._first, end - start, 0.99, "canary")
                    at = end
                else:
                    at = start + 1
            elif final or not self._near(start, len(self._letters)):
                at = start + 1
            else:
                self._canary_from = start + self._first
                return self._offset(start + self._first) - self._base
        self._canary_from = len(self._letters) + self._first
        return len(self._text)

    def _near(self, start: int, end: int) -> bool:
        """Whether kept letters ``start`` to ``end`` lie within one spread."""
        if len(self._text) <= _SPREAD:
            return True
        return self._offset(end - 1 + self._first) - self._offset(start + self._first) <= _SPREAD

    # Runs

    def _seek_runs(self, prompt: Prompt, final: bool) -> int:
        """Reports runs; returns the offset in ``_text`` from where one may have begun."""
        end = self._first + len(self._letters)
        gram = prompt.gram
        while True:
            if self._run is not None:
                if self._follow(prompt, self._run, final):
                    return self._offset(self._run.start) - self._base if self._run.count else len(self._text)
                self._run = None
            at = max(self._next, -(-self._floor // EVERY) * EVERY)
            seed = None
            if at + gram <= end:
                seed = prompt.seek(self._letters, at - self._first)
                at = max(at, (end - gram) // EVERY * EVERY + EVERY) if seed is None else seed[0] + self._first
            self._next = at
            if seed is None:
                return len(self._text) if final else self._hold(prompt)
            form = prompt.forms[seed[1]]
            self._next = at + EVERY
            if self._sound(form, at, at + gram):
                self._run = self._begin(prompt, form, seed[2], at)

    def _sound(self, form: Form, start: int, end: int) -> bool:
        """Whether a gram stands in the text as such a form would: together, and encoded forms in one token."""
        if not self._near(start - self._first, end - self._first):
            return False
        if form.origin is not None:
            return True
        text = self._text[self._offset(start) - self._base : self._offset(end - 1) - self._base]
        if not any(map(str.isspace, text)):
            return len(text) <= _TOKEN
        return bool(_HEX.fullmatch(self._letters[start - self._first : end - self._first]))

    def _begin(self, prompt: Prompt, form: Form, place: int, at: int) -> _Run:
        """The run of a seed, taken back to where it starts: less than one round of looked-up grams."""
        run = _Run(form, at, place, prompt.gram)
        if form.origin is None:
            return run
        least = max(self._floor, self._first, at - PLAIN_STEP * EVERY + 1)
        letters = self._read(form, least, at)
        last = self._offset(at + prompt.gram - 1)
        while run.start > least and run.at > 0 and letters[run.start - 1 - least] == form.letters[run.at - 1]:
            if last - self._offset(run.start - 1) > _SPREAD:
                break
            run.start -= 1
            run.at -= 1
            run.count += 1
        return run

    def _read(self, form: Form, start: int, end: int) -> str:
        letters = self._letters[start - self._first : end - self._first]
        return letters.translate(ROT13) if form.rot13 else letters

    def _follow(self, prompt: Prompt, run: _Run, final: bool) -> bool:
        """Takes a run on; ``True`` while the text to come may lengthen it."""
        while True:
            end = self._limit(run)
            ahead = self._read(run.form, run.start + run.count, end)
            there = run.form.letters[run.at + run.count : run.at + run.count + len(ahead)]
            same = _common(ahead, there)
            run.count += same
            if self._cut(prompt, run):
                continue
            if same == len(ahead) and end == self._first + len(self._letters):
                size = self._base + len(self._text)
                if not final and (not run.count or size - self._offset(run.start) <= _SPREAD):
                    return True
            elif same < len(ahead) and self._switch(prompt, run):
                continue
            self._close(prompt, run)
            return False

    def _limit(self, run: _Run) -> int:
        """The number of the letter that is too far from the run's start to belong to it."""
        end = self._first + len(self._letters)
        if run.start >= end:
            return end
        start = self._offset(run.start)
        if self._base + len(self._text) - start <= _SPREAD:
            return end
        return self._first + bisect_left(self._places(), start + _SPREAD + 1 - self._base)

    def _cut(self, prompt: Prompt, run: _Run) -> bool:
        """Reports a full stretch and goes on behind it."""
        units = run.form.units
        if units(run.at, run.count) < FULL:
            return False
        count = bisect_left(range(run.count), FULL, key=lambda n: units(run.at, n))
        self._judge(prompt, run, count)
        run.start += count
        run.at += count
        run.count -= count
        run.goes_on = True
        self._floor = run.start
        return True

    def _switch(self, prompt: Prompt, run: _Run) -> bool:
        """Goes on with the run elsewhere in the prompt, where it says the same and more."""
        size = run.count + 1
        text = self._read(run.form, run.start, run.start + size)
        cut = 0
        while size - cut > prompt.gram:
            at = run.form.letters.find(text[cut:])
            if at >= 0:
                run.start, run.at, run.count = run.start + cut, at, size - cut
                return True
            cut = cut * 2 or EVERY
        return False

    def _close(self, prompt: Prompt, run: _Run) -> None:
        if self._judge(prompt, run, run.count):
            self._floor = run.start + run.count
        # Grams inside the run say nothing new; the next to look up is the first that reaches beyond it.
        beyond = run.start + run.count - prompt.gram + 1
        self._next = max(self._next, -(-beyond // EVERY) * EVERY)

    def _judge(self, prompt: Prompt, run: _Run, count: int) -> bool:
        if count < prompt.gram:
            return False
        confidence = prompt.confidence(run.form, run.at, count, goes_on=run.goes_on)
        if confidence is None:
            return False
        if run.form.origin is not None:
            first, last = run.form.origin(run.at, count)
            if self._known(prompt.letters[first:last]):
                return False
        self._report("system-prompt", run.start, count, confidence, run.form.name)
        return True

    def _hold(self, prompt: Prompt) -> int:
        """The offset in ``_text`` from where a run may have begun that no gram has shown yet."""
        # Encoded forms start with their first gram; of the others a gram is enough where the last letters do
        # not occur in the prompt.
        letters = self._letters
        size = len(letters)
        count = min(size, prompt.gram - 1)
        if prompt.may_run(letters[-TAIL:]):
            most = min(size, prompt.gram + PLAIN_STEP * EVERY)
            while count < most:
                at = size - count - 1
                if not prompt.may_run(letters[at : at + TAIL]):
                    break
                count += 1
        at = _back(self._text, count)
        return at if at >= 0 else max(0, len(self._text) - LOOK_AHEAD)


def _back(text: str, count: int) -> int:
    """The offset of the ``count``-th letter from the end; -1 where it is further than ``LOOK_AHEAD`` from it."""
    if not count:
        return len(text)
    for behind, char in enumerate(reversed(text[-LOOK_AHEAD:]), 1):
        if char.isalnum():
            count -= 1
            if not count:
                return len(text) - behind
    return -1


def _common(one: str, other: str) -> int:
    """The length of the common beginning."""
    if one == other:
        return len(one)
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))


# --- the guard ---------------------------------------------------------------------------------------


class LeakGuard:
    """Finds the operator's text and canaries in replies and tool calls (a ``Guard`` and a ``StreamGuard``).

    Raises ``ValueError`` for a canary too short to be told from ordinary text.
    """

    spec: Final = GuardSpec(
        id=_ID,
        summary="The system prompt or a canary in a reply, also lightly disguised",
        moments=frozenset({Moment.OUTPUT, Moment.TOOL_CALL}),
        look_ahead=LOOK_AHEAD,
        cost=Cost.LIGHT,
        scope=Scope.EXCHANGE,
    )

    def __init__(self, canaries: Sequence[str] = ()) -> None:
        self._canaries = Canaries(canaries)

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        texts = [part.text for part in exchange.parts if part.source is Source.OPERATOR and part.text]
        prompt = prompt_of("\n".join(texts)) if texts else None
        if prompt is not None and len(prompt.letters) < prompt.gram:
            prompt = None
        return LeakInspector(prompt, self._canaries, _Given(exchange).__contains__)

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        found: list[Finding] = []
        for item in items:
            view = item.reading.plain
            for finding in self.open(exchange, item.kind).feed(view.text, True):
                found.append(
                    Finding(
                        finding.rule,
                        finding.category,
                        finding.severity,
                        finding.confidence,
                        view.original(*finding.span),
                        item.index,
                        finding.entity,
                        finding.detail,
                    )
                )
        return found


class _Given:
    """The letters of what others than the operator and the bot wrote in an exchange (rule 3)."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @cached_property
    def _texts(self) -> list[str]:
        own = (Source.OPERATOR, Source.BOT)
        parts = self._exchange.parts
        return [letters_of(plain(part.text).text) for part in parts if part.source not in own]

    def __contains__(self, letters: object) -> bool:
        return isinstance(letters, str) and any(letters in text for text in self._texts)

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

Not checked: paraphrase and translation.

How seeds find runs: every third gram of the prompt is indexed, every fourth of the reply is looked up; 3 and 4 have
no common divisor, so a shared run of ``GRAM`` + 11 letters always shows one (13 and 4 for encoded forms).
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Final

from chatward.core.normalise import plain
from chatward.core.ports import Cost, GuardSpec, Item, Scope, StreamInspector
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Source

_ID: Final = "text.leak"
LOOK_AHEAD: Final = 1024
_SHORT: Final = 24
_NEAR: Final = 256  # letters from the end that are counted rather than looked up
_SPREAD: Final = 900  # code points that one reported stretch may be spread over
GRAM: Final = 12
_DENSE_GRAM: Final = 6  # in scripts whose letters are half a word each
_TAIL: Final = 6  # letters that tell whether a run may be under way
_EVERY: Final = 4  # letters of the reply between two look-ups
_PLAIN_STEP: Final = 3
_ENCODED_STEP: Final = 13
_PART: Final = 24  # units (half words) from which a run counts
_FULL: Final = 40  # units after which a stretch is reported
_SECRET_SHARE: Final = 0.6
_MAX_PROMPT: Final = 200_000  # letters of the prompt that are indexed

_WORD: Final = re.compile(r"[^\W_]+")
_NOT_LETTERS: Final = re.compile(r"[\W_]+")
_DENSE: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ROT13: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyz",
    "nopqrstuvwxyzabcdefghijklm",
)
_HEX: Final = re.compile("[0-9a-f]*")
_TOKEN: Final = 64  # code points over which the first gram of an encoded form may be spread

# How operators speak to bots, in the languages they mostly do it in: what tells instructions from facts.
_INSTRUCTING: Final = re.compile(
    r"(?i)\b(?:you are (?:an?|the|now|called|named|here)\b|(?:act|behave) as\b|pretend\b|your name is\b"
    r"|you (?:must|should|will|may|can|shall) (?:never|always|not|only)\b"
    r"|your (?:role|task|job|goal|purpose|persona|instructions?|responses?|answers?|repl\w+)\b"
    r"|(?:never|always|do not|don't|must not|only|please) (?:reveal|answer|respond|reply|use|mention|discuss|give|ask"
    r"|say|tell|make|provide|share|disclose|include|offer|write|speak|refuse|talk|guess|invent|repeat|follow)\w*\b"
    r"|(?:respond|reply|answer) (?:in|with|only|to|as|using|politely|briefly)\b|the (?:user|assistant|model|bot)\b"
    r"|users?\b|assistant\b|system prompt|these instructions|refuse to|decline to|if (?:asked|someone asks)"
    r"|du bist\b|sie sind (?:ein|der|die)|antworte\w*|niemals\b|nutzer\b|deine aufgabe|anweisungen\b"
    r"|tu es un|vous êtes un|ne (?:révél|divulgu|mentionn)\w+|répond(?:s|ez)\b|l'utilisateur"
    r"|(?:tes|vos|ces) instructions|eres un|responde\b|nunca (?:reveles|digas|menciones)|usuario\b|instrucciones\b"
    r"|você é|responda\b|usuário\b|instruções\b|sei un|rispondi\b|utente\b|istruzioni\b"
    r"|je bent|jij bent|gebruiker\b|instructies\b)"
    r"|你是|不要|不得|必须|用户|助手|あなたは|必ず|ユーザー|アシスタント|คุณคือ|ผู้ใช้"
)
_SECRECY: Final = re.compile(
    r"(?i)\b(?:(?:do not|don't|never|must not) (?:reveal|share|disclose|mention|repeat|tell|expose|print)"
    r"|confidential|(?:keep|is|are|stays?) (?:strictly )?secret|top secret"
    r"|secret(?:s|ly)?\b(?: \w+){0,3} (?:is|are)\b"
    r"|(?:password|passphrase|passcode|code ?word|code ?name|pin|api ?key|access code)(?: \w+){0,4} ?"
    r"(?:is\b|are\b|[:=])"
    r"|geheim\w*|vertraulich\w*|confidentiel\w*|confidencial\w*|secreto|sigilos\w|riservat\w|segret\w)"
    r"|保密|机密|機密|密码是|不要(?:透露|泄露)|秘密|パスワードは"
)
_SENTENCE: Final = re.compile(r"[^.!?;\n。！？；]+")


def letters_of(text: str) -> str:
    """The letters and digits of a plain text, lower case, one for one."""
    bare = "".join(filter(str.isalnum, text)) if len(text) < _SHORT else _NOT_LETTERS.sub("", text)
    if bare.isascii():
        return bare.lower()
    # Of the two that have a context or a length of their own, take the simple form.
    folded = bare.replace("İ", "I").lower().replace("ς", "σ")
    return folded if len(folded) == len(bare) else "".join(char.lower()[0] for char in bare)


# --- prompts -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which a prompt may be written: its letters there, and the units of a stretch of them."""

    name: str
    letters: str
    units: Callable[[int, int], int]
    origin: Callable[[int, int], tuple[int, int]] | None  # stretch -> stretch of the prompt's letters
    rot13: bool = False


class Prompt:
    """What is known of an operator's text. Building costs about 0.2 µs a letter; ``of`` remembers."""

    def __init__(self, text: str) -> None:
        self.text = plain(text).text
        self.letters = letters_of(self.text)[:_MAX_PROMPT]
        self.gram = _DENSE_GRAM if len(_DENSE.findall(self.letters)) * 5 > len(self.letters) else GRAM
        size = len(self.letters)
        forward = _Form("verbatim", self.letters, self._units, lambda start, n: (start, start + n))
        self.forms = [
            forward,
            _Form("rot13", self.letters, self._units, forward.origin, rot13=True),
            _Form(
                "reversed",
                self.letters[::-1],
                lambda start, n: self._units(size - start - n, n),
                lambda start, n: (size - start - n, size - start),
            ),
        ]
        self.seeds: dict[str, tuple[int, int]] = {}
        raw = text[:_MAX_PROMPT].encode("utf-8", "replace")
        encoded = [("hex", raw.hex(), 2.0)]
        encoded += [("base64", base64.b64encode(raw[offset:]).decode(), 4 / 3) for offset in range(3)]
        for name, code, per_byte in encoded:
            self._add_encoded(name, letters_of(code), per_byte)
        letters, gram = self.letters, self.gram
        turned = letters.translate(_ROT13)
        places = range(0, size - gram + 1, _PLAIN_STEP)
        # All three in one table, so that a reply's gram is looked up once. The plain form wins.
        self.seeds |= {letters[at : at + gram][::-1]: (2, size - at - gram) for at in places}
        self.seeds |= {turned[at : at + gram]: (1, at) for at in places}
        self.seeds |= {letters[at : at + gram]: (0, at) for at in places}

    def _add_encoded(self, name: str, letters: str, per_byte: float) -> None:
        number = len(self.forms)
        self.forms.append(_Form(name, letters, lambda _, n: int(n / per_byte / 3), None))
        gram = self.gram
        places = range(0, len(letters) - gram + 1, _ENCODED_STEP)
        self.seeds |= {letters[at : at + gram]: (number, at) for at in places}

    def seek(self, letters: str, start: int) -> tuple[int, int, int] | None:
        """The first gram at every fourth letter from ``start`` that the prompt has: its place in ``letters``, the
        number of the form that it comes from, its place there."""
        seeds, gram = self.seeds, self.gram
        for at in range(start, len(letters) - gram + 1, _EVERY):
            found = seeds.get(letters[at : at + gram])
            if found is not None:
                return (at, *found)
        return None

    @cached_property
    def tails(self) -> frozenset[str]:
        """All grams of ``_TAIL`` letters: what a run under way may end in."""
        letters = self.letters
        return frozenset([letters[at : at + _TAIL] for at in range(len(letters) - _TAIL + 1)])

    def may_run(self, tail: str, turned: str) -> bool:
        tails = self.tails
        return tail in tails or turned in tails or tail[::-1] in tails

    @cached_property
    def _sums(self) -> tuple[list[int], list[int]]:
        """Running sums over the letters: units, and phrases that instruct (by their last letter)."""
        units, marks = [0], [0] * (len(letters_of(self.text)) + 1)
        for word in _WORD.findall(self.text):
            if _DENSE.search(word):
                units.extend([1 if _DENSE.match(char) else 0 for char in word])
            else:
                units.extend([0 if at % 12 else 2 for at in range(len(word))])
        letter = done = 0
        for phrase in _INSTRUCTING.finditer(self.text):
            letter += len(letters_of(self.text[done : phrase.end()]))
            done = phrase.end()
            marks[letter] += 1
        return list(accumulate(units)), list(accumulate(marks))

    @cached_property
    def _secrets(self) -> tuple[list[int], list[int]]:
        """Starts and ends, in letters, of the sentences that say that they are secret."""
        starts, ends = [], []
        at = done = 0
        for sentence in _SENTENCE.finditer(self.text):
            start = at + len(letters_of(self.text[done : sentence.start()]))
            at = start + len(letters_of(sentence[0]))
            done = sentence.end()
            if at - start >= 2 * self.gram and _SECRECY.search(sentence[0]):
                starts.append(start)
                ends.append(at)
        return starts, ends

    @cached_property
    def _secretive(self) -> bool:
        return _SECRECY.search(self.text) is not None

    def _shows_secret(self, first: int, last: int) -> bool:
        starts, ends = self._secrets
        for at in range(bisect_left(ends, first), len(starts)):
            start, end = starts[at], ends[at]
            if start >= last:
                break
            if min(last, end) - max(first, start) >= (end - start) * _SECRET_SHARE:
                return True
        return False

    def _units(self, start: int, count: int) -> int:
        sums = self._sums[0]
        return sums[start + count] - sums[start]

    def confidence(self, form: _Form, start: int, count: int, *, goes_on: bool) -> float | None:
        """How surely a run is a leak; ``None`` where it is too short. ``goes_on``: a stretch came before."""
        units = form.units(start, count)
        if form.origin is None:
            return 0.95 if units >= _PART else None
        first, last = form.origin(start, count)
        if self._shows_secret(first, last):
            return 0.9 if form.name == "verbatim" else 0.95
        if units < _PART:
            return None
        if form.name != "verbatim":
            return 0.95
        marks = self._sums[1]
        if marks[last] - marks[first] or self._secretive:
            return 0.9 if units >= _FULL else 0.8
        if goes_on:
            return 0.7
        return 0.45 if units >= _FULL else 0.3


@lru_cache(maxsize=64)
def _prompt(text: str) -> Prompt:
    return Prompt(text)


# --- canaries ----------------------------------------------------------------------------------------

_LONGEST: Final = 48
_SHORTEST: Final = 6


class Canaries:
    """Strings that must never appear, as one pattern on letters that also sees a beginning at the end."""

    def __init__(self, canaries: Sequence[str]) -> None:
        needles: set[str] = set()
        for canary in canaries:
            letters = letters_of(plain(canary).text)
            if len(letters) < _SHORTEST:
                raise ValueError(f"a canary needs at least {_SHORTEST} letters or digits")
            needles |= {letters, letters[::-1], letters.translate(_ROT13)}
            for form in {canary, canary.lower(), canary.upper(), canary[::-1]}:
                raw = form.encode()
                needles.add(raw.hex())
                # In the middle of a longer text the first and last characters depend on the neighbours.
                needles |= {
                    letters_of(base64.b64encode(b"\0" * offset + raw).decode()[2 if offset else 0 :].rstrip("=")[:-1])
                    for offset in range(3)
                }
        self.needles = frozenset(needle[:_LONGEST] for needle in needles if len(needle) >= _SHORTEST)
        shortest_first = sorted(self.needles, key=lambda needle: (len(needle), needle))
        self.search = re.compile("|".join(map(_or_begun, shortest_first))).search if needles else None


def _or_begun(needle: str) -> str:
    """A pattern for ``needle``, or for its beginning where the text ends."""
    pattern = ""
    for char in reversed(needle):
        pattern = re.escape(char) + (f"(?:{pattern}|\\Z)" if pattern else "")
    return pattern


# --- the inspector -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """A shared run under way: ``count`` letters from ``start`` in the reply, from ``at`` in the form."""

    form: _Form
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
        self._turned = ""  # the same in rot13
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
        letters = letters_of(piece)
        self._letters += letters
        self._turned += letters.translate(_ROT13)
        self._offsets = None
        hold = len(self._text)
        if self._canaries.search is not None:
            hold = self._seek_canaries(final)
        if self._prompt is not None:
            hold = min(hold, self._seek_runs(self._prompt, final))
        size = self._base + len(self._text)
        self.settled = size if final else max(self.settled, self._base + hold, size - LOOK_AHEAD)
        found = self._due()
        self._drop()
        return found

    def _due(self) -> Sequence[Finding]:
        if not self._found:
            return ()
        self._found.sort(key=lambda finding: (finding.span, finding.rule))
        due = [finding for finding in self._found if finding.span[0] < self.settled]
        # A finding is certain once made; it waits only for one that may start before it.
        self._found = self._found[len(due) :]
        return due

    def _drop(self) -> None:
        """Forgets what no finding can reach any more, in strides so that it is rarely done."""
        keep = self.settled - self._base - LOOK_AHEAD
        if keep > LOOK_AHEAD:
            gone = len(letters_of(self._text[:keep]))
            self._text = self._text[keep:]
            self._base += keep
            self._letters = self._letters[gone:]
            self._turned = self._turned[gone:]
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
            at = max(self._next, -(-self._floor // _EVERY) * _EVERY)
            seed = None
            if at + gram <= end:
                seed = prompt.seek(self._letters, at - self._first)
                at = max(at, (end - gram) // _EVERY * _EVERY + _EVERY) if seed is None else seed[0] + self._first
            self._next = at
            if seed is None:
                return len(self._text) if final else self._hold(prompt)
            form = prompt.forms[seed[1]]
            self._next = at + _EVERY
            if self._sound(form, at, at + gram):
                self._run = self._begin(prompt, form, seed[2], at)

    def _sound(self, form: _Form, start: int, end: int) -> bool:
        """Whether a gram stands in the text as such a form would: together, and encoded forms in one token."""
        if not self._near(start - self._first, end - self._first):
            return False
        if form.origin is not None:
            return True
        text = self._text[self._offset(start) - self._base : self._offset(end - 1) - self._base]
        if not any(map(str.isspace, text)):
            return len(text) <= _TOKEN
        return bool(_HEX.fullmatch(self._letters[start - self._first : end - self._first]))

    def _begin(self, prompt: Prompt, form: _Form, place: int, at: int) -> _Run:
        """The run of a seed, taken back to where it starts: less than one round of looked-up grams."""
        run = _Run(form, at, place, prompt.gram)
        if form.origin is None:
            return run
        least = max(self._floor, self._first, at - _PLAIN_STEP * _EVERY + 1)
        letters = self._read(form, least, at)
        last = self._offset(at + prompt.gram - 1)
        while run.start > least and run.at > 0 and letters[run.start - 1 - least] == form.letters[run.at - 1]:
            if last - self._offset(run.start - 1) > _SPREAD:
                break
            run.start -= 1
            run.at -= 1
            run.count += 1
        return run

    def _read(self, form: _Form, start: int, end: int) -> str:
        letters = self._turned if form.rot13 else self._letters
        return letters[start - self._first : end - self._first]

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
        if units(run.at, run.count) < _FULL:
            return False
        count = bisect_left(range(run.count), _FULL, key=lambda n: units(run.at, n))
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
            cut = cut * 2 or _EVERY
        return False

    def _close(self, prompt: Prompt, run: _Run) -> None:
        if self._judge(prompt, run, run.count):
            self._floor = run.start + run.count
        # Grams inside the run say nothing new; the next to look up is the first that reaches beyond it.
        beyond = run.start + run.count - prompt.gram + 1
        self._next = max(self._next, -(-beyond // _EVERY) * _EVERY)

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
        letters, turned = self._letters, self._turned
        size = len(letters)
        count = min(size, prompt.gram - 1)
        if prompt.may_run(letters[-_TAIL:], turned[-_TAIL:]):
            most = min(size, prompt.gram + _PLAIN_STEP * _EVERY)
            while count < most:
                at = size - count - 1
                if not prompt.may_run(letters[at : at + _TAIL], turned[at : at + _TAIL]):
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

    def __init__(self, canaries: Sequence[str] = ()) -> None:
        self._canaries = Canaries(canaries)

    @property
    def spec(self) -> GuardSpec:
        return GuardSpec(
            id=_ID,
            summary="The system prompt or a canary in a reply, also lightly disguised",
            moments=frozenset({Moment.OUTPUT, Moment.TOOL_CALL}),
            look_ahead=LOOK_AHEAD,
            cost=Cost.LIGHT,
            scope=Scope.EXCHANGE,
        )

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        texts = [part.text for part in exchange.parts if part.source is Source.OPERATOR and part.text]
        prompt = _prompt("\n".join(texts)) if texts else None
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

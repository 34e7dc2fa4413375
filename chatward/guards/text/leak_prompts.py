"""Operators' texts as what must not come back: their letters, the forms they may be written in, and what a run weighs.

Runs are compared on the *letters* of both texts: alphanumerics alone, lower case. Every third gram of a prompt is
indexed and every fourth of a reply is looked up (``leak``); 3 and 4 have no common divisor, so a shared run of ``GRAM``
+ 11 letters always shows one (13 and 4 for encoded forms).
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, compress
from typing import Final

from chatward.core.normalise import plain

_SHORT: Final = 24
GRAM: Final = 12
_DENSE_GRAM: Final = 6  # in scripts whose letters are half a word each
TAIL: Final = 6  # letters that tell whether a run may be under way
EVERY: Final = 4  # letters of the reply between two look-ups
PLAIN_STEP: Final = 3
_ENCODED_STEP: Final = 13
_PART: Final = 24  # units (half words) from which a run counts
FULL: Final = 40  # units after which a stretch is reported
_SECRET_SHARE: Final = 0.6
_MAX_PROMPT: Final = 200_000  # letters of the prompt that are indexed

_WORD: Final = re.compile(r"[^\W_]+")
_NOT_LETTERS: Final = re.compile(r"[\W_]+")
_LOWER: Final = bytes(range(256)).lower()
_NEITHER: Final = bytes(code for code in range(128) if not chr(code).isalnum())
_DENSE: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
ROT13: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyz",
    "nopqrstuvwxyzabcdefghijklm",
)

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
    if text.isascii():
        return text.encode().translate(_LOWER, _NEITHER).decode()
    bare = "".join(filter(str.isalnum, text)) if len(text) < _SHORT else _NOT_LETTERS.sub("", text)
    # Of the two that have a context or a length of their own, take the simple form.
    folded = bare.replace("İ", "I").lower().replace("ς", "σ")
    return folded if len(folded) == len(bare) else "".join(char.lower()[0] for char in bare)


@dataclass(frozen=True, slots=True)
class Form:
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
        forward = Form("verbatim", self.letters, self._units, lambda start, n: (start, start + n))
        self.forms = [
            forward,
            Form("rot13", self.letters, self._units, forward.origin, rot13=True),
            Form(
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
        turned = letters.translate(ROT13)
        places = range(0, size - gram + 1, PLAIN_STEP)
        # All three in one table, so that a reply's gram is looked up once. The plain form wins.
        self.seeds |= {letters[at : at + gram][::-1]: (2, size - at - gram) for at in places}
        self.seeds |= {turned[at : at + gram]: (1, at) for at in places}
        self.seeds |= {letters[at : at + gram]: (0, at) for at in places}

    def _add_encoded(self, name: str, letters: str, per_byte: float) -> None:
        number = len(self.forms)
        self.forms.append(Form(name, letters, lambda _, n: int(n / per_byte / 3), None))
        gram = self.gram
        places = range(0, len(letters) - gram + 1, _ENCODED_STEP)
        self.seeds |= {letters[at : at + gram]: (number, at) for at in places}

    def seek(self, letters: str, start: int) -> tuple[int, int, int] | None:
        """The first gram at every fourth letter from ``start`` that the prompt has: its place in ``letters``, the
        number of the form that it comes from, its place there."""
        seeds, gram = self.seeds, self.gram
        starts = range(start, len(letters) - gram + 1, EVERY)
        # Every reply is sought through, and nearly none has one: no step of the interpreter for each gram.
        grams = map(letters.__getitem__, map(slice, starts, range(start + gram, len(letters) + 1, EVERY)))
        at = next(compress(starts, map(seeds.__contains__, grams)), None)
        return None if at is None else (at, *seeds[letters[at : at + gram]])

    @cached_property
    def tails(self) -> frozenset[str]:
        """All grams of ``TAIL`` letters: what a run under way may end in."""
        letters = self.letters
        return frozenset([letters[at : at + TAIL] for at in range(len(letters) - TAIL + 1)])

    def may_run(self, tail: str) -> bool:
        tails = self.tails
        return tail in tails or tail.translate(ROT13) in tails or tail[::-1] in tails

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

    def confidence(self, form: Form, start: int, count: int, *, goes_on: bool) -> float | None:
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
            return 0.9 if units >= FULL else 0.8
        if goes_on:
            return 0.7
        return 0.45 if units >= FULL else 0.3


@lru_cache(maxsize=64)
def prompt_of(text: str) -> Prompt:
    return Prompt(text)

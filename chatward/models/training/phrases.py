r"""Phrases written by hand, as patterns that expand to sentences.

A pattern is a line: ``(a|b|c)`` chooses, ``[x]`` is optional, ``<name>`` takes a line of a list, ``\`` escapes,
``\n`` is a line break. ``{LABEL:...}`` marks personal data. Sampling is seeded, so that the same files give the
same sentences.

Files lie in ``phrases/<language>/<kind>.txt``; lists in ``lists.txt``, where ``== name`` starts a section.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from chatward.core.errors import ChatwardError

FOLDER: Final = Path(__file__).parent / "phrases"
KINDS: Final = (
    "direct",
    "extraction",
    "jailbreak",
    "indirect",
    "chat",
    "request",
    "trigger",
    "document",
    "scam",
    "scam_benign",
    "abuse",
    "abuse_benign",
    "pii",
    "pii_benign",
)
PIECES: Final = ("action", "frame", "brief")
"""Files of pieces that examples are composed of, in some languages: see :mod:`chatward.models.training.agentic`."""

_SECTION: Final = re.compile(r"==\s*([a-z][a-z_-]*)\s*\Z")


class PhraseError(ChatwardError):
    """A pattern that cannot be read; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences."""

    options: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A line of a list."""

    name: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Personal data of one kind."""

    label: str
    body: tuple[Node, ...]


Node = str | Choice | Slot | Marked


@dataclass(frozen=True, slots=True)
class Sentence:
    """An expanded pattern. ``spans`` are (start, end, label) in code points."""

    text: str
    spans: tuple[tuple[int, int, str], ...] = ()


class _Parser:
    def __init__(self, line: str) -> None:
        self.line = line
        self.at = 0

    def sequence(self, closing: str) -> tuple[Node, ...]:
        nodes: list[Node] = []
        text: list[str] = []

        def flush() -> None:
            if text:
                nodes.append("".join(text))
                text.clear()

        while self.at < len(self.line):
            char = self.line[self.at]
            if char in closing:
                break
            self.at += 1
            if char == "\\" and self.at < len(self.line):
                following = self.line[self.at]
                text.append("\n" if following == "n" else following)
                self.at += 1
            elif char == "(":
                flush()
                nodes.append(Choice(self._options(")")))
            elif char == "[":
                flush()
                nodes.append(Choice((*self._options("]"), ())))
            elif char == "<" and (slot := re.compile(r"([a-z][a-z_]*)>").match(self.line, self.at)):
                flush()
                nodes.append(Slot(slot[1]))
                self.at = slot.end()
            elif char == "{" and (mark := re.compile(r"([A-Z]+):\s*").match(self.line, self.at)):
                flush()
                self.at = mark.end()
                body = self.sequence("}")
                self._close("}")
                nodes.append(Marked(mark[1], body))
            elif char in ")]":
                raise ValueError(f"{char!r} without its opening, at column {self.at}")
            else:
                text.append(char)
        flush()
        return tuple(nodes)

    def _options(self, closing: str) -> tuple[tuple[Node, ...], ...]:
        options = [self.sequence("|" + closing)]
        while self.at < len(self.line) and self.line[self.at] == "|":
            self.at += 1
            options.append(self.sequence("|" + closing))
        self._close(closing)
        return tuple(options)

    def _close(self, closing: str) -> None:
        if self.at >= len(self.line):
            raise ValueError(f"{closing!r} is missing")
        self.at += 1


def parse(line: str) -> tuple[Node, ...]:
    """A pattern's nodes. Raises ``ValueError`` that says what is missing."""
    parser = _Parser(line)
    nodes: list[Node] = []
    while True:
        nodes.extend(parser.sequence("|"))
        if parser.at >= len(line):
            return tuple(nodes)
        nodes.append("|")
        parser.at += 1


def expand(nodes: Sequence[Node], lists: Mapping[str, Sequence[str]], rng: random.Random) -> Sentence:
    """One sentence of a pattern. Blanks that an empty choice leaves doubled become one; spans
    neither begin nor end with a blank."""
    text: list[str] = []
    spans: list[tuple[int, int, str]] = []
    length = 0

    def put(piece: str) -> None:
        nonlocal length
        if piece.startswith(" ") and (not text or text[-1].endswith((" ", "\n"))):
            piece = piece.lstrip(" ")
        if piece:
            text.append(piece)
            length += len(piece)

    def walk(sequence: Sequence[Node]) -> None:
        for node in sequence:
            if isinstance(node, str):
                put(node)
            elif isinstance(node, Choice):
                walk(rng.choice(node.options))
            elif isinstance(node, Slot):
                filler = lists.get(node.name)
                if not filler:
                    raise ValueError(f"there is no list {node.name}")
                put(rng.choice(filler))
            else:
                start = length
                walk(node.body)
                if length > start:
                    spans.append((start, length, node.label))

    walk(nodes)
    whole = "".join(text)
    return Sentence(whole.rstrip(), tuple(_within(whole, *span) for span in spans if whole[span[0] : span[1]].strip()))


def _within(text: str, start: int, end: int, label: str) -> tuple[int, int, str]:
    """A span without the blanks that an empty choice left at its ends."""
    inside = text[start:end]
    return start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip()), label


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line of a phrase file: its nodes and the section it stands in (abuse has sections)."""

    nodes: tuple[Node, ...]
    section: str
    number: int


@cache
def languages(folder: Path = FOLDER) -> tuple[str, ...]:
    """Languages that have phrases, sorted."""
    return tuple(
        sorted(
            path.name for path in folder.iterdir() if all((path / f"{name}.txt").exists() for name in ("chat", "lists"))
        )
    )


@cache
def lists(language: str, folder: Path = FOLDER) -> Mapping[str, tuple[str, ...]]:
    """The lists of a language. A language without one of them gets the English one."""
    found: dict[str, list[str]] = {}
    name = ""
    for _, line in _lines(folder / language / "lists.txt"):
        if section := _SECTION.match(line):
            name = section[1]
        else:
            found.setdefault(name, []).append(line)
    base = lists("en", folder) if language != "en" else {}
    return {**base, **{key: tuple(lines) for key, lines in found.items()}}


@cache
def patterns(language: str, kind: str, folder: Path = FOLDER) -> tuple[Pattern, ...]:
    """The patterns of one file; none where there is no file. Raises ``PhraseError``."""
    path = folder / language / f"{kind}.txt"
    found: list[Pattern] = []
    section = ""
    for number, line in _lines(path):
        if heading := _SECTION.match(line):
            section = heading[1]
            continue
        try:
            found.append(Pattern(parse(line), section, number))
        except ValueError as error:
            raise PhraseError(f"{path.parent.name}/{path.name}, line {number}: {error}") from error
    return tuple(found)


def samples(
    language: str, kind: str, each: int, *, seed: int = 0, folder: Path = FOLDER
) -> Iterator[tuple[Pattern, Sentence]]:
    """Up to ``each`` different sentences of every pattern. Raises ``PhraseError``."""
    known = lists(language, folder)
    for pattern in patterns(language, kind, folder):
        rng = random.Random(f"{seed}:{language}:{kind}:{pattern.number}")
        seen: set[str] = set()
        for _ in range(2 * each):
            try:
                sentence = expand(pattern.nodes, known, rng)
            except ValueError as error:
                raise PhraseError(f"{language}/{kind}.txt, line {pattern.number}: {error}") from error
            if sentence.text and sentence.text not in seen:
                seen.add(sentence.text)
                yield pattern, sentence
            if len(seen) >= each:
                break


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped

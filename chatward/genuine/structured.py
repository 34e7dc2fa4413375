"""Structured fields of HTTP (RFC 9651), as far as message signatures need them: dictionaries of inner lists, strings
and bytes, with parameters. Read strictly; what is written reads back as it was.

Raises ``ValueError``, which quotes nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Bare = str | int | bool | bytes
"""A string, an integer, a truth value or bytes. Tokens, decimals and dates are refused: no signature has them."""
MAX_FIELD: Final = 8192

_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]*", re.ASCII)
_STRING: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', re.ASCII)
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}(?![0-9.])", re.ASCII)
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]*={0,2}):", re.ASCII)


@dataclass(frozen=True, slots=True)
class Item:
    """A value with its parameters."""

    value: Bare
    parameters: Mapping[str, Bare] = field(default_factory=dict)

    def __str__(self) -> str:
        return _bare(self.value) + _parameters(self.parameters)


@dataclass(frozen=True, slots=True)
class InnerList:
    """Items in parentheses, with parameters of the whole."""

    items: Sequence[Item]
    parameters: Mapping[str, Bare] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"({' '.join(map(str, self.items))}){_parameters(self.parameters)}"


def dictionary(text: str) -> dict[str, Item | InnerList]:
    """A field's members, in order. Names that occur twice are refused, though the RFC lets the last one win: a proxy
    before us may have taken the first."""
    if len(text) > MAX_FIELD or not text.isascii():
        raise ValueError("not a field that is read here")
    reader = _Reader(text.strip(" "))
    found: dict[str, Item | InnerList] = {}
    while not reader.done:
        name = reader.matched(_KEY)
        if name in found:
            raise ValueError("a name occurs twice")
        found[name] = reader.member() if reader.took("=") else Item(True, reader.parameters())
        reader.blanks()
        if reader.done:
            break
        if not reader.took(","):
            raise ValueError("members are not apart")
        reader.blanks()
        if reader.done:
            raise ValueError("a comma at the end")
    return found


def item(text: str) -> Item:
    """A field that is one value."""
    if len(text) > MAX_FIELD or not text.isascii():
        raise ValueError("not a field that is read here")
    reader = _Reader(text.strip(" "))
    found = Item(reader.bare(), reader.parameters())
    if not reader.done:
        raise ValueError("more than one value")
    return found


def written(members: Mapping[str, Item | InnerList]) -> str:
    """A dictionary as RFC 9651 writes it."""
    return ", ".join(f"{name}={value}" for name, value in members.items())


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def took(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def matched(self, pattern: re.Pattern[str], group: int = 0) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError("not as it is written")
        self._at = found.end()
        return found[group]

    def blanks(self) -> None:
        while not self.done and self._text[self._at] in " \t":
            self._at += 1

    def member(self) -> Item | InnerList:
        if not self.took("("):
            return Item(self.bare(), self.parameters())
        items: list[Item] = []
        self._spaces()
        while not self.took(")"):
            items.append(Item(self.bare(), self.parameters()))
            if not self._text.startswith((" ", ")"), self._at):
                raise ValueError("items are not apart")
            self._spaces()
        return InnerList(tuple(items), self.parameters())

    def parameters(self) -> dict[str, Bare]:
        found: dict[str, Bare] = {}
        while self.took(";"):
            self._spaces()
            name = self.matched(_KEY)
            if name in found:
                raise ValueError("a parameter occurs twice")
            found[name] = self.bare() if self.took("=") else True
        return found

    def bare(self) -> Bare:
        first = self._text[self._at : self._at + 1]
        if first == '"':
            return re.sub(r"\\(.)", r"\1", self.matched(_STRING, 1))
        if first == ":":
            return base64.b64decode(self.matched(_BYTES, 1), validate=True)
        if first == "?":
            self._at += 1
            if self.took("1"):
                return True
            if self.took("0"):
                return False
            raise ValueError("not a truth value")
        return int(self.matched(_INTEGER))

    def _spaces(self) -> None:
        while self.took(" "):
            pass


def _bare(value: Bare) -> str:
    if isinstance(value, bool):
        return f"?{int(value)}"
    if isinstance(value, bytes):
        return f":{base64.b64encode(value).decode()}:"
    if isinstance(value, int):
        return str(value)
    if any(not 0x20 <= ord(letter) <= 0x7E for letter in value):
        raise ValueError("a string holds what has no place in a field")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parameters(parameters: Mapping[str, Bare]) -> str:
    return "".join(f";{name}" if value is True else f";{name}={_bare(value)}" for name, value in parameters.items())

"""Where each key of a TOML document stands.

The rule: ``key_lines`` takes a document that ``tomllib`` has accepted, and gives for every key, table and item
of an array the line (from 1) on which it is first named. So an error can point at a line even where the parser
has long forgotten it. The scanner follows TOML 1.0 (https://toml.io/en/v1.0.0): bare, quoted and dotted keys,
tables, arrays of tables, inline tables, arrays over several lines, and the four kinds of strings. It does
not check: on a document that is not valid TOML its answer means nothing, but it ends.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

Path = tuple[str | int, ...]
"""Keys from the top down; an ``int`` is the index in an array."""

_BLANK: Final = re.compile(r"[ \t]*")
_SPACE: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'  # a multi-line string may end in up to two quotes of its own
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[Path, int]:
    """Line of each key, by its path. ``text``: a valid TOML document."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


def _unquoted(text: str) -> str:
    try:
        return str(tomllib.loads(f"x = {text}")["x"])
    except tomllib.TOMLDecodeError:  # the document was not valid after all
        return text


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._line = 1
        self._counted = 0
        self._arrays: dict[Path, int] = {}
        """Arrays of tables: path -> index of the newest table."""

    def document(self) -> None:
        table: Path = ()
        while self._skip(_SPACE) < len(self.text):
            if self._take("[["):
                keys = self._keys()
                path = (*self._resolve(keys[:-1]), keys[-1])
                self._arrays[path] = self._arrays.get(path, -1) + 1
                table = (*path, self._arrays[path])
                self._note(table)
                self._take("]]")
            elif self._take("["):
                table = self._resolve(self._keys())
                self._note(table)
                self._take("]")
            else:
                self._pair(table)

    def _resolve(self, keys: list[str]) -> Path:
        """The path of a table's header: through an array of tables it means the newest table."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._arrays:
                path = (*path, self._arrays[path])
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = (*table, *self._keys())
        self._note(path)
        self._take("=")
        self._value(path)
        if self.at == start:  # not TOML: go on all the same
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        if self._take("["):
            index = 0
            while not self._end("]"):
                self._note((*path, index))
                self._value((*path, index))
                index += 1
        elif self._take("{"):
            while not self._end("}"):
                self._pair(path)
        elif (string := _STRING.match(self.text, self.at)) is not None:
            self.at = string.end()
        else:
            self._skip(_SCALAR)

    def _end(self, bracket: str) -> bool:
        """Passes blanks, comments and commas; True at the closing bracket, which is passed, or at the end."""
        before = -1
        while before != self.at:
            before = self.at
            self._skip(_SPACE)
            self._take(",")
        return self._take(bracket) or self.at >= len(self.text) or self.text[self.at] in "]}"

    def _keys(self) -> list[str]:
        """A dotted key."""
        keys = []
        while True:
            self._skip(_BLANK)
            quoted = _STRING.match(self.text, self.at)
            bare = _BARE.match(self.text, self.at)
            if quoted is not None:
                keys.append(_unquoted(quoted[0]))
                self.at = quoted.end()
            elif bare is not None:
                keys.append(bare[0])
                self.at = bare.end()
            else:
                keys.append("")
            self._skip(_BLANK)
            if not self._take("."):
                return keys

    def _note(self, path: Path) -> None:
        """Remembers this line for ``path`` and for what it passes through, unless they have one."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], self._line)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return self.at

    def _take(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

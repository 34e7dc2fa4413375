"""STIX patterns, as far as they name single values (STIX 2.1, section 9): a strict subset, parsed here.

::

    pattern     = observation *( "OR" observation )
    observation = "[" comparison *( "OR" comparison ) "]"
    comparison  = path ( "=" string / "IN" "(" string *( "," string ) ")" / "ISSUBSET" string )
    path        = "url:value" / "domain-name:value" / "ipv4-addr:value" / "ipv6-addr:value"
                / "file:hashes." ( "MD5" / "SHA-1" / "SHA-256" )              ; quoted or not, hyphens or not

Each value by itself is what the pattern looks for. ``AND``, ``NOT``, ``FOLLOWEDBY``, ``LIKE``, ``MATCHES``, qualifiers
(``WITHIN``, ``REPEATS``, ``START``) and other objects say more than a value: such a pattern is refused whole, because
half of it would look for something that its author did not mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chatward.core.indicators import IndicatorKind

MAX_PATTERN: Final = 100_000
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\['\\])*')|(?P<path>[a-z0-9-]+:[a-z_]+(?:\.(?:'[^']*'|\"[^\"]*\"|[\w-]+))*)"
    r"|(?P<word>[A-Z]+)|(?P<mark>[\[\]=(),]))",
    re.ASCII,
)
_PATHS: Final = {
    "url:value": IndicatorKind.URL,
    "domain-name:value": IndicatorKind.DOMAIN,
    "ipv4-addr:value": IndicatorKind.IP,
    "ipv6-addr:value": IndicatorKind.IP,
}
_HASHES: Final = {"md5": IndicatorKind.MD5, "sha1": IndicatorKind.SHA1, "sha256": IndicatorKind.SHA256}
_BLANK: Final = re.compile(r"\s*")
_END: Final = ("end", "")


class PatternError(ValueError):
    """A pattern that is wrong, or says more than single values."""


def values_of(pattern: str) -> list[tuple[IndicatorKind, str]]:
    """Kinds and values that a pattern looks for, each enough by itself. Raises ``PatternError``."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError("a pattern is too long")
    tokens = _Tokens(pattern)
    found: list[tuple[IndicatorKind, str]] = []
    while True:
        tokens.expect("mark", "[")
        found += _comparison(tokens)
        while tokens.take("word", "OR"):
            found += _comparison(tokens)
        tokens.expect("mark", "]")
        if not tokens.take("word", "OR"):
            break
    if tokens.now != _END:
        raise PatternError("a pattern goes on after its end")
    return found


def _comparison(tokens: _Tokens) -> Iterator[tuple[IndicatorKind, str]]:
    kind = _kind(tokens.expect("path"))
    if tokens.take("mark", "=") or (tokens.take("word", "ISSUBSET") and kind is IndicatorKind.IP):
        yield kind, _text(tokens.expect("string"))
    elif tokens.take("word", "IN"):
        tokens.expect("mark", "(")
        yield kind, _text(tokens.expect("string"))
        while tokens.take("mark", ","):
            yield kind, _text(tokens.expect("string"))
        tokens.expect("mark", ")")
    else:
        raise PatternError("a comparison is of another form")


def _kind(path: str) -> IndicatorKind:
    kind = _PATHS.get(path)
    if kind is None and path.startswith("file:hashes."):
        kind = _HASHES.get(path[12:].strip("'\"").replace("-", "").lower())
    if kind is None:
        raise PatternError("a pattern is about something else")
    return kind


def _text(string: str) -> str:
    return re.sub(r"\\(['\\])", r"\1", string[1:-1])


class _Tokens:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.now = self._next()

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            if _BLANK.fullmatch(self._text, self._at):
                return _END
            raise PatternError("a pattern holds something unknown")
        self._at = match.end()
        kind = match.lastgroup or ""
        return kind, match[kind]

    def take(self, kind: str, text: str) -> bool:
        """Whether the next token is this one; it is passed then."""
        if self.now != (kind, text):
            return False
        self.now = self._next()
        return True

    def expect(self, kind: str, text: str | None = None) -> str:
        """The next token, which must be of this kind."""
        found, said = self.now
        if found != kind or (text is not None and said != text):
            raise PatternError("a pattern is of another form")
        self.now = self._next()
        return said

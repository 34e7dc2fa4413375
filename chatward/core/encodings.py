r"""What encoded text says: base64, base32, hex, number lists, Morse, escapes, and text hidden in invisible marks.

The rule: a reading counts only if it is text, which is valid UTF-8 (or UTF-16 of mostly Latin letters),
nearly all of it printable, with letters in it. Random bytes, digests and ids fail that test, so ordinary tokens have
no reading. Every function here is pure, linear in the length of its text, and bounded in what it gives: a reading is
never longer than what it was read from.

``tokens`` finds runs that are encoded as a whole. ``escapes`` finds single escapes between ordinary letters
(percent, HTML entity, backslash, quoted-printable). ``smuggled`` reads invisible code points as data: tag
characters (U+E0000 + ASCII), variation selectors (a byte each) and zero-width binary.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from chatward.core.values import Span


class Decoded(NamedTuple):
    """What one span of a text says."""

    start: int
    end: int
    text: str


SHORTEST: Final = 16
"""Code points of the shortest token that is tried."""

_LINES: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,6}(?:\r?\n[A-Za-z0-9+/_-]{16,}={0,6})*")
_PIECE: Final = re.compile(r"[A-Za-z0-9+]{16,}={0,6}")
_HEX_PAIRS: Final = re.compile(r"(?:(?:0x)?[0-9A-Fa-f]{2}[\s,:;-]{1,2}){7,}(?:0x)?[0-9A-Fa-f]{2}(?![0-9A-Za-z])")
_BINARY: Final = re.compile(r"(?:[01]{7,8}[\s,]{0,2}){6,}")
_NUMBERS: Final = re.compile(r"(?:(?:1[01]\d|12[0-6]|[3-9]\d)[\s,]{1,2}){9,}(?:1[01]\d|12[0-6]|[3-9]\d)(?!\d)")
_OCTAL: Final = "(?:1[0-7]{2}|0?[4-7][0-7])"
_OCTALS: Final = re.compile(rf"(?:{_OCTAL}[\s,]{{1,2}}){{9,}}{_OCTAL}(?!\d)")
_CHARACTERS: Final = re.compile(r"(?:chr\(\s?(?:1[01]\d|12[0-6]|[3-9]\d)\s?\)[\s+.,&]{0,3}){6,}", re.IGNORECASE)
_ASCII85: Final = re.compile(r"<~[!-u\s]{5,}~>")
_MORSE: Final = re.compile(r"(?:[.-]{1,6}[ /|]{1,3}){7,}[.-]{1,6}")

_ESCAPES: Final = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<units>(?:\\u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]{1,6}\})+)"
    r"|(?P<octal>(?:\\[0-3][0-7]{2})+)"
    r"|(?P<space>\\[nrt])"
    r"|(?P<printable>(?:=[0-9A-F]{2})+)"
    r"|(?P<soft>=\r?\n)"
)

_MORSE_SIGNS: Final = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.
"""
_MORSE_CODE: Final = dict(zip(_MORSE_SIGNS.split(), "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))


def readable(raw: bytes) -> str | None:
    """The text that the bytes are, or ``None`` where they are not text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text and len(raw) % 2 == 0 and not any(raw[1::2]):
        text = raw.decode("utf-16-le", "replace")
    if text.isprintable():
        return text if any(map(str.isalpha, text)) else None
    shown = sum(char.isprintable() or char in "\n\r\t" for char in text)
    return text if shown >= 0.95 * len(text) and any(map(str.isalpha, text)) else None


def _base64(token: str) -> str | None:
    core = token.rstrip("=").replace("-", "+").replace("_", "/")
    if len(core) % 4 == 1:
        core = core[:-1]
    return readable(base64.b64decode(core + "=" * (-len(core) % 4)))


def _base32(token: str) -> str | None:
    core = token.rstrip("=")
    if not re.fullmatch("[A-Z2-7]+", core):
        return None
    return readable(base64.b32decode(core + "=" * (-len(core) % 8)))


def _hex(token: str) -> str | None:
    digits = re.sub(r"0x|[^0-9A-Fa-f]", "", token)
    return readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _whole_hex(token: str) -> str | None:
    return _hex(token) if re.fullmatch("(?:0x)?[0-9A-Fa-f]+", token) else None


def _read_token(token: str) -> str | None:
    compact = "".join(token.split())
    for decode in (_whole_hex, _base32, _base64):
        try:
            text = decode(compact)
        except (binascii.Error, ValueError):
            continue
        if text:
            return text
    return None


def _read_binary(token: str) -> str | None:
    bits = re.sub(r"[^01]", "", token)
    for width in (8, 7):
        if len(bits) % width == 0:
            text = readable(bytes(int(bits[at : at + width], 2) for at in range(0, len(bits), width)))
            if text:
                return text
    return None


def _read_numbers(token: str) -> str | None:
    return readable(bytes(map(int, re.findall(r"\d+", token))))


def _read_octals(token: str) -> str | None:
    return readable(bytes(int(digits, 8) for digits in re.findall("[0-7]+", token)))


def _read_ascii85(token: str) -> str | None:
    try:
        return readable(base64.a85decode(token, adobe=True))
    except ValueError:
        return None


def _read_morse(token: str) -> str | None:
    words = re.split(r"[/|]| {2,}", token)
    letters = [[_MORSE_CODE.get(sign, "?") for sign in word.split()] for word in words]
    text = " ".join(map("".join, filter(None, letters)))
    return text if text.count("?") * 10 <= len(text) else None


def tokens(text: str, words: list[int]) -> Iterator[Decoded]:
    """The runs of a text that say something when decoded, in order of kind, then of place.
    ``words`` are the lengths of its blank-separated words."""
    if words and max(words) >= SHORTEST:
        yield from _encoded_runs(text)
    if text.count("6") + text.count("7") >= 5:  # hexadecimal letters of ASCII begin with 6 or 7
        yield from _matches(_HEX_PAIRS, text, _hex)
    ones = text.count("1")
    if ones >= 4:
        if ones + text.count("0") >= 42:
            yield from _matches(_BINARY, text, _read_binary)
        if ones >= 5:
            yield from _matches(_NUMBERS, text, _read_numbers)
            yield from _matches(_OCTALS, text, _read_octals)
    if "chr(" in text or "Chr(" in text or "CHR(" in text:
        yield from _matches(_CHARACTERS, text, _read_numbers)
    if "<~" in text:
        yield from _matches(_ASCII85, text, _read_ascii85)
    if text.count("-") >= 8:
        yield from _matches(_MORSE, text, _read_morse)


def _matches(pattern: re.Pattern[str], text: str, decode: Callable[[str], str | None]) -> Iterator[Decoded]:
    for found in pattern.finditer(text):
        said = decode(found[0])
        if said:
            yield Decoded(*found.span(), said)


def _encoded_runs(text: str) -> Iterator[Decoded]:
    """Runs in the alphabets of base64, base32 and hex: whole, else line by line, else between slashes."""
    for found in _LINES.finditer(text):
        said = _read_token(found[0])
        if said:
            yield Decoded(*found.span(), said)
            continue
        at = found.start()
        for line in found[0].splitlines(keepends=True):
            said = _read_token(line) if "\n" in found[0] else None
            if said:
                yield Decoded(at, at + len(line.rstrip()), said)
            else:
                for piece in _PIECE.finditer(line):
                    said = _read_token(piece[0]) if len(piece[0]) < len(found[0]) else None
                    if said:
                        yield Decoded(at + piece.start(), at + piece.end(), said)
            at += len(line)


def escapes(text: str) -> Iterator[Decoded]:
    """The single escapes of a text that stand for printable text or blanks, in order."""
    if not ("%" in text or "&" in text or "\\" in text or "=" in text):
        return
    for found in _ESCAPES.finditer(text):
        said = _unescape(found.lastgroup or "", found[0])
        if said is not None and (said.isprintable() or not said.strip()):
            yield Decoded(*found.span(), said)


def _unescape(kind: str, escape: str) -> str | None:
    try:
        if kind in {"percent", "printable"}:
            return bytes.fromhex(escape.replace(escape[0], "")).decode("utf-8")
        if kind == "bytes":
            return bytes.fromhex(escape.replace("\\x", "")).decode("utf-8")
        if kind == "octal":
            return bytes(int(part, 8) for part in escape.split("\\")[1:]).decode("utf-8")
        if kind == "units":
            codes = [int(part.strip("{}"), 16) for part in escape.split("\\u")[1:]]
            return "".join(map(chr, codes)).encode("utf-16", "surrogatepass").decode("utf-16")
        if kind == "entity":
            text = html.unescape(escape)
            return None if text == escape else text
    except (ValueError, UnicodeError):
        return None
    return "" if kind == "soft" else {"n": "\n", "r": "\r", "t": "\t"}[escape[1]]


def smuggled(text: str, invisible: Iterable[Span]) -> Iterator[Decoded]:
    """What runs of invisible code points say, where they say something."""
    for start, end in invisible:
        if end - start < 4:
            continue
        run = text[start:end]
        for said in (_read_tags(run), _read_selectors(run), _read_binary_marks(run)):
            if said:
                yield Decoded(start, end, said)


def _read_tags(run: str) -> str | None:
    """Tag characters: ASCII moved to U+E0000 (once meant for language tags)."""
    text = "".join(chr(ord(char) - 0xE0000) for char in run if "\U000e0020" <= char <= "\U000e007e")
    return text if len(text) >= 2 else None


def _read_selectors(run: str) -> str | None:
    """Variation selectors: U+FE00 to U+FE0F are bytes 0 to 15, U+E0100 to U+E01EF bytes 16 to 255."""
    raw = bytes(
        code - 0xFE00 if code <= 0xFE0F else code - 0xE0100 + 16
        for code in map(ord, run)
        if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    )
    return readable(raw) if len(raw) >= 4 else None


def _read_binary_marks(run: str) -> str | None:
    """Two invisible code points as the digits of binary, either way round; a third may part the bytes."""
    kinds = sorted(set(run), key=run.count, reverse=True)
    if len(run) < 16 or not 2 <= len(kinds) <= 3:
        return None
    for zero, one in ((kinds[0], kinds[1]), (kinds[1], kinds[0])):
        said = _read_binary("".join("0" if char == zero else "1" for char in run if char in {zero, one}))
        if said:
            return said
    return None

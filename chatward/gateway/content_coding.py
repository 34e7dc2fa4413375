"""Decoding ``content-encoding`` piece by piece, with a bound on what one step may produce.

The rule (RFC 9110 section 8.4.1): ``gzip`` (and its alias ``x-gzip``) and ``deflate`` are understood, one at a
time. ``deflate`` means the zlib format (RFC 1950); the raw format (RFC 1951) that some servers send under that
name is read too. Any other coding, and any stack of codings, is refused. A step never yields more than
``PIECE`` bytes, so a small body that unpacks to a huge one is only ever in memory a piece at a time, and the
reader stops it when it has had enough.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

PIECE: Final = 64 * 1024

_GZIP_WINDOW: Final = 31
_ZLIB_WINDOW: Final = 15
_RAW_WINDOW: Final = -15
_WINDOWS: Final = {"gzip": _GZIP_WINDOW, "x-gzip": _GZIP_WINDOW, "deflate": _ZLIB_WINDOW}


class CodingError(ValueError):
    """The coding is not understood, or the bytes are not of that coding."""


class Inflater:
    """Decodes one body. ``feed`` yields pieces of at most ``PIECE`` bytes; ``ended`` says that it is whole."""

    __slots__ = ("_held", "_inflate", "_started", "_window")

    def __init__(self, coding: str) -> None:
        window = _WINDOWS.get(coding.strip().lower())
        if window is None:
            raise CodingError("unknown content coding")
        self._window = window
        self._inflate = zlib.decompressobj(window)
        self._started = False
        self._held = b""

    @property
    def ended(self) -> bool:
        """True when nothing was fed or the compressed data has reached its end mark."""
        return self._inflate.eof if self._started else not self._held

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises ``CodingError`` for bytes that are not of the coding."""
        if not self._started:
            data = self._begin(data)
        while data:
            if self._inflate.eof:
                # RFC 1952 section 2.2: a gzip body is a series of members. Nothing may follow zlib data.
                if self._window != _GZIP_WINDOW:
                    raise CodingError("data after the end")
                self._inflate = zlib.decompressobj(_GZIP_WINDOW)
            piece = self._step(data)
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            if piece:
                yield piece
        # zlib may hold back output that did not fit in the last piece.
        while self._started and not self._inflate.eof:
            piece = self._step(b"")
            if not piece:
                return
            yield piece

    def _begin(self, data: bytes) -> bytes:
        """What to decode, once it can be told whether there is a zlib header (RFC 1950 section 2.2)."""
        data = self._held + data
        if self._window == _ZLIB_WINDOW:
            if len(data) < 2:
                self._held = data
                return b""
            if data[0] & 15 != zlib.DEFLATED or (data[0] << 8 | data[1]) % 31:
                self._window = _RAW_WINDOW
                self._inflate = zlib.decompressobj(_RAW_WINDOW)
        self._held = b""
        self._started = bool(data)
        return data

    def _step(self, data: bytes) -> bytes:
        try:
            return self._inflate.decompress(data, PIECE)
        except zlib.error as error:
            raise CodingError("broken compressed data") from error


def coding_of(value: str) -> str | None:
    """The coding named by a ``content-encoding`` value, or ``None`` for none and ``identity``."""
    coding = value.strip().lower()
    return None if coding in {"", "identity"} else coding

"""ClamAV by its daemon: bytes in, names of signatures out (``man clamd``, INSTREAM).

``zINSTREAM\\0``, then pieces, each behind its length (4 bytes, big-endian), then a length of nought; the answer ends
with a NUL: ``stream: OK``, ``stream: NAME FOUND`` or ``... ERROR``. What is not one of the first two is no answer. A
file that is larger than the daemon takes (``StreamMaxLength``) is refused by it and was not scanned.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Final

from chatward.core.errors import ConfigError
from chatward.guards.files.signatures import safe_name

_PIECE: Final = 1 << 16
_ANSWER: Final = 4096
_FOUND: Final = re.compile(r"\Astream: (.{1,300}) FOUND\Z")


class ClamdError(Exception):
    """The daemon did not say whether the file is clean."""


class Clamd:
    """A client of one daemon. ``address`` is ``unix:/path`` or ``tcp:host:port``. Raises ``ConfigError``."""

    def __init__(self, address: str) -> None:
        kind, _, rest = address.partition(":")
        host, _, port = rest.rpartition(":")
        if kind == "unix" and rest.startswith("/"):
            self._path, self._host, self._port = rest, "", 0
        elif kind == "tcp" and host and port.isdigit():
            self._path, self._host, self._port = "", host.strip("[]"), int(port)
        else:
            raise ConfigError("files.clamd is unix:/path or tcp:host:port", key="files.clamd", reason="address-invalid")

    async def scan(self, data: bytes, seconds: float) -> list[str]:
        """Names of the signatures that fit: none or one. Raises ``ClamdError`` and ``TimeoutError``."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._ask(data)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ClamdError(type(error).__name__) from None
        if answer == "stream: OK":
            return []
        found = _FOUND.match(answer)
        if found is None:
            raise ClamdError("no verdict")
        return [safe_name(found[1])]

    async def _ask(self, data: bytes) -> str:
        if self._path:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=_ANSWER)
        else:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=_ANSWER)
        try:
            with suppress(ConnectionError):  # it may have said why before it hung up
                writer.write(b"zINSTREAM\0")
                for at in range(0, len(data), _PIECE):
                    piece = data[at : at + _PIECE]
                    writer.write(len(piece).to_bytes(4) + piece)
                    await writer.drain()
                writer.write(bytes(4))
                await writer.drain()
            return (await reader.readuntil(b"\0"))[:-1].decode("ascii", "replace").strip()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

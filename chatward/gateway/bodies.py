"""Reading a request's body with bounds.

The rules:

1. What is declared too large is refused before a byte is read; what is sent in chunks is refused as soon as it
   has become too large. The rest is then read and thrown away, up to ``LINGER_BYTES`` and ``LINGER_SECONDS``, so
   that a caller who is still sending gets to read the answer instead of a reset (RFC 9112 section 9.6).
2. Only JSON (RFC 8259, so UTF-8), and no content coding.
3. A body that ends early is an error, never a shorter body.

Framing itself is checked by the server below (``http1_server``, under TLS hyper): unequal lengths are refused; where
``transfer-encoding`` meets ``content-length`` the request is refused (by hyper: the length is dropped) and the
connection closed after the answer (RFC 9112 section 6.1). Nothing of it reaches a bot, whose request is framed anew.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from chatward.core.errors import ClientError

LINGER_BYTES: Final = 64 * 1024 * 1024
LINGER_SECONDS: Final = 2.0


class Fields(Protocol):
    """Request headers; names in lower case."""

    def get(self, key: str, default: str | None = None) -> str | None: ...

    def get_all(self, key: str) -> list[str]: ...

    def __contains__(self, key: str) -> bool: ...


class Source(Protocol):
    """Where the body comes from (RSGI's HTTP protocol object)."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> Source: ...

    async def __anext__(self) -> bytes: ...


def too_large(limit: int) -> ClientError:
    return ClientError(f"The request is larger than {limit} bytes.", reason="body-too-large", status=413)


def cut_short() -> ClientError:
    return ClientError("The request's body ended early or has trailers.", reason="body-truncated")


def timed_out() -> ClientError:
    return ClientError("The request's body took too long.", reason="body-timeout", status=408)


def check_declared(headers: Fields, limit: int) -> None:
    """What can be refused before the body is read."""
    media = headers.get("content-type") or ""
    if media != "application/json" and not _is_json(media):
        raise ClientError("The request must be application/json.", reason="content-type", status=415)
    coding = headers.get("content-encoding")
    if coding is not None and coding.strip().lower() not in {"", "identity"}:
        raise ClientError("The request must not be compressed.", reason="content-encoding", status=415)
    length = headers.get("content-length")
    if length is not None and int(length) > limit:
        raise too_large(limit)


async def read_body(headers: Fields, source: Source, limit: int) -> bytes:
    """The whole body, at most ``limit`` bytes. Raises ``ClientError``, or what ``source`` raises when cut off."""
    if "content-length" in headers:
        return await source()
    pieces: list[bytes] = []
    size = ends = 0
    async for piece in source:
        if piece:
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            pieces.append(piece)
        else:
            # granian ends a body with one empty piece; an error, or trailers, give one more before it. Ours gives none.
            ends += 1
    if ends > 1:
        raise cut_short()
    return b"".join(pieces)


async def linger(headers: Fields, source: Source, *, begun: bool) -> None:
    """Reads and drops the rest of a body after the answer was given. Never raises but for cancellation."""
    if "expect" in headers:
        return  # Who waits for "100 Continue" has not begun to send.
    size = 0
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            stream = source if begun else source.__aiter__()
            while size < LINGER_BYTES:
                size += len(await stream.__anext__())
    except (StopAsyncIteration, TimeoutError, RuntimeError):
        return


def _is_json(media: str) -> bool:
    name = media.partition(";")[0].strip().lower()
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))

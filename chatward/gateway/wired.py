"""What messages need for bots that are met by name (``channels.wire``)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from chatward.channels.dialect import Call
from chatward.channels.wire import Bound
from chatward.core.errors import ChatwardError
from chatward.core.ports import Headers, UpstreamResponse
from chatward.gateway.notices import Noticing
from chatward.gateway.parties import Screening


class Heard:
    """A bot's response with other headers."""

    def __init__(self, response: UpstreamResponse, headers: Headers) -> None:
        self._response = response
        self.status = response.status
        self.headers = headers

    async def read(self, limit: int) -> bytes:
        return await self._response.read(limit)

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.chunks()

    async def aclose(self) -> None:
        await self._response.aclose()


class Uncommented(Noticing):
    """For streams in which a comment line would be taken for a message."""

    def feed(self, data: bytes) -> bytes:
        return self._rewriter.feed(data)

    def close(self) -> bytes:
        return self._rewriter.close()

    def fail(self, error: ChatwardError) -> bytes:
        return self._rewriter.fail(error)


async def screened(bound: Bound, call: Call, screening: Screening) -> None:
    """Lets the dialect look at a screened request: on a thread where rights are ruled on, since a challenge is
    written. Raises ``ChatwardError``."""
    gate = screening.gate
    if gate is None:
        bound.screened(call, screening)
        return
    gate.on_thread = True
    await asyncio.to_thread(bound.screened, call, screening)
    if gate.pending is not None:
        raise gate.demand()

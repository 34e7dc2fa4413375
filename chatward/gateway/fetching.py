"""Asking other servers than bots: identity providers, key services, witnesses (``core.identity.Fetch``).

The rules: ``https``, or ``http`` on this machine; no redirects; answers of at most ``MOST`` bytes within ``SECONDS``;
connections are kept per origin, for at most ``ORIGINS`` of them. Nothing of a question or an answer is logged.
``download`` is for answers that are larger than what fits in memory, with a limit and a time of its own.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from chatward.core.errors import UpstreamError
from chatward.core.identity import Fetched
from chatward.gateway.upstream import HttpUpstream

MOST: Final = 1024 * 1024
SECONDS: Final = 10.0
LONG: Final = 600.0
"""Seconds that a download may take in all."""
ORIGINS: Final = 16


class Fetching:
    """Implements ``Fetch``. ``ca_file`` are authorities (PEM) to trust in place of the system's."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._origins: OrderedDict[str, HttpUpstream] = OrderedDict()

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        origin, target = await self._place(url)
        try:
            async with asyncio.timeout(SECONDS):
                response = await origin.send(method, target, list(headers), body)
                try:
                    return Fetched(response.status, tuple(response.headers), await response.read(MOST))
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise UpstreamError("The other server took too long.", reason="fetch-timeout", status=504) from error

    async def download(
        self, url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int
    ) -> Fetched:
        """GETs ``url`` and gives the body of a 200 to ``write`` as it comes, at most ``most`` bytes; the result has no
        body. Raises ``UpstreamError`` (``fetch-too-large``, ``fetch-timeout`` and those of any answer)."""
        origin, target = await self._place(url)
        try:
            async with asyncio.timeout(LONG):
                response = await origin.send("GET", target, list(headers), b"")
                try:
                    left = most
                    if response.status == 200:
                        async for chunk in response.chunks():
                            left -= len(chunk)
                            if left < 0:
                                raise UpstreamError("The other server's answer is too large.", reason="fetch-too-large")
                            write(chunk)
                    return Fetched(response.status, tuple(response.headers), b"")
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise UpstreamError("The other server took too long.", reason="fetch-timeout", status=504) from error

    async def aclose(self) -> None:
        while self._origins:
            await self._origins.popitem()[1].aclose()

    async def _place(self, url: str) -> tuple[HttpUpstream, str]:
        """The connections for a URL, and its path and query. Raises ``UpstreamError``."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and _here(host)):
            raise UpstreamError("Only https is asked, or this machine.", reason="fetch-insecure")
        if parts.username is not None or not host:
            raise UpstreamError("This address cannot be asked.", reason="fetch-address")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return await self._origin(f"{parts.scheme}://{parts.netloc}"), target

    async def _origin(self, origin: str) -> HttpUpstream:
        known = self._origins.get(origin)
        if known is None:
            known = self._origins[origin] = HttpUpstream(origin, read_timeout=SECONDS, ca_file=self._ca_file)
        self._origins.move_to_end(origin)
        if len(self._origins) > ORIGINS:
            await self._origins.popitem(last=False)[1].aclose()
        return known


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

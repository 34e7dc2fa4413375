"""Asking other servers than bots: identity providers, key services, witnesses (``core.identity.Fetch``).

The rules: ``https``, or ``http`` on this machine; no redirects; answers of at most ``MOST`` bytes within ``SECONDS``;
connections are kept per origin, for at most ``ORIGINS`` of them. Nothing of a question or an answer is logged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from chatward.core.errors import UpstreamError
from chatward.core.identity import Fetched
from chatward.gateway.upstream import HttpUpstream

MOST: Final = 1024 * 1024
SECONDS: Final = 10.0
ORIGINS: Final = 16


class Fetching:
    """Implements ``Fetch``. ``ca_file`` are authorities (PEM) to trust in place of the system's."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._origins: OrderedDict[str, HttpUpstream] = OrderedDict()

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and _here(host)):
            raise UpstreamError("Only https is asked, or this machine.", reason="fetch-insecure")
        if parts.username is not None or not host:
            raise UpstreamError("This address cannot be asked.", reason="fetch-address")
        origin = await self._origin(f"{parts.scheme}://{parts.netloc}")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            async with asyncio.timeout(SECONDS):
                response = await origin.send(method, target, list(headers), body)
                try:
                    return Fetched(response.status, tuple(response.headers), await response.read(MOST))
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise UpstreamError("The other server took too long.", reason="fetch-timeout", status=504) from error

    async def aclose(self) -> None:
        while self._origins:
            await self._origins.popitem()[1].aclose()

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

"""Whether an address is a crawler's that says so: forward-confirmed reverse DNS, beside the message path.

The rules:

1. The address's name must stand below a domain of the crawler, and one of that name's addresses must be the address.
2. Nobody waits: the first question says "not known yet" and has it looked up; the next one has the answer. At most
   ``AT_ONCE`` are looked up at once, each for ``SECONDS``; what cannot be looked up is not known, and not a fake.
3. Answers are kept for ``FRESH``, what was not known for ``AGAIN``; at most ``most`` of them.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from chatward.guards.traffic.crawlers import below

FRESH: Final = 86_400.0
AGAIN: Final = 300.0
SECONDS: Final = 5.0
AT_ONCE: Final = 4


class Resolver(Protocol):
    """Looks names up. Raises ``OSError`` where nobody answers; nothing found is an empty answer."""

    async def names(self, address: str) -> Sequence[str]: ...

    async def addresses(self, name: str) -> Sequence[str]: ...


class SystemResolver:
    """Asks as this machine is set up to ask."""

    async def names(self, address: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            name, _ = await loop.getnameinfo((address, 0), socket.NI_NAMEREQD)
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                return ()
            raise
        return (name,)

    async def addresses(self, name: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                return ()
            raise
        return [str(one[4][0]) for one in found]


class Reverse:
    """Answers from memory. For one event loop. ``clock`` gives seconds of any origin."""

    def __init__(self, resolver: Resolver, *, most: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolver = resolver
        self._most = most
        self._clock = clock
        self._known: OrderedDict[tuple[str, tuple[str, ...]], tuple[bool | None, float]] = OrderedDict()
        self._asking: dict[tuple[str, tuple[str, ...]], asyncio.Task[None]] = {}

    def confirmed(self, address: str, domains: tuple[str, ...]) -> bool | None:
        """Whether the address is a machine of these domains; ``None``: not known (yet)."""
        place = (address, domains)
        found, until = self._known.get(place, (None, 0.0))
        if self._clock() < until:
            return found
        if place not in self._asking and len(self._asking) < AT_ONCE:
            self._asking[place] = asyncio.ensure_future(self._look(place))
        return found

    async def settled(self) -> None:
        """Once nothing is being looked up any more."""
        while self._asking:
            await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def close(self) -> None:
        for task in self._asking.values():
            task.cancel()

    async def _look(self, place: tuple[str, tuple[str, ...]]) -> None:
        address, domains = place
        found: bool | None = False
        try:
            async with asyncio.timeout(SECONDS):
                for name in (await self._resolver.names(address))[:4]:
                    if below(name, domains) and address in await self._resolver.addresses(name):
                        found = True
                        break
        except (OSError, TimeoutError, UnicodeError):
            found = None
        finally:
            self._asking.pop(place, None)
        self._known[place] = (found, self._clock() + (AGAIN if found is None else FRESH))
        while len(self._known) > self._most:
            self._known.popitem(last=False)

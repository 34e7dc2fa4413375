"""What was spent, and who has a pass: in this process, or in a Valkey that several share.

The rules (``tests/traffic/test_passes.py`` asks both):

1. ``spend`` says yes once for a key until its end, whoever asks at the same time, on whichever node (``SET NX``).
2. A pass belongs to a session. It ends by itself; a longer one is not made shorter.
3. A store that does not answer has said nothing: no solution is taken then (``StoreError``), and nobody has a pass that
   is not known here.
4. In this process at most ``most`` of each; where that many are open, nothing more is taken rather than twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from chatward.core.errors import ConfigError, StoreError

PREFIX: Final = "chatward:traffic:"


class Passes(Protocol):
    """Times are seconds since 1970 UTC. Raises ``StoreError``."""

    async def spend(self, key: str, until: float) -> bool:
        """Whether this was the first time."""
        ...

    async def grant(self, session: str, until: float) -> None: ...

    async def until(self, session: str) -> float:
        """When a session's pass ends; 0 without one."""
        ...

    async def aclose(self) -> None: ...


def _unavailable() -> StoreError:
    return StoreError("This cannot be checked now; try again in a moment.", reason="traffic-store-unavailable")


class MemoryPasses:
    """For one process and one event loop."""

    def __init__(self, clock: Callable[[], float] = time.time, most: int = 100_000) -> None:
        self._clock = clock
        self._most = most
        self._spent: dict[str, float] = {}
        self._granted: dict[str, float] = {}

    async def spend(self, key: str, until: float) -> bool:
        now = self._clock()
        known = self._spent.get(key)
        if known is not None and known > now:
            return False
        self._make_room(self._spent, now)
        self._spent[key] = until
        return True

    async def grant(self, session: str, until: float) -> None:
        now = self._clock()
        self._make_room(self._granted, now)
        self._granted[session] = max(until, self._granted.get(session, 0.0))

    async def until(self, session: str) -> float:
        found = self._granted.get(session, 0.0)
        return found if found > self._clock() else 0.0

    async def aclose(self) -> None:
        return

    def _make_room(self, kept: dict[str, float], now: float) -> None:
        if len(kept) < self._most:
            return
        for key in [key for key, until in kept.items() if until <= now]:
            del kept[key]
        if len(kept) >= self._most:
            raise _unavailable()


class ValkeyPasses:
    """At ``url``, as ``limits.valkey``. Raises ``ConfigError`` without the client library."""

    def __init__(
        self, url: str, *, cluster: bool = False, timeout: float = 0.1, clock: Callable[[], float] = time.time
    ) -> None:
        try:
            from valkey import asyncio as client  # noqa: PLC0415  (an extra)
            from valkey import exceptions  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                'traffic.store = "valkey" needs its client: uv pip install "chatward[valkey]"',
                key="traffic.store",
                reason="extra-missing",
            ) from error
        self._timeout = timeout
        self._clock = clock
        try:
            self._client: Any = (client.ValkeyCluster if cluster else client.Valkey).from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout
            )
        except (ValueError, exceptions.ValkeyError) as error:
            raise ConfigError("This is no address of a Valkey or Redis server.", key="limiter.url") from error

    async def spend(self, key: str, until: float) -> bool:
        return await self._ask("set", f"{PREFIX}{key}", "1", nx=True, px=self._left(until)) is not None

    async def grant(self, session: str, until: float) -> None:
        if until > await self.until(session):
            await self._ask("set", f"{PREFIX}pass:{session}", repr(until), px=self._left(until))

    async def until(self, session: str) -> float:
        found = await self._ask("get", f"{PREFIX}pass:{session}")
        try:
            return float(found) if found is not None and float(found) > self._clock() else 0.0
        except ValueError:
            return 0.0

    async def aclose(self) -> None:
        await self._client.aclose()

    def _left(self, until: float) -> int:
        """Milliseconds; a second more than needed, so that clocks that differ a little do not let one in twice."""
        return max(1, int((until - self._clock() + 1.0) * 1000))

    async def _ask(self, command: str, *given: object, **more: object) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await getattr(self._client, command)(*given, **more)
        except Exception:
            # Of any kind: the client has several. Its own words may hold the address with a password.
            raise _unavailable() from None

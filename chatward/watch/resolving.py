"""Which names exist: the port that DNS is asked through, and dnspython behind it.

The rules: a name is asked for its ``NS`` first; only one that is registered is asked for more. Questions go out at
most so many in a second, and a few at a time. A failure is *unknown*, never "does not exist".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from chatward.core.errors import ConfigError
from chatward.core.hosts import split

PATIENCE: Final = 5.0
"""Seconds for one question."""
AT_ONCE: Final = 16
_MOST_RECORDS: Final = 32


class Unresolved(Exception):
    """DNS gave no answer: nobody knows whether the name exists."""


class Resolver(Protocol):
    async def records(self, name: str, kind: str) -> Sequence[str] | None:
        """The records of a kind (``A``, ``AAAA``, ``MX``, ``NS``), empty where there are none; ``None`` where the name
        does not exist (NXDOMAIN). Raises ``Unresolved``."""
        ...


@dataclass(frozen=True, slots=True)
class Records:
    """What a name has, each in order: host names in lower case without a final dot."""

    ns: tuple[str, ...] = ()
    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.ns or self.a or self.aaaa or self.mx)

    @property
    def reachable(self) -> bool:
        return bool(self.a or self.aaaa)

    def told(self) -> dict[str, Any]:
        return {kind: list(found) for kind, found in asdict(self).items()}


class Pace:
    """Lets through at most so many in a second, evenly."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0

    async def __call__(self) -> None:
        now = self._clock()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await self._sleep(at - now)


class Asking:
    """Asks a resolver, in bounds. ``asked`` counts questions."""

    def __init__(self, resolver: Resolver, pace: Pace, at_once: int = AT_ONCE) -> None:
        self._resolver = resolver
        self._pace = pace
        self._places = asyncio.Semaphore(at_once)
        self.asked = 0

    async def __call__(self, name: str) -> Records:
        """Raises ``Unresolved``."""
        async with self._places:
            ns = await self._one(split(name).registered or name, "NS")
            if ns is None:
                return Records()
            a, aaaa, mx = [await self._one(name, kind) or () for kind in ("A", "AAAA", "MX")]
            return Records(tuple(ns), tuple(a), tuple(aaaa), tuple(mx))

    async def _one(self, name: str, kind: str) -> Sequence[str] | None:
        await self._pace()
        self.asked += 1
        found = await self._resolver.records(name, kind)
        return None if found is None else sorted(one.lower().rstrip(".") for one in found)[:_MOST_RECORDS]


class _Dns:
    def __init__(self, resolver: Any, none: Any, nothing: Any, failed: Any) -> None:
        self._resolver = resolver
        self._none, self._nothing, self._failed = none, nothing, failed

    async def records(self, name: str, kind: str) -> Sequence[str] | None:
        try:
            found = await self._resolver.resolve(f"{name}.", kind, lifetime=PATIENCE)
        except self._none:
            return None
        except self._nothing:
            return ()
        except (*self._failed, OSError) as error:
            raise Unresolved from error
        return [one.exchange.to_text() if kind == "MX" else one.to_text() for one in found]


def dns_resolver(nameservers: Sequence[str] = ()) -> Resolver:
    """Asks ``nameservers`` (addresses, each with ``:PORT`` or without), or whom this machine asks. Raises
    ``ConfigError`` where dnspython is missing."""
    try:
        from dns import asyncresolver, exception, nameserver, resolver  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            'the watch asks DNS, which needs a package: uv pip install "chatward[assurance]"', reason="extra-missing"
        ) from error
    found: Any = asyncresolver.Resolver(configure=not nameservers)
    if nameservers:
        found.nameservers = [nameserver.Do53Nameserver(*_place(one)) for one in nameservers]
    found.search = []
    return _Dns(found, resolver.NXDOMAIN, resolver.NoAnswer, (exception.DNSException,))


def _place(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return (host.strip("[]"), int(port)) if host and (host.count(":") == 0 or host.endswith("]")) else (server, 53)

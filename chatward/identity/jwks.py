"""The keys of an identity provider (RFC 7517), and how often it may be asked for them.

The rules:

1. What is fetched is kept for ``fresh`` seconds. A ``kid`` that is not there causes one fetch (the provider may have
   changed its keys), but never two within ``cooldown`` seconds, whoever asks and however often: tokens with made-up
   ``kid``s cost the provider nothing. A ``kid`` that was looked for in vain is remembered for ``negative`` seconds, and
   causes no fetch; at most ``NEGATIVE`` of them are.
2. All who wait for a fetch wait for the same one.
3. While the provider does not answer, keys serve for ``stale`` seconds beyond ``fresh``; then, and for a ``kid`` that
   cannot be looked for, there is ``Unreachable`` (503, ``identity-provider-unavailable``): a token is never accepted
   because its keys cannot be had.
4. An answer is at most ``MAX_BODY`` bytes with ``MAX_KEYS`` keys; keys of no use are passed over. Where two keys fit
   one ``kid`` and algorithm, neither is taken: nothing says which is meant.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, Generic, TypeVar

from chatward.core import base64url
from chatward.core.errors import ChatwardError, IdentityError
from chatward.core.identity import Fetch, Fetched
from chatward.identity.jose import ALGORITHMS, Key, TokenError, key_from

MAX_BODY: Final = 256 * 1024
MAX_KEYS: Final = 100
NEGATIVE: Final = 256
TIMEOUT: Final = 5.0
"""Seconds that the provider has for one answer."""

T = TypeVar("T")


class Unreachable(IdentityError):
    """The identity provider does not answer as it should, so nobody can be known by it."""

    status = 503
    reason = "identity-provider-unavailable"

    def __init__(self) -> None:
        super().__init__("Signing in is not possible right now. Try again in a minute.")


async def get_object(fetch: Fetch, url: str) -> dict[str, Any]:
    """The JSON object at an address. Raises ``Unreachable``."""
    return answer_object(await ask(fetch, "GET", url, [("accept", "application/json")]))


async def ask(fetch: Fetch, method: str, url: str, headers: list[tuple[str, str]], body: bytes = b"") -> Fetched:
    """One question to the provider, bounded in time. Raises ``Unreachable``."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return await fetch(method, url, headers, body)
    except (ChatwardError, TimeoutError, OSError) as error:
        raise Unreachable from error


def answer_object(answer: Fetched) -> dict[str, Any]:
    """The JSON object of a good answer. Raises ``Unreachable``."""
    if answer.status != 200 or len(answer.body) > MAX_BODY:
        raise Unreachable from ValueError(f"status {answer.status}, {len(answer.body)} bytes")
    try:
        return base64url.json_object(answer.body)
    except ValueError as error:
        raise Unreachable from error


class Remembered(Generic[T]):
    """One fetched thing, after rules 1 to 3. ``make`` fetches it and raises ``Unreachable``."""

    def __init__(
        self,
        make: Callable[[], Awaitable[T]],
        clock: Callable[[], float],
        *,
        fresh: float,
        stale: float,
        cooldown: float,
    ) -> None:
        self._make = make
        self._clock = clock
        self._fresh = fresh
        self._stale = stale
        self._cooldown = cooldown
        self._value: T | None = None
        self.since = float("-inf")
        """When it was fetched."""
        self._tried = float("-inf")
        self._failed = False
        self._running: asyncio.Task[None] | None = None

    async def get(self) -> T:
        """The thing, fetched if it is not fresh. Raises ``Unreachable``."""
        if self._age >= self._fresh:
            await self.renew()
        if self._value is None or self._age >= self._fresh + self._stale:
            raise Unreachable
        return self._value

    async def renew(self) -> bool:
        """Fetches it, unless that was tried within the cool-down; whether the last attempt was a success."""
        if self._running is None and self._clock() - self._tried >= self._cooldown:
            self._tried = self._clock()
            self._running = asyncio.ensure_future(self._fetch())
        if self._running is not None:
            # One who goes away must not take the fetch from the others.
            await asyncio.shield(self._running)
        return not self._failed

    @property
    def _age(self) -> float:
        return self._clock() - self.since

    async def _fetch(self) -> None:
        try:
            self._value, self.since, self._failed = await self._make(), self._clock(), False
        except Unreachable:
            self._failed = True
        finally:
            self._running = None


class KeySet:
    """Keys of one provider. ``address`` gives the URL of its key set (raises ``Unreachable``); ``clock`` seconds."""

    def __init__(
        self,
        address: Callable[[], Awaitable[str]],
        fetch: Fetch,
        clock: Callable[[], float],
        *,
        algorithms: Collection[str] = tuple(ALGORITHMS),
        fresh: float = 3600.0,
        stale: float = 21_600.0,
        cooldown: float = 30.0,
        negative: float = 300.0,
    ) -> None:
        self._address = address
        self._fetch = fetch
        self._clock = clock
        self._algorithms = frozenset(algorithms)
        self._negative = negative
        self._missing: OrderedDict[str | None, float] = OrderedDict()
        self._keys = Remembered(self._load, clock, fresh=fresh, stale=stale, cooldown=cooldown)

    async def key(self, kid: str | None, alg: str) -> Key:
        """The key for a token. Without ``kid`` the one that fits, where there is one only (OpenID Connect Core 10.1).

        Raises ``TokenError`` (``token-key-unknown``) and ``Unreachable``.
        """
        found = _choose(await self._keys.get(), kid, alg)
        if found is not None:
            return found
        if self._known_missing(kid):
            raise TokenError("token-key-unknown")
        before = self._keys.since
        if not await self._keys.renew():
            raise Unreachable
        found = _choose(await self._keys.get(), kid, alg)
        if found is None:
            if self._keys.since != before:  # it was looked for, not merely within the cool-down
                self._remember(kid)
            raise TokenError("token-key-unknown")
        return found

    async def _load(self) -> tuple[Key, ...]:
        document = await get_object(self._fetch, await self._address())
        listed = document.get("keys")
        if not isinstance(listed, list) or len(listed) > MAX_KEYS:
            raise Unreachable from ValueError("not a key set, or too many keys")
        found = [key for jwk in listed if (key := key_from(jwk, self._algorithms)) is not None]
        return tuple(found)

    def _known_missing(self, kid: str | None) -> bool:
        return self._missing.get(kid, float("-inf")) > self._clock()

    def _remember(self, kid: str | None) -> None:
        self._missing.pop(kid, None)
        self._missing[kid] = self._clock() + self._negative
        if len(self._missing) > NEGATIVE:
            self._missing.popitem(last=False)


def _choose(keys: tuple[Key, ...], kid: str | None, alg: str) -> Key | None:
    fitting = [key for key in keys if key.fits(alg) and (kid is None or key.kid == kid)]
    return fitting[0] if len(fitting) == 1 else None

"""Limits counted in a server that speaks the Valkey/Redis protocol, for all processes that ask it.

The rules:

1. One script a request, over all its keys: the server runs it as one step, so processes cannot pass each other.
2. Time is the server's. All keys of one script hold the same ``{tag}``, so they lie in one slot of a cluster.
3. Keys go by themselves when they say nothing any more.
4. Whatever goes wrong, or takes longer than ``timeout``, is ``StoreDown``. Nothing is tried twice here: a script that
   was sent may have run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from chatward.core.errors import ConfigError
from chatward.limits.gcra import EPOCH
from chatward.limits.store import Charge, Outcome, StoreDown

PREFIX: Final = "chatward:limits:"

_NOW: Final = f"""
local time = redis.call('TIME')
local now = (tonumber(time[1]) - {EPOCH}) * 1e6 + tonumber(time[2])
local function keep(key, new)
  if new > now then
    redis.call('SET', key, string.format('%.17g', new), 'PX', math.ceil((new - now) / 1000) + 1)
  else
    redis.call('DEL', key)
  end
end
local function ahead(key)
  local at = tonumber(redis.call('GET', key) or '0')
  if at > now then return at end
  return now
end
"""

TAKE: Final = (
    _NOW
    + """
local taken, news, answer = 1, {}, {}
for i, key in ipairs(KEYS) do
  local n = 4 * (i - 1) + 2
  local cost, most, lease = tonumber(ARGV[n]), tonumber(ARGV[n + 1]), ARGV[n + 2] == '1'
  local level, wait = 0, 0
  if lease then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.17g', now))
    level = redis.call('ZCARD', key) + 1
    if level > most then
      local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
      if first[2] then wait = tonumber(first[2]) - now end
    end
  else
    news[i] = ahead(key) + cost
    level = news[i] - now
  end
  if level > most then taken = 0 end
  answer[2 * i] = string.format('%.17g', level)
  answer[2 * i + 1] = string.format('%.17g', wait)
end
if taken == 1 then
  for i, key in ipairs(KEYS) do
    if news[i] then
      keep(key, news[i])
    else
      local life = tonumber(ARGV[4 * (i - 1) + 5])
      redis.call('ZADD', key, string.format('%.17g', now + life), ARGV[1])
      if redis.call('PTTL', key) < life / 1000 then redis.call('PEXPIRE', key, math.ceil(life / 1000) + 1) end
    end
  end
end
answer[1] = taken
return answer
"""
)

ADD: Final = _NOW + "for i, key in ipairs(KEYS) do keep(key, ahead(key) + tonumber(ARGV[i])) end"
END: Final = "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end"


class ValkeyStore:
    """A ``Store`` at ``url`` (``valkey://``, ``redis://``, with TLS ``valkeys://``, ``rediss://``). ``cluster``: the
    server there is one of a cluster. ``timeout``: seconds for a whole answer. Raises ``ConfigError`` without the
    client library. Belongs to one event loop."""

    def __init__(self, url: str, *, cluster: bool = False, timeout: float = 0.1, connections: int = 32) -> None:
        try:
            from valkey import asyncio as client  # noqa: PLC0415
            from valkey import exceptions  # noqa: PLC0415  (an extra)
            from valkey.asyncio.retry import Retry  # noqa: PLC0415
            from valkey.backoff import NoBackoff  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                'limiter.store = "valkey" needs its client: uv pip install "chatward[valkey]"',
                key="limiter.store",
                reason="extra-missing",
            ) from error
        self._timeout = timeout
        common: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        try:
            if cluster:
                self._client: Any = client.ValkeyCluster.from_url(url, cluster_error_retry_attempts=1, **common)
            else:
                pool = client.BlockingConnectionPool.from_url(
                    url, max_connections=connections, timeout=timeout, retry=Retry(NoBackoff(), 0), **common
                )
                self._client = client.Valkey(connection_pool=pool)
        except (ValueError, exceptions.ValkeyError) as error:
            raise ConfigError("This is no address of a Valkey or Redis server.", key="limiter.url") from error
        self._take = self._client.register_script(TAKE)
        self._add = self._client.register_script(ADD)
        self._end = self._client.register_script(END)

    async def take(self, charges: Sequence[Charge], lease: str) -> Outcome:
        given: list[str | float] = [lease]
        for charge in charges:
            given += [repr(charge.cost), repr(charge.most), "1" if charge.lease else "0", repr(charge.life)]
        answer = await self._run(self._take, [charge.key for charge in charges], given)
        try:
            numbers = [float(number) for number in answer]
        except (TypeError, ValueError) as error:
            raise StoreDown("an answer that is none") from error
        return Outcome(numbers[0] == 1, numbers[1::2], numbers[2::2])

    async def add(self, charges: Sequence[Charge]) -> None:
        await self._run(self._add, [charge.key for charge in charges], [repr(charge.cost) for charge in charges])

    async def end(self, keys: Sequence[str], lease: str) -> None:
        await self._run(self._end, keys, [lease])

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _run(self, script: Any, keys: Sequence[str], given: Sequence[object]) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await script(keys=[PREFIX + key for key in keys], args=list(given))
        except Exception as error:
            # Of any kind: the client has several. Its own words may hold the address with a password.
            raise StoreDown(type(error).__name__) from None

"""The limiter: which limits a request falls under, whether it fits in all of them, and what it took in the end.

The rules:

1. One question to the store for each request, over all its limits: it fits in all of them, or takes from none.
2. Every limit counts within a tenant. Who has no session is not counted by session.
3. A caller is told where it stands in limits of its own (principal, session, address). What a tenant or a bot has left
   says what others do; of those it learns only how long to wait.
4. Keys are digests: the store holds no name and no address.
5. Tokens and money are taken by a guess and settled afterwards. A request that came to no answer gives them back; that
   it was a request stays counted.
6. Who was told to wait is refused without reading the body and without asking the store until then: no request of
   theirs could pass before.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from chatward.core.errors import ChatwardError
from chatward.core.identity import Caller
from chatward.core.ports import Request
from chatward.limits.amounts import Prices, Tokens, guess
from chatward.limits.gcra import MICROSECONDS, Rate
from chatward.limits.steady import Steady
from chatward.limits.store import Charge, Outcome, Store, StoreDown
from chatward.settings import Limit

OWN: Final = frozenset({"principal", "session", "address"})
HEADER: Final = "x-chatward-limit"
_REMEMBERED: Final = 8192
_LONGEST: Final = 1.0
"""Seconds that closing waits for what is still to be settled."""

Headers = Sequence[tuple[str, str]]


class LimitError(ChatwardError):
    """A limit is reached. ``retry_after``: whole seconds until the same request would pass, if nobody else asks."""

    status = 429
    reason = "rate-limited"

    def __init__(self, retry_after: int, standing: Headers) -> None:
        super().__init__(f"This is more than may be asked at once. Try again in {retry_after} s.")
        self.retry_after = retry_after
        self._standing = standing

    @property
    def headers(self) -> Headers:
        return [("retry-after", str(self.retry_after)), *self._standing]


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit, ready to be asked."""

    name: str
    limit: Limit
    rate: Rate

    def charge(self, key: str, amount: float) -> Charge:
        if self.limit.of == "streams":
            return Charge(key, 0.0, self.limit.burst, lease=True, life=self.limit.period * MICROSECONDS)
        return Charge(key, self.rate.cost(amount), self.rate.most)

    def left(self, level: float) -> float:
        """Units that are left at a level."""
        if self.limit.of == "streams":
            return max(0.0, self.limit.burst - level)
        return max(0.0, (self.rate.most - level) / self.rate.interval)

    def wait(self, level: float, lease: float) -> float:
        """Seconds until what came to ``level`` would pass; 0 where it does."""
        if self.limit.of == "streams":
            # Most streams end long before their lease does.
            return min(1.0, lease / MICROSECONDS) if level > self.limit.burst else 0.0
        return max(0.0, level - self.rate.most) / MICROSECONDS

    def standing(self, level: float) -> Headers:
        reset = 0.0 if self.limit.of == "streams" else max(0.0, level) / MICROSECONDS
        return [
            (HEADER, f"{self.limit.burst:.12g}"),
            (f"{HEADER}-remaining", str(int(self.left(level)))),
            (f"{HEADER}-reset", str(ceil(reset))),
            (f"{HEADER}-of", self.limit.of),
        ]


class Taken:
    """What one request took. ``used`` says what it came to; ``end`` when it is over."""

    __slots__ = ("_charged", "_guess", "_lease", "_limiter", "_model", "_settled", "_store", "headers")

    def __init__(
        self,
        limiter: Limiter,
        store: Store | None = None,
        charged: Sequence[tuple[Rule, Charge]] = (),
        lease: str = "",
        asked: tuple[str, Tokens] = ("", (0, 0)),
        headers: Headers = (),
    ) -> None:
        self._limiter = limiter
        self._store = store
        self._charged = charged
        self._lease = lease
        self._model, self._guess = asked
        self._settled = False
        self.headers = headers
        """Where the caller stands, for the answer."""

    def used(self, read: int, written: int) -> None:
        """The tokens that the reply says it took; none at all: it does not say, and the guess stands."""
        if not self._settled:
            self._settled = True
            if read or written:
                self._settle((read, written))

    def end(self) -> None:
        """The request is over. Where ``used`` was not called no answer came, and nothing was used."""
        if not self._settled:
            self._settled = True
            self._settle((0, 0))
        leases = [charge.key for _, charge in self._charged if charge.lease]
        if leases and self._store is not None:
            self._limiter.later(self._store.end(leases, self._lease))
        self._charged = ()

    def _settle(self, used: Tokens) -> None:
        if self._store is None:
            return
        changes = []
        for rule, charge in self._charged:
            if rule.limit.of in {"tokens", "money"}:
                cost = self._limiter.amount(rule, self._model, used) * rule.rate.interval - charge.cost
                if cost:
                    changes.append(Charge(charge.key, cost, charge.most))
        if changes:
            self._limiter.later(self._store.add(changes))


class Limiter:
    """Asks ``store`` for every request. ``bot_of`` says which bot a path and a model lead to. Belongs to one event
    loop. ``refused`` counts refusals by limit."""

    def __init__(
        self,
        limits: Mapping[str, Limit],
        store: Store | Steady,
        *,
        bot_of: Callable[[str, str], str] = lambda path, model: "default",
        prices: Prices | None = None,
        reply_tokens: int = 500,
        prefixes: tuple[int, int] = (24, 56),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = [Rule(name, one, Rate(one.rate, one.period, one.burst)) for name, one in limits.items()]
        self._guesses = any(rule.limit.of in {"tokens", "money"} for rule in self._rules)
        self._bots = any(rule.limit.per == "bot" for rule in self._rules)
        self._store = store
        self._bot_of = bot_of
        self._prices = prices or Prices({})
        self._reply_tokens = reply_tokens
        self._prefixes = prefixes
        self._lease = secrets.token_hex(6)
        self._count = 0
        self._pending: set[asyncio.Future[None]] = set()
        self._early = [rule for rule in self._rules if rule.limit.of == "requests" and rule.limit.per != "bot"]
        self._waiting: dict[str, tuple[float, Headers]] = {}
        self._clock = clock
        self.refused = dict.fromkeys(limits, 0)

    @property
    def steady(self) -> Steady | None:
        return self._store if isinstance(self._store, Steady) else None

    def known(self, caller: Caller) -> None:
        """Raises ``LimitError`` where somebody was told to wait and has not."""
        if not self._waiting:
            return
        for rule in self._early:
            key = self._key(rule, caller, "")
            found = self._waiting.get(key)
            if found is not None:
                left = found[0] - self._clock()
                if left > 0:
                    self.refused[rule.name] += 1
                    raise LimitError(max(1, ceil(left)), found[1])
                del self._waiting[key]

    async def take(self, caller: Caller, path: str, call: Request, body: bytes) -> Taken:
        """Raises ``LimitError``, and ``LimitsUnavailable`` where settings want that."""
        tokens = guess(path, body, self._reply_tokens) if self._guesses else (0, 0)
        charged = self._charges(caller, path, call, tokens)
        if not charged:
            return Taken(self)
        self._count += 1
        lease = f"{self._lease}-{self._count:x}"
        charges = [charge for _, charge in charged]
        try:
            answer = await self._ask(charges, lease)
        except asyncio.CancelledError:
            leases = [charge.key for charge in charges if charge.lease]
            if leases:  # it may have been given just now
                shared = self._store.shared if isinstance(self._store, Steady) else self._store
                self.later(shared.end(leases, lease))
            raise
        if answer is None:
            return Taken(self)
        outcome, store = answer
        if not outcome.taken:
            raise self._refusal(charged, outcome)
        return Taken(self, store, charged, lease, (call.model, tokens), self._standing(charged, outcome))

    def amount(self, rule: Rule, model: str, tokens: Tokens) -> float:
        if rule.limit.of == "money":
            return self._prices.of(model, tokens)
        return float(tokens[0] + tokens[1]) if rule.limit.of == "tokens" else 1.0

    def later(self, doing: Awaitable[None]) -> None:
        """Lets something be booked by itself. What a store that is gone cannot book is lost, and counted."""
        future = asyncio.ensure_future(doing)
        self._pending.add(future)
        future.add_done_callback(self._booked)

    async def aclose(self) -> None:
        if self._pending:
            await asyncio.wait(self._pending, timeout=_LONGEST)
        await self._store.aclose()

    def _booked(self, future: asyncio.Future[None]) -> None:
        self._pending.discard(future)
        down = None if future.cancelled() else future.exception()
        if isinstance(down, StoreDown) and self.steady is not None:
            self.steady.failed(down)

    async def _ask(self, charges: Sequence[Charge], lease: str) -> tuple[Outcome, Store] | None:
        if isinstance(self._store, Steady):
            return await self._store.take(charges, lease)
        return await self._store.take(charges, lease), self._store

    def _charges(self, caller: Caller, path: str, call: Request, tokens: Tokens) -> list[tuple[Rule, Charge]]:
        charged = []
        bot = self._bot_of(path, call.model) if self._bots else ""
        for rule in self._rules:
            if rule.limit.of == "streams" and not call.stream:
                continue
            amount = self.amount(rule, call.model, tokens)
            key = self._key(rule, caller, bot) if amount else ""
            if key:
                charged.append((rule, rule.charge(key, amount)))
        return charged

    def _key(self, rule: Rule, caller: Caller, bot: str) -> str:
        """Whose count it is; empty where it is nobody's."""
        principal, per = caller.person, rule.limit.per
        if per == "principal":
            whose = principal.id
        elif per == "tenant":
            whose = ""
        elif per == "session":
            whose = principal.session
            if not whose:
                return ""
        elif per == "address":
            whose = block(caller.presented.address, *self._prefixes)
        else:
            whose = bot
        return key_of(rule.name, principal.tenant, whose)

    def _refusal(self, charged: Sequence[tuple[Rule, Charge]], outcome: Outcome) -> LimitError:
        longest, standing = 0.0, ()  # type: float, Headers
        for (rule, charge), level, wait in zip(charged, outcome.levels, outcome.waits, strict=True):
            if level <= charge.most:
                continue
            self.refused[rule.name] += 1
            needed = rule.wait(level, wait)
            if needed >= longest:
                longest = needed
                before = level - (1.0 if charge.lease else charge.cost)
                standing = rule.standing(before) if rule.limit.per in OWN else ()
            if rule in self._early:
                self._remember(charge.key, needed, rule.standing(level - charge.cost) if rule.limit.per in OWN else ())
        return LimitError(max(1, ceil(longest)), standing)

    def _remember(self, key: str, seconds: float, standing: Headers) -> None:
        now = self._clock()
        if len(self._waiting) >= _REMEMBERED:
            self._waiting = {one: told for one, told in self._waiting.items() if told[0] > now}
        if len(self._waiting) < _REMEMBERED:
            self._waiting[key] = (now + seconds, standing)

    @staticmethod
    def _standing(charged: Sequence[tuple[Rule, Charge]], outcome: Outcome) -> Headers:
        """Where the caller stands in that of its own limits of which the smallest part is left."""
        nearest, found = 2.0, ()  # type: float, Headers
        for (rule, _), level in zip(charged, outcome.levels, strict=True):
            if rule.limit.per in OWN:
                part = rule.left(level) / rule.limit.burst
                if part < nearest:
                    nearest, found = part, rule.standing(level)
        return found


@lru_cache(_REMEMBERED)
def key_of(name: str, tenant: str, whose: str) -> str:
    """The key of a limit. What stands in braces decides where it lies in a cluster."""
    return f"{{{_digest(tenant)}}}:{name}:{_digest(whose)}"


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12, person=b"chatward-limits").hexdigest()


@lru_cache(_REMEMBERED)
def block(address: str, ipv4: int, ipv6: int) -> str:
    """The network that an address stands for. An IPv4 address that is written as IPv6 is the IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "none"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    kept = ipv6 if isinstance(found, IPv6Address) else ipv4
    return f"{found.version}:{int(found) >> (found.max_prefixlen - kept):x}"

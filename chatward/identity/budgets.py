"""How much a key may use: requests and tokens, by UTC day and month.

The rules:

1. ``reserve`` counts a request, or refuses it (429, ``budget-exceeded``, with ``retry_after``); a refused one is not
   counted. Tokens are known afterwards: ``spend`` adds them, and the next ``reserve`` sees them. So what runs at the
   same time may use more tokens than are left.
2. Counted in memory, written behind in batches: every ``pause`` seconds, or when a process holds ``slack`` units of
   one principal that are not written. It never holds more requests than that: ``reserve`` waits for the disk first.
3. Shared through the database. As soon as another process has committed, its counts are seen. What it has not written
   is not seen, so ``n`` processes together admit at most ``n * slack`` requests too many, and one alone none.
   ``slack`` is a hundredth of the smallest limit, at least 1 and at most 1000.
4. A process that is killed forgets what it had not written: less than ``slack`` requests of each principal.
"""

from __future__ import annotations

import asyncio
import calendar
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from chatward.core.errors import IdentityError
from chatward.identity.behind import Behind
from chatward.identity.key_store import Budget
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "budgets",
    (
        "CREATE TABLE budget_usage (principal TEXT NOT NULL, period TEXT NOT NULL, requests INTEGER NOT NULL,"
        " tokens INTEGER NOT NULL, PRIMARY KEY (principal, period)) WITHOUT ROWID",
    ),
)

_ADD: Final = (
    "INSERT INTO budget_usage VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
    " requests = requests + excluded.requests, tokens = tokens + excluded.tokens"
)
_DAY: Final = 86_400
_PAUSE: Final = 2.0
_KEPT_DAYS: Final = 62
_KEPT_YEARS: Final = 2
_MOST_SLACK: Final = 1000
_REMEMBERED: Final = 20_000

Periods = tuple[str, str]
"""A day and its month: ``2026-03-09``, ``2026-03``."""


class BudgetError(IdentityError):
    """No more until ``retry_after`` seconds have passed."""

    status = 429
    reason = "budget-exceeded"

    def __init__(self, retry_after: int) -> None:
        super().__init__("The budget of this key is used up. Try again later, or ask for a larger one.")
        self.retry_after = retry_after

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [("retry-after", str(self.retry_after))]


@dataclass(slots=True)
class _Count:
    requests: int = 0
    tokens: int = 0


@dataclass(slots=True)
class _Account:
    """What is known of one principal's use in one day and its month. ``stored`` is what the database said when its
    ``generation`` was this; ``unwritten`` is here alone; ``leaving`` is being written now. An account of a day that
    has passed gives way to a new one when all of it is written."""

    periods: Periods
    generation: tuple[int, int] | None = None
    stored: tuple[_Count, _Count] = field(default_factory=lambda: (_Count(), _Count()))
    unwritten: _Count = field(default_factory=_Count)
    leaving: _Count | None = None

    @property
    def here(self) -> _Count:
        leaving = self.leaving or _Count()
        return _Count(self.unwritten.requests + leaving.requests, self.unwritten.tokens + leaving.tokens)

    @property
    def idle(self) -> bool:
        return self.leaving is None and self.unwritten == _Count()


class Budgets:
    """Counts, in a ``Database``, what principals use. ``limits`` tells the budget of a principal, or ``None``
    (``KeyAuthenticator.budget``); ``clock`` gives seconds since 1970 UTC. ``close`` writes what is left."""

    def __init__(
        self,
        database: Database,
        limits: Callable[[str], Budget | None],
        clock: Callable[[], float] = time.time,
        pause: float = _PAUSE,
    ) -> None:
        self._database = database
        self._limits = limits
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._cleaned = ""
        self._today = (-1, ("", ""))
        database.adopt(SCHEMA)
        self._behind = Behind("chatward-budgets", self.flush, pause)

    async def reserve(self, principal: str) -> None:
        """Counts one request. Raises ``BudgetError``, and ``StoreError`` when it must be written and cannot be."""
        budget = self._limits(principal)
        if not budget:
            return
        slack = slack_of(budget)
        while not self._reserve(principal, budget, slack):
            await asyncio.to_thread(self.flush)

    def spend(self, principal: str, tokens: int) -> None:
        """Counts tokens that were used. Never waits and never refuses."""
        budget = self._limits(principal)
        if not budget or tokens <= 0:
            return
        with self._lock:
            account = self._account(principal)
            account.unwritten.tokens += tokens
            hurry = account.here.tokens >= slack_of(budget).tokens
        self._announce(hurry)

    def used(self, principal: str) -> dict[str, tuple[int, int]]:
        """Requests and tokens of today and of this month, by period. Waits for the disk."""
        self.flush()
        with self._lock:
            periods = self._periods(self._clock())
            day, month = self._read(principal, periods)
        return {periods[0]: (day.requests, day.tokens), periods[1]: (month.requests, month.tokens)}

    def flush(self) -> None:
        """Writes what is counted here, in one transaction. Waits for the disk. Raises ``StoreError``; then nothing
        is lost, and the next call tries again."""
        with self._writing:
            leaving = self._take()
            if not leaving:
                return
            rows = [
                (principal, period, count.requests, count.tokens)
                for principal, account, count in leaving
                for period in account.periods
            ]
            try:
                with self._database.writing() as connection:
                    connection.executemany(_ADD, rows)
                    self._clean(connection.execute)
            except BaseException:
                self._give_back(leaving)
                raise
            with self._lock:
                for _, account, _ in leaving:
                    account.leaving, account.generation = None, None

    def close(self) -> None:
        self._behind.close()

    # --- one account; the lock is held

    def _reserve(self, principal: str, budget: Budget, slack: _Count) -> bool:
        """False where something must be written first."""
        with self._lock:
            account = self._account(principal)
            here = account.here
            if account.periods != self._periods(self._clock()):
                return False
            self._load(principal, account)
            wait = self._exceeded(budget, account, here)
            if wait:
                raise BudgetError(wait)
            if here.requests >= slack.requests or here.tokens >= slack.tokens:
                return False
            account.unwritten.requests += 1
            hurry = 2 * (here.requests + 1) >= slack.requests > 1
        self._announce(hurry)
        return True

    def _announce(self, hurry: bool) -> None:
        if hurry:
            self._behind.wake()
        else:
            self._behind.due()

    def _account(self, principal: str) -> _Account:
        """That of today; that of a day before as long as not all of it is written."""
        periods = self._periods(self._clock())
        account = self._accounts.get(principal)
        if account is None or (account.periods != periods and account.idle):
            if len(self._accounts) >= _REMEMBERED:
                self._accounts = {key: one for key, one in self._accounts.items() if not one.idle}
            account = self._accounts[principal] = _Account(periods)
        return account

    def _load(self, principal: str, account: _Account) -> None:
        """Reads the counts anew where anybody has committed since. While its own are being written they could be
        counted twice, so it waits until that has ended."""
        generation = self._database.generation
        if account.leaving is None and generation != account.generation:
            account.stored, account.generation = self._read(principal, account.periods), generation

    def _read(self, principal: str, periods: Periods) -> tuple[_Count, _Count]:
        sql = "SELECT period, requests, tokens FROM budget_usage WHERE principal = ? AND period IN (?, ?)"
        found = {period: _Count(*counts) for period, *counts in self._database.rows(sql, (principal, *periods))}
        return found.get(periods[0], _Count()), found.get(periods[1], _Count())

    def _exceeded(self, budget: Budget, account: _Account, here: _Count) -> int:
        """Seconds until all budgets that are used up begin anew; 0 where none is."""
        (day, month), wait = account.stored, 0
        now = self._clock()
        if _reached(day, here, budget.requests_day, budget.tokens_day):
            wait = _DAY - int(now) % _DAY
        if _reached(month, here, budget.requests_month, budget.tokens_month):
            wait = _until_next_month(now)
        return wait

    def _take(self) -> list[tuple[str, _Account, _Count]]:
        with self._lock:
            leaving = []
            for principal, account in self._accounts.items():
                if account.unwritten != _Count():
                    account.leaving, account.unwritten = account.unwritten, _Count()
                    leaving.append((principal, account, account.leaving))
            return leaving

    def _give_back(self, leaving: list[tuple[str, _Account, _Count]]) -> None:
        with self._lock:
            for _, account, count in leaving:
                account.unwritten.requests += count.requests
                account.unwritten.tokens += count.tokens
                account.leaving = None

    # --- time

    def _periods(self, now: float) -> Periods:
        number = int(now // _DAY)
        if number != self._today[0]:
            at = time.gmtime(now)
            month = f"{at.tm_year:04}-{at.tm_mon:02}"
            self._today = (number, (f"{month}-{at.tm_mday:02}", month))
        return self._today[1]

    def _clean(self, execute: Callable[..., object]) -> None:
        """Once a day, periods that nobody asks for any more go: days after two months, months after two years."""
        now = self._clock()
        today, month = self._periods(now)
        if today != self._cleaned:
            oldest_day = time.strftime("%Y-%m-%d", time.gmtime(now - _KEPT_DAYS * _DAY))
            oldest_month = f"{int(month[:4]) - _KEPT_YEARS:04}{month[4:]}"
            execute("DELETE FROM budget_usage WHERE length(period) = 10 AND period < ?", (oldest_day,))
            execute("DELETE FROM budget_usage WHERE length(period) = 7 AND period < ?", (oldest_month,))
            self._cleaned = today


def slack_of(budget: Budget) -> _Count:
    """How much of a principal's use a process may hold without having written it."""
    return _Count(
        _hundredth(limit for limit in (budget.requests_day, budget.requests_month) if limit is not None),
        _hundredth(limit for limit in (budget.tokens_day, budget.tokens_month) if limit is not None),
    )


def _hundredth(limits: Iterator[int]) -> int:
    smallest = min(limits, default=None)
    return _MOST_SLACK if smallest is None else max(1, min(_MOST_SLACK, smallest // 100))


def _reached(stored: _Count, here: _Count, requests: int | None, tokens: int | None) -> bool:
    return (requests is not None and stored.requests + here.requests >= requests) or (
        tokens is not None and stored.tokens + here.tokens >= tokens
    )


def _until_next_month(now: float) -> int:
    at = time.gmtime(now)
    year, month = (at.tm_year + 1, 1) if at.tm_mon == 12 else (at.tm_year, at.tm_mon + 1)
    return calendar.timegm((year, month, 1, 0, 0, 0)) - int(now)

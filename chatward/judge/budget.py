"""What the judge may spend: calls a minute and tokens a day.

The rules:

1. Tokens are set aside before a call, by an estimate that is too high for ordinary text, so that calls at the same time
   cannot overrun the budget. Afterwards the bot's own count takes the estimate's place, if it gives one.
2. A call that failed has cost what was set aside: the bot may have charged for it.
3. A day is a day in UTC. Counts live in this process: another process has its own, and a restart begins anew.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatward.judge.opinions import Why

BYTES_A_TOKEN: Final = 3
"""English has four and more, most other scripts about three."""
_MINUTE: Final = 60.0
_DAY: Final = 86_400


@dataclass(slots=True)
class Spending:
    """One call's tokens, set aside on a day."""

    day: int
    tokens: int


class Budget:
    """Counts calls and tokens. ``clock``: seconds that only go up. ``now``: seconds since 1970 (UTC)."""

    def __init__(
        self,
        calls_per_minute: int,
        tokens_per_day: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._calls = calls_per_minute
        self._tokens = tokens_per_day
        self._clock = clock
        self._now = now
        self._begun: deque[float] = deque()
        self._day = -1
        self._spent = 0

    @property
    def spent(self) -> int:
        """Tokens of the current day, those set aside included."""
        self._turn()
        return self._spent

    def take(self, size: int, answer: int) -> Spending | Why:
        """Sets tokens aside for ``size`` bytes of question and ``answer`` tokens of answer, or says what is used up."""
        self._turn()
        began = self._clock()
        while self._begun and began - self._begun[0] >= _MINUTE:
            self._begun.popleft()
        if len(self._begun) >= self._calls:
            return Why.CALLS
        tokens = -(-size // BYTES_A_TOKEN) + answer
        if self._spent + tokens > self._tokens:
            return Why.TOKENS
        self._begun.append(began)
        self._spent += tokens
        return Spending(self._day, tokens)

    def settle(self, spending: Spending, tokens: int) -> None:
        """Puts the bot's own count in place of what was set aside."""
        self._turn()
        if spending.day == self._day:
            self._spent += tokens - spending.tokens
        spending.tokens = tokens

    def _turn(self) -> None:
        day = int(self._now() // _DAY)
        if day != self._day:
            self._day, self._spent = day, 0

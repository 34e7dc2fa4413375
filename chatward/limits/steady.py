"""A shared store that may go away, and what happens then.

The rules:

1. What happens is declared: ``local`` counts in this process until the store is back (so ``n`` processes let in up to
   ``n`` times as much), ``allow`` lets everybody in, ``refuse`` nobody.
2. A store that has failed is asked again every ``retry`` seconds, by one request; the others do not wait for it.
3. What was taken from one store is settled there, and not in the other.
4. Each failure, and each request that was decided without the store, is counted; each change is told once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Literal

from chatward.limits.memory import MemoryStore
from chatward.limits.store import Charge, LimitsUnavailable, Outcome, Store, StoreDown

OnFailure = Literal["allow", "refuse", "local"]
Told = Callable[[bool], None]

_log = logging.getLogger("chatward.limits")


class Steady:
    """Asks ``shared``. ``told`` is called with ``False`` when it is lost and ``True`` when it is back; it may not
    raise. ``clock`` gives seconds that never go back."""

    def __init__(
        self,
        shared: Store,
        on_failure: OnFailure = "local",
        retry: float = 1.0,
        told: Told = lambda back: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shared = shared
        self._local = MemoryStore(clock)
        self._on_failure = on_failure
        self._retry = retry
        self._told = told
        self._clock = clock
        self._again: float | None = None
        self.failures = 0
        """Times that the store did not answer."""
        self.undecided = 0
        """Requests that were decided without it."""

    @property
    def up(self) -> bool:
        return self._again is None

    async def take(self, charges: Sequence[Charge], lease: str) -> tuple[Outcome, Store] | None:
        """What was taken and where; ``None`` where everybody is let in. Raises ``LimitsUnavailable``."""
        if self._again is None or self._clock() >= self._again:
            if self._again is not None:
                self._again = self._clock() + self._retry
            try:
                outcome = await self.shared.take(charges, lease)
            except StoreDown as down:
                self.failed(down)
            else:
                if self._again is not None:
                    self._again = None
                    self._told(True)
                return outcome, self.shared
        self.undecided += 1
        if self._on_failure == "refuse":
            raise LimitsUnavailable
        if self._on_failure == "allow":
            return None
        return await self._local.take(charges, lease), self._local

    def failed(self, down: BaseException) -> None:
        self.failures += 1
        lost = self._again is None
        self._again = self._clock() + self._retry
        if lost:
            _log.warning("the store of limits does not answer: %s", down)
            self._told(False)

    async def aclose(self) -> None:
        await self.shared.aclose()

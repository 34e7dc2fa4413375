"""What is handed on of every finished message, for those who learn what is usual (``behaviour``).

The rules:

1. ``Observer.observe`` never blocks and never raises: it takes an observation or drops it, and counts what it dropped.
2. An observation is made after the verdict, and nothing waits for what is learnt from it.
3. ``text`` is what a person newly wrote, cut to ``MOST``. It is held in memory until it was looked at, and written
   nowhere: not by ``repr``, not in a file, not in a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

MOST: Final = 2_000
"""Code points of a text that are looked at."""


class Observation(NamedTuple):  # not a dataclass: made on the way of every message, at a tenth of the cost
    """One message that is over. ``at``: seconds since 1970. ``kind``: of the principal (``core.identity.Kind``).
    ``address`` is the caller's, ``session`` the log-in's or conversation's. ``sent`` and ``answered`` are code points,
    ``took`` seconds from the first byte to the verdict's end. ``rules``: what guards found, ``tools``: what the reply
    called. ``refusal``: the reason id of what was refused before any guard saw it (credentials, policy, limits, form),
    of which there is no text."""

    request: str
    at: float
    tenant: str
    principal: str
    kind: str
    bot: str
    address: str
    session: str
    action: str
    rules: Sequence[str] = ()
    tools: Sequence[str] = ()
    sent: int = 0
    answered: int = 0
    took: float = 0.0
    text: str = ""
    refusal: str = ""

    def __repr__(self) -> str:
        return f"Observation({self.request!r}, {self.at!r}, {self.action!r})"


class Observer(Protocol):
    """Learns from what happened."""

    def observe(self, observation: Observation) -> None: ...

    @property
    def dropped(self) -> int:
        """Observations that were not taken since too many waited."""
        ...

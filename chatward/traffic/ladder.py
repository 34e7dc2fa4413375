"""What is done about a score, and how a caller reads it.

The rules:

1. The strictest rung whose threshold the score is below is taken: block, step-up, work, slow; else none.
2. A refusal says what to do next and not which signals were seen: who makes them would learn how not to.
3. Whoever is asked to work may wait instead (``wait``): that takes no script, no device and no sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec

from chatward.core.errors import ClientError
from chatward.settings.traffic import Ladder
from chatward.traffic.work import Challenge

SOLVE: Final = "/v1/traffic/pass"
PAGE: Final = "/v1/traffic/page"
WAIT: Final = "/chat/wait"


class Rung(IntEnum):
    """In order of strictness."""

    NONE = 0
    SLOW = 1
    WORK = 2
    STEP_UP = 3
    BLOCK = 4

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")


OWN: Final = frozenset({"automated", "slow-down", "traffic-store-unavailable", "work-needed"})
"""Reasons of refusals that come from here."""


def rung_of(score: int, ladder: Ladder) -> Rung:
    if score < ladder.block_below:
        return Rung.BLOCK
    if score < ladder.step_up_below:
        return Rung.STEP_UP
    if score < ladder.work_below:
        return Rung.WORK
    return Rung.SLOW if score < ladder.slow_below else Rung.NONE


class AutomatedError(ClientError):
    """Refused: nothing lifts it but another score."""

    status = 403
    reason = "automated"

    def __init__(self) -> None:
        super().__init__("This was not accepted. If you are a person, reload the page and try again.")


class CrowdError(ClientError):
    """Too many are slowed at once."""

    status = 429
    reason = "slow-down"

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many messages at once; wait a moment and try again.")
        self._seconds = seconds

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [("retry-after", str(self._seconds))]


class WorkNeededError(ClientError):
    """A proof of work first, or a wait. ``extra``: further header fields, such as the cookie of the session."""

    status = 403
    reason = "work-needed"

    def __init__(
        self, challenge: Challenge, ticket: str, seconds: float, extra: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__("Solve the challenge or wait a moment as it says, then send it again.")
        self._challenge = challenge
        self._ticket = ticket
        self._seconds = seconds
        self._extra = extra

    @property
    def headers(self) -> list[tuple[str, str]]:
        return list(self._extra)

    @property
    def details(self) -> Mapping[str, Any]:
        work = {
            "challenge": msgspec.to_builtins(self._challenge),
            "solve": SOLVE,
            "wait": f"{WAIT}?t={self._ticket}",
            "seconds": self._seconds,
        }
        return {"work": work}

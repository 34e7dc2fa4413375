"""What is handed on of messages that were refused: who, how, and no more than tells that there are many."""

from __future__ import annotations

import pytest

from chatward.behaviour.gathering import REFUSALS, Gathering
from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.core.identity import ANONYMOUS
from chatward.core.observing import Observation
from chatward.gateway.inflight import Flight
from tests.simulators.traffic import Clock, caller, visitor


class Kept:
    dropped = 0

    def __init__(self) -> None:
        self.all: list[Observation] = []

    def observe(self, observation: Observation) -> None:
        self.all.append(observation)


def flight() -> Flight:
    return Flight("cw-1", None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (IdentityError("Who?", reason="key-unknown"), "block"),
        (ClientError("What?", reason="json-invalid"), "block"),
        (ClientError("Slower.", reason="rate-limited", status=429), "wait"),
    ],
)
def test_a_refusal_is_told_with_its_reason_and_no_text(error: ChatwardError, action: str) -> None:
    kept = Kept()
    Gathering(kept, Clock()).refused(flight(), caller(principal=visitor()), error)
    (one,) = kept.all
    assert (one.principal, one.action, one.refusal) == (visitor().id, action, error.reason)
    assert (one.text, one.sent, one.bot, one.address) == ("", 0, "", "192.0.2.9")


def test_a_flood_of_refusals_is_cut_and_counted() -> None:
    kept, clock = Kept(), Clock()
    gathering = Gathering(kept, clock)
    for second in range(2):
        clock.now += 1
        for _ in range(REFUSALS + 7):
            gathering.refused(flight(), caller(principal=ANONYMOUS), IdentityError("Who?"))
        assert (len(kept.all), gathering.flooded) == (REFUSALS * (second + 1), 7 * (second + 1))


def test_what_guards_let_pass_and_a_budget_stopped_is_told_once() -> None:
    kept, stopped = Kept(), flight()
    stopped.observed = lambda: None
    Gathering(kept, Clock()).refused(stopped, caller(), error := ClientError("Too much.", status=429))
    assert kept.all == []
    assert stopped.refusal is error

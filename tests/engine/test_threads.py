"""Who began what bots keep: bounded in number and time, and told apart by owner."""

from __future__ import annotations

import pytest

from chatward.engine import threads
from chatward.engine.threads import Owners


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(threads.time, "monotonic", lambda: now[0])
    return now


def test_the_first_to_be_answered_owns_an_id() -> None:
    owners = Owners(8, 60.0)
    assert not owners.foreign("ann", "resp_1")
    owners.claim("ann", "resp_1")
    owners.claim("eve", "resp_1")
    assert (owners.foreign("ann", "resp_1"), owners.foreign("eve", "resp_1")) == (False, True)


def test_an_id_is_owned_for_a_time_after_the_last_answer(clock: list[float]) -> None:
    owners = Owners(8, 60.0)
    owners.claim("ann", "resp_1")
    clock[0] += 50
    owners.claim("ann", "resp_1")
    clock[0] += 60
    assert owners.foreign("eve", "resp_1")
    clock[0] += 1
    assert not owners.foreign("eve", "resp_1")
    owners.claim("eve", "resp_1")
    assert owners.foreign("ann", "resp_1")


def test_the_oldest_are_forgotten() -> None:
    owners = Owners(2, 60.0)
    for given in ("resp_1", "resp_2", "resp_1", "resp_3"):
        owners.claim("ann", given)
    assert [owners.foreign("eve", given) for given in ("resp_1", "resp_2", "resp_3")] == [True, False, True]

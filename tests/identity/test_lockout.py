"""Guessing is slowed down, and who guesses locks nobody out."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.identity.lockout import DEVICE_LIFE, Lockout, Pace, TooManyError
from chatward.stores.database import Database

KEY = b"k" * 32
HOME, EVIL = "192.0.2.1", "203.0.113.7"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "identity.db")


@pytest.fixture
def lockout(database: Database, clock: Clock) -> Lockout:
    return Lockout(database, KEY, clock=clock)


def tried(lockout: Lockout, names: Iterable[str], address: str = EVIL, device: str | None = None) -> int:
    """How many attempts are let in; all of them fail."""
    let_in = 0
    for name in names:
        try:
            lockout.admit(name, address, device)
            let_in += 1
        except TooManyError:
            continue
    return let_in


def test_a_few_mistakes_cost_nothing_and_then_pauses_double(lockout: Lockout, clock: Clock) -> None:
    for _ in range(5):
        lockout.admit("ann", HOME)
    for pause in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        with pytest.raises(TooManyError) as caught:
            lockout.admit("ann", HOME)
        assert caught.value.status == 429
        assert caught.value.after == pause + 1
        clock.now += pause - 0.5
        with pytest.raises(TooManyError) as caught:
            lockout.admit("ann", HOME)
        assert caught.value.after == 1
        clock.now += 0.5
        lockout.admit("ann", HOME)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["ann", "ANN ", "nobody"]), max_size=40))
def test_a_name_that_nobody_has_is_treated_as_any_other(names: list[str]) -> None:
    """Nothing here knows who there is, so it cannot tell: the same attempts have the same outcome for any two names."""
    outcomes = []
    for swap in ({}, {"ann": "nobody", "ANN ": "nobody", "nobody": "ann"}):
        lockout = Lockout(Database(None), KEY, clock=Clock())
        outcomes.append([tried(lockout, [swap.get(name, name)]) for name in names])
    assert outcomes[0] == outcomes[1]


def test_an_address_has_a_budget_over_all_names(lockout: Lockout, clock: Clock) -> None:
    assert tried(lockout, (f"name{at}" for at in range(100))) == 20
    assert tried(lockout, ["ann"], HOME) == 1
    clock.now += 90
    assert tried(lockout, (f"more{at}" for at in range(100))) == 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unix", False),
    ],
)
def test_what_counts_as_one_address(lockout: Lockout, one: str, other: str, same: bool) -> None:
    assert tried(lockout, (f"name{at}" for at in range(30)), one) == 20
    assert tried(lockout, ["ann"], other) == (0 if same else 1)


def test_a_hundred_at_once_are_a_hundred(database: Database, clock: Clock) -> None:
    lockouts = [Lockout(database, KEY, clock=clock) for _ in range(4)]
    let_in: list[int] = []
    threads = [threading.Thread(target=lambda one=one: let_in.append(tried(one, ["ann"] * 10))) for one in lockouts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let_in) == 5


# --- who signs in anyway


def test_who_guesses_does_not_keep_a_known_browser_out(lockout: Lockout, clock: Clock) -> None:
    device = lockout.succeeded(lockout.admit("ann", HOME))
    assert tried(lockout, ["ann"] * 50) == 5
    assert tried(lockout, ["ann"], HOME) == 0  # a browser that nobody knows waits
    attempt = lockout.admit("ann", HOME, device)
    assert attempt.device
    # Even from the address that spent its budget: a proxy in front gives everybody the same.
    assert tried(lockout, (f"name{at}" for at in range(50))) == 15
    again = lockout.succeeded(lockout.admit("ann", EVIL, device))
    assert again.partition(".")[0] == device.partition(".")[0]
    # Signing in by a known browser does not lift what the guesses of others brought about.
    assert tried(lockout, ["ann"], "198.51.100.9") == 0


def test_a_stolen_device_cookie_buys_few_guesses(lockout: Lockout, clock: Clock) -> None:
    device = lockout.succeeded(lockout.admit("ann", HOME))
    assert tried(lockout, ["ann"] * 100, EVIL, device) == 10 + 5
    clock.now += 8640
    attempt = lockout.admit("ann", EVIL, device)
    assert attempt.device


@pytest.mark.parametrize("change", ["name", "mac", "since", "id", "old", "future", "key", "garbage", "digits"])
def test_a_device_cookie_of_another_kind_is_none(database: Database, clock: Clock, change: str) -> None:
    lockout = Lockout(database, KEY, clock=clock)
    name = "bob" if change == "name" else "ann"
    if change == "key":
        device = Lockout(database, b"x" * 32, clock=clock).succeeded(lockout.admit("ann", HOME))
    else:
        device = lockout.succeeded(lockout.admit("ann", HOME))
    id, since, mac = device.split(".")
    made = {
        "mac": f"{id}.{since}.{mac[:-2]}xx",
        "since": f"{id}.{int(since) + 1}.{mac}",
        "id": f"{'0' * 32}.{since}.{mac}",
        "garbage": "\ud800..",
        "digits": f"{id}.²{since}.{mac}",
    }
    if change == "old":
        clock.now += DEVICE_LIFE
    if change == "future":
        clock.now -= 10
    assert lockout.admit(name, HOME, made.get(change, device)).device == ""


def test_success_gives_back_what_it_cost_and_no_more(lockout: Lockout) -> None:
    """Otherwise an account of one's own would buy guesses at others."""
    assert tried(lockout, (f"name{at}" for at in range(19))) == 19
    for _ in range(3):
        lockout.succeeded(lockout.admit("mallory", EVIL))
    assert tried(lockout, (f"more{at}" for at in range(10))) == 1


def test_success_forgets_the_failures_of_its_name(lockout: Lockout) -> None:
    assert tried(lockout, ["ann"] * 4) == 4
    lockout.succeeded(lockout.admit("ann", HOME))
    assert tried(lockout, ["ann"] * 9, HOME) == 5


def test_an_operator_lifts_it_by_hand(lockout: Lockout) -> None:
    assert tried(lockout, ["ann"] * 9) == 5
    lockout.forget(" Ann")
    assert tried(lockout, ["ann"]) == 1


def test_a_day_later_all_is_forgotten_and_no_name_or_address_was_kept(
    lockout: Lockout, database: Database, clock: Clock, tmp_path: Path
) -> None:
    tried(lockout, ["a-password-in-the-wrong-field"] * 9)
    for part in tmp_path.iterdir():
        assert b"wrong-field" not in part.read_bytes()
        assert EVIL.encode() not in part.read_bytes()
    clock.now += 86_401
    lockout.admit("ann", HOME)
    assert database.rows("SELECT count(*) FROM operator_attempts") == [(2,)]


def test_other_paces(database: Database, clock: Clock) -> None:
    lockout = Lockout(database, KEY, pace=Pace(free=1, address=3), clock=clock)
    assert tried(lockout, ["ann"] * 5) == 1
    assert tried(lockout, ["a", "b", "c"]) == 2

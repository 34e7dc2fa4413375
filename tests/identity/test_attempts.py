"""Counting tries: who guesses waits, and nobody else does."""

from __future__ import annotations

from chatward.core.errors import ClientError
from chatward.identity.attempts import DAY, PER_PRINCIPAL, PER_SESSION, WINDOW, Attempts
from chatward.stores.database import Database
from tests.identity.step_up import Clock


class Counter:
    def __init__(self) -> None:
        self.clock = Clock()
        self.database = Database(None)
        self.attempts = Attempts(self.database, "totp", self.clock)

    def admitted(self, principal: str, session: str, *, right: bool = False) -> bool:
        try:
            with self.database.writing() as connection:
                self.attempts.admit(connection, principal, session)
                if right:
                    self.attempts.right(connection, principal, session)
        except ClientError as error:
            return error.reason != "too-many-attempts"
        return True


def test_a_session_that_fails_waits_and_others_do_not_notice() -> None:
    counter = Counter()
    assert [counter.admitted("ann", "s1") for _ in range(PER_SESSION + 2)] == [True] * PER_SESSION + [False] * 2
    assert counter.admitted("ann", "s2")
    assert counter.admitted("bob", "s1")
    counter.clock.now += WINDOW
    assert counter.admitted("ann", "s1")


def test_being_right_ends_the_count() -> None:
    counter = Counter()
    for _ in range(3):
        for _ in range(PER_SESSION - 1):
            assert counter.admitted("ann", "s1")
        assert counter.admitted("ann", "s1", right=True)


def test_who_guesses_in_many_sessions_spends_the_strangers_share_and_locks_nobody_out() -> None:
    counter = Counter()
    assert counter.admitted("ann", "hers", right=True)
    guessed = sum(counter.admitted("ann", f"stolen-{number}") for number in range(500))
    assert guessed == PER_PRINCIPAL
    assert not counter.admitted("ann", "new")
    assert counter.admitted("ann", "hers")  # she goes on where she was right before
    assert counter.admitted("bob", "new")
    counter.clock.now += DAY
    assert counter.admitted("ann", "new")


def test_kinds_are_counted_apart() -> None:
    counter = Counter()
    for _ in range(PER_SESSION):
        assert counter.admitted("ann", "s1")
    other = Attempts(counter.database, "recovery", counter.clock)
    with counter.database.writing() as connection:
        other.admit(connection, "ann", "s1")

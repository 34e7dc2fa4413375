"""Passwords: what is stored, what is taken, and that a check costs the same for nobody."""

from __future__ import annotations

import threading

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import ClientError, StoreError
from chatward.identity.passwords import Cost, Passwords, judge

CHEAP = Cost(memory=8, passes=1)
GOOD = "correct horse battery"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CHEAP)


def test_what_is_stored_is_argon2id_with_the_documented_parameters() -> None:
    stored = Passwords().hash(GOOD)
    found = extract_parameters(stored)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert GOOD not in stored


def test_a_password_is_told_from_others(passwords: Passwords) -> None:
    stored = passwords.hash(GOOD)
    assert stored != passwords.hash(GOOD)
    assert passwords.check(stored, GOOD)
    for other in ("", GOOD + " ", GOOD.upper(), GOOD[:-1], "x" * 1000, GOOD + "\0", "\ud800" + GOOD):
        assert not passwords.check(stored, other)


def test_the_keyboard_does_not_matter(passwords: Passwords) -> None:
    assert passwords.check(passwords.hash("Zürich am Morgen"), "Zu\u0308rich am Morgen")


@pytest.mark.parametrize("presented", [GOOD, "", "x" * 100_000, "\ud800"])
def test_nobody_has_no_password_and_costs_as_much(passwords: Passwords, presented: str) -> None:
    verified = []
    real = passwords._hasher

    class Counting:
        def verify(self, stored: str, given: bytes) -> bool:
            verified.append(extract_parameters(stored))
            return real.verify(stored, given)

        def hash(self, given: bytes) -> str:
            return real.hash(given)

    passwords._hasher = Counting()  # type: ignore[assignment]
    assert not passwords.check(None, presented)
    assert not passwords.check(real.hash(b"another"), presented)
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_an_empty_password_is_not_that_of_nobody(passwords: Passwords) -> None:
    assert not passwords.check(None, "")
    with pytest.raises(VerifyMismatchError):
        passwords._hasher.verify(passwords._nobody or "", b"")


def test_other_parameters_are_noticed(passwords: Passwords) -> None:
    old = Passwords(Cost(memory=16, passes=1)).hash(GOOD)
    assert passwords.check(old, GOOD)
    assert passwords.outdated(old)
    assert not passwords.outdated(passwords.hash(GOOD))


def test_a_broken_hash_is_no_wrong_password(passwords: Passwords) -> None:
    with pytest.raises(StoreError) as caught:
        passwords.check("$argon2id$broken", GOOD)
    assert caught.value.reason == "password-unreadable"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "password-short"),
        ("elevenchars", "password-short"),
        ("é" * 11, "password-short"),
        ("x" * 257, "password-long"),
        ("aaaaaaaaaaaaaaaa", "password-guessable"),
        ("AaAaAaAaAaAaAa", "password-guessable"),
        ("1 1 1 1 1 1 1 1", "password-guessable"),
        ("ann.margret.1", "password-guessable"),
        ("123Ann.Margret", "password-guessable"),
        ("ann.margretANN.MARGRET", "password-guessable"),
        ("correct horse\0battery", "password-text"),
        ("correct horse\ud800battery", "password-text"),
    ],
)
def test_what_is_easily_guessed_is_refused(password: str, reason: str) -> None:
    with pytest.raises(ClientError) as caught:
        judge(password, "ann.margret")
    assert caught.value.reason == reason
    assert not password or password not in caught.value.public


@pytest.mark.parametrize(
    "password", ["twelve chars", "пароль на двенадцать", "🐎" * 6 + "🔋" * 6, "ann.margret and her horse"]
)
def test_everything_else_is_good(password: str) -> None:
    judge(password, "ann.margret")


@given(st.text(max_size=300), st.text(min_size=1, max_size=20))
def test_a_password_that_is_taken_can_be_stored_and_checked(password: str, name: str) -> None:
    try:
        judge(password, name)
    except ClientError:
        return
    made = Passwords(CHEAP)
    assert made.check(made.hash(password), password)


def test_who_waits_too_long_for_a_turn_is_sent_away() -> None:
    passwords = Passwords(CHEAP, patience=0.01)
    passwords._turns.acquire()
    with pytest.raises(ClientError) as caught:
        passwords.check(None, GOOD)
    assert (caught.value.reason, caught.value.status) == ("overloaded", 503)
    passwords._turns.release()
    done = threading.Thread(target=passwords.check, args=(None, GOOD))
    done.start()
    done.join()
    assert passwords._turns.acquire(blocking=False)


def test_nobody_gets_in_even_who_knows_the_password_of_nobody(passwords: Passwords) -> None:
    passwords._nobody = passwords.hash(GOOD)
    assert not passwords.check(None, GOOD)

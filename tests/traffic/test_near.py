"""Messages that say nearly the same in several sessions."""

from __future__ import annotations

import pytest

from chatward.traffic.near import MEMBERS, SECONDS, Near

TEXT = "Hello, I have lost the password of my account number 4711, please send a new one to my other address at once"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "other",
    [
        TEXT,
        TEXT.upper(),
        TEXT.replace("4711", "99"),
        TEXT.replace(", ", " -- ").replace("Hello", "Ｈｅｌｌｏ"),
        TEXT.replace("other", "second"),
        "Dear team. " + TEXT,
    ],
    ids=["same", "case", "digits", "signs", "a word", "a beginning"],
)
def test_what_says_nearly_the_same_is_found(other: str) -> None:
    near = Near(b"k" * 32)
    assert near.say(TEXT, "one", "n1") == (0, 1)
    assert near.say(other, "two", "n2") == (1, 2)


@pytest.mark.parametrize(
    "other",
    [
        "When does the shop in the old town open on the first Sunday of the month, and may one bring a large dog along",
        "I have an account with you and would like to know how long a parcel to the north of the country takes",
    ],
    ids=["else", "a few words"],
)
def test_what_says_something_else_is_not(other: str) -> None:
    near = Near(b"k" * 32)
    near.say(TEXT, "one", "n")
    assert near.say(other, "two", "n").sessions == 0


def test_people_greet_alike() -> None:
    near = Near(b"k" * 32)
    assert [near.say("Hello, how are you today?", str(n), "n").sessions for n in range(5)] == [0] * 5
    assert len(near) == 0


def test_a_session_is_not_its_own_other_and_an_hour_is_long() -> None:
    clock = Clock()
    near = Near(b"k" * 32, clock=clock)
    for _ in range(3):
        assert near.say(TEXT, "one", "n").sessions == 0
    clock.now += SECONDS + 1
    assert near.say(TEXT, "two", "n").sessions == 0


def test_memory_is_bounded() -> None:
    near = Near(b"k" * 32, most=50)
    for number in range(300):
        near.say(
            " ".join(f"w{chr(97 + (number * k) % 26)}{chr(97 + k)}{'x' * (number % 17)}" for k in range(30)), "s", "n"
        )
    assert len(near) <= 50
    assert len(near._bands) <= 50 * 8
    for number in range(200):
        near.say(TEXT, str(number), str(number))
    group = next(reversed(near._groups.values()))
    assert len(group.sessions) == len(group.networks) == MEMBERS


def test_what_is_kept_depends_on_the_key() -> None:
    one, two = Near(b"k" * 32), Near(b"l" * 32)
    assert one._minima(TEXT).tolist() != two._minima(TEXT).tolist()

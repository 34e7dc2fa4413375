"""Proof of work: what is good once is good, everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.traffic.work import HARDEST, Challenge, Work, WorkError, solve

KEY = b"k" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(clock: Clock) -> Work:
    return Work(KEY, numbers=1000, seconds=600, clock=clock)


def told(payload: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(payload))
    return found


def payload(fields: Any) -> str:
    return base64.b64encode(json.dumps(fields).encode()).decode()


def refused(work: Work, given: str, session: str = "s") -> str:
    with pytest.raises(WorkError) as caught:
        work.check(given, session)
    assert caught.value.reason == "work-invalid"
    return caught.value.detail


def test_a_solution_is_good_and_names_what_is_spent(work: Work, clock: Clock) -> None:
    challenge = work.challenge("s")
    spending = work.check(solve(challenge), "s")
    assert spending.until == int(clock.now + 600)
    assert challenge.challenge in spending.key


def test_the_form_is_altchas(work: Work) -> None:
    """altcha.org: ``challenge`` is the digest of salt and number, ``signature`` the HMAC of ``challenge``."""
    challenge = work.challenge("s")
    assert challenge.algorithm == "SHA-256"
    solution = told(solve(challenge))
    assert set(solution) == {"algorithm", "challenge", "number", "salt", "signature", "took"}
    assert hashlib.sha256(f"{challenge.salt}{solution['number']}".encode()).hexdigest() == challenge.challenge
    assert hmac.new(KEY, challenge.challenge.encode(), hashlib.sha256).hexdigest() == challenge.signature
    assert "expires=" in challenge.salt.partition("?")[2]


def test_hardness_raises_the_numbers(work: Work) -> None:
    assert work.challenge("s", 0).maxnumber == 1000
    assert work.challenge("s", 1).maxnumber == work.challenge("s", 7).maxnumber == 1000 * HARDEST


ATTACKS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another number": (lambda it: it | {"number": it["number"] + 1}, "wrong"),
    "later end": (lambda it: it | {"salt": it["salt"].replace("expires=1", "expires=2")}, "wrong"),
    "digits moved into the salt": (
        lambda it: it | {"salt": it["salt"] + str(it["number"])[0], "number": int(str(it["number"])[1:] or 0)},
        "malformed",
    ),
    "digits moved into the end": (
        lambda it: it | {"salt": it["salt"].rpartition("&session")[0] + "0&session" + it["salt"].rpartition("=")[2]},
        "malformed",
    ),
    "own signature": (
        lambda it: it | {"signature": hmac.new(b"mine", it["challenge"].encode(), hashlib.sha256).hexdigest()},
        "forged",
    ),
    "no signature": (lambda it: it | {"signature": ""}, "forged"),
    "own challenge": (
        lambda it: it | {"challenge": hashlib.sha256(f"{it['salt']}0".encode()).hexdigest(), "number": 0},
        "forged",
    ),
    "another algorithm": (lambda it: it | {"algorithm": "SHA-1"}, "malformed"),
    "number as text": (lambda it: it | {"number": str(it["number"])}, "malformed"),
    "number with a fraction": (lambda it: it | {"number": it["number"] + 0.5}, "malformed"),
    "negative": (lambda it: it | {"number": -1}, "malformed"),
    "a list": (lambda it: [it], "malformed"),
    "nothing": (lambda it: None, "malformed"),
    "a line feed in the salt": (lambda it: it | {"salt": it["salt"] + "\n"}, "malformed"),
    "no mark at the salt's end": (lambda it: it | {"salt": it["salt"][:-1]}, "malformed"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_is_refused(work: Work, attack: str) -> None:
    change, detail = ATTACKS[attack]
    assert refused(work, payload(change(told(solve(work.challenge("s")))))) == detail


@pytest.mark.parametrize("given", ["", "x", "e30=", "bm90IGpzb24=", "A" * 5000, "e30"])
def test_what_is_none_is_refused(work: Work, given: str) -> None:
    assert refused(work, given) == "malformed"


def test_it_is_for_one_session(work: Work) -> None:
    shared = solve(work.challenge("s"))
    assert refused(work, shared, "another") == "other-session"


def test_it_ends(work: Work, clock: Clock) -> None:
    kept = solve(work.challenge("s"))
    clock.now += 599
    work.check(kept, "s")
    clock.now += 2
    assert refused(work, kept) == "expired"


def test_nobody_works_before_they_are_asked(work: Work, clock: Clock) -> None:
    """A challenge of one's own making, with a good form and a later end, is not signed."""
    salt = f"{'ab' * 12}?expires={int(clock.now) + 9_000}&session={'c' * 32}&"
    digest = hashlib.sha256(f"{salt}7".encode()).hexdigest()
    own = Challenge("SHA-256", digest, 10, salt, hmac.new(b"guess", digest.encode(), hashlib.sha256).hexdigest())
    assert refused(work, solve(own)) == "forged"


def test_two_solutions_are_not_spliced(work: Work) -> None:
    one, two = told(solve(work.challenge("s"))), told(solve(work.challenge("s")))
    for name in ("challenge", "number", "salt", "signature"):
        if one[name] != two[name]:
            refused(work, payload(one | {name: two[name]}))


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from(["algorithm", "challenge", "number", "salt", "signature"]), st.text() | st.integers()
    )
)
def test_nothing_else_breaks_it(fields: dict[str, Any]) -> None:
    with pytest.raises(WorkError):
        Work(KEY, numbers=10).check(payload(fields), "s")

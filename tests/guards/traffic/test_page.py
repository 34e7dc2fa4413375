"""What a page's script reports: read strictly, and weighed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.guards.traffic import page
from chatward.guards.traffic.weights import WEIGHTS, score

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PERSON: dict[str, Any] = {
    **{"t": "token", "n": 0, "u": AGENT, "w": 0, "g": 0, "h": 0, "c": 0, "o": [1280, 900, 1280, 780], "q": 0},
    **{"k": [24, 92, 41, 61, 5], "p": 0, "i": 24, "s": 0, "x": 0, "m": 40, "f": 700, "e": 24, "y": 5200, "z": 0},
}


def report(**changes: Any) -> page.Report:
    found = page.read(orjson.dumps(PERSON | changes).decode())
    assert found is not None
    return found


def seen(**changes: Any) -> set[str]:
    return set(page.signals(report(**changes), AGENT))


def test_a_person_who_types() -> None:
    assert seen() == {"pace.human-keys", "page.pointer"}


@pytest.mark.parametrize(
    "changes",
    [
        {"m": 0},
        {"k": [0, 0, 0, 0, 0], "p": 24, "i": 1, "m": 0},
        {"k": [0, 0, 0, 0, 0], "i": 9, "m": 0, "q": 1},
        {"k": [0, 0, 0, 0, 0], "i": 1, "s": 24, "m": 0},
        {"k": [24, 92, 2, 30, 0], "m": 0},
        {"c": 1},
        {"k": [24, 3, 1, 11, 0]} | {"m": 0, "k": [9, 3, 1, 11, 0]},
        {"x": 3},
        {"f": 0, "m": 0},
        {"o": [1280, 720, 1280, 720], "m": 0},
    ],
    ids=[
        "keyboard",
        "pasted",
        "input method",
        "dictated",
        "text expander",
        "developer tools",
        "few keys",
        "an extension",
        "at once",
        "kiosk",
    ],
)
def test_no_person_is_asked_for_work_for_one_thing(changes: dict[str, Any]) -> None:
    assert score(seen(**changes)) >= 30


@pytest.mark.parametrize(
    ("changes", "signal"),
    [
        ({"w": 1}, "page.webdriver"),
        ({"g": 1}, "page.globals"),
        ({"h": 1}, "page.headless"),
        ({"z": 1}, "page.trap"),
        ({"u": AGENT + " "}, "page.agent-mismatch"),
    ],
)
def test_what_no_person_does_is_enough(changes: dict[str, Any], signal: str) -> None:
    found = seen(**changes)
    assert signal in found
    assert score(found) < 30


@pytest.mark.parametrize(
    ("changes", "signal"),
    [
        ({"k": [24, 0, 0, 61, 0]}, "pace.no-dwell"),
        ({"k": [24, 90, 2, 61, 0]}, "pace.sequential"),
        ({"k": [24, 90, 41, 3, 0]}, "pace.regular"),
        ({"i": 0}, "pace.no-input"),
        ({"f": 9}, "pace.instant"),
        ({"e": 400, "y": 1000}, "pace.fast"),
        ({"s": 24, "i": 1, "k": [0, 0, 0, 0, 0]}, "pace.inserted"),
    ],
)
def test_how_a_program_writes(changes: dict[str, Any], signal: str) -> None:
    assert signal in seen(**changes)


def test_nobody_is_made_human_by_what_they_say() -> None:
    """All that speaks for a person, and one thing that does not."""
    human = {name for name, weight in WEIGHTS.items() if weight > 0}
    for signal, weight in WEIGHTS.items():
        if weight <= -4.5:
            assert score({*human, signal}) < 40, signal


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "\x00", "{" * 3000, orjson.dumps(PERSON | {"more": 1}).decode(),
     orjson.dumps({name: value for name, value in PERSON.items() if name != "k"}).decode(),
     orjson.dumps(PERSON | {"w": 2}).decode(), orjson.dumps(PERSON | {"n": -1}).decode(),
     orjson.dumps(PERSON | {"k": [1, 2, 3]}).decode(), orjson.dumps(PERSON | {"t": "x" * 200}).decode(),
     orjson.dumps(PERSON | {"u": "ü"}).decode()],
    ids=range(13),
)  # fmt: skip
def test_what_has_another_form_is_no_report(text: str) -> None:
    assert page.read(text) is None


@given(st.text(max_size=200))
def test_nothing_breaks_it(text: str) -> None:
    page.read(text)

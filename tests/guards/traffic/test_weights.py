"""The score and its weights."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chatward
from chatward.guards.traffic.weights import WEIGHTS, explained, score

SIGNALS = st.sets(st.sampled_from(sorted(WEIGHTS)))


@given(SIGNALS, st.sampled_from(sorted(WEIGHTS)))
def test_a_score_is_one_and_goes_the_way_of_its_signals(signals: set[str], more: str) -> None:
    before, after = score(signals), score({*signals, more})
    assert 1 <= after <= 99
    assert after <= before if WEIGHTS[more] < 0 else after >= before


def test_nothing_seen_is_a_person_as_far_as_one_knows() -> None:
    assert score(()) == 87
    assert score({name for name, weight in WEIGHTS.items() if weight < 0}) == 1


def test_the_heaviest_is_told_first() -> None:
    assert [name for name, _ in explained(["page.pointer", "page.missing", "page.trap"])] == [
        "page.trap",
        "page.missing",
        "page.pointer",
    ]
    with pytest.raises(KeyError):
        score(["page.unheard-of"])


def test_every_weight_is_of_a_signal_that_something_gives() -> None:
    root = Path(chatward.__file__).parent
    said = {
        node.value
        for folder in ("guards/traffic", "traffic")
        for path in (root / folder).glob("*.py")
        if path.name != "weights.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(WEIGHTS) <= said
    prefixes = tuple({name.partition(".")[0] + "." for name in WEIGHTS})
    given = {
        one for one in said if one.startswith(prefixes) and one.count(".") == 1 and " " not in one and one[-1] != "."
    }
    assert given - set(WEIGHTS) == set()

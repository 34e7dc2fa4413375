"""Files that are damaged at random: a look at them ends in a report, whatever they hold."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.guards.files.inspecting import inspect
from tests.guards.files.test_bypasses import BOUNDS, GOOD, TRICKS


@cache
def _seeds() -> list[tuple[bytes, str]]:
    made = [(make(), name) for make, name, *_ in (*TRICKS.values(), *GOOD.values())]
    return [(data, name) for data, name in made if len(data) < 20_000]


Edit = tuple[int, bytes, int]
"""Where, what is put there, and how many bytes go."""


@settings(max_examples=120, deadline=None)
@given(st.integers(0), st.lists(st.tuples(st.integers(0), st.binary(max_size=12), st.integers(0, 40)), max_size=6))
def test_a_look_always_ends_in_a_report(seed: int, edits: list[Edit]) -> None:
    data, name = _seeds()[seed % len(_seeds())]
    damaged = bytearray(data)
    for at, put, gone in edits:
        start = at % (len(damaged) + 1)
        damaged[start : start + gone] = put
    report = inspect(bytes(damaged), name, bounds=BOUNDS)
    assert report.size == len(damaged)
    report.text.encode()
    assert len(report.text) <= BOUNDS.text

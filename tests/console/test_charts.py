"""Charts: counts by steps, gaps, tables of the same numbers, and how a process has been doing."""

from __future__ import annotations

import json
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from chatward.console.alert_desk import scores
from chatward.console.charts import STEPS, Chart, Line, counted
from chatward.console.figures import Figures
from chatward.console.preferences import Preferences
from chatward.console.trail import KEPT, STEP, Trail

KINDS = {"extreme": ("extreme", "block"), "odd": ("odd", "allow")}


@given(st.lists(st.tuples(st.floats(1e9, 1.1e9), st.sampled_from(["extreme", "odd", "other"])), max_size=30))
def test_every_thing_is_counted_once_in_the_step_in_which_it_happened(times):
    chart = counted("kinds", times, KINDS)
    found = [(at, kind) for at, kind in times if kind in KINDS]
    assert sum(sum(line.values) for line in chart.lines) == len(found)
    assert bool(chart) == bool(found)
    if found:
        step = chart.at[1] - chart.at[0] if len(chart.at) > 1 else inf
        for (kind, _), line in zip(KINDS.items(), chart.lines, strict=True):
            for at, n in zip(chart.at, line.values, strict=True):
                if step < inf:
                    assert n == sum(one == kind and at <= when < at + step for when, one in found)
        if max(found)[0] - min(found)[0] < 7 * 86_400 * STEPS:
            assert len(chart.at) <= STEPS + 2


def test_a_gap_is_no_zero_and_names_cannot_hide():
    chart = Chart(
        "x", [1.0, 2.0], [Line("a\u202eb</script>", "one", [None, 2.5])], digits=1, unit=" ms", marks=[(1.0, "\0")]
    )
    told = json.loads(chart.data(Preferences("de", "Europe/Berlin")))
    assert told["lines"][0] == {"title": "a\\u202eb</script>", "kind": "one", "values": [None, 2.5]}
    assert told["marks"] == [[1.0, "\\u0000"]]
    assert (told["zone"], told["language"]) == ("Europe/Berlin", "de")
    assert chart.rows() == [(2.0, [2.5])]


def test_of_alerts_at_one_time_the_strongest_feature_is_drawn():
    one = {"feature": "refused", "score": 3.0, "threshold": 2.0}
    alerts = [
        {"at": 5.0, "deviations": [one, one | {"score": 9.0, "threshold": 4.0}]},
        {"at": 5.0, "deviations": [one]},
        {"at": 3.0, "deviations": [one]},
        {"at": 4.0, "deviations": []},
    ]
    say = {"alerts_score": "score", "alerts_extreme": "extreme"}
    chart = scores(alerts, [(1.0, "before"), (4.0, "meanwhile")], say)
    assert (chart.at, [line.values for line in chart.lines]) == ([3.0, 5.0], [[3.0, 9.0], [2.0, 4.0]])
    assert chart.marks == [(4.0, "meanwhile")]
    assert not scores([], [], say)


class Process:
    """A clock and counters, by hand."""

    def __init__(self) -> None:
        self.now, self.fast, self.slow, self.actors = 0.0, 0, 0, {"human": 0, "bot": 0}

    def read(self) -> Figures:
        return Figures(buckets={0.001: self.fast, 0.1: self.fast + self.slow, inf: self.fast + self.slow},
                       actors=dict(self.actors))  # fmt: skip

    def step(self, trail: Trail, fast: int = 0, slow: int = 0, **actors: int) -> None:
        self.now, self.fast, self.slow = self.now + STEP, self.fast + fast, self.slow + slow
        self.actors = {name: n + actors.get(name, 0) for name, n in self.actors.items()}
        trail.sample()


def test_what_a_process_did_is_told_by_the_minute():
    it = Process()
    trail = Trail(it.read, lambda: it.now)
    trail.sample()
    assert trail.since(3600) == []
    it.step(trail, fast=98, slow=2, human=3, bot=1)
    it.step(trail)
    it.step(trail, slow=10)
    first, second, third = trail.since(3600)
    assert first.at == 0.0
    assert first.overhead is not None
    assert first.overhead[0] < 0.001 < first.overhead[1] <= 0.1
    assert first.share == 25.0
    assert (second.overhead, second.share) == (None, None), "nothing came: not known"
    assert third.overhead is not None
    assert third.overhead[0] > 0.001
    assert trail.since(STEP * 1.5)[0].at == third.at
    it.fast = 0
    it.step(trail, fast=1)
    assert trail.since(3600)[-1].overhead is None, "counters that went back"


def test_a_long_trail_is_told_in_few_steps_that_leave_nothing_out():
    it = Process()
    trail = Trail(it.read, lambda: it.now)
    for _ in range(KEPT + 100):
        it.step(trail, fast=1, human=1)
    moments = trail.since(1e9, most=50)
    assert 40 <= len(moments) <= 50
    lengths = {moment.actors["human"] for moment in moments}
    assert len(lengths) == 1
    assert KEPT - 1 - lengths.pop() * len(moments) < 30 + len(moments)

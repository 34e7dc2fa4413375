"""What the meter counts reads back as Prometheus text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chatward.gateway.meter import BUCKETS, Meter

_LINE = re.compile(r'(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})? [0-9.e+-]+)')


def test_counts_by_label() -> None:
    meter = Meter()
    for _ in range(3):
        meter.request("default", "openai-chat", "allow", "", 200, 0.002)
    meter.request("default", "openai-chat", "block", "input-blocked", 400, 0.002)
    meter.unavailable("default", "text.pii", "timeout")
    meter.stream("default", "openai-chat", "complete")
    meter.upstream("default", "openai-chat", 3.0)
    meter.in_flight = lambda: 7
    lines = meter.render().splitlines()
    labels = 'route="default",channel="openai-chat"'
    assert f'chatward_requests_total{{{labels},action="allow",reason="",status="200"}} 3' in lines
    assert f'chatward_requests_total{{{labels},action="block",reason="input-blocked",status="400"}} 1' in lines
    assert 'chatward_guard_unavailable_total{route="default",guard="text.pii",reason="timeout"} 1' in lines
    assert f'chatward_streams_total{{{labels},outcome="complete"}} 1' in lines
    assert "chatward_requests_in_flight 7" in lines
    assert f'chatward_upstream_seconds_bucket{{{labels},le="2.5"}} 0' in lines
    assert f'chatward_upstream_seconds_bucket{{{labels},le="5"}} 1' in lines
    assert f"chatward_upstream_seconds_sum{{{labels}}} 3" in lines
    assert f"chatward_overhead_seconds_count{{{labels}}} 4" in lines


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=50), st.text(max_size=20))
def test_a_histogram_adds_up_and_every_line_parses(seconds: list[float], route: str) -> None:
    meter = Meter()
    for value in seconds:
        meter.upstream(route, "c", value)
    text = meter.render()
    assert all(_LINE.fullmatch(line) for line in text.split("\n")[:-1])
    rows = [line for line in text.split("\n") if line.startswith("chatward_upstream_seconds_bucket")]
    counts = [float(row.rsplit(" ", 1)[1]) for row in rows]
    assert counts == sorted(counts)
    assert counts[-1] == len(seconds)
    assert counts[:-1] == [sum(value <= bound for value in seconds) for bound in BUCKETS]


def test_ages_of_sources_of_threat_intelligence() -> None:
    meter = Meter()
    meter.intel = lambda: {"own": 60.0, "other": float("nan")}
    assert (
        'chatward_intel_age_seconds{source="other"} NaN\nchatward_intel_age_seconds{source="own"} 60\n'
        in meter.render()
    )

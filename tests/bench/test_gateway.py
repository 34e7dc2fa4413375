"""The gateway benchmark: how figures come from measurements, and one short run of the whole."""

from __future__ import annotations

import sys

import pytest

from chatward.bench import gateway, peers
from chatward.bench.gateway import FIGURES, Options, added, ratio
from chatward.bench.load import Result


def result(per_second: float, *, errors: int = 0, requests: int = 1000, first: float = 0.0) -> Result:
    return Result(
        requests=requests, errors=errors, seconds=1.0, per_second=per_second, p50_ms=1.0, p99_ms=2.0,
        first_p50_ms=first, first_p99_ms=first, cpu={"proxy": 0.5, "bot": 0.1, "generator": 0.1},
    )  # fmt: skip


def test_a_ratio_is_taken_within_rounds() -> None:
    """The machine was twice as fast in one round: the ratio does not see it."""
    found = {"ours": [result(100), result(200), result(90)], "theirs": [result(200), result(400), result(100)]}
    assert ratio(found, "ours", "theirs") == 0.5


def test_errors_and_missing_peers_give_no_ratio() -> None:
    spoiled = {"ours": [result(100, errors=6)], "theirs": [result(200)]}
    assert ratio(spoiled, "ours", "theirs") is None
    assert ratio({"ours": [result(100, errors=4)], "theirs": [result(200)]}, "ours", "theirs") == 0.5
    assert ratio({"ours": [result(100)]}, "ours", "theirs") is None
    assert ratio({"ours": [result(0, requests=0)], "theirs": [result(1)]}, "ours", "theirs") is None


def test_what_is_added_is_against_the_direct_way_in_the_same_round() -> None:
    found = {
        "guarded": [result(1, first=1.5), result(1, first=9.0), result(1, first=2.5)],
        "direct": [result(1, first=1.0), result(1, first=8.0), result(1, first=2.0)],
    }
    assert added(found, "guarded", "first_p50_ms") == 0.5


def test_the_order_moves_on_by_one_each_round() -> None:
    names = ["a", "b", "c"]
    assert [gateway._rotated(names, turn)[0] for turn in range(4)] == ["a", "b", "c", "a"]
    assert sorted(gateway._rotated(names, 2)) == names


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_short_run_measures_everything_without_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nginx", "litellm"):
        monkeypatch.setattr(peers, name, lambda *, offline, name=name: peers.Missing(name, "left out here"))
    monkeypatch.setattr(gateway, "CLIENTS", (1, 16))
    monkeypatch.setattr(gateway, "WARMUP", 0.05)
    monkeypatch.setattr(gateway, "_SOAK_STEPS", 2)
    said: list[str] = []
    report = gateway.run(Options(rounds=1, seconds=0.2, soak=40, offline=True), said.append)
    figures = report.figures
    assert tuple(figures) == FIGURES
    assert report.peers == {"nginx": None, "litellm": None}
    assert [name for name, value in figures.items() if value is None] == [
        "passthrough_vs_nginx", "passthrough_vs_litellm", "stream_vs_nginx"
    ]  # fmt: skip
    assert 0 < (figures["guarded_vs_passthrough"] or 0) < 1
    assert (figures["rss_mb"] or 0) > 20
    assert not [note for note in report.notes if "errors" in note]
    rows = report.details["bench-plain"]["16"]
    assert rows["guarded"]["cpu_us"] > rows["passthrough"]["cpu_us"] > rows["direct"]["cpu_us"] == 0
    assert report.details["memory"]["curve"][-1]["requests"] >= 40
    assert any("round 1 of 1" in line for line in said)

"""``chatward bench``: its names, its object, its table."""

from __future__ import annotations

import json

import pytest

from chatward import cli
from chatward.bench import (
    anomaly,
    console,
    gateway,
    genuine,
    intel,
    ledger,
    links,
    policy,
    revocation,
    scan,
    seal,
    traffic_bots,
)
from chatward.bench.report import Progress, Report
from chatward.commands.bench import NAMES

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the benchmarks were asked for, in place of running them."""
    told: list[object] = []

    def run(options: object, progress: Progress) -> Report:
        told.append(options)
        progress("round 1")
        figures = {"rss_mb": 12.5, "stream_vs_nginx": None}
        return Report(figures, {"nginx": None}, {"cores": 2}, {"a": {"b": 1}}, ["nginx is not compared: not here."])

    monkeypatch.setattr(anomaly, "run", run)
    monkeypatch.setattr(traffic_bots, "run", run)
    monkeypatch.setattr(console, "run", run)
    monkeypatch.setattr(gateway, "run", run)
    monkeypatch.setattr(scan, "run", run)
    monkeypatch.setattr(genuine, "run", run)
    monkeypatch.setattr(ledger, "run", run)
    monkeypatch.setattr(links, "run", run)
    monkeypatch.setattr(policy, "run", run)
    monkeypatch.setattr(revocation, "run", run)
    monkeypatch.setattr(seal, "run", run)
    monkeypatch.setattr(intel, "run", run)
    return told


def test_an_unknown_name_gives_the_list(capsys: Captured, asked: list[object]) -> None:
    assert cli.main(["bench", "nonesuch"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert all(name in said.err for name in NAMES)
    assert asked == []


@pytest.mark.parametrize("name", NAMES)
def test_json_is_one_object_and_nothing_else_is_said_in_a_pipe(capsys: Captured, name: str) -> None:
    assert cli.main(["bench", name, "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert {"figures", "peers", "machine"} <= set(told)
    assert told["figures"] == {"rss_mb": 12.5, "stream_vs_nginx": None}
    assert said.err == ""


def test_options_reach_the_benchmark(asked: list[object]) -> None:
    assert cli.main(["bench", "gateway", "--rounds", "2", "--seconds", "0.5", "--soak", "100000", "--offline"]) == 0
    assert cli.main(["bench", "ledger", "--rounds", "4", "--seconds", "2"]) == 0
    assert cli.main(["bench", "scan", "--rounds", "1"]) == 0
    assert cli.main(["bench", "policy", "--rounds", "2"]) == 0
    assert asked == [
        gateway.Options(2, 0.5, 100_000, True),
        ledger.Options(4, 2.0),
        scan.Options(1, False),
        policy.Options(2),
    ]


def test_people_read_what_was_not_measured(capsys: Captured) -> None:
    assert cli.main(["bench", "gateway"]) == 0
    said = capsys.readouterr().out
    assert "rss_mb\t12.5" in said
    assert "stream_vs_nginx\tnot measured" in said
    assert "a.b\t1" in said
    assert "note: nginx is not compared: not here." in said

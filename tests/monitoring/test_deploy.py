"""What is shipped for Prometheus and Grafana asks for metrics and labels that a running gateway gives."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatward.gateway.meter import _HELP, Meter

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/chatward.json"
RULES = ROOT / "deploy/prometheus/chatward.rules.yml"
METRIC = re.compile(r"\b(chatward_[a-z_]+)(?:\{([^}]*)\})?")
FUNCTIONS = {"sum", "rate", "increase", "histogram_quantile", "by", "and", "or", "label_values"}


def live() -> dict[str, set[str]]:
    """Names in ``/metrics`` with their labels, of a meter that has counted everything once."""
    meter = Meter()
    meter.request("r", "c", "block", "json-invalid", 400, 0.1)
    meter.upstream("r", "c", 0.1)
    meter.unavailable("r", "g", "timeout")
    meter.stream("r", "c", "complete")
    meter.not_kept("store-full")
    meter.intel = lambda: {"s": 1.0}
    meter.certificates = lambda: {"server.tls_cert": 1.0}
    meter.limits = lambda: {name: {"l": 1.0} for name in _HELP if name.startswith("chatward_limits_")}
    meter.monitoring = lambda: {name: {"s": 1.0} for name in _HELP if name.startswith("chatward_siem_")}
    found: dict[str, set[str]] = defaultdict(set)
    for line in meter.render().splitlines():
        if not line.startswith("#"):
            name, labels = re.match(r"(\w+)(?:\{(.*)\})? ", line).groups()  # type: ignore[union-attr]
            found[name] |= set(re.findall(r'(\w+)="', labels or ""))
    return found


def expressions() -> list[tuple[str, str]]:
    board = json.loads(DASHBOARD.read_text())
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    found += [("variable", one["query"]) for one in board["templating"]["list"] if one["type"] == "query"]
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        found += [(rule["alert"], rule["expr"]) for rule in group["rules"]]
    return found


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_metrics_and_labels_of_an_expression_exist(where: str, expression: str) -> None:
    known = live()
    named = METRIC.findall(expression)
    assert named or where == "ChatwardDown"
    for name, selector in named:
        assert name in known, name
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            assert label in known[name], (name, label)
    grouped = {one.strip() for labels in re.findall(r"by \(([^)]*)\)", expression) for one in labels.split(",")}
    every = set().union(*(known[name] for name, _ in named))
    assert grouped <= every, grouped - every
    assert expression.count("(") == expression.count(")")


def test_what_summaries_and_legends_name_is_a_label() -> None:
    known = live()
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            labels = set().union(*(known[name] for name, _ in METRIC.findall(rule["expr"])))
            assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels
            assert rule["labels"]["severity"] in {"warning", "critical"}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            labels = set().union(*(known[name] for name, _ in METRIC.findall(target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("name", sorted(_HELP))
def test_names_follow_the_conventions_of_prometheus(name: str) -> None:
    """Prometheus, "Metric and label naming": a prefix, base units in plural, ``_total`` for what only grows."""
    kind, text = _HELP[name]
    assert re.fullmatch(r"chatward_[a-z]+(?:_[a-z]+)*", name)
    assert (kind == "counter") == name.endswith("_total")
    assert kind != "histogram" or name.endswith("_seconds")
    assert not re.search(r"_(?:ms|milliseconds|kb|percent|minutes|hours|days)(?:_|$)", name)
    assert text.endswith(".")


def test_no_label_is_about_people() -> None:
    labels = set().union(*live().values())
    assert labels == {
        "route", "channel", "action", "reason", "status", "guard", "outcome", "le", "limit", "source", "setting",
        "sink",
    }  # fmt: skip

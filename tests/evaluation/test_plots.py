from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from chatward.evaluation.metrics import reliability, roc
from chatward.evaluation.plots import det_plot, reliability_plot, roc_plot, thinned

NAMESPACE = "{http://www.w3.org/2000/svg}"
CHANCE = np.random.default_rng(0)
LABELS = CHANCE.random(3000) < 0.5
SCORES = np.clip(LABELS * 0.4 + CHANCE.random(3000) * 0.6, 0, 1)
CURVE = roc(SCORES, LABELS)
PLOTS = {
    "roc": roc_plot([("one", CURVE), ("two <b>", roc(SCORES, ~LABELS))], "ROC & more"),
    "det": det_plot([("one", CURVE), ("two <b>", roc(SCORES, ~LABELS))], "DET & more"),
    "reliability": reliability_plot([("two <b>", reliability(SCORES, LABELS))], "Reliability & more"),
}


@pytest.mark.parametrize("svg", PLOTS.values(), ids=list(PLOTS))
def test_a_plot_stands_alone_and_names_what_it_shows(svg: str) -> None:
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own text
    assert root.find(f"{NAMESPACE}title") is not None
    said = [node.text for node in root.iter(f"{NAMESPACE}text")]
    assert "two <b>" in said
    assert any(text and text.endswith("& more") for text in said)
    assert not {node.tag.removeprefix(NAMESPACE) for node in root.iter()} & {"script", "image", "a", "use", "style"}
    lines = root.findall(f"{NAMESPACE}polyline")
    assert len(lines) == 2
    assert lines[0].get("stroke-dasharray") != lines[1].get("stroke-dasharray")
    width, height = map(float, (root.get("viewBox") or "").split()[2:])
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in (line.get("points") or "").split()]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        assert 2 <= len(points) <= 401


def test_better_lies_higher_on_roc_and_lower_on_det() -> None:
    def middle(svg: str, number: int) -> float:
        line = ElementTree.fromstring(svg).findall(f"{NAMESPACE}polyline")[number]  # noqa: S314 - our own text
        heights = [float(point.split(",")[1]) for point in (line.get("points") or "").split()]
        return float(np.mean(heights))

    assert middle(PLOTS["roc"], 0) < middle(PLOTS["roc"], 1)
    assert middle(PLOTS["det"], 0) > middle(PLOTS["det"], 1)


def test_thinning_keeps_ends_and_only_measured_points() -> None:
    across, up = thinned(CURVE.false_alarms, CURVE.recall, 50)
    assert len(across) <= 51
    assert (across[0], up[0], across[-1], up[-1]) == (0, 0, 1, 1)
    measured = set(zip(CURVE.false_alarms.tolist(), CURVE.recall.tolist(), strict=True))
    assert set(zip(across.tolist(), up.tolist(), strict=True)) <= measured
    assert bool(np.all(np.diff(up) >= 0))
    assert float(np.max(np.diff(across) + np.diff(up))) < 0.1

"""The scorer of the Numenta Anomaly Benchmark, by worked examples of its paper; and by its own corpus where it is here
(``CHATWARD_DATA``)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from chatward.bench import anomaly, nab

SERIES = nab.Series("s", np.arange(1000, dtype=np.float64) * 300.0, np.zeros(1000), ((300, 399), (700, 799)))


def score_of(*places: int) -> nab.Result:
    scores = np.zeros(1000)
    scores[list(places)] = 1.0
    return nab.best([SERIES], {"s": scores})


def test_silence_is_0_and_perfection_100() -> None:
    assert nab.best([SERIES], {"s": np.zeros(1000)}).score == 0.0
    assert score_of(300, 700).score == pytest.approx(100)
    assert (score_of(300, 700).hits, score_of(300, 700).misses, score_of(300, 700).false) == (2, 0, 0)


def test_the_earliest_detection_of_a_window_counts_and_no_other() -> None:
    assert score_of(300).score == pytest.approx(50)
    assert score_of(300, 310, 390).score == pytest.approx(50)
    # One of two windows, at its middle: half of the sigmoid's way is 0.8483 of its height at the left end.
    assert score_of(350).score == pytest.approx(50 * (1 + nab.sigmoid(-0.5) / nab.sigmoid(-1.0)) / 2, abs=1e-9)
    assert score_of(399).score < score_of(350).score < score_of(310).score


def test_a_false_detection_costs_its_price_and_less_shortly_after_a_window() -> None:
    alone, late, just_after = score_of(300).score, score_of(300, 690).score, score_of(300, 402).score
    before = score_of(300, 200).score
    assert alone - before == pytest.approx(100 * 0.11 / 4)
    assert before == pytest.approx(late, abs=1e-2)  # three windows later it costs all again
    assert before < just_after < alone


def test_what_is_for_learning_counts_nothing() -> None:
    assert SERIES.probation == 150
    assert score_of(10, 149, 300).score == score_of(300).score
    assert nab.Series("long", np.arange(9000.0), np.zeros(9000), ()).probation == 750


def test_one_threshold_for_all_series() -> None:
    """A series whose scores are ten times as high does not hide the other's, unless its noise is as high."""
    one, other = SERIES, nab.Series("t", SERIES.times, SERIES.values, ((500, 599),))
    scores = {"s": np.zeros(1000), "t": np.zeros(1000)}
    scores["s"][[300, 700]], scores["t"][500] = 10.0, 1.0
    assert nab.best([one, other], scores).score == pytest.approx(100)
    scores["s"][np.arange(160, 290)] = 5.0  # noise between the two: either it is let in, or the third window is missed
    found = nab.best([one, other], scores)
    assert (found.threshold, found.misses) == (10.0, 1)


def test_the_corpus_is_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data/made").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    rows = "".join(f"2020-01-01 {hour:02}:00:00,{hour % 7}\n" for hour in range(24))
    (tmp_path / "data/made/up.csv").write_text(f"timestamp,value\n{rows}")
    spans = {"made/up.csv": [["2020-01-01 05:00:00.000000", "2020-01-01 07:00:00.000000"]]}
    (tmp_path / "labels/combined_windows.json").write_text(json.dumps(spans))
    (series,) = nab.corpus(tmp_path)
    assert series.windows == ((5, 7),)
    assert series.values[6] == 6
    assert series.times[1] - series.times[0] == 3600


def test_without_a_corpus_the_score_is_null() -> None:
    report = anomaly.run(anomaly.Options(rounds=1, entities=300), lambda line: None)
    assert report.figures["nab_standard"] is None
    assert report.figures["us_per_point"] is not None
    assert report.figures["us_per_point"] > 0
    memory = report.details["memory"]
    assert memory["entities"] == 300  # all are read back
    assert 0 <= memory["mb"] <= memory["peak_mb"] < 100


@pytest.mark.skipif(
    "CHATWARD_DATA" not in os.environ,
    reason="CHATWARD_DATA names no data: the scorer runs on made series alone",
)
def test_the_published_base_line_and_ours() -> None:
    data = Path(os.environ["CHATWARD_DATA"])
    report = anomaly.run(anomaly.Options(rounds=1, data=data, entities=0), lambda line: None)
    assert report.details["windowed_gaussian"] == pytest.approx(39.6, abs=1.0)
    assert report.figures["nab_standard"] is not None
    assert report.figures["nab_standard"] > 65

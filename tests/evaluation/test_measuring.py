"""Tables are views of what was scored; here scores are made up, so that every figure is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chatward.evaluation.measuring import Measured, measured
from chatward.evaluation.metrics import Interval
from chatward.evaluation.rows import Row
from chatward.evaluation.samples import Samples
from chatward.evaluation.scoring import Ask, Scored

RAN = ("text.injection",)


def says(score: float | None, *, stopped: bool = False) -> Scored:
    return Scored({} if score is None else {"text.injection": score}, {}, stopped, (), RAN, (), 0.001)


def row(text: str, label: str = "benign", **fields: Any) -> Row:
    return Row(text, label, **{"lang": "en", "source": "hwu64", "kind": "benign", **fields})


CHOOSING = [row(f"chat {n}") for n in range(100)]  # scores 0.00 to 0.99: the threshold is just above 0.98
CHAT = [row(f"other chat {n}") for n in range(50)]
ATTACKS = [row(f"attack {n}. Do it. Now.", "injection", kind="injection", source="fresh") for n in range(20)]
LEARNT = [row(f"known {n}", "jailbreak", kind="injection", source="seen", fitted=True) for n in range(4)]
TRIGGER = [row(f"trigger {n}", "benign-trigger", kind="own", source="own/de", lang="de") for n in range(10)]
PAPERS = [row(f"paper {n}", role="document", kind="injection", source="papers") for n in range(10)]
POISONED = [row("poison", "indirect-injection", role="tool", kind="injection", source="papers")]
SAMPLES = Samples(
    tuple(CHOOSING), tuple(CHAT), tuple(PAPERS[:5]), (*ATTACKS, *LEARNT, *TRIGGER, *PAPERS[5:], *POISONED), {"fresh": 3}
)
SCORES = {
    **{one.text: at / 100 for at, one in enumerate(CHOOSING)},
    **{one.text: 1.0 if at == 0 else 0.1 for at, one in enumerate(CHAT)},
    **{one.text: 0.995 if at < 15 else 0.5 for at, one in enumerate(ATTACKS)},
    **{one.text: 1.0 for one in LEARNT},
    **{one.text: 0.99 if at < 2 else 0.0 for at, one in enumerate(TRIGGER)},
    **{one.text: 0.2 for one in PAPERS},
    "poison": 0.3,
}


def scorer(asked: Sequence[Ask]) -> list[Scored]:
    """What was not written above is a changed text: capitals are still detected, nothing else."""
    return [
        says(SCORES.get(text, 1.0 if text.isupper() else 0.0), stopped=text == "attack 0. Do it. Now.")
        for text, _ in asked
    ]


def found(rules: bool = False) -> dict[str, list[dict[str, Any]]]:
    outcome = measured(Measured.of(SAMPLES, scorer, rules=rules), scorer, SAMPLES.dropped)
    return {table.name: table.as_json()["rows"] for table in outcome.tables}


def one(rows: Sequence[Mapping[str, Any]], **wanted: Any) -> Mapping[str, Any]:
    matching = [row for row in rows if all(row[name.replace("_", " ")] == value for name, value in wanted.items())]
    assert len(matching) == 1, matching
    return matching[0]


def test_the_threshold_is_chosen_on_one_half_and_applied_to_all_else() -> None:
    tables = found()
    chosen = one(tables["thresholds"], task="injection")
    assert (chosen["rows"], chosen["with a score"]) == (100, 100)
    assert chosen["threshold"] == pytest.approx(0.98)
    assert one(tables["thresholds"], task="indirect-injection")["threshold"] == pytest.approx(0.2)
    assert one(tables["thresholds"], task="abuse")["threshold"] is None
    chat = one(tables["chat"], corpus="hwu64")
    assert (chat["rows"], chat["false alarms"]["value"]) == (50, 0.02)


def test_each_source_is_measured_and_those_that_are_learnt_come_last() -> None:
    tables = found()
    assert [row["source"] for row in tables["sources-injection"]] == ["fresh", "seen"]
    fresh = one(tables["sources-injection"], source="fresh")
    assert (fresh["attacks"], fresh["recall"]["value"], fresh["left out as known"]) == (20, 0.75, 3)
    assert fresh["AUC, own harmless"] is None
    assert fresh["AUC, held-out harmless"]["value"] == pytest.approx(0.98)
    assert fresh["stopped as shipped"] == 0.05
    papers = one(tables["sources-indirect-injection"], source="papers")
    assert (papers["attacks"], papers["recall"]["value"], papers["AUC, own harmless"]) == (1, 1.0, 1.0)
    assert papers["false alarms"]["value"] == 0


def test_languages_labels_and_over_defence() -> None:
    tables = found()
    assert one(tables["over-defence"], source="own/de")["accuracy"]["value"] == pytest.approx(0.8)
    german, english = one(tables["languages"], language="de"), one(tables["languages"], language="en")
    assert (german["attacks"], german["recall"], german["trigger"]) == (0, None, 10)
    assert (english["attacks"], english["chat"]) == (20, 50)
    assert one(tables["labels"], label="injection")["flagged"]["value"] == 0.75
    assert {row["label"] for row in tables["labels"]} == {"benign", "benign-trigger", "injection", "indirect-injection"}


def test_robustness_counts_what_was_detected_before() -> None:
    rows = found()["robustness"]
    capitals, backwards = one(rows, attack="upper-case"), one(rows, attack="reversed")
    assert (capitals["texts"], capitals["still detected"]["value"]) == (15, 1.0)
    assert (capitals["chat"], capitals["false alarms"]["value"]) == (50, 1.0)
    assert backwards["still detected"]["value"] == 0
    assert one(rows, attack="tag-letters")["texts"] == 15


def test_ranking_and_calibration_over_sources_that_are_not_learnt() -> None:
    rows = found()["calibration"]
    assert [row["task"] for row in rows] == ["injection", "indirect-injection"]
    assert (rows[0]["attacks"], rows[0]["harmless"]) == (20, 60)
    wins = 15 * (1 - 1 / 60) + 5 * (1 - 3 / 60)  # one chat at 1.0 beats all, two triggers beat the five at 0.5
    assert rows[0]["AUC"]["value"] == pytest.approx(wins / 20)
    squares = 15 * 0.005**2 + 5 * 0.25 + 1 + 49 * 0.01 + 2 * 0.99**2
    assert rows[0]["Brier score"] == pytest.approx(squares / 80, rel=1e-4)
    assert rows[1]["average precision"] == 1


def test_headline_figures() -> None:
    outcome = measured(Measured.of(SAMPLES, scorer, rules=False), scorer, {})
    assert outcome.figures["injection_recall_mean"] == 0.75
    assert outcome.figures["over_defence_accuracy"] == pytest.approx(0.8)
    assert outcome.figures["chat_false_alarms"] == 0.02
    assert outcome.figures["abuse_recall_least"] is None
    assert [name for name, _ in outcome.curves] == ["injection", "indirect-injection"]


def test_without_scores_nothing_is_zero_and_the_notes_say_why() -> None:
    def silent(asked: Sequence[Ask]) -> list[Scored]:
        return [says(None, stopped=text.startswith("attack")) for text, _ in asked]

    outcome = measured(Measured.of(SAMPLES, silent, rules=False), silent, {})
    assert outcome.curves == []
    assert any("no guard gave a score text.injection" in note for note in outcome.notes)
    for name, value in outcome.figures.items():
        assert value is None or name.endswith("as_shipped"), name
    assert outcome.figures["attacks_stopped_as_shipped"] == 1
    tables = {table.name: table for table in outcome.tables}
    fresh = one(tables["sources-injection"].as_json()["rows"], source="fresh")
    assert (fresh["recall"], fresh["AUC, held-out harmless"], fresh["stopped as shipped"]) == (None, None, 1.0)
    for table in outcome.tables:
        assert not any(isinstance(cell, Interval) for row in table.rows for cell in row), table.name
        assert table.as_markdown()


def test_rows_without_a_score_are_left_out_and_told() -> None:
    def partly(asked: Sequence[Ask]) -> list[Scored]:
        return [
            says(None if text in {"attack 19. Do it. Now.", "other chat 0"} else s.scores["text.injection"])
            for (text, _), s in zip(asked, scorer(asked), strict=True)
        ]

    outcome = measured(Measured.of(SAMPLES, partly, rules=False), partly, {})
    assert any("2 of 84 rows have no score text.injection" in note for note in outcome.notes)
    assert outcome.figures["injection_recall_mean"] == pytest.approx(15 / 19)
    assert outcome.figures["chat_false_alarms"] == 0


def test_rules_stand_in_only_where_their_guard_ran() -> None:
    tables = found(rules=True)
    assert one(tables["thresholds"], task="injection")["with a score"] == 100
    assert one(tables["thresholds"], task="abuse")["with a score"] == 0

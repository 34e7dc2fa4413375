"""What is kept away from the measurement, on corpora written for the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatward.evaluation.duplicates import twins
from chatward.evaluation.rows import Data, Row
from chatward.evaluation.samples import KNOWN, TASKS, collect, sampled

WORDS = ("order", "parcel", "refund", "invoice", "account", "voucher", "delivery", "address", "branch", "size")


def sentence(number: int) -> str:
    """Distinct sentences that share no two neighbouring words."""
    return " ".join(f"{WORDS[(number + step) % len(WORDS)]}{number}x{step}" for step in range(8))


@pytest.fixture
def data(data_of: Callable[[Any], Data]) -> Data:
    def rows(start: int, count: int, label: str = "benign", **fields: Any) -> list[dict[str, Any]]:
        return [{"text": sentence(start + n), "label": label, "lang": "en", **fields} for n in range(count)]

    doubled = [{**row, "text": f"{row['text']} please"} for row in rows(0, 3, "injection")]
    known = [{"text": sentence(777), "label": "injection", "in_train": "seen"}]
    documents = rows(500, 20, role="document") + rows(600, 4, "indirect-injection", role="tool")
    return data_of(
        {
            ("injection/seen", "train"): rows(0, 10, "injection"),
            ("injection/fresh", "eval"): doubled + known + rows(100, 30, "jailbreak") + documents,
            ("benign/hwu64", "eval"): rows(200, 60, split="test"),
            ("benign/banking77", "train"): rows(300, 40, split="train"),
            ("abuse/words", "eval"): rows(700, 5, "neither"),
        }
    )


def test_what_training_knows_is_left_out_and_told(data: Data) -> None:
    found = collect(data, [], limit=0, progress=lambda line: None)
    assert dict(found.dropped) == {"seen": 0, "fresh": 4, "hwu64": 0, "banking77": 0, "words": 0}
    fresh = [row for row in found.rows if row.source == "fresh" and row.label in {"injection", "jailbreak"}]
    assert len(fresh) == 30
    assert not twins([row.text for row in found.rows if row.fitted], [row.text for row in fresh]).any()


def test_rows_that_share_a_passage_with_training_stand_apart(data_of: Callable[[Any], Data]) -> None:
    passage = " ".join(f"p{n}" for n in range(14))
    longer = f"{sentence(50)} {sentence(60)} {sentence(70)} {sentence(80)} {passage} {sentence(90)}"
    found = collect(
        data_of(
            {
                ("injection/seen", "train"): [{"text": passage, "label": "injection"}],
                ("injection/fresh", "eval"): [{"text": longer, "label": "injection"}],
            }
        ),
        [],
        limit=0,
        progress=lambda line: None,
    )
    assert [(row.source, row.fitted) for row in found.rows] == [("seen", True), (f"fresh {KNOWN}", True)]


def test_thresholds_are_chosen_on_one_half_and_measured_on_the_other(data: Data) -> None:
    found = collect(data, [], limit=0, progress=lambda line: None)
    assert {row.source for row in (*found.choosing, *found.chat)} == {"hwu64"}  # banking77's training part is no chat
    assert len(found.choosing) == len(found.chat) == 30
    assert not set(found.choosing) & set(found.chat)
    assert len(found.choosing_documents) == 10
    assert not set(found.choosing_documents) & set(found.rows)
    assert len(found.all) == len(set(found.all)) == 60 + 20 + 4 + 30 + 10 + 40 + 5


def test_limits_take_the_same_rows_each_time() -> None:
    rows = [
        Row(sentence(n), label, lang=lang, source="s") for n in range(40) for label, lang in (("a", "x"), ("b", "y"))
    ]
    kept = sampled(rows, 5)
    assert len(kept) == 10
    assert set(kept) == set(sampled(rows[::-1], 5))
    assert len(sampled([*rows, *rows], 0)) == len({(row.text, row.label) for row in rows})


def test_a_row_is_of_the_task_whose_labels_and_place_it_has() -> None:
    def tasks(**fields: str) -> list[str]:
        return [task.name for task in TASKS if task.holds(Row("text", **fields))]  # type: ignore[arg-type]

    assert tasks(label="jailbreak", kind="injection") == ["injection"]
    assert tasks(label="benign", kind="dialogues") == ["injection"]
    assert tasks(label="benign", kind="injection", role="document") == ["indirect-injection"]
    assert tasks(label="indirect-injection", kind="injection", role="user") == []
    assert tasks(label="harmful-request", kind="injection") == []
    assert tasks(label="hate", kind="abuse") == ["abuse"]
    assert tasks(label="spam", kind="scam-text") == []
    assert tasks(label="benign", kind="own") == ["injection", "abuse", "social-engineering"]


def test_without_data_the_own_rows_are_measured() -> None:
    own = [Row("hello", "benign", lang="de", source="own/de", kind="own")]
    found = collect(None, own, limit=0, progress=lambda line: None)
    assert found.rows == tuple(own)
    assert found.choosing == ()
    assert json.dumps(dict(found.dropped)) == "{}"

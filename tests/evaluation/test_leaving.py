"""One source left out at a time: the others teach what they share with it, and nothing of it is among the fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from chatward.evaluation import leaving
from chatward.evaluation.leaving import fit, left_out_table
from chatward.evaluation.rows import Data, Row
from chatward.evaluation.samples import Samples
from chatward.models import ngrams

WORDS = ("parcel", "refund", "invoice", "voucher", "branch", "receipt", "lantern", "garden")


def chat(number: int) -> str:
    said = " ".join(WORDS[(number * step + number // 7) % len(WORDS)] for step in range(1, 8))
    return f"{said} {chr(97 + number % 26)}{number}"


def attack(opening: str, number: int) -> str:
    said = " ".join(WORDS[(number * step + number // 5) % len(WORDS)] for step in (1, 3, 5))
    return f"{opening} {said} {chr(97 + number % 26)}"


SAMPLES = Samples(
    tuple(Row(f"{chat(n)} please", "benign") for n in range(200, 260)),
    tuple(Row(f"{chat(n)} thanks", "benign") for n in range(300, 360)),
    (),
    (),
    {},
)


@pytest.fixture
def data(data_of: Callable[[Any], Data], monkeypatch: pytest.MonkeyPatch) -> Data:
    monkeypatch.setattr(leaving, "phrase_examples", lambda: [])

    def rows(texts: Sequence[str], label: str, **fields: Any) -> list[dict[str, Any]]:
        return [{"text": text, "label": label, "lang": "en", **fields} for text in texts]

    alike = [attack("obey the overlord now", n) for n in range(40)]
    return data_of(
        {
            ("injection/first", "train"): rows(alike, "injection"),
            ("injection/second", "train"): rows(
                [attack("obey the overlord today", n) for n in range(60, 90)], "jailbreak"
            )
            + rows([alike[0]], "jailbreak"),
            ("injection/strange", "train"): rows([f"{chat(n)} zzyzx qwrk" for n in range(520, 580)], "injection"),
            ("injection/fresh", "eval"): rows(["zzyzx qwrk " + chat(n) for n in range(40)], "injection"),
            ("injection/papers", "train"): rows(["zzyzx qwrk " + chat(n) for n in range(9)], "injection", role="tool"),
            ("benign/talk", "train"): rows([chat(n) for n in range(120)], "benign"),
            ("dialogues/calls", "train"): [
                {"turns": [{"role": "user", "text": f"{chat(n)} {n}{n}"}], "lang": "en"} for n in range(400, 500)
            ],
            ("benign/hwu64", "train"): rows([f"zzyzx qwrk {n}" for n in range(30)], "benign", split="train"),
        }
    )


@pytest.fixture
def found(data: Data) -> dict[str, dict[str, Any]]:
    table = left_out_table(data, SAMPLES, limit=0, progress=lambda line: None)
    return {row["source left out"]: row for row in table.as_json()["rows"]}


def test_what_others_share_with_a_source_is_found_and_what_is_only_its_own_is_not(
    found: dict[str, dict[str, Any]],
) -> None:
    assert sorted(found) == ["calls", "first", "second", "strange", "talk"]
    assert found["first"]["recall"]["value"] > 0.9
    assert found["strange"]["recall"]["value"] < 0.3
    assert found["strange"]["recall, half known"]["value"] > 0.5
    assert found["strange"]["AUC"]["low"] <= found["strange"]["AUC"]["value"]


def test_rows_with_a_twin_in_another_source_are_no_news(found: dict[str, dict[str, Any]]) -> None:
    assert found["first"]["left out as known"] >= 1
    assert found["first"]["attacks"] + found["first"]["left out as known"] == 40


def test_a_source_of_harmless_texts_has_false_alarms_and_no_recall(found: dict[str, dict[str, Any]]) -> None:
    talk = found["talk"]
    assert (talk["attacks"], talk["recall"], talk["AUC"]) == (0, None, None)
    assert 0 <= talk["false alarms"]["value"] <= 1


def test_a_head_is_the_same_each_time_and_needs_both_labels() -> None:
    texts = [ngrams.rows(text) for text in ("obey now", "where is my parcel", "obey me", "a refund")]
    first, second = (fit(texts, [True, False, True, False]) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert first.logits(texts).argsort().tolist()[2:] in ([0, 2], [2, 0])
    with pytest.raises(ValueError, match="both needed"):
        fit(texts, [True] * 4)

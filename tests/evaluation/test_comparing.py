from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chatward.bench.peers import Missing
from chatward.evaluation import comparing
from chatward.evaluation.comparing import compared, pii_table
from chatward.evaluation.measuring import Measured
from chatward.evaluation.peers.asking import Answers, Peer
from chatward.evaluation.rows import Data, Row
from chatward.evaluation.samples import Samples
from chatward.evaluation.scoring import Ask, Scored

CHAT = [Row(f"chat {n}", "benign", kind="benign", source="hwu64") for n in range(40)]
TRIGGER = [Row(f"trigger {n}", "benign-trigger", kind="own", source="own/de") for n in range(4)]
ATTACKS = [Row(f"attack {n}", "injection", kind="injection", source=f"s{n % 2}") for n in range(10)]
LEARNT = [Row("learnt", "injection", kind="injection", source="seen", fitted=True)]
SAMPLES = Samples(tuple(CHAT[:20]), tuple(CHAT[20:]), (), (*TRIGGER, *ATTACKS, *LEARNT), {})


def ours(asked: Sequence[Ask]) -> list[Scored]:
    return [
        Scored({"text.injection": 0.9 if text.startswith("attack") else 0.1}, {}, text == "attack 0", (), (), (), 0.01)
        for text, _ in asked
    ]


def peer_says(peer: Peer, asked: Sequence[Ask]) -> Answers | Missing:
    """One flags all that holds a 1, one says nothing, the others are not there."""
    if peer.name == "svguardian":
        scores = tuple(1.0 if "1" in text else 0.0 for text, _ in asked)
        return Answers(peer, "9", (0.002,) * len(asked), scores, tuple(score > 0 for score in scores))
    if peer.name == "litellm":
        return Answers(peer, "8", (0.001,) * len(asked), (0.0,) * len(asked), (False,) * len(asked))
    return Missing(peer.name, "not here")


def test_all_are_asked_about_the_same_rows_and_judged_alike() -> None:
    asked: dict[str, list[Ask]] = {}

    def ask(peer: Peer, rows: Sequence[Ask]) -> Answers | Missing:
        asked[peer.name] = list(rows)
        return peer_says(peer, rows)

    found = Measured.of(SAMPLES, ours, rules=False)
    table, sources, notes = compared(found, ask, "1.0", limit=0, progress=lambda line: None)
    assert asked["svguardian"] == asked["litellm"] == asked["jailguard"]
    assert "presidio" not in asked
    assert ("learnt", "user") not in asked["litellm"]
    assert len(asked["litellm"]) == 54
    rows = {row["who"]: row for row in table.as_json()["rows"]}
    assert list(rows) == ["Chatward", "SecureVector Guardian", "LiteLLM content filter"]
    us, them, silent = rows.values()
    assert (us["AUC"], us["recall"]["value"], us["false alarms"]["value"]) == (1.0, 1.0, 0)
    assert (us["recall, own verdict"], us["over-defence accuracy"]["value"]) == (0.1, 1.0)
    # Its scores flag more than 1 % of chat, so that no threshold of its own is left but one above all.
    assert (them["recall"]["value"], them["recall, own verdict"]) == (0.0, 0.1)
    assert them["over-defence, own verdict"] == 0.75
    assert (silent["AUC"], silent["ms a row"]) == (0.5, 1.0)
    assert [row["source"] for row in sources.as_json()["rows"]] == ["s0", "s1"]
    assert sources.as_json()["rows"][1]["SecureVector Guardian, own verdict"] == 0.2
    assert notes == ["JailGuard is missing: not here.", "LlamaFirewall, local scanners is missing: not here."]


@pytest.mark.parametrize(("least", "rows"), [(0, 26), (15, 36), (1000, 46)])
def test_limits_are_by_source_and_leave_enough_chat(monkeypatch: pytest.MonkeyPatch, least: int, rows: int) -> None:
    monkeypatch.setattr(comparing, "_CHAT", least)
    found = Measured.of(SAMPLES, ours, rules=False)
    table, sources, _ = compared(found, peer_says, "1.0", limit=1, progress=lambda line: None)
    assert [row["attacks"] for row in sources.as_json()["rows"]] == [1, 1]
    assert f"same {rows} rows" in table.note


def test_personal_data_is_scored_by_kind_beside_presidio(data_of: Callable[[Any], Data]) -> None:
    english = [{"text": "Ann Lee, ann@example.com", "spans": [[0, 7, "name"], [9, 24, "email"]], "lang": "en"}] * 2
    german = [{"text": "Anna aus Bonn", "spans": [[0, 4, "PER"], [9, 13, "LOC"]], "lang": "de", "split": "test"}]
    data = data_of({("pii/canadian_pii", "eval"): english, ("pii/germeval2014", "eval"): german})
    asked: list[int] = []

    def scorer(rows: Sequence[Ask]) -> list[Scored]:
        return [Scored({}, {}, False, ((9, 24, "EMAIL"), (9, 20, "EMAIL"), (0, 3, "CARD")), (), (), 0.5) for _ in rows]

    def ask(peer: Peer, rows: Sequence[Ask]) -> Answers | Missing:
        asked.append(len(rows))
        return Answers(peer, "2", (1.0,) * len(rows), spans=(((0, 3, "PERSON"), (9, 24, "URL")),) * len(rows))

    table, notes = pii_table(data, scorer, ask, limit=0, progress=lambda line: None)
    rows = {(row["corpus"], row["kind"]): row for row in table.as_json()["rows"]}
    assert asked == [2]  # Presidio's model is English
    assert set(rows) == {
        ("canadian_pii", "EMAIL"),
        ("canadian_pii", "PERSON"),
        ("germeval2014", "PERSON"),
        ("germeval2014", "PLACE"),
    }
    mail, person = rows["canadian_pii", "EMAIL"], rows["canadian_pii", "PERSON"]
    assert (mail["spans"], mail["F1"], mail["Presidio F1"]) == (2, 1.0, 0.0)
    assert (person["F1"], person["Presidio F1"], person["Presidio F1, overlap"]) == (0.0, 0.0, 1.0)
    assert rows["germeval2014", "PLACE"]["Presidio F1"] is None
    assert notes == []
    table, notes = pii_table(data, scorer, None, limit=1, progress=lambda line: None)
    assert [row["spans"] for row in table.as_json()["rows"]] == [1, 1, 1, 1]
    assert all(row["Presidio F1"] is None for row in table.as_json()["rows"])

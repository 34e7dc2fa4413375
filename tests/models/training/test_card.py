"""The card names every source that went in, with its licence."""

from __future__ import annotations

from pathlib import Path

from chatward.models.heads import ENTITIES, HEADS
from chatward.models.store import ModelFiles
from chatward.models.training.calibrate import ALARMS
from chatward.models.training.card import card
from tests.simulators.corpora import enter

FACTS = {
    "version": "9.9",
    "made": "Made in three runs, one of them at night.",
    "seed": 5,
    "examples": 1234,
    "sources": {"sgd": 700, "pyrit": 30, "phrases/direct": 400, "document/wikigold": 100, "inserted": 4},
    "languages": {"en": 1000, "de": 200, "fi": 3},
    "calibration": {"ordinary": 50, "look-alikes": 20, "documents": 10},
    "by_language": {"de": {"ordinary": [40, 0.0], "look-alikes": [20, 0.05], "attacks": [30, 0.8]}},
    "own_borders": {"common": 0.8, "own": 0.81, "difference": 0.01, "interval": [-0.004, 0.02]},
}


def made(files: Path, data: Path) -> list[str]:
    return card(FACTS, {"alarms": dict(ALARMS)}, ModelFiles(files), data).splitlines()


def test_sources_have_their_counts_licences_and_upstreams(files: Path, data: Path) -> None:
    lines = made(files, data)
    assert "| sgd | 700 | CC0 for tests | upstream of dialogues/sgd |" in lines
    assert "| pyrit | 30 | CC0 for tests | upstream of injection/pyrit |" in lines
    assert "| document/wikigold | 100 | CC0 for tests | upstream of pii/wikigold |" in lines
    for own, count in (("phrases/direct", 400), ("inserted", 4)):
        assert f"| {own} | {count} | written for this project, Apache-2.0 |  |" in lines


def test_several_upstreams_are_all_named(files: Path, own_data: Path) -> None:
    enter(own_data, "dialogues/sgd", upstream=["one@1", "two@2"])
    assert "| sgd | 700 | CC0 for tests | one@1, two@2 |" in made(files, own_data)


def test_files_heads_and_shares_are_named(files: Path, data: Path) -> None:
    lines = made(files, data)
    text = " ".join(lines)
    for name, digest in ModelFiles(files).digests.items():
        assert f"| {name} | `{digest}` |" in lines
    for head, share in ALARMS.items():
        assert f"{head} {share:.1%}" in text
    assert all(name in text for name in (*HEADS, *ENTITIES))
    assert "Languages, by examples: en 1000, de 200." in lines
    assert "Text models of Chatward 9.9. Made in three runs, one of them at night." in lines
    assert "composes with seed 5: 1234 examples" in text
    assert "## Limits" in lines


def test_languages_are_compared(files: Path, data: Path) -> None:
    lines = made(files, data)
    assert "| de | 0.0% of 40 | 5.0% of 20 | 80.0% of 30 |" in lines
    assert "81.0% instead of 80.0% (difference -0.4% to +2.0%)" in " ".join(lines)

"""The page on models says what they do: its numbers and names are the program's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatward.guards.text import abuse, injection_model, pii_model
from chatward.models import cascade, encoder, store
from chatward.models.heads import ENTITIES, HEADS
from chatward.models.training import calibrate, phrases

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text("utf-8")


@pytest.mark.parametrize("head", HEADS)
def test_every_head_is_told_with_the_share_of_false_alarms_that_it_may_have(head: str) -> None:
    [row] = re.findall(rf"^\| `{head}` \| .* \| ([\d.]+) %.*\|$", PAGE, re.MULTILINE)
    assert float(row) / 100 == pytest.approx(calibrate.ALARMS[head])


def test_every_rule_of_a_model_is_told_and_no_other() -> None:
    told = set(re.findall(r"^\| `[A-Za-z-]+` \| `(text\.\w+/[a-z-]+)`", PAGE, re.MULTILINE))
    injection = {f"text.injection/{rule}" for _, _, rule in injection_model._KINDS} | {"text.injection/indirect-model"}
    words = {f"text.pii/{rule}" for rule, _, _ in pii_model._RULES.values()}
    assert told == injection | words | {f"{abuse.GUARD}/{rule}" for _, rule, _ in abuse._HEADS}


@pytest.mark.parametrize("entity", ENTITIES)
def test_words_that_are_only_noted_are_told_as_such(entity: str) -> None:
    rule, _, severity = pii_model._RULES[entity]
    treated = "noted" if severity.label == "info" else "personal data"
    assert f"| `{entity}` | `text.pii/{rule}` | {treated} |" in PAGE


def test_numbers_in_prose_are_the_programs() -> None:
    assert f"windows of {encoder.ROOM} tokens, a new one every {encoder.STEP}" in PAGE
    assert f"more than\n  {cascade.WINDOWS:,} windows" in PAGE
    assert f"newest {cascade._REMEMBERED} texts" in PAGE
    assert f"fixed shares ({calibrate.SHARES[1]} and {calibrate.SHARES[0]})" in PAGE
    assert calibrate.ASKED == 0.25
    assert "the quarter of ordinary texts" in PAGE
    assert f"in {len(phrases.languages())} languages" in PAGE
    assert injection_model._READINGS == 3
    assert "at most three such\n  readings" in PAGE


def test_every_file_is_told() -> None:
    told = set(re.findall(r"^\| `(\w+\.\w+)` \|", PAGE, re.MULTILINE))
    assert told == {"manifest.json", "card.md", *store.ModelFiles().digests}


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", PAGE, re.MULTILINE))
    assert named == {"train"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)

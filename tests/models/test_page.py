"""The page on models says what they do: its numbers and names are the program's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatward.core.ports import Cost
from chatward.guards.catalog import catalog
from chatward.guards.text import abuse, injection_model, pii_model, social_asks
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
    others = {f"{abuse.GUARD}/{rule}" for _, rule, _ in abuse._HEADS} | {f"{social_asks.GUARD}/model"}
    assert told == injection | words | others


def test_every_guard_that_asks_models_is_named() -> None:
    asking = {guard.spec.id for guard in catalog() if guard.spec.cost is Cost.MODEL}
    assert {"text.injection", "text.pii"} <= asking
    assert asking <= set(re.findall(r"`([a-z]+\.[a-z_]+)`", PAGE.partition("## ")[0]))


@pytest.mark.parametrize("entity", ENTITIES)
def test_words_that_are_only_noted_are_told_as_such(entity: str) -> None:
    rule, _, severity = pii_model._RULES[entity]
    treated = "noted" if severity.label == "info" else "personal data"
    assert f"| `{entity}` | `text.pii/{rule}` | {treated} |" in PAGE


def test_numbers_in_prose_are_the_programs() -> None:
    assert f"windows of {encoder.ROOM} tokens, a new one every {encoder.STEP}" in PAGE
    assert f"windows of {encoder.NARROW_ROOM} tokens as well, a new one every {encoder.NARROW_STEP}:" in PAGE
    assert f"Up to {encoder.FEW} tokens it is read in these alone." in PAGE
    assert f"more than\n  {cascade.WINDOWS:,} windows" in PAGE
    assert f"newest {cascade._REMEMBERED} texts" in PAGE
    assert f"fixed shares ({calibrate.SHARES[1]} and {calibrate.SHARES[0]})" in PAGE
    asked = calibrate.ASKED
    assert f"the {asked['attack']:.0%} of ordinary texts" in PAGE
    assert f"({asked['indirect']:.0%} of clean documents for `indirect`," in PAGE
    assert f"{asked['sexual']:.0%} to {asked['scam']:.0%} for the other heads)" in PAGE
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

"""What the entity model's answers become in the PII guard; a scripted cascade stands in for the model."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.normalise import read
from chatward.core.ports import Item, ModelGuard, PreparingGuard, RuleGuard
from chatward.core.values import Category, PartKind, Severity, Source
from chatward.guards.text import pii_model
from chatward.guards.text.pii import ENTITIES, PiiGuard
from chatward.models.heads import ENTITIES as LABELS
from tests.simulators.models import Scripted

WORDS = {f"{label.title()}word": (label, 0.6 + place / 20) for place, label in enumerate(LABELS)}
MODELS = {**WORDS, "Maybe": ("PERSON", 0.49), "Just": ("PERSON", 0.5)}


def item(text: str, source: Source = Source.USER, kind: PartKind = PartKind.TEXT) -> Item:
    return Item(3, source, kind, read(text, kind, deep=True))


@given(st.lists(st.sampled_from([*WORDS, "and", "Maybe", "ｘ", "\u200b"]), max_size=8, unique=True), st.sampled_from(
    [Source.USER, Source.TOOL, Source.DOCUMENT]))  # fmt: skip
def test_each_entity_is_a_finding_at_its_place(words: list[str], source: Source) -> None:
    text = " ".join(words)
    said = pii_model.weigh(Scripted(entities=MODELS), item(text, source))
    expected = [word for word in words if word in WORDS]
    assert [text[slice(*finding.span)] for finding in said.findings] == expected
    assert [finding.entity for finding in said.findings] == [WORDS[word][0] for word in expected]
    for finding in said.findings:
        assert finding.rule.startswith("text.pii/")
        assert (finding.part, finding.category) == (3, Category.PHI if finding.entity == "HEALTH" else Category.PII)
        assert finding.confidence == pytest.approx(WORDS[text[slice(*finding.span)]][1], abs=1e-4)
    assert said.scores == (("text.pii", max((WORDS[word][1] for word in expected), default=0.0)),)


def test_every_kind_has_its_own_rule_and_a_placeholder() -> None:
    found = pii_model.weigh(Scripted(entities=MODELS), item(" ".join(WORDS))).findings
    assert len({finding.rule for finding in found}) == len(LABELS)
    assert set(LABELS) == pii_model.ENTITIES <= ENTITIES


def test_persons_and_addresses_are_treated_and_the_rest_is_noted() -> None:
    """HIPAA names more identifiers than a chat can do without: each has a rule that the configuration may raise."""
    for confidence, treated in ((0.9, {"PERSON", "ADDRESS"}), (0.6, set())):
        sure = {word: (label, confidence) for word, (label, _) in WORDS.items()}
        found = pii_model.weigh(Scripted(entities=sure), item(" ".join(WORDS))).findings
        assert len(found) == len(WORDS)
        assert {finding.entity for finding in found if finding.severity > Severity.INFO} == treated


def test_a_word_that_is_likelier_none_is_left_alone() -> None:
    assert pii_model.weigh(Scripted(entities=MODELS), item("Maybe")).findings == ()
    assert len(pii_model.weigh(Scripted(entities=MODELS), item("Just")).findings) == 1


@pytest.mark.parametrize("source", [Source.OPERATOR, Source.BOT])
def test_own_text_is_not_asked_about(source: Source) -> None:
    models = Scripted(entities=MODELS)
    assert pii_model.weigh(models, item("Personword", source)).findings == ()
    assert pii_model.prepare(models, item("Personword", source)) == ()
    assert pii_model.weigh(models, item("", Source.USER, PartKind.OPAQUE)).scores == ()
    assert models.asked == []


def test_spans_point_at_the_original_of_normalised_text() -> None:
    text = "I am Ｐｅｒｓｏｎｗｏｒｄ, or Date\u200bword"
    found = pii_model.weigh(Scripted(entities=MODELS), item(text)).findings
    assert [text[slice(*finding.span)] for finding in found] == ["Ｐｅｒｓｏｎｗｏｒｄ", "Date\u200bword"]


@pytest.mark.parametrize("source", [Source.USER, Source.TOOL])
def test_what_is_prepared_is_what_is_weighed(source: Source) -> None:
    models = Scripted(entities=MODELS)
    guard = PiiGuard(models)

    async def prepare() -> None:
        await asyncio.gather(*guard.prepare(item("Personword here", source)))

    asyncio.run(prepare())
    assert len(guard.weigh(item("Personword here", source)).findings) == 1
    assert models.reads == 0
    assert models.asked == [("Personword here", source.untrusted, True)]


def test_the_guard_has_its_shapes() -> None:
    guard = PiiGuard(Scripted(entities=MODELS))
    assert isinstance(guard, RuleGuard)
    assert isinstance(guard, ModelGuard)
    assert isinstance(guard, PreparingGuard)
    with pytest.raises(RuntimeError):
        PiiGuard(Scripted(failure=RuntimeError())).weigh(item("Personword"))

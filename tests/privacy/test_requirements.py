"""The table of requirements: every name in it exists, and unknown is never a pass."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from chatward.core.events import Event
from chatward.ledger.reading import Record
from chatward.privacy.controls import REQUIREMENTS
from chatward.privacy.requirements import DISCLAIMER, LAWS, Requirement, Status, evidence, table
from chatward.settings import Conversations, Privacy, Purpose, Settings
from tests.settings import test_privacy_rules as rules

ROOT = Path(__file__).parents[2]
ALL = Settings(privacy=Privacy(profile=("gdpr", "hipaa", "ccpa", "eu-ai-act")), conversations=Conversations(store=True))


def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_every_line_of_the_laws_has_its_row_in_order() -> None:
    counts = {"gdpr": 17, "hipaa": 14, "ccpa": 9, "eu-ai-act": 5, "companion": 4}
    expected = [f"{law}.{number}" for law, count in counts.items() for number in range(1, count + 1)]
    assert [one.id for one in REQUIREMENTS] == expected
    assert set(counts) == set(LAWS)


@pytest.mark.parametrize("one", REQUIREMENTS, ids=lambda one: one.id)
def test_what_a_requirement_names_is_there(one: Requirement) -> None:
    assert all(callable(found) for found in one.objects())
    for test in one.tests:
        path, _, name = test.partition("::")
        assert name in names_in(path), test
    for name in one.evidence:
        assert Event(name.partition("/")[0])
    assert bool(one.enforced_by) == bool(one.tests)
    assert not (one.duty and one.enforced_by)


def test_every_rule_that_start_up_names_is_in_the_table_and_tested() -> None:
    named = set(
        re.findall(
            r'"((?:gdpr|hipaa|ccpa|eu-ai-act|companion)\.\d+)',
            (ROOT / "chatward/settings/privacy_rules.py").read_text(),
        )
    )
    enforced = {one.id for one in REQUIREMENTS if one.enforced_by}
    assert named - {"eu-ai-act.5"} <= enforced
    tested = {name.split()[0] for name in (*rules.CONTRADICTIONS, *rules.CHANGED)}
    assert named - tested == {"gdpr.4"}  # which holds without a profile, and is tested so


def test_states_are_five_and_follow_from_settings_and_record() -> None:
    def state(id_: str, settings: Settings, seen: dict[str, int]) -> str:
        return next(str(row["status"]) for row in table(REQUIREMENTS, settings, seen) if row["id"] == id_)

    refused = {"request:call:refused/consent-required": 2}
    consenting = Settings(privacy=Privacy(profile=("gdpr",), purposes=_consent()))
    assert state("gdpr.4", ALL, {}) == Status.OFF.value  # nothing rests on consent
    assert state("gdpr.4", consenting, {}) == Status.UNOBSERVED.value
    assert state("gdpr.4", consenting, {"privacy:objection:made": 9}) == Status.UNOBSERVED.value
    assert state("gdpr.4", consenting, refused) == Status.OBSERVED.value
    assert state("gdpr.4", Settings(privacy=Privacy(purposes=_consent())), refused) == Status.OFF.value
    assert state("gdpr.2", Settings(privacy=Privacy(profile=("gdpr",))), {}) == Status.OFF.value
    assert state("hipaa.9", ALL, {}) == Status.DUTY.value
    unread = Requirement("gdpr.99", "", "")
    assert unread.status(ALL, dict.fromkeys([event.value for event in Event], 1)) is Status.NOT_ASSESSED
    assert state("hipaa.7", Settings(privacy=Privacy(profile=("hipaa-strict",))), {}) == Status.UNOBSERVED.value


def test_without_a_profile_nothing_is_enforced() -> None:
    everything = dict.fromkeys([event.value for event in Event], 1)
    states = {row["status"] for row in table(REQUIREMENTS, Settings(), everything)}
    assert states == {Status.OFF.value, Status.DUTY.value}


def test_code_that_is_not_there_is_an_error() -> None:
    for name in ("chatward.privacy.gate:Nothing", "chatward.privacy.nothing:at_all"):
        with pytest.raises((ImportError, AttributeError)):
            table([Requirement("gdpr.99", "", "", (name,))], ALL, {})


def test_evidence_is_counted_from_entries() -> None:
    records = [
        Record(1, 0, Event.REQUEST_REFUSED.value, "", {"reason": "opted-out"}, b""),
        Record(2, 0, Event.REQUEST_REFUSED.value, "", {"reason": "overloaded"}, b""),
        Record(3, 0, Event.CONSENT_GIVEN.value, "", {"reason": "x"}, b""),
    ]
    assert evidence(records) == {
        "request:call:refused": 2,
        "request:call:refused/opted-out": 1,
        "request:call:refused/overloaded": 1,
        "privacy:consent:given": 1,
    }
    assert "Not legal advice" in DISCLAIMER


def _consent() -> dict[str, Purpose]:
    return {"a": Purpose(lawful_basis="consent")}

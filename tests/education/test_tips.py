"""Each tip answers what was done, in the language that was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Verdict
from chatward.education.tips import TIPS, languages, of_message, of_reply, preferred, words
from chatward.guards.text.pii import ENTITIES

UNTAUGHT = {
    "AGE", "COORDINATES", "CUSTOMER_ID", "DATE", "DEVICE_ID", "IP", "LICENSE_PLATE", "LOCATION", "MAC", "ORG",
    "POSTCODE", "VEHICLE_ID",
}  # fmt: skip
"""Personal data about which there is nothing to learn, or that is only noted."""


def decided(category: Category, entity: str = "", action: Action = Action.REDACT) -> Decision:
    finding = Finding("x.y/z", category, Severity.MEDIUM, 0.9, (0, 3), 0, entity)
    return Decision(finding, action, Treatment.MASK)


def judged(*decisions: Decision, action: Action = Action.REDACT) -> Verdict:
    return Verdict(action, action, decisions=decisions)


@pytest.mark.parametrize(
    ("category", "entity", "tip"),
    [
        (Category.PII, "CARD", "card"),
        (Category.PII, "IBAN", "account"),
        (Category.PII, "PASSPORT", "identity"),
        (Category.PII, "EMAIL", "contact"),
        (Category.PII, "PERSON", "person"),
        (Category.PHI, "HEALTH", "health"),
        (Category.SECRET, "", "secret"),
        (Category.LINK, "", "link"),
        (Category.MALWARE, "", "file"),
        (Category.INJECTION, "", "orders"),
        (Category.JAILBREAK, "", "orders"),
        (Category.INDIRECT_INJECTION, "", "document"),
        (Category.SOCIAL_ENGINEERING, "", "scam"),
        (Category.ABUSE, "", ""),  # who was stopped for it is not to be taught how
        (Category.PII, "DATE", ""),
    ],
)
def test_what_was_done_has_its_tip(category: Category, entity: str, tip: str) -> None:
    assert of_message(judged(decided(category, entity))) == tip


def test_all_personal_data_is_taught_about_or_known_not_to_be() -> None:
    taught = {entity for entity in ENTITIES if of_message(judged(decided(Category.PII, entity)))}
    assert taught | UNTAUGHT == ENTITIES
    assert not taught & UNTAUGHT


def test_the_weightiest_is_told() -> None:
    mail, link = decided(Category.PII, "EMAIL"), decided(Category.LINK, action=Action.BLOCK)
    assert of_message(judged(mail, link, action=Action.BLOCK)) == "link"
    assert of_message(judged(mail, decided(Category.PII, "CARD"))) == "card"


def test_what_had_no_effect_teaches_nobody() -> None:
    assert of_message(judged(decided(Category.SECRET), action=Action.ALLOW)) == ""  # monitor mode
    assert of_message(judged(decided(Category.SECRET, action=Action.ALLOW))) == ""
    assert of_message(Verdict(Action.BLOCK, Action.BLOCK)) == ""


def test_of_answers() -> None:
    assert of_reply({}) == ""
    assert of_reply({"link": 1, "EMAIL": 2}) == "reply-link"
    assert of_reply({"EMAIL": 2}) == "reply-private"


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_tip_in_two_sentences(language: str) -> None:
    said = words(language)
    assert tuple(sorted(said)) == tuple(sorted(TIPS))
    for tip in said.values():
        assert all(sentence.endswith(".") for sentence in (tip.text, tip.next)), tip
        assert max(len(tip.text), len(tip.next)) < 130, tip
    if language != "en":
        assert not {tip.text for tip in said.values()} & {tip.text for tip in words("en").values()}


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH, en;q=0.5", "de"),
        ("xx, fr;q=0.3, es;q=0.7", "es"),
        ("xx", "en"),
        ("de;q=0", "en"),
        ("de;q=nan, fr;q=0.1", "fr"),
        ("*", "en"),
        ("DE", "de"),
    ],
)
def test_the_language_that_is_asked_for_most(asked: str, language: str) -> None:
    assert preferred(asked, languages()) == language


@given(st.text())
def test_any_header_gives_a_language_that_there_is(asked: str) -> None:
    assert preferred(asked, languages()) in languages()

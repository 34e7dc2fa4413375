"""Nobody is told the same twice in a row."""

from __future__ import annotations

import pytest

from chatward.core.identity import Caller, Kind, Presented, Principal
from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Verdict
from chatward.education import teaching
from chatward.education.teaching import Teaching
from chatward.education.tips import Tip, words


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Headers(dict[str, str]):
    def get_all(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


def caller(id_: str = "person:1", address: str = "192.0.2.1", language: str = "", kind: Kind = Kind.PERSON) -> Caller:
    headers = Headers({"accept-language": language} if language else {})
    return Caller(Principal(id_, kind), Presented("POST", "http://x/v1", headers, address))


def hid(entity: str) -> Verdict:
    finding = Finding("text.pii/x", Category.PII, Severity.MEDIUM, 0.9, (0, 3), 0, entity)
    decision = Decision(finding, Action.REDACT, Treatment.MASK)
    return Verdict(Action.REDACT, Action.REDACT, decisions=(decision,))


CARD, MAIL = hid("CARD"), hid("EMAIL")


def test_never_twice_in_a_row() -> None:
    clock, given = Clock(), list[str]()
    teach = Teaching(again_after=100, given=given.append, clock=clock)
    assert teach.message(caller(), CARD) == words("en")["card"].fields()
    assert teach.message(caller(), CARD) is None
    assert teach.message(caller("person:2"), CARD) is not None
    assert teach.message(caller(), MAIL) is not None
    assert teach.message(caller(), CARD) is not None  # another came between
    clock.now = 99
    assert teach.message(caller(), CARD) is None
    clock.now = 100
    assert teach.message(caller(), CARD) is not None
    assert given == ["card", "card", "contact", "card", "card"]


def test_those_who_are_nobody_in_particular_are_told_apart_by_address() -> None:
    teach = Teaching(again_after=100)
    anyone = {"id_": "anonymous", "kind": Kind.ANONYMOUS}
    assert teach.message(caller(**anyone), CARD) is not None
    assert teach.message(caller(**anyone), CARD) is None
    assert teach.message(caller(**anyone, address="192.0.2.2"), CARD) is not None


def test_words_are_the_organisations_own_or_of_the_language_asked_for() -> None:
    own = Tip("card", "Not here.", "Call us.")
    teach = Teaching(again_after=100, own={"card": own}, off=("contact",))
    assert teach.message(caller(language="de"), CARD) == own.fields()
    assert teach.message(caller(language="de"), MAIL) is None
    assert teach.reply(caller(language="de"), {"link": 1}) == words("de")["reply-link"].fields()
    assert teach.reply(caller(), {}) is None
    fixed = Teaching(again_after=100, language="fr")
    assert fixed.message(caller(language="de"), CARD) == words("fr")["card"].fields()


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "REMEMBERED", 3)
    teach = Teaching(again_after=100)
    for number in range(5):
        teach.message(caller(f"person:{number}"), CARD)
    assert len(teach._last) == 3
    assert teach.message(caller("person:0"), CARD) is not None

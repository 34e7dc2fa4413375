"""How risky somebody is just now: what counts, what fades, and for whom nobody has said anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.identity import ANONYMOUS, Caller, Kind, Presented, Principal
from chatward.core.ports import Entry
from chatward.identity.access import Access, Where
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.cedar_schema import RISKS
from chatward.identity.risk import HIGH, LOW, RAISED, UNKNOWN, Bands, Risks, Watched
from tests.simulators.access import Headers

ANN = Principal("person:ann", Kind.PERSON, session="s")
BEN = Principal("person:ben", Kind.PERSON, session="s")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def risks(clock) -> Risks:
    return Risks(clock=clock)


def refused(rule: str, who: str = ANN.id, **more: object) -> Entry:
    return Entry("message:input:judged", "e", {"principal": who, "action": "block", "rule": rule, **more})


def test_the_bands_are_those_that_policies_can_name():
    assert {UNKNOWN, LOW, RAISED, HIGH} == set(RISKS)


def test_blocked_attacks_raise_the_band_of_who_made_them_and_of_nobody_else(risks):
    assert risks.band(ANN) == LOW
    bands = []
    for _ in range(4):
        risks.entry(refused("text.injection/override"))
        bands.append(risks.band(ANN))
    assert bands == [LOW, RAISED, RAISED, HIGH]
    assert risks.band(BEN) == LOW
    assert risks.rated(ANN.id).signals == (("text.injection/override", 4),)


def test_nobody_and_nothing_raise_no_band(risks):
    risks.add("", "x", 16.0)
    risks.add(ANN.id, "x", 0.0)
    risks.add(ANN.id, "x", -4.0)
    assert risks.rated("").signals == risks.rated(ANN.id).signals == ()


def test_it_fades_by_half_and_is_low_again(risks, clock):
    risks.add(ANN.id, "x", 16.0)
    seen = []
    for _ in range(4):
        seen.append((risks.rated(ANN.id).points, risks.band(ANN)))
        clock.now += 600
    assert seen == [(16.0, HIGH), (8.0, RAISED), (4.0, RAISED), (2.0, LOW)]
    risks.forget(ANN.id)
    assert risks.rated(ANN.id).points == 0


COUNTED = {
    "a listed link in a message that went on": (
        Entry("upstream:call:intended", "e", {"principal": ANN.id, "rules": ["links.intel/phishing"]}),
        2.0,
    ),
    "a refused message": (refused("text.abuse/threat"), 1.0),
    "no rule": (refused(""), 1.0),
    "one entry by its worst": (refused("text.abuse/x", rules=["links.intel/a", "links.intel/b"]), 2.0),
    "a proof that failed": (Entry("challenge:step-up:failed", "", {"principal": ANN.id, "reason": "code-wrong"}), 1.5),
    "a document's orders": (refused("text.injection/indirect-model"), 0.0),
    "what a document hides": (refused("text.hidden/html"), 0.0),
    "a message that went on": (
        Entry("upstream:call:intended", "e", {"principal": ANN.id, "rules": ["text.injection/override", "text.pii/x"]}),
        0.0,
    ),
    "another entry": (Entry("key:record:created", "", {"principal": ANN.id, "rules": ["links.intel/x"]}), 0.0),
    "rules that are none": (Entry("upstream:call:intended", "e", {"principal": ANN.id, "rules": 7}), 0.0),
}


@pytest.mark.parametrize("what", COUNTED)
def test_what_counts_and_how_much(risks, what):
    entry, points = COUNTED[what]
    risks.entry(entry)
    assert risks.rated(ANN.id).points == points


@pytest.mark.parametrize("event", ["reply:output:judged", "reply:output:delivered", "reply:output:aborted"])
def test_a_canary_in_a_reply_counts_for_who_asked_and_once(risks, event):
    risks.entry(Entry("upstream:call:intended", "e1", {"principal": ANN.id}))
    risks.entry(Entry("upstream:call:intended", "e2", {"principal": BEN.id}))
    for _ in range(2):
        risks.entry(Entry(event, "e1", {"rules": ["text.leak/canary", "links.intel/of-the-bot"]}))
    risks.entry(Entry(event, "e2", {"rules": ["links.intel/of-the-bot"]}))
    assert (risks.rated(ANN.id).points, risks.rated(BEN.id).points) == (5.0, 0)


@pytest.mark.parametrize("who", [ANONYMOUS, Principal("key:1", Kind.SERVICE), Principal("operator:1", Kind.OPERATOR)])
def test_of_whom_stands_for_many_nobody_has_said_anything(risks, who):
    for _ in range(50):
        risks.entry(refused("text.injection/override", who.id))
    assert risks.band(who) == UNKNOWN


def test_memory_is_bounded_and_the_quietest_are_forgotten(clock):
    risks = Risks(most=3, clock=clock)
    for name in "abcab":
        risks.add(name, "x", 5.0)
    risks.add("d", "x", 5.0)
    assert len(risks) == 3
    assert [risks.rated(name).points > 0 for name in "abcd"] == [True, True, False, True]
    for number in range(100):
        risks.add("d", f"s{number}", 0.1)
    assert len(risks.rated("d").signals) == 20


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(0, 2000)), max_size=20))
def test_it_is_the_sum_of_what_each_is_worth_by_now(done):
    clock = Clock()
    risks = Risks(Bands(half_life=300), clock=clock)
    told = []
    for points, pause in done:
        risks.add(ANN.id, "x", points)
        told.append((clock.now, points))
        clock.now += pause
    expected = sum(points * 0.5 ** ((clock.now - at) / 300) for at, points in told)
    assert risks.rated(ANN.id).points == pytest.approx(expected, abs=0.006)


async def test_policy_reads_it_on_the_next_tool_call_of_an_open_stream(risks, clock):
    """By the shipped policies: raised asks for two factors, high ends it, and both end by themselves."""

    class Ledger:
        healthy = True

        def append(self, entry):
            async def written():
                pass

            return written()

    ledger = Watched(Ledger())
    ledger.watchers.append(risks.entry)
    assert ledger.healthy
    access = Access(CedarAuthorizer(book({"d": shipped()})), valid=lambda _: True, risk=risks.band)
    caller = Caller(ANN, Presented("POST", "https://a/", Headers()))
    where = Where("default", "m", "default")
    gate = access.gate(caller, where, "e")
    seen = []
    for _ in range(5):
        call = gate.calls("lookup", "{}")
        seen.append((access.message(caller, where).allowed, call.allowed, call.step_up))
        await ledger.append(refused("text.injection/override"))
    assert seen == [(True, True, None), (True, True, None), (True, False, 2), (True, False, 2), (False, False, None)]
    clock.now += 3000
    assert gate.calls("lookup", "{}").allowed
    assert access.message(caller, where).allowed

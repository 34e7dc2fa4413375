"""What is written about a request, and that nobody's words fit in."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chatward.core.errors import StoreError
from chatward.core.identity import Caller, Kind, Presented, Principal
from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Unavailable, Verdict
from chatward.gateway.inflight import Flight
from chatward.gateway.records import MAX_RULES, REFUSALS_PER_SECOND, Records
from tests.simulators.ledger import MemoryLedger


class _Door:
    def client_disconnect(self) -> None:
        raise AssertionError


def flight() -> Flight:
    made = Flight("cw-1", _Door(), None)
    made.channel, made.route = "openai-chat", "default"
    return made


def caller(id_: str) -> Caller:
    return Caller(Principal(id_, Kind.SERVICE), Presented("POST", "", {}))  # type: ignore[arg-type]


def verdict(count: int) -> Verdict:
    findings = [Finding(f"text.pii/rule-{number}", Category.PII, Severity.LOW, 0.9, (0, 4)) for number in range(count)]
    decisions = tuple(Decision(finding, Action.REDACT, Treatment.MASK) for finding in findings)
    return Verdict(
        Action.ALLOW, Action.REDACT, "text.pii/rule-0", decisions, policy="p1",
        unavailable=(Unavailable("text.links", "timeout"),),
    )  # fmt: skip


async def test_an_intent_says_who_where_and_why() -> None:
    ledger = MemoryLedger()
    await Records(ledger).intended(flight(), "default", caller("key:ab"), verdict(2), True)
    fields = dict(ledger.entries[0].fields)
    assert isinstance(fields.pop("took_us"), int)
    assert fields == {
        "bot": "default", "principal": "key:ab", "stream": True, "channel": "openai-chat", "route": "default",
        "action": "allow", "would": "redact", "policy": "p1", "rule": "text.pii/rule-0", "findings": 2,
        "rules": ["text.pii/rule-0", "text.pii/rule-1"], "unavailable": ["text.links"],
    }  # fmt: skip


async def test_a_long_list_of_rules_is_cut() -> None:
    ledger = MemoryLedger()
    await Records(ledger).judged(flight(), "anonymous", verdict(500))
    assert ledger.entries[0].fields["findings"] == 500
    assert len(ledger.entries[0].fields["rules"]) == MAX_RULES  # type: ignore[arg-type]


async def test_which_guards_ran_is_told_once_for_each_set() -> None:
    ledger = MemoryLedger()
    records = Records(ledger)
    one, other = Verdict(ran=("text.pii", "text.links")), Verdict(ran=("text.pii",))
    for said in (one, other, one):
        await records.judged(flight(), "anonymous", said)
    await records.answered(flight(), 200, other)
    sets = {str(entry.fields["set"]): entry.fields["guards"] for entry in ledger.sets}
    named = [sets[str(entry.fields["guards"])] for entry in ledger.entries]
    assert named == [["text.pii", "text.links"], ["text.pii"], ["text.pii", "text.links"], ["text.pii"]]
    assert len(ledger.sets) == 2


@pytest.mark.parametrize("stalled", [False, True], ids=["refused", "lost"])
async def test_a_set_that_could_not_be_written_is_told_again(stalled: bool) -> None:
    ledger = MemoryLedger()
    records = Records(ledger)
    ledger.stalled, ledger.failing = stalled, None if stalled else "ledger-disk-full"
    ran = Verdict(ran=("text.pii",))

    async def judged_and_lost() -> None:
        waiting = records.judged(flight(), "anonymous", ran)
        ledger.failing = "ledger-disk-full"
        ledger.release()
        await waiting

    with pytest.raises(StoreError):
        await judged_and_lost()
    await asyncio.sleep(0)
    ledger.stalled, ledger.failing = False, None
    await records.judged(flight(), "anonymous", ran)
    assert (len(ledger.sets), len(ledger.entries)) == (1, 1)


async def test_sets_that_are_remembered_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatward.gateway.records.MAX_SETS", 2)
    ledger = MemoryLedger()
    records = Records(ledger)
    for name in "abca":
        await records.judged(flight(), "anonymous", Verdict(ran=(name,)))
    assert len(ledger.sets) == 4


async def test_a_score_is_told_where_it_says_something() -> None:
    ledger = MemoryLedger()
    scored = Verdict(scores=(("text.injection", 0.97349), ("text.abuse", 0.0499), ("text.injection/direct", 0.05)))
    await Records(ledger).judged(flight(), "anonymous", scored)
    await Records(ledger).judged(flight(), "anonymous", Verdict(scores=(("text.abuse", 0.01),)))
    assert ledger.entries[0].fields["scores"] == ["text.injection=0.973", "text.injection/direct=0.050"]
    assert "scores" not in ledger.entries[1].fields


async def test_a_time_is_our_own_and_a_streams_the_one_before_it_began() -> None:
    ledger = MemoryLedger()
    records, one = Records(ledger), flight()
    one.began -= 10.0
    one.waited, one.took = 9.0, 0.0015
    await records.answered(one, 200, Verdict())
    records.ended(one, "complete", Verdict(), {})
    await asyncio.sleep(0)
    whole, streamed = (entry.fields["took_us"] for entry in ledger.entries)
    assert 1_000_000 <= int(str(whole)) < 9_000_000
    assert streamed == 1500


async def test_an_end_counts_tokens() -> None:
    ledger = MemoryLedger()
    Records(ledger).ended(flight(), "complete", None, {"input": 3, "output": 4})
    await asyncio.sleep(0)
    assert ledger.events == ["reply:output:delivered"]
    assert ledger.entries[0].fields == {"outcome": "complete", "input_tokens": 3, "output_tokens": 4}


async def test_a_flood_is_counted_instead_of_written(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("chatward.gateway.records.time.monotonic", lambda: now)
    ledger = MemoryLedger()
    records = Records(ledger)
    for _ in range(REFUSALS_PER_SECOND + 30):
        records.refused(flight(), "not-found", 404)
    assert len(ledger.entries) == REFUSALS_PER_SECOND
    now = 101.0
    records.refused(flight(), "not-found", 404)
    assert ledger.entries[-1].fields["left_out"] == 30


async def test_what_is_not_waited_for_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    ledger = MemoryLedger()
    records = Records(ledger)
    ledger.failing = "ledger-disk-full"
    with caplog.at_level(logging.WARNING):
        records.refused(flight(), "not-found", 404)
        records.ended(flight(), "complete", None, {})
    assert caplog.text.count("not recorded") == 2

    ledger.failing, ledger.stalled = None, True
    records.refused(flight(), "not-found", 404)
    ledger.failing = "ledger-disk-full"
    ledger.release()
    await asyncio.sleep(0.01)
    assert caplog.text.count("not recorded") == 3


async def test_what_is_waited_for_does() -> None:
    ledger = MemoryLedger()
    ledger.failing = "ledger-disk-full"
    with pytest.raises(StoreError):
        await Records(ledger).intended(flight(), "default", caller("anonymous"), Verdict(), False)

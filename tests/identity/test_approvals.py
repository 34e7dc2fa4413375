"""Four eyes: who may decide, what they see, and that nothing else is approved."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.core.errors import ChatwardError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Kind, Principal, Proof
from chatward.identity.approvals import Approvals
from chatward.identity.challenges import State
from tests.identity.step_up import ARGUMENTS, World, person, transfer

ANN = person()


def operator(name: str = "olga", *roles: str, tenant: str = "default", kind: Kind = Kind.OPERATOR) -> Principal:
    return Principal(f"operator:{name}", kind, tenant, frozenset(roles or {"operator"}), session="o1")


def reason_of(act) -> str:
    with pytest.raises(ChatwardError) as refused:
        act()
    return refused.value.reason


def test_another_person_approves_and_the_call_goes_on_once() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    assert challenge.proofs == (Proof.APPROVAL,)
    (pending,) = world.approvals.pending(operator())
    assert (pending.tool, pending.arguments, pending.principal, pending.own) == ("transfer", ARGUMENTS, ANN.id, False)
    world.approvals.decide(operator(), pending.id, approve=True, reason="expected", note="she rang")
    assert world.challenges.state(challenge.id) is State.MET
    granted = world.challenges.met(challenge.id, ANN, transfer(ANN))
    assert granted is not None
    assert (granted.proof, granted.assurance) == (Proof.APPROVAL, Assurance.SINGLE)
    assert world.challenges.met(challenge.id, ANN, transfer(ANN)) is None
    told = world.record.told(Event.APPROVAL_GRANTED)[0]
    assert (told["approver"], told["principal"], told["reason"]) == ("operator:olga", ANN.id, "expected")
    assert world.approvals.note(operator(), challenge.id) == "she rang"
    assert world.approvals.pending(operator()) == ()


def test_changed_arguments_after_approval_take_nothing() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    world.approvals.decide(operator(), challenge.id, approve=True, reason="expected")
    changed = ARGUMENTS.replace("DE02", "DE99")
    assert world.challenges.met(challenge.id, ANN, transfer(ANN, changed)) is None
    assert world.approvals.ask(ANN, "transfer", changed).id != challenge.id


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (operator("olga", "read-only"), "approval-forbidden"),
        (operator("olga", "operator", kind=Kind.PERSON), "approval-forbidden"),
        (operator("olga", "operator", kind=Kind.SERVICE), "approval-forbidden"),
        (ANN, "approval-forbidden"),
        (operator(tenant="other"), "challenge-unknown"),
    ],
)
def test_who_may_not_decide(who: Principal, reason: str) -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    assert reason_of(lambda: world.approvals.decide(who, challenge.id, approve=True, reason="expected")) == reason
    assert world.challenges.state(challenge.id) is State.WAITING
    if reason == "approval-forbidden":
        assert reason_of(lambda: world.approvals.pending(who)) == reason
    else:
        assert world.approvals.pending(who) == ()
        assert world.approvals.note(who, challenge.id) == ""


def test_nobody_approves_what_they_asked_for() -> None:
    world, olga = World(), operator("olga", "admin", "operator")
    challenge = world.approvals.ask(olga, "transfer", ARGUMENTS)
    assert world.approvals.pending(olga)[0].own
    for who in (olga, operator("olga", "admin")):  # in another session too
        for approve in (True, False):
            act = lambda who=who, approve=approve: world.approvals.decide(  # noqa: E731
                who, challenge.id, approve=approve, reason="expected"
            )
            assert reason_of(act) == "approval-own"
    world.approvals.decide(operator("piet"), challenge.id, approve=True, reason="expected")


def test_nobody_approves_through_the_endpoints_of_proofs() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    for way in ("options", "passkey", "totp"):
        body = {"credential": {}, "code": "123456"}
        status, told = world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/{way}", body)
        assert (status, told["error"]["code"]) == (400, "proof-not-accepted")
    assert world.ask(ANN, "GET", f"/v1/challenges/{challenge.id}")[1]["state"] == "waiting"


def test_what_is_refused_is_over_and_is_not_asked_again_at_once() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    world.approvals.decide(operator(), challenge.id, approve=False, reason="suspicious")
    assert world.challenges.state(challenge.id) is State.REFUSED
    assert world.challenges.met(challenge.id, ANN, transfer(ANN)) is None
    assert world.record.told(Event.APPROVAL_REFUSED)[0]["reason"] == "suspicious"
    assert reason_of(lambda: world.approvals.ask(ANN, "transfer", ARGUMENTS)) == "approval-refused"
    world.approvals.ask(ANN, "transfer", "{}")
    world.clock.now += 900
    world.approvals.ask(ANN, "transfer", ARGUMENTS)


def test_of_two_decisions_the_first_counts() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    world.approvals.decide(operator(), challenge.id, approve=False, reason="too-much")
    second = operator("piet")
    act = lambda: world.approvals.decide(second, challenge.id, approve=True, reason="expected")  # noqa: E731
    assert reason_of(act) == "challenge-settled"
    assert world.challenges.state(challenge.id) is State.REFUSED


def test_it_expires() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    world.clock.now += 900
    assert world.approvals.pending(operator()) == ()
    act = lambda: world.approvals.decide(operator(), challenge.id, approve=True, reason="expected")  # noqa: E731
    assert reason_of(act) == "challenge-expired"
    world.approvals.ask(ANN, "transfer", "{}")
    assert [told["challenge"] for told in world.record.told(Event.APPROVAL_EXPIRED)] == [challenge.id]


@pytest.mark.parametrize(
    "given", [{"reason": "because I say so"}, {"reason": ""}, {"reason": "other", "note": "x" * 501}]
)
def test_a_decision_has_a_reason_from_the_list(given: dict[str, str]) -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    assert (
        reason_of(lambda: world.approvals.decide(operator(), challenge.id, approve=True, **given)) == "approval-reason"
    )


def test_it_is_on_record_before_it_counts() -> None:
    world = World()
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    world.record.broken = StoreError("no")
    with pytest.raises(StoreError):
        world.approvals.decide(operator(), challenge.id, approve=True, reason="expected")
    assert world.challenges.state(challenge.id) is State.WAITING
    assert world.challenges.met(challenge.id, ANN, transfer(ANN)) is None


def test_arguments_are_sealed_while_they_wait_and_gone_after(tmp_path: Path) -> None:
    world = World(tmp_path / "identity.db")
    one = world.approvals.ask(ANN, "transfer-money", ARGUMENTS)
    world.approvals.ask(ANN, "transfer-more", ARGUMENTS)
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"DE02" not in files
    assert b"transfer-m" not in files
    world.approvals.decide(operator(), one.id, approve=True, reason="expected", note="rang her")
    world.clock.now += 900
    world.approvals.ask(ANN, "transfer", "{}")
    kept = world.database.rows("SELECT tool, arguments FROM approvals WHERE expires <= ?", (world.clock.now,))
    assert kept == [(None, None)] * 2
    assert b"rang her" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert ARGUMENTS not in str(world.record.entries)


def test_a_sealed_call_is_bound_to_its_challenge() -> None:
    """Who can write the file cannot show an operator the arguments of another call."""
    world = World()
    one = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    other = world.approvals.ask(ANN, "transfer", "{}")
    world.database.write(
        "UPDATE approvals SET arguments = (SELECT arguments FROM approvals WHERE challenge = ?) WHERE challenge = ?",
        (other.id, one.id),
    )
    with pytest.raises(StoreError):
        world.approvals.pending(operator())


def test_asking_again_shows_one_call() -> None:
    world = World()
    assert world.approvals.ask(ANN, "transfer", ARGUMENTS) == world.approvals.ask(ANN, "transfer", ARGUMENTS)
    assert len(world.approvals.pending(operator())) == 1
    assert "DE02" not in repr(world.approvals.pending(operator()))


def test_roles_can_be_others() -> None:
    world = World()
    approvals = Approvals(world.database, world.challenges, b"k" * 32, roles={"approver"}, clock=world.clock)
    assert approvals.pending(operator("olga", "approver")) == ()
    assert reason_of(lambda: approvals.pending(operator("olga", "admin"))) == "approval-forbidden"

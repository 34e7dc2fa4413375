"""One decision point: messages and tool calls by policy, challenges bound to what they are for, nothing by habit."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from chatward.core.errors import ConfigError, IdentityError
from chatward.core.identity import (
    ANONYMOUS,
    CHALLENGE_HEADER,
    Assurance,
    Caller,
    Challenge,
    Grants,
    Kind,
    Presented,
    Principal,
    Proof,
    Ruling,
)
from chatward.core.ports import Entry
from chatward.identity.access import Access, ChallengedError, DeniedError, Gate, Where
from chatward.identity.approvals import Approvals
from chatward.identity.binding import tool_binding
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.challenges import Challenges
from chatward.identity.networks import Networks
from chatward.stores.database import Database
from tests.simulators.access import OWN, Headers

ADA = Principal("person:ada", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
HERE = Where("default", "m", "default")


class World:
    """Real policies and challenges; a principal can be revoked, risk can rise."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.good = True
        self.band = "low"
        self.database = Database(None)
        self.challenges = Challenges(self.database, self.entries.append)
        authorizer = CedarAuthorizer(book({"default": shipped(), "own": OWN}))
        self.access = Access(
            authorizer, valid=lambda _: self.good, challenges=self.challenges, risk=lambda _: self.band
        )

    def prove(self, challenge: str, proof: Proof = Proof.PASSKEY) -> None:
        self.challenges.settle(challenge, proof)


@pytest.fixture
def world() -> World:
    return World()


def asked(principal: Principal = ADA, address: str = "127.0.0.1", **headers: str) -> Caller:
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Caller(principal, Presented("POST", "http://x/v1/chat/completions", named, address))


def gate_of(world: World, caller: Caller | None = None) -> Gate:
    gate = world.access.gate(caller or asked(), HERE, "cw-1")
    gate.on_thread = True
    return gate


# --- messages


def test_a_message_is_not_consented_to_by_anybody(world: World) -> None:
    """Approvals are of tool calls. A challenge that nobody could meet would only keep the caller waiting."""
    ruling = Ruling(False, ("own/x",), "approval-required", approval=True)
    with pytest.raises(DeniedError):
        world.access.settle(asked(), HERE, ruling, b"{}", "cw-1")
    assert world.entries == []


def test_who_may_write(world: World) -> None:
    allowed = world.access.message
    assert allowed(asked(), HERE).allowed
    assert allowed(asked(ANONYMOUS), HERE).allowed
    assert not allowed(asked(ANONYMOUS, address="192.0.2.1"), HERE).allowed
    bounded = Principal("key:1", Kind.SERVICE, grants=Grants(bots=("other",)))
    assert allowed(asked(bounded), HERE).reason == "outside-grants"


def test_policy_reads_what_a_message_is_for_and_where_it_comes_from(world: World) -> None:
    policy = """
    @id("own/stolen") forbid (principal, action == Action::"message:send", resource)
    when { context has device && context.device == "stolen" };
    @id("own/from") forbid (principal, action == Action::"message:send", resource)
    unless { context has purpose && context.purpose == "support" && context.posture.contains("managed") &&
             context has network && context.network == "office" };
    """
    authorizer = CedarAuthorizer(book({"default": shipped(), "own": policy}))
    networks = Networks({"site": ["198.51.100.0/24", "2001:db8::/32"], "office": ["198.51.100.128/25"]})
    access = Access(authorizer, valid=lambda _: True, network=networks.of)

    def allowed(purpose: str, address: str, *posture: str) -> bool:
        caller = asked(address=address)
        caller = replace(caller, presented=replace(caller.presented, posture=frozenset(posture)))
        return access.message(caller, replace(HERE, purpose=purpose)).allowed

    assert allowed("support", "198.51.100.200", "managed", "os=14")
    assert allowed("support", "::ffff:198.51.100.200", "managed")
    assert not allowed("support", "198.51.100.200", "managed", "device=stolen")
    assert allowed("support", "198.51.100.200", "managed", "device=stolen", "device=other")  # nobody knows which
    assert not allowed("", "198.51.100.200", "managed")
    assert not allowed("marketing", "198.51.100.200", "managed")
    assert not allowed("support", "198.51.100.200", "os=14")
    assert not allowed("support", "198.51.100.20", "managed")  # in the site, and not in the office
    assert not allowed("support", "203.0.113.1", "managed")
    with pytest.raises(ConfigError):
        Networks({"office": ["198.51.100.1/24"]})


def test_who_is_revoked_may_nothing(world: World) -> None:
    gate = gate_of(world)
    assert gate.calls("look", "{}").allowed
    world.good = False
    assert world.access.message(asked(), HERE).reason == "revoked"
    began = gate.begins("look")
    assert began is not None
    assert began.reason == gate.calls("look", "{}").reason == "revoked"


def test_risk_is_read_anew_for_every_call(world: World) -> None:
    gate = gate_of(world)
    assert gate.calls("look", "{}").allowed
    world.band = "high"
    assert not gate.calls("look", "{}").allowed
    assert not world.access.message(asked(), HERE).allowed


def test_a_message_that_needs_more_is_challenged_and_goes_on_once(world: World) -> None:
    vault, body = Where("vault", "m", "default"), b'{"model":"m","input":"hi"}'
    ruling = world.access.message(asked(), vault)
    with pytest.raises(ChallengedError) as raised:
        world.access.settle(asked(), vault, ruling, body, "cw-1")
    error = raised.value
    assert (error.status, error.reason) == (401, "step-up-required")
    told = dict(error.headers)
    assert "insufficient_user_authentication" in told["www-authenticate"]
    number = told[CHALLENGE_HEADER]
    again = asked(x_chatward_challenge=number)
    with pytest.raises(ChallengedError):  # not proven yet
        world.access.settle(again, vault, ruling, body, "cw-2")
    world.prove(number)
    with pytest.raises(ChallengedError):  # another message
        world.access.settle(again, vault, ruling, b'{"model":"m","input":"pay"}', "cw-3")
    world.access.settle(again, vault, ruling, b'{ "input": "hi", "model": "m" }', "cw-4")
    with pytest.raises(ChallengedError):  # used up
        world.access.settle(again, vault, ruling, body, "cw-5")


def test_nobody_in_particular_is_refused_and_not_challenged(world: World) -> None:
    vault = Where("vault", "m", "default")
    ruling = world.access.message(asked(ANONYMOUS), vault)
    with pytest.raises(IdentityError) as raised:
        world.access.settle(asked(ANONYMOUS), vault, ruling, b"{}", "cw-1")
    assert not isinstance(raised.value, ChallengedError)


def test_where_nothing_can_be_proved_who_would_need_to_is_denied(world: World) -> None:
    vault = Where("vault", "m", "default")
    ruling = world.access.message(asked(), vault)
    assert ruling.step_up is not None
    world.access.challenges = None
    with pytest.raises(DeniedError):
        world.access.settle(asked(), vault, ruling, b"{}", "cw-1")


def test_a_plain_denial_says_no_more_than_that(world: World) -> None:
    caller = asked(ANONYMOUS, address="192.0.2.1")
    ruling = world.access.message(caller, HERE)
    with pytest.raises(DeniedError) as raised:
        world.access.settle(caller, HERE, ruling, b"{}", "cw-1")
    assert raised.value.status == 403
    assert not any(policy in raised.value.public for policy in ("own/", "chatward/"))


# --- tool calls


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ('{"amount": 5}', True),
        ('{"amount": 500}', False),
        ('{"amount": "5"}', False),
        ("{}", False),
        ("", False),
        ('{"amount": 500, "amount": 5}', False),  # of two, nobody knows which one the tool reads
        ('{"amount": 5', False),
        ('{"amount": NaN}', False),
        ("[" * 5000, False),
    ],
)
def test_arguments_decide(world: World, arguments: str, allowed: bool) -> None:
    gate = gate_of(world)
    assert gate.begins("transfer") is None
    assert gate.calls("transfer", arguments).allowed is allowed


def test_a_forbidden_tool_is_told_by_its_name(world: World) -> None:
    ruling = gate_of(world).begins("wipe")
    assert ruling is not None
    assert (ruling.allowed, ruling.policies) == (False, ("own/wipe",))


def test_a_call_that_needs_a_passkey_waits_for_it_and_goes_on(world: World) -> None:
    gate = gate_of(world)
    assert gate.begins("refund") is None  # the proof is bound to the arguments
    told: list[Challenge] = []
    proven = threading.Event()

    class Patient:
        seconds = 30.0

        def announce(self, challenge: Challenge) -> None:
            told.append(challenge)
            world.prove(challenge.id)
            proven.set()

        def pause(self, seconds: float) -> None:
            assert proven.wait(30)

    gate.patience = Patient()
    arguments = '{"order": 7}'
    assert gate.calls("refund", arguments).allowed
    assert [one.binding for one in told] == [tool_binding("refund", arguments, "s1")]
    assert gate.pending is None


def test_nobody_proves_in_time(world: World) -> None:
    gate = gate_of(world)

    class Impatient:
        seconds = 0.0

        def announce(self, challenge: Challenge) -> None: ...

        def pause(self, seconds: float) -> None: ...

    gate.patience = Impatient()
    ruling = gate.calls("refund", "{}")
    assert not ruling.allowed
    assert ruling.step_up is Assurance.STRONG


def test_changed_arguments_are_worth_nothing(world: World) -> None:
    gate = gate_of(world)
    assert not gate.calls("refund", '{"order": 7}').allowed
    number = dict(gate.demand().headers)[CHALLENGE_HEADER]
    world.prove(number)
    again = gate_of(world, asked(x_chatward_challenge=number))
    assert not again.calls("refund", '{"order": 8}').allowed
    assert gate_of(world, asked(x_chatward_challenge=number)).calls("refund", '{"order":7}').allowed
    assert not gate_of(world, asked(x_chatward_challenge=number)).calls("refund", '{"order": 7}').allowed


@pytest.mark.parametrize(
    "other", [Principal("person:eve", Kind.PERSON, session="s1"), Principal("person:ada", Kind.PERSON, session="s2")]
)
def test_a_proof_is_of_one_person_in_one_session(world: World, other: Principal) -> None:
    gate = gate_of(world)
    gate.calls("refund", "{}")
    number = dict(gate.demand().headers)[CHALLENGE_HEADER]
    world.prove(number)
    assert not gate_of(world, asked(other, x_chatward_challenge=number)).calls("refund", "{}").allowed


def test_consent_of_another_person(world: World) -> None:
    gate = gate_of(world)
    assert gate.calls("launch", "{}").approval
    assert gate.pending is not None
    assert gate.pending.proofs == (Proof.APPROVAL,)
    world.prove(gate.pending.id, Proof.APPROVAL)
    assert gate_of(world, asked(x_chatward_challenge=gate.pending.id)).calls("launch", "{}").allowed


def test_what_is_shown_to_who_decides(world: World) -> None:
    """A call that waits names its bot and the policies that want it approved, and is asked for once."""
    approvals = Approvals(world.database, world.challenges, b"k" * 32)
    world.access.approvals = approvals
    for _ in range(2):
        gate = gate_of(world)
        assert not gate.calls("launch", '{"pad": 3}').allowed
        assert gate.pending is not None
    operator = Principal("operator:olga", Kind.OPERATOR, roles=frozenset({"operator"}))
    [waiting] = approvals.pending(operator)
    assert (waiting.id, waiting.tool, waiting.arguments) == (gate.pending.id, "launch", '{"pad": 3}')
    assert (waiting.bot, waiting.policies) == (HERE.bot, ("own/launch",))
    approvals.decide(operator, waiting.id, approve=True, reason="expected")
    other = gate_of(world, asked(x_chatward_challenge=waiting.id))
    assert not other.calls("launch", '{"pad": 4}').allowed
    assert gate_of(world, asked(x_chatward_challenge=waiting.id)).calls("launch", '{"pad": 3}').allowed
    assert not gate_of(world, asked(x_chatward_challenge=waiting.id)).calls("launch", '{"pad": 3}').allowed


def test_what_was_refused_is_denied_without_another_question(world: World) -> None:
    approvals = Approvals(world.database, world.challenges, b"k" * 32)
    world.access.approvals = approvals
    gate = gate_of(world)
    gate.calls("launch", "{}")
    assert gate.pending is not None
    operator = Principal("operator:olga", Kind.OPERATOR, roles=frozenset({"operator"}))
    approvals.decide(operator, gate.pending.id, approve=False, reason="suspicious")
    again = gate_of(world)
    assert not again.calls("launch", "{}").allowed
    assert again.pending is None
    assert approvals.pending(operator) == ()


async def test_on_the_event_loop_nothing_is_written(world: World) -> None:
    """There a record could not be waited for: the call is denied, and no challenge is made."""
    gate = world.access.gate(asked(), HERE, "cw-1")
    assert not gate.calls("refund", "{}").allowed
    assert gate.pending is None
    assert world.entries == []
    await asyncio.sleep(0)


def test_what_a_challenge_tells(world: World) -> None:
    gate = gate_of(world)
    gate.calls("refund", '{"secret": "canary-7f"}')
    error = gate.demand()
    told: Any = error.details["challenge"]
    assert told["proofs"] == ["passkey"]
    assert told["action"] == "tool:refund"
    assert "canary-7f" not in json.dumps(told) + repr(error.headers) + repr(world.entries)


def test_every_ruling_on_a_tool_call_is_on_record_without_the_tools_name(world: World) -> None:
    entries: list[Entry] = []
    world.access.note = entries.append
    gate = gate_of(world)
    gate.calls("transfer", '{"amount": 5}')
    gate.begins("wipe")
    assert [(one.event, one.exchange, one.fields["action"]) for one in entries] == [
        ("tool:call:judged", "cw-1", "allow"),
        ("tool:call:judged", "cw-1", "block"),
    ]
    assert not any(name in str(one.fields) for one in entries for name in ("transfer", "wipe"))

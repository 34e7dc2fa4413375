"""Challenges: whose they are, how they end, and that they are met and used once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chatward.core.errors import ClientError, IdentityError, StoreError
from chatward.core.events import Event
from chatward.core.identity import ANONYMOUS, Assurance, Challenge, Principal, Proof
from chatward.identity.challenges import MAX_ATTEMPTS, MAX_OPEN, Challenges, State
from chatward.identity.proofs import ProofError, Why
from chatward.stores.database import Database
from tests.identity.step_up import ARGUMENTS, Records, World, person, transfer

BOTH = (Proof.PASSKEY, Proof.TOTP)


def required(world: World, who: Principal | None = None) -> Challenge:
    who = who or person()
    return world.challenges.require(who, "tool:call", transfer(who), BOTH)


def test_a_challenge_is_met_once_and_used_once() -> None:
    world, ann = World(), person()
    challenge = required(world)
    assert world.challenges.met(challenge.id, ann, challenge.binding) is None
    world.challenges.settle(challenge.id, Proof.PASSKEY)
    granted = world.challenges.met(challenge.id, ann, challenge.binding)
    assert granted is not None
    assert (granted.principal, granted.session, granted.assurance) == (ann.id, "s1", Assurance.STRONG)
    assert granted.until == world.clock.now + 300
    assert world.challenges.met(challenge.id, ann, challenge.binding) is None
    assert world.challenges.state(challenge.id) is State.SPENT
    with pytest.raises(ClientError) as refused:
        world.challenges.settle(challenge.id, Proof.PASSKEY)
    assert refused.value.reason == "challenge-settled"


@pytest.mark.parametrize("who", [person("bob"), person(session="s2"), person(session="")])
def test_for_others_and_in_other_sessions_it_does_not_exist(who: Principal) -> None:
    world = World()
    challenge = required(world)
    for ask in (
        lambda: world.challenges.challenge(challenge.id, who),
        lambda: world.challenges.nonce(challenge.id, who),
        lambda: world.challenges.attempt(challenge.id, who, Proof.TOTP),
    ):
        with pytest.raises(ClientError) as refused:
            ask()
        assert (refused.value.status, refused.value.reason) == (404, "challenge-unknown")
    world.challenges.settle(challenge.id, Proof.PASSKEY)
    assert world.challenges.met(challenge.id, who, challenge.binding) is None
    assert world.challenges.met(challenge.id, who, transfer(who)) is None
    assert world.challenges.state(challenge.id) is State.MET


def test_changed_arguments_take_nothing() -> None:
    world, ann = World(), person()
    challenge = required(world)
    world.challenges.settle(challenge.id, Proof.PASSKEY)
    assert world.challenges.met(challenge.id, ann, transfer(ann, ARGUMENTS.replace("100", "1000"))) is None
    assert world.challenges.met(challenge.id, ann, challenge.binding) is not None


def test_it_ends_unproven_and_unused() -> None:
    world, ann = World(), person()
    unproven, unused = required(world), required(world, person("bob"))
    world.challenges.settle(unused.id, Proof.TOTP)
    world.clock.now += 300
    assert world.challenges.state(unproven.id) is State.EXPIRED
    assert world.challenges.met(unused.id, person("bob"), unused.binding) is None
    for ask in (
        lambda: world.challenges.settle(unproven.id, Proof.PASSKEY),
        lambda: world.challenges.attempt(unproven.id, ann, Proof.TOTP),
        lambda: world.challenges.nonce(unproven.id, ann),
    ):
        with pytest.raises(ClientError) as refused:
            ask()
        assert refused.value.reason == "challenge-expired"
    world.challenges.sweep()
    assert [told["challenge"] for told in world.record.told(Event.STEP_UP_EXPIRED)] == [unproven.id]
    world.challenges.sweep()
    assert len(world.record.told(Event.STEP_UP_EXPIRED)) == 1
    world.clock.now += 90_000
    world.challenges.sweep()
    assert world.database.rows("SELECT id FROM challenges") == []


def test_attempts_are_bounded() -> None:
    world, ann = World(), person()
    challenge = required(world)
    for _ in range(MAX_ATTEMPTS):
        assert world.challenges.state(challenge.id) is State.WAITING
        world.challenges.attempt(challenge.id, ann, Proof.TOTP)
        world.challenges.failed(challenge.id, ann, Proof.TOTP, Why.CODE)
    assert world.challenges.state(challenge.id) is State.REFUSED
    with pytest.raises(ClientError):
        world.challenges.attempt(challenge.id, ann, Proof.TOTP)
    with pytest.raises(ClientError):
        world.challenges.settle(challenge.id, Proof.TOTP)


def test_attempts_at_the_same_time_are_counted_before_they_are_looked_at() -> None:
    world, ann = World(), person()
    challenge = required(world)
    for _ in range(MAX_ATTEMPTS):
        world.challenges.attempt(challenge.id, ann, Proof.TOTP)  # none has come to an end yet
    with pytest.raises(ClientError):
        world.challenges.attempt(challenge.id, ann, Proof.TOTP)


def test_a_nonce_serves_one_attempt_and_the_last_one_counts() -> None:
    world, ann = World(), person()
    challenge = required(world)
    first = world.challenges.nonce(challenge.id, ann)
    second = world.challenges.nonce(challenge.id, ann)
    assert first != second
    assert world.challenges.attempt(challenge.id, ann, Proof.PASSKEY) == second
    with pytest.raises(ProofError) as refused:
        world.challenges.attempt(challenge.id, ann, Proof.PASSKEY)
    assert refused.value.why is Why.NONCE


def test_what_is_signed_says_what_it_is_for() -> None:
    world, ann = World(), person()
    challenge = required(world)
    signed = world.challenges.nonce(challenge.id, ann)
    world.database.write("UPDATE challenges SET binding = ?", (transfer(ann, "{}"),))
    assert world.challenges.attempt(challenge.id, ann, Proof.PASSKEY) != signed


def test_who_asks_again_gets_the_same_and_who_asks_too_much_is_told() -> None:
    world, ann = World(), person()
    first = required(world)
    assert required(world) == first
    assert len(world.record.told(Event.STEP_UP_REQUIRED)) == 1
    world.clock.now += 200  # too little is left of it
    assert required(world).id != first.id
    for number in range(MAX_OPEN - 2):
        world.challenges.require(ann, "tool:call", transfer(ann, str(number)), BOTH)
    with pytest.raises(ClientError) as refused:
        world.challenges.require(ann, "tool:call", transfer(ann, "one more"), BOTH)
    assert refused.value.reason == "too-many-challenges"
    required(world, person("bob"))  # others do not notice
    required(world, person(session="s2"))


def test_nobody_in_particular_is_not_challenged() -> None:
    with pytest.raises(IdentityError):
        World().challenges.require(ANONYMOUS, "tool:call", "0" * 64, BOTH)


def test_only_proofs_that_are_allowed_here() -> None:
    world, ann = World(), person()
    strict = Challenges(world.database, world.record, proofs={Proof.PASSKEY}, clock=world.clock)
    assert strict.require(ann, "tool:call", transfer(ann), BOTH).proofs == (Proof.PASSKEY,)
    with pytest.raises(IdentityError) as refused:
        strict.require(ann, "tool:call", transfer(ann), [Proof.TOTP])
    assert refused.value.reason == "step-up-unavailable"
    challenge = strict.require(ann, "tool:call", transfer(ann), BOTH)
    with pytest.raises(ClientError) as refused_too:
        strict.attempt(challenge.id, ann, Proof.TOTP)
    assert refused_too.value.reason == "proof-not-accepted"


@pytest.mark.parametrize(("binding", "proofs"), [("x", BOTH), ("0" * 64, ()), ("0" * 64, (Proof.APPROVAL, Proof.TOTP))])
def test_a_challenge_that_makes_no_sense_is_a_mistake(binding: str, proofs: tuple[Proof, ...]) -> None:
    with pytest.raises(ValueError, match="binding"):
        World().challenges.require(person(), "tool:call", binding, proofs)


def test_it_is_on_record_before_it_counts() -> None:
    world, ann = World(), person()
    challenge = required(world)
    world.record.broken = StoreError("no")
    with pytest.raises(StoreError):
        world.challenges.settle(challenge.id, Proof.PASSKEY)
    assert world.challenges.met(challenge.id, ann, challenge.binding) is None
    with pytest.raises(StoreError):
        world.challenges.require(ann, "tool:call", transfer(ann, "{}"), BOTH)
    assert len(world.database.rows("SELECT id FROM challenges")) == 1
    world.record.broken = None
    world.challenges.settle(challenge.id, Proof.PASSKEY)  # nothing was lost either
    assert world.record.told(Event.STEP_UP_MET)[0]["proof"] == "passkey"


def test_no_text_of_people_is_recorded() -> None:
    world, ann = World(), person()
    world.challenges.require(ann, "tool:call:please pay ann", transfer(ann), BOTH)
    assert world.record.entries[-1].fields["action"] == "other"
    assert all(transfer(ann) not in str(entry) for entry in world.record.entries)


# --- freshness ---------------------------------------------------------------------------------------


def test_without_freshness_a_proof_lifts_nothing_else() -> None:
    world, ann = World(), person()
    world.challenges.settle(required(world).id, Proof.PASSKEY)
    assert world.challenges.fresh(ann) is Assurance.SINGLE


def test_with_freshness_it_lifts_its_session_for_a_while() -> None:
    world, ann = World(freshness=600), person()
    assert world.challenges.lifted(ann) is ann
    world.challenges.settle(required(world).id, Proof.TOTP)
    assert world.challenges.fresh(ann) is Assurance.MULTI
    world.clock.now += 300
    world.challenges.settle(required(world).id, Proof.PASSKEY)
    assert world.challenges.lifted(ann).assurance is Assurance.STRONG
    for other in (person(session="s2"), person("bob"), person(session="")):
        assert world.challenges.fresh(other) is Assurance.SINGLE
    world.clock.now += 599
    assert world.challenges.fresh(ann) is Assurance.STRONG
    world.clock.now += 1
    assert world.challenges.fresh(ann) is Assurance.SINGLE


def test_without_a_session_nothing_is_lifted() -> None:
    world, key = World(freshness=600), person(session="")
    world.challenges.settle(required(world, key).id, Proof.PASSKEY)
    assert world.challenges.fresh(key) is Assurance.SINGLE
    assert world.challenges.met(required(world, key).id, key, transfer(key)) is None


def test_an_approval_lifts_nobody() -> None:
    world, ann = World(freshness=600), person()
    challenge = world.challenges.require(ann, "tool:call", transfer(ann), [Proof.APPROVAL])
    world.challenges.settle(challenge.id, Proof.APPROVAL)
    assert world.challenges.fresh(ann) is Assurance.SINGLE
    granted = world.challenges.met(challenge.id, ann, transfer(ann))
    assert granted is not None
    assert granted.assurance is Assurance.SINGLE


@pytest.mark.parametrize("session", [None, "s1"])
def test_what_is_revoked_counts_no_longer(session: str | None) -> None:
    world, ann = World(freshness=600), person()
    challenge = required(world)
    world.challenges.settle(challenge.id, Proof.PASSKEY)
    waiting = world.challenges.require(ann, "tool:call", transfer(ann, "{}"), BOTH)
    world.challenges.revoke(ann.id, "s2")
    assert world.challenges.fresh(ann) is Assurance.STRONG
    world.challenges.revoke(ann.id, session)
    assert world.challenges.fresh(ann) is Assurance.SINGLE
    assert world.challenges.met(challenge.id, ann, challenge.binding) is None
    assert world.challenges.state(waiting.id) is State.REFUSED


# --- waiting -----------------------------------------------------------------------------------------


async def test_waiting_goes_on_as_soon_as_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    world = World(path)
    challenge = required(world)
    turns = 0

    async def sleep(seconds: float) -> None:
        nonlocal turns
        turns += 1
        world.clock.now += seconds
        if turns == 7:  # somebody elsewhere proves it
            elsewhere = Challenges(Database(path), world.record, clock=world.clock)
            elsewhere.settle(challenge.id, Proof.PASSKEY)

    waiting = Challenges(world.database, world.record, clock=world.clock, sleep=sleep)
    assert await waiting.wait(challenge.id, 60) is State.MET
    assert turns == 7


async def test_waiting_ends_with_the_time_or_the_challenge() -> None:
    world = World()
    challenge = required(world)

    async def sleep(seconds: float) -> None:
        world.clock.now += seconds

    waiting = Challenges(world.database, world.record, clock=world.clock, sleep=sleep)
    before = world.clock.now
    assert await waiting.wait(challenge.id, 10) is State.WAITING
    assert world.clock.now - before == pytest.approx(10, abs=0.2)
    assert await waiting.wait(challenge.id, 10_000) is State.EXPIRED
    assert world.clock.now - before == pytest.approx(300, abs=0.2)
    assert await waiting.wait("never was", 10) is State.EXPIRED


def test_a_thread_waits_too() -> None:
    world = World()
    challenge = required(world)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            world.challenges.settle(challenge.id, Proof.PASSKEY, grant=False)

    assert world.challenges.wait_here(challenge.id, 60, sleep) is State.REFUSED
    assert len(pauses) == 3


# --- at the same time --------------------------------------------------------------------------------


def test_of_two_proofs_at_once_one_wins(tmp_path: Path) -> None:
    """Eight connections to one file, all at once, many times: one settles, one uses."""
    world = World(tmp_path / "identity.db")
    ann, records = person(), Records()
    others = [Challenges(Database(tmp_path / "identity.db"), records, clock=world.clock) for _ in range(8)]
    for turn in range(10):
        challenge = world.challenges.require(ann, "tool:call", transfer(ann, str(turn)), BOTH)
        won, used = race(others, lambda one, id=challenge.id: settled(one, id)), None
        assert won.count(True) == 1
        used = race(others, lambda one, made=challenge: one.met(made.id, ann, made.binding) is not None)
        assert used.count(True) == 1
    assert len(records.told(Event.STEP_UP_MET)) == 10


def settled(challenges: Challenges, id: str) -> bool:
    try:
        challenges.settle(id, Proof.PASSKEY)
    except ClientError as error:
        return error.reason != "challenge-settled"
    return True


def race(runners, act) -> list[bool]:
    line = threading.Barrier(len(runners))
    results: list[bool] = []

    def run(one) -> None:
        line.wait()
        results.append(act(one))

    threads = [threading.Thread(target=run, args=(one,)) for one in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


TAKER = """
import sys
from pathlib import Path
from chatward.core.identity import Kind, Principal
from chatward.identity.challenges import Challenges
from chatward.stores.database import Database
path, now, *pairs = sys.argv[1:]
taker = Challenges(Database(Path(path)), lambda entry: None, clock=lambda: float(now))
ann = Principal("person:ann", Kind.PERSON, session="s1")
print("ready", flush=True)
sys.stdin.readline()
print(sum(taker.met(*pair.split(":")[:1], ann, pair.split(":")[1]) is not None for pair in pairs), flush=True)
"""


def test_of_two_processes_one_uses_it(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    world, ann = World(path), person()
    pairs = []
    for number in range(15):
        challenge = world.challenges.require(ann, "tool:call", transfer(ann, str(number)), BOTH)
        world.challenges.settle(challenge.id, Proof.PASSKEY)
        pairs.append(f"{challenge.id}:{challenge.binding}")
    command = [sys.executable, "-c", TAKER, str(path), str(world.clock.now), *pairs]
    takers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for taker in takers:
        assert taker.stdout.readline() == "ready\n"
    for taker in takers:
        taker.stdin.write("\n")
        taker.stdin.flush()
    taken = [int(taker.stdout.readline()) for taker in takers]
    for taker in takers:
        taker.communicate()
    assert sum(taken) == 15

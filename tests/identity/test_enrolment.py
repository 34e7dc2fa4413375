"""Who may add a way of proving; recovery codes."""

from __future__ import annotations

import pytest

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.identity import ANONYMOUS, Assurance, Kind, Principal
from chatward.identity.attempts import PER_SESSION
from chatward.identity.enrolment import RIGHT, Standing
from chatward.identity.proofs import ProofError
from tests.identity.step_up import World, person

ANN = person()
MULTI = person(assurance=Assurance.MULTI)
SERVICE = Principal("key:1", Kind.SERVICE, assurance=Assurance.MULTI)
VISITOR = Principal("visitor:1", Kind.VISITOR, session="v", assurance=Assurance.MULTI)


def entered(world: World, who: Principal, standing: Standing) -> bool:
    with world.database.writing() as connection:
        return world.enrolment.enter(connection, who, standing)


@pytest.mark.parametrize(
    ("first", "who", "standing"),
    [
        ("signed-in", ANN, Standing.FIRST),
        ("signed-in", SERVICE, Standing.CODE),
        ("signed-in", VISITOR, Standing.NEVER),
        ("signed-in", ANONYMOUS, Standing.NEVER),
        ("two-factors", ANN, Standing.CODE),
        ("two-factors", MULTI, Standing.FIRST),
        ("code", MULTI, Standing.CODE),
    ],
)
def test_the_first_one(first: str, who: Principal, standing: Standing) -> None:
    assert World(first=first).enrolment.standing(who, has_proof=False) is standing


def test_who_has_one_must_prove_and_who_lost_all_needs_a_code() -> None:
    world = World()
    assert world.enrolment.standing(ANN, has_proof=True) is Standing.PROOF
    assert entered(world, ANN, Standing.FIRST)
    assert world.enrolment.standing(ANN, has_proof=False) is Standing.CODE
    assert not entered(world, ANN, Standing.FIRST)  # not a second first one
    assert not entered(world, ANN, Standing.CODE)
    assert entered(world, ANN, Standing.PROOF)


def test_a_code_gives_one_registration_in_its_session_for_a_while() -> None:
    world = World()
    codes = world.enrolment.issue(ANN.id)
    assert len(set(codes)) == 10
    entered(world, ANN, Standing.FIRST)
    until = world.enrolment.recover(ANN, codes[0])
    assert until == world.clock.now + RIGHT
    assert world.enrolment.standing(ANN, has_proof=False) is Standing.RIGHT
    assert world.enrolment.standing(person(session="s2"), has_proof=False) is Standing.CODE
    assert entered(world, ANN, Standing.RIGHT)
    assert not entered(world, ANN, Standing.RIGHT)
    world.enrolment.recover(ANN, codes[1])
    world.clock.now += RIGHT
    assert world.enrolment.standing(ANN, has_proof=False) is Standing.CODE
    assert not entered(world, ANN, Standing.RIGHT)
    assert world.enrolment.left(ANN.id) == 8


def test_a_code_works_once_for_its_owner_and_until_there_are_new_ones() -> None:
    world = World()
    codes = world.enrolment.issue(ANN.id)
    with pytest.raises(ProofError):
        world.enrolment.recover(person("bob"), codes[0])
    world.enrolment.recover(ANN, codes[0].replace("-", "").upper())
    with pytest.raises(ProofError):
        world.enrolment.recover(ANN, codes[0])
    fresh = world.enrolment.issue(ANN.id)
    with pytest.raises(ProofError):
        world.enrolment.recover(ANN, codes[1])
    world.enrolment.recover(ANN, fresh[0])


def test_brute_force_of_codes_ends_early_and_locks_out_nobody_else() -> None:
    world = World()
    codes = world.enrolment.issue(ANN.id)
    stolen = person(session="stolen")
    for number in range(PER_SESSION):
        with pytest.raises(ProofError):
            world.enrolment.recover(stolen, f"{number:016}")
    with pytest.raises(ClientError) as refused:
        world.enrolment.recover(stolen, codes[0])
    assert refused.value.reason == "too-many-attempts"
    world.enrolment.recover(ANN, codes[0])
    assert len(world.record.told(Event.RECOVERY_FAILED)) == PER_SESSION


def test_codes_are_kept_as_digests_and_are_long() -> None:
    world = World()
    codes = world.enrolment.issue(ANN.id)
    kept = str(world.database.rows("SELECT * FROM recovery"))
    for code in codes:
        assert len(code.replace("-", "")) * 5 == 80
        assert code.replace("-", "") not in kept


def test_it_is_on_record_before_it_counts() -> None:
    world = World()
    codes = world.enrolment.issue(ANN.id)
    entered(world, ANN, Standing.FIRST)
    world.record.broken = StoreError("no")
    with pytest.raises(StoreError):
        world.enrolment.recover(ANN, codes[0])
    assert world.enrolment.standing(ANN, has_proof=False) is Standing.CODE


@pytest.mark.parametrize("who", [VISITOR, ANONYMOUS])
def test_strangers_recover_nothing(who: Principal) -> None:
    world = World()
    codes = world.enrolment.issue(who.id)
    with pytest.raises(ProofError):
        world.enrolment.recover(who, codes[0])


def test_who_is_forgotten_leaves_nothing() -> None:
    world = World()
    codes = world.enrolment.issue(ANN.id)
    entered(world, ANN, Standing.FIRST)
    world.enrolment.recover(ANN, codes[0])
    world.enrolment.forget(ANN.id)
    assert world.enrolment.standing(ANN, has_proof=False) is Standing.FIRST
    assert world.enrolment.left(ANN.id) == 0

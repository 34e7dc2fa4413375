"""One-time codes: RFC 6238's own values, each accepted once, and tries that are bounded."""

from __future__ import annotations

import threading
from base64 import b32encode
from pathlib import Path

import pyotp
import pytest

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Kind, Principal
from chatward.identity.attempts import PER_SESSION
from chatward.identity.enrolment import Standing
from chatward.identity.proofs import ProofError, Why
from chatward.identity.totp import STEP, Totp
from chatward.stores.database import Database
from tests.identity.step_up import Records, World, person

ANN = person()


def why(world: World, code: str, who: Principal = ANN) -> Why | None:
    try:
        world.totp.verify(who, code)
    except ProofError as error:
        return error.why
    return None


def with_secret(world: World) -> pyotp.TOTP:
    return pyotp.TOTP(world.enrol_totp(ANN))


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_values_of_rfc_6238(at: int, code: str) -> None:
    """Appendix B, SHA-1, the last six of its eight digits."""
    world = World()
    secret = b32encode(b"12345678901234567890").decode()
    world.database.write("INSERT INTO totp VALUES (?, ?, -1)", (ANN.id, world.totp._seal(ANN.id, secret)))
    world.clock.now = at
    assert why(world, code) is None


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_window_is_one_step_to_each_side(steps: int, accepted: bool) -> None:
    world = World()
    maker = with_secret(world)
    code = maker.at(world.clock.now + steps * STEP)
    assert (why(world, code) is None) == accepted


def test_a_code_is_accepted_once_and_no_earlier_one_after_it() -> None:
    world = World()
    maker = with_secret(world)
    now = world.clock.now
    assert why(world, maker.at(now)) is None
    assert why(world, maker.at(now)) is Why.CODE_USED
    assert why(world, maker.at(now - STEP)) is Why.CODE_USED
    assert why(world, maker.at(now + STEP)) is None


def test_the_code_of_enrolling_is_used_up_too() -> None:
    world = World()
    made = world.totp.begin(ANN, Standing.FIRST)
    code = pyotp.TOTP(made.secret).at(world.clock.now)
    world.totp.confirm(ANN, code)
    assert why(world, code) is Why.CODE_USED


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "12345a", "0" * 10_000, "١٢٣٤٥٦", "\ud800"])
def test_what_is_no_code_is_refused(code: str) -> None:
    world = World()
    with_secret(world)
    assert why(world, code) is Why.CODE


def test_blanks_as_people_write_them_do_not_count() -> None:
    world = World()
    code = with_secret(world).at(world.clock.now)
    assert why(world, f"{code[:3]} {code[3:]}") is None


def test_brute_force_ends_early_even_for_a_right_code_and_locks_out_nobody_else() -> None:
    world = World()
    maker = with_secret(world)
    stolen = person(session="stolen")
    right = maker.at(world.clock.now)
    wrong = [f"{number:06}" for number in range(1000) if f"{number:06}" not in good(maker, world)]
    for code in wrong[:PER_SESSION]:
        assert why(world, code, stolen) is Why.CODE
    with pytest.raises(ClientError) as refused:
        world.totp.verify(stolen, right)
    assert refused.value.reason == "too-many-attempts"
    assert why(world, right) is None  # the person, in their own session


def good(maker: pyotp.TOTP, world: World) -> set[str]:
    return {maker.at(world.clock.now + steps * STEP) for steps in (-1, 0, 1)}


def test_many_sessions_get_no_further_and_the_person_goes_on() -> None:
    world = World()
    maker = with_secret(world)
    wrong = [f"{number:06}" for number in range(1000) if f"{number:06}" not in good(maker, world)]
    looked_at = 0
    for number in range(200):
        try:
            world.totp.verify(person(session=f"stolen-{number}"), wrong[number])
        except ProofError:
            looked_at += 1
        except ClientError:
            pass
    assert looked_at <= 50
    assert why(world, maker.at(world.clock.now)) is None


def test_who_has_none_hears_the_same() -> None:
    world = World()
    with_secret(world)
    answers = []
    for who in (ANN, person("nobody")):
        with pytest.raises(ProofError) as refused:
            world.totp.verify(who, "000000")
        answers.append((refused.value.status, refused.value.reason, refused.value.public))
    assert answers[0] == answers[1]
    for _ in range(PER_SESSION - 1):
        assert why(world, "000000", person("nobody")) is Why.NOT_ENROLLED
    with pytest.raises(ClientError):
        world.totp.verify(person("nobody"), "000000")


def test_of_the_same_code_twice_at_once_one_is_accepted(tmp_path: Path) -> None:
    world = World(tmp_path / "identity.db")
    maker = with_secret(world)
    code = maker.at(world.clock.now)
    totps = [
        Totp(Database(tmp_path / "identity.db"), b"k" * 32, Records(), world.enrolment, clock=world.clock)
        for _ in range(4)
    ]
    line, results = threading.Barrier(4), []

    def run(totp: Totp, session: str) -> None:
        line.wait()
        try:
            totp.verify(person(session=session), code)
            results.append(True)
        except ProofError:
            results.append(False)

    threads = [threading.Thread(target=run, args=(totp, f"s{at}")) for at, totp in enumerate(totps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]


# --- the secret --------------------------------------------------------------------------------------


def test_a_new_secret_counts_once_a_code_of_it_was_given() -> None:
    world = World()
    old = with_secret(world)
    made = world.totp.begin(ANN, Standing.PROOF, "ann@example.org")
    new = pyotp.TOTP(made.secret)
    assert pyotp.parse_uri(made.uri).secret == made.secret
    assert why(world, new.at(world.clock.now)) is Why.CODE
    assert why(world, old.at(world.clock.now)) is None
    with pytest.raises(ProofError):
        world.totp.confirm(person(session="s2"), new.at(world.clock.now))  # of another session
    world.totp.confirm(ANN, new.at(world.clock.now))
    world.clock.now += STEP
    assert why(world, old.at(world.clock.now)) is Why.CODE
    assert why(world, new.at(world.clock.now)) is None


def test_a_new_secret_waits_for_a_while_only() -> None:
    world = World()
    made = world.totp.begin(ANN, Standing.FIRST)
    world.clock.now += 900
    with pytest.raises(ProofError):
        world.totp.confirm(ANN, pyotp.TOTP(made.secret).at(world.clock.now))
    assert not world.totp.has(ANN.id)


def test_of_two_first_ones_one_wins() -> None:
    world = World()
    attacker, ann = person(session="stolen"), ANN
    made = world.totp.begin(ann, Standing.FIRST)
    world.totp.confirm(ann, pyotp.TOTP(made.secret).at(world.clock.now))
    late = world.totp.begin(attacker, Standing.FIRST)
    with pytest.raises(Exception, match="cannot be added") as refused:
        world.totp.confirm(attacker, pyotp.TOTP(late.secret).at(world.clock.now))
    assert refused.value.reason == "enrolment-refused"
    world.clock.now += STEP
    assert why(world, pyotp.TOTP(made.secret).at(world.clock.now)) is None


def test_secrets_are_sealed_and_bound_to_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "identity.db"
    world = World(path)
    maker = with_secret(world)
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert maker.secret.encode() not in files
    assert maker.secret not in repr(world.totp.begin(ANN, Standing.PROOF))
    mallory = person("mallory")
    world.database.write("INSERT INTO totp SELECT ?, secret, 0 FROM totp WHERE principal = ?", (mallory.id, ANN.id))
    with pytest.raises(StoreError):
        world.totp.verify(mallory, maker.at(world.clock.now))


def test_it_is_on_record() -> None:
    world = World()
    with_secret(world)
    assert world.totp.remove(ANN.id)
    assert not world.totp.remove(ANN.id)
    assert [len(world.record.told(event)) for event in (Event.TOTP_ENROLLED, Event.TOTP_REMOVED)] == [1, 1]
    assert why(world, "000000") is Why.NOT_ENROLLED


def test_a_lookalike_kind_of_principal_does_not_matter() -> None:
    world = World()
    maker = with_secret(world)
    operator = Principal("operator:ann", Kind.OPERATOR, session="s1", assurance=Assurance.SINGLE)
    assert why(world, maker.at(world.clock.now), operator) is Why.NOT_ENROLLED

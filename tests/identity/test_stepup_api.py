"""The endpoints as a browser and a program use them, with real passkeys of a software authenticator."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pyotp
import pytest

from chatward.core.events import Event
from chatward.core.identity import ANONYMOUS, CHALLENGE_HEADER, Assurance, Challenge, Kind, Principal, Proof
from chatward.identity.challenges import MAX_ATTEMPTS, State
from chatward.identity.stepup_api import MAX_BODY, StepUpApi, demanded
from tests.identity.step_up import ARGUMENTS, ORIGIN, Fields, World, person, transfer
from tests.simulators.authenticator import UV, Authenticator, Lies, b64

ANN = person()
BOTH = (Proof.PASSKEY, Proof.TOTP)


def enrolled(world: World, who: Principal = ANN) -> Authenticator:
    device = Authenticator()
    status, told = world.register(who, device)
    assert status == 201, told
    return device


def required(world: World, who: Principal = ANN, arguments: str = ARGUMENTS) -> Challenge:
    return world.challenges.require(who, "tool:call", transfer(who, arguments), BOTH)


def reason(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


# --- a call goes on ----------------------------------------------------------------------------------


def test_a_passkey_meets_a_challenge_and_the_call_goes_on() -> None:
    world = World()
    device = enrolled(world)
    challenge = required(world)
    path = f"/v1/challenges/{challenge.id}"
    waiting = {"id": challenge.id, "state": "waiting", "used": False, "proofs": ["passkey", "totp"]}
    assert world.ask(ANN, "GET", path)[1].items() >= waiting.items()
    status, told = world.prove(ANN, challenge.id, device)
    assert (status, told["state"], told["used"]) == (200, "met", False)
    granted = world.challenges.met(challenge.id, ANN, transfer(ANN))
    assert granted is not None
    assert granted.assurance is Assurance.STRONG
    assert world.ask(ANN, "GET", path)[1]["used"] is True


def test_a_one_time_code_meets_a_challenge_with_its_assurance() -> None:
    world = World()
    maker = pyotp.TOTP(world.enrol_totp(ANN))
    challenge = required(world)
    body = {"code": maker.at(world.clock.now)}
    assert world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/totp", body)[1]["state"] == "met"
    granted = world.challenges.met(challenge.id, ANN, transfer(ANN))
    assert granted is not None
    assert granted.assurance is Assurance.MULTI
    other = required(world, arguments="{}")
    assert reason(world.ask(ANN, "POST", f"/v1/challenges/{other.id}/totp", body)) == (403, "proof-refused")


def test_a_program_is_told_in_the_manner_of_rfc_9470_and_resumes() -> None:
    world = World()
    challenge = required(world)
    headers, body = demanded(challenge, "https://chat.example.org/chat/step-up")
    ((name, value),) = headers
    assert name == "www-authenticate"
    scheme, _, rest = value.partition(" ")
    told = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    assert scheme == "Bearer"
    assert told["error"] == "insufficient_user_authentication"
    assert told["acr_values"] == "urn:chatward:aal3 urn:chatward:aal2"
    assert told["chatward_challenge"] == challenge.id
    assert told["chatward_link"] == body["link"] == f"https://chat.example.org/chat/step-up#{challenge.id}"
    assert body["resume"] == CHALLENGE_HEADER
    assert body["url"] == f"/v1/challenges/{challenge.id}"
    json.dumps(body)


def test_an_approval_needs_no_acr() -> None:
    world = World()
    headers, _ = demanded(world.approvals.ask(ANN, "transfer", "{}"))
    assert "acr_values" not in headers[0][1]


# --- attacks -----------------------------------------------------------------------------------------


def test_a_replayed_assertion_meets_nothing() -> None:
    """The same challenge, another one, another session, and a nonce that was asked anew."""
    world = World()
    device = enrolled(world)
    first, second = required(world), required(world, arguments="{}")
    asked = world.ask(ANN, "POST", f"/v1/challenges/{first.id}/options", {})[1]["publicKey"]
    given = {"credential": device.get(asked, origin=ORIGIN)}
    world.ask(ANN, "POST", f"/v1/challenges/{second.id}/options", {})
    assert reason(world.ask(ANN, "POST", f"/v1/challenges/{second.id}/passkey", given)) == (403, "proof-refused")
    elsewhere = person(session="s2")
    path = f"/v1/challenges/{first.id}/passkey"
    assert reason(world.ask(elsewhere, "POST", path, given)) == (404, "challenge-unknown")
    assert world.ask(ANN, "POST", path, given)[0] == 200
    assert reason(world.ask(ANN, "POST", path, given)) == (409, "challenge-settled")
    third = required(world, arguments='{"amount": 3}')
    world.ask(ANN, "POST", f"/v1/challenges/{third.id}/options", {})
    assert reason(world.ask(ANN, "POST", f"/v1/challenges/{third.id}/passkey", given)) == (403, "proof-refused")


def test_a_failed_assertion_uses_its_nonce_up() -> None:
    world = World()
    device = enrolled(world)
    challenge = required(world)
    path = f"/v1/challenges/{challenge.id}"
    asked = world.ask(ANN, "POST", f"{path}/options", {})[1]["publicKey"]
    bad = device.get(asked, origin=ORIGIN, lies=Lies(flags_off=UV))
    good = device.get(asked, origin=ORIGIN)
    for credential in (bad, good):
        answer = world.ask(ANN, "POST", f"{path}/passkey", {"credential": credential})
        assert reason(answer) == (403, "proof-refused")
    assert [told["reason"] for told in world.record.told(Event.STEP_UP_FAILED)] == ["user-verification", "nonce"]
    assert world.prove(ANN, challenge.id, device)[0] == 200


def test_another_persons_passkey_meets_nothing() -> None:
    world, bob = World(), person("bob")
    enrolled(world)
    his = enrolled(world, bob)
    challenge = required(world)
    asked = world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/options", {})[1]["publicKey"]
    given = his.assert_with(his.credentials[0], asked["challenge"], origin=ORIGIN)
    body = {"credential": given}
    assert reason(world.ask(bob, "POST", f"/v1/challenges/{challenge.id}/passkey", body)) == (404, "challenge-unknown")
    assert reason(world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/passkey", body)) == (403, "proof-refused")
    assert world.challenges.state(challenge.id) is State.WAITING


def test_a_registration_is_no_assertion() -> None:
    world = World()
    device = enrolled(world)
    challenge = required(world)
    asked = world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/options", {})[1]["publicKey"]
    lies = Lies(client={"type": "webauthn.create"})
    given = {"credential": device.get(asked, origin=ORIGIN, lies=lies)}
    assert reason(world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/passkey", given)) == (403, "proof-refused")


def test_guessing_ends_with_the_challenge_and_new_challenges_do_not_help() -> None:
    world = World()
    maker = pyotp.TOTP(world.enrol_totp(ANN))
    wrong = [code for code in (f"{n:06}" for n in range(50)) if code != maker.at(world.clock.now)]
    outcomes = []
    for attempt, code in enumerate(wrong[:12]):
        challenge = required(world, arguments=str(attempt // MAX_ATTEMPTS))
        outcomes.append(reason(world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/totp", {"code": code})))
    assert outcomes[:5] == [(403, "proof-refused")] * 5
    assert set(outcomes[5:]) == {(429, "too-many-attempts")}
    reasons = [told["reason"] for told in world.record.told(Event.STEP_UP_FAILED)]
    assert reasons[:6] == ["code-wrong"] * 5 + ["attempts"]
    assert "too-many" in reasons


def test_of_two_proofs_at_once_one_wins(tmp_path: Path) -> None:
    world = World(tmp_path / "identity.db")
    device = enrolled(world)
    maker = pyotp.TOTP(secret_beside_a_passkey(world, device))
    challenge = required(world)
    asked = world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/options", {})[1]["publicKey"]
    bodies = {
        "passkey": {"credential": device.get(asked, origin=ORIGIN)},
        "totp": {"code": maker.at(world.clock.now)},
    }
    line, answers = threading.Barrier(2), []

    def run(way: str) -> None:
        line.wait()
        answers.append(world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/{way}", bodies[way])[0])

    threads = [threading.Thread(target=run, args=(way,)) for way in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409]
    assert [told["action"] for told in world.record.told(Event.STEP_UP_MET)].count("tool:call") == 1


def secret_beside_a_passkey(world: World, device: Authenticator) -> str:
    status, told = world.ask(ANN, "POST", "/v1/totp/options", {})
    assert status == 401
    id = told["error"]["chatward"]["challenge"]["id"]
    assert world.prove(ANN, id, device)[0] == 200
    secret = world.ask(ANN, "POST", "/v1/totp/options", {}, (CHALLENGE_HEADER, id))[1]["secret"]
    assert world.ask(ANN, "POST", "/v1/totp", {"code": pyotp.TOTP(secret).at(world.clock.now)})[0] == 201
    world.clock.now += 60
    return str(secret)


UNKNOWN = "A" * 24


@pytest.mark.parametrize("who", [person("bob"), person(session="s2"), person("bob", kind=Kind.OPERATOR)])
@pytest.mark.parametrize("way", ["", "/options", "/passkey", "/totp"])
def test_what_is_anothers_looks_like_what_never_was(who: Principal, way: str) -> None:
    world = World()
    enrolled(world)
    challenge = required(world)
    method = "POST" if way else "GET"
    body = {"credential": {"id": "x", "response": {}}, "code": "000000"} if way else None
    there = world.ask(who, method, f"/v1/challenges/{challenge.id}{way}", body)
    assert there == world.ask(who, method, f"/v1/challenges/{UNKNOWN}{way}", body)
    assert reason(there) == (404, "challenge-unknown")


def test_who_has_no_passkey_gets_options_like_anybody() -> None:
    world, bob = World(), person("bob")
    enrolled(world)
    shapes = []
    for who in (ANN, bob):
        challenge = required(world, who)
        status, told = world.ask(who, "POST", f"/v1/challenges/{challenge.id}/options", {})
        key = told["publicKey"]
        shapes.append((status, sorted(key), [len(one["id"]) for one in key["allowCredentials"]]))
        given = {"credential": Authenticator().create(registration(world, who), origin=ORIGIN)}
        shapes[-1] += (reason(world.ask(who, "POST", f"/v1/challenges/{challenge.id}/passkey", given)),)
    assert shapes[0] == shapes[1]


def registration(world: World, who: Principal) -> dict[str, Any]:
    from chatward.identity.enrolment import Standing

    return world.passkeys.registration(who, Standing.PROOF)


def test_a_stolen_log_in_adds_and_removes_nothing() -> None:
    """The thief has the session itself. Every way that changes something answers with a challenge."""
    world = World()
    device = enrolled(world)
    before = world.ask(ANN, "GET", "/v1/passkeys")[1]
    key = b64(device.credentials[0].id)
    for method, path, body in [
        ("POST", "/v1/passkeys/options", {}),
        ("DELETE", f"/v1/passkeys/{key}", None),
        ("POST", "/v1/passkeys/recovery", {}),
        ("POST", "/v1/totp/options", {}),
        ("DELETE", "/v1/totp", None),
    ]:
        status, told = world.ask(ANN, method, path, body)
        assert (status, told["error"]["code"]) == (401, "step-up-required"), path
        id = told["error"]["chatward"]["challenge"]["id"]
        assert told["error"]["chatward"]["challenge"]["proofs"] == ["passkey"]
        # Unproven, its id opens nothing; and what was proven for a call is not proven for this.
        assert world.ask(ANN, method, path, body, (CHALLENGE_HEADER, id))[0] == 401
        call = required(world, arguments=path)
        world.prove(ANN, call.id, device)
        assert world.ask(ANN, method, path, body, (CHALLENGE_HEADER, call.id))[0] == 401
    assert reason(world.ask(ANN, "POST", "/v1/passkeys", {"credential": {}})) == (403, "proof-refused")
    after = world.ask(ANN, "GET", "/v1/passkeys")[1]
    assert [one["id"] for one in after["passkeys"]] == [one["id"] for one in before["passkeys"]]
    assert after["recovery_codes"] == before["recovery_codes"] == 10


def test_a_one_time_code_does_not_stand_in_for_a_passkey_where_there_is_one() -> None:
    world = World()
    device = enrolled(world)
    maker = pyotp.TOTP(secret_beside_a_passkey(world, device))
    told = world.ask(ANN, "POST", "/v1/passkeys/options", {})[1]
    id = told["error"]["chatward"]["challenge"]["id"]
    answer = world.ask(ANN, "POST", f"/v1/challenges/{id}/totp", {"code": maker.at(world.clock.now)})
    assert reason(answer) == (400, "proof-not-accepted")


# --- passkeys and their loss -------------------------------------------------------------------------


def test_one_more_passkey_after_a_proof_of_the_first() -> None:
    world = World()
    device = enrolled(world)
    told = world.ask(ANN, "POST", "/v1/passkeys/options", {})[1]
    id = told["error"]["chatward"]["challenge"]["id"]
    world.prove(ANN, id, device)
    other = Authenticator()
    status, told = world.register(ANN, other, None, (CHALLENGE_HEADER, id))
    assert status == 201
    assert "recovery_codes" not in told  # the first ones are good
    assert len(world.ask(ANN, "GET", "/v1/passkeys")[1]["passkeys"]) == 2
    assert world.ask(ANN, "POST", "/v1/passkeys/options", {}, (CHALLENGE_HEADER, id))[0] == 401  # used up


def test_removing_the_last_one_does_not_open_the_door_to_a_first_one() -> None:
    world = World()
    device = enrolled(world)
    key = b64(device.credentials[0].id)
    id = world.ask(ANN, "DELETE", f"/v1/passkeys/{key}")[1]["error"]["chatward"]["challenge"]["id"]
    world.prove(ANN, id, device)
    met = required(world)
    world.prove(ANN, met.id, device)
    other = b64(b"o" * 32)
    assert (
        world.ask(ANN, "DELETE", f"/v1/passkeys/{other}", None, (CHALLENGE_HEADER, id))[0] == 401
    )  # proven for another one
    assert world.ask(ANN, "DELETE", f"/v1/passkeys/{key}", None, (CHALLENGE_HEADER, id)) == (200, {"removed": True})
    assert world.challenges.met(met.id, ANN, met.binding) is None  # what it proved counts no longer
    assert reason(world.ask(ANN, "POST", "/v1/passkeys/options", {})) == (403, "recovery-needed")
    assert reason(world.ask(ANN, "POST", "/v1/totp/options", {})) == (403, "recovery-needed")
    assert reason(world.ask(ANN, "POST", "/v1/passkeys/recovery", {})) == (403, "recovery-needed")


def test_who_lost_all_comes_back_with_a_recovery_code_and_only_to_register() -> None:
    world = World()
    status, told = world.register(ANN, Authenticator())
    assert status == 201
    world.passkeys.remove(ANN.id, told["passkey"]["id"])
    challenge = required(world)
    code = {"code": told["recovery_codes"][0]}
    assert reason(world.ask(ANN, "POST", f"/v1/challenges/{challenge.id}/totp", code)) == (403, "proof-refused")
    assert world.ask(ANN, "POST", "/v1/passkeys/recovery", code)[0] == 200
    assert world.challenges.state(challenge.id) is State.WAITING
    assert world.ask(ANN, "GET", "/v1/passkeys")[1]["add"] == "right"
    device = Authenticator()
    assert world.register(ANN, device)[0] == 201
    assert world.prove(ANN, challenge.id, device)[0] == 200
    assert reason(world.ask(ANN, "POST", "/v1/passkeys/recovery", code)) == (403, "proof-refused")
    assert world.ask(ANN, "GET", "/v1/passkeys")[1]["recovery_codes"] == 9


def test_guessing_recovery_codes_ends_early() -> None:
    world = World()
    enrolled(world)
    answers = [reason(world.ask(ANN, "POST", "/v1/passkeys/recovery", {"code": f"{n:016}"})) for n in range(7)]
    assert answers == [(403, "proof-refused")] * 5 + [(429, "too-many-attempts")] * 2


def test_with_freshness_nothing_that_changes_passkeys_goes_without_its_own_proof() -> None:
    world = World(freshness=600)
    device = enrolled(world)
    world.prove(ANN, required(world).id, device)
    assert world.challenges.fresh(ANN) is Assurance.STRONG
    assert world.ask(ANN, "POST", "/v1/passkeys/options", {})[0] == 401


# --- requests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ANONYMOUS, Principal("visitor:1", Kind.VISITOR, session="v"), person(assurance=0)])
def test_strangers_register_nothing(who: Principal) -> None:
    status, _ = World().ask(who, "POST", "/v1/passkeys/options", {})
    assert status in {401, 403}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/challenges/", (404, "not-found")),
        ("GET", "/v1/challenges/a/b", (404, "not-found")),
        ("GET", "/v1/passkeys/../x", (404, "not-found")),
        ("POST", "/v1/challenges/" + "a" * 1500, (404, "not-found")),
        ("PUT", "/v1/passkeys", (405, "method-not-allowed")),
        ("DELETE", "/v1/challenges/" + UNKNOWN, (405, "method-not-allowed")),
        ("GET", "/v1/challenges/" + UNKNOWN, (404, "challenge-unknown")),
        ("POST", "/v1/passkeys", (400, "field-type")),
    ],
)
def test_paths_and_methods(method: str, path: str, expected: tuple[int, str]) -> None:
    assert reason(World().ask(ANN, method, path, {} if method == "POST" else None)) == expected


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ([("content-type", "text/plain")], b"{}", (415, "content-type")),
        ([], b"{}", (415, "content-type")),
        ([("content-type", "application/json")], b"[]", (400, "json-invalid")),
        ([("content-type", "application/json")], b'{"a":1,"a":2}', (400, "json-invalid")),
        ([("content-type", "application/json")], b"[" * 60_000, (400, "json-invalid")),
        ([("content-type", "application/json")], b"\xff", (400, "json-invalid")),
        ([("content-type", "application/json")], b" " * (MAX_BODY + 1), (413, "body-too-large")),
        ([("content-type", "application/json"), ("origin", "https://evil.example")], b"{}", (403, "origin-refused")),
        ([("content-type", "application/json"), ("origin", "null")], b"{}", (403, "origin-refused")),
        (
            [("content-type", "application/json"), ("origin", ORIGIN), ("origin", ORIGIN)],
            b"{}",
            (403, "origin-refused"),
        ),
    ],
)
def test_bodies_and_origins(headers: list[tuple[str, str]], body: bytes, expected: tuple[int, str]) -> None:
    status, _, answer = World().api.handle("POST", "/v1/passkeys/options", Fields(*headers), body, ANN)
    assert (status, json.loads(answer)["error"]["code"]) == expected


@pytest.mark.parametrize("headers", [[], [("origin", "http://10.0.0.1:8787"), ("host", "10.0.0.1:8787")]])
def test_programs_and_pages_of_this_address_may_ask(headers: list[tuple[str, str]]) -> None:
    given = Fields(("content-type", "application/json"), *headers)
    assert World().api.handle("POST", "/v1/passkeys/options", given, b"", ANN)[0] == 200


def test_a_challenge_named_twice_is_refused() -> None:
    world = World()
    enrolled(world)
    answer = world.ask(ANN, "POST", "/v1/passkeys/options", {}, (CHALLENGE_HEADER, "a"), (CHALLENGE_HEADER, "b"))
    assert reason(answer) == (400, "header-invalid")


def test_where_codes_are_not_accepted_they_are_not() -> None:
    world = World()
    api = StepUpApi(world.challenges, world.passkeys, None, world.enrolment)
    fields = Fields(("content-type", "application/json"))
    for method, path in [("POST", "/v1/totp"), ("POST", "/v1/totp/options"), ("DELETE", "/v1/totp")]:
        status, _, body = api.handle(method, path, fields, b'{"code":"123456"}', ANN)
        assert (status, json.loads(body)["error"]["code"]) == (403, "step-up-unavailable")


def test_no_answer_says_why() -> None:
    """The ledger knows; the caller, who may be the thief, does not."""
    world = World()
    device = enrolled(world)
    told = set()
    for lies in (Lies(flags_off=UV), Lies(rp_id="evil.example"), Lies(client={"origin": "https://evil.example"})):
        challenge = required(world, arguments=json.dumps(str(lies)))
        told.add(json.dumps(world.prove(ANN, challenge.id, device, lies)))
    assert len(told) == 1
    assert {told["reason"] for told in world.record.told(Event.STEP_UP_FAILED)} == {
        "user-verification",
        "rp-id",
        "origin",
    }

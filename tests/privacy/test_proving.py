"""Who asks for a right proves it by a passkey, where settings want that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chatward.core.identity import Assurance, Kind, Principal, Proof
from chatward.identity.access import ChallengedError
from chatward.identity.challenges import Challenges
from chatward.privacy.api import PrivacyApi
from chatward.stores.database import Database
from tests.privacy.conftest import Office
from tests.simulators.access import Headers

ANN = Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")


class World:
    def __init__(self, office: Office, verify: str = "passkey") -> None:
        settings = replace(office.settings, privacy=replace(office.settings.privacy, verify=verify))
        self.challenges = Challenges(Database(None), lambda entry: None)
        self.api = PrivacyApi(settings, office.standings, office.requests)
        self.api.proving(self.challenges)

    def ask(self, who: Principal = ANN, kind: str = "erasure", challenge: str = "") -> Any:
        headers = Headers({"x-chatward-challenge": challenge} if challenge else {})
        body = json.dumps({"kind": kind}).encode()
        status, _, answer = self.api.answer("POST", "/v1/privacy/requests", headers, body, who)  # type: ignore[arg-type]
        assert status == 201
        return json.loads(answer)


@pytest.fixture
def world(office: Office) -> World:
    return World(office)


def challenge(world: World, **asked: Any) -> str:
    with pytest.raises(ChallengedError) as wanted:
        world.ask(**asked)
    return wanted.value.challenge.id


def test_a_request_waits_for_a_passkey_and_is_verified_by_it(world: World, office: Office) -> None:
    id_ = challenge(world)
    assert office.requests.all() == []
    assert challenge(world, challenge=id_) == id_  # nothing is proven yet
    world.challenges.settle(id_, Proof.PASSKEY)
    made = world.ask(challenge=id_)
    assert made["state"] == "verified"
    assert office.requests.get(made["id"]).verified == "passkey"
    challenge(world, challenge=id_)  # once


def test_a_proof_is_for_one_person_one_session_and_one_right(world: World) -> None:
    id_ = challenge(world)
    world.challenges.settle(id_, Proof.PASSKEY)
    other = Principal("person:bob", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
    elsewhere = Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE, session="s2")
    challenge(world, who=other, challenge=id_)
    challenge(world, who=elsewhere, challenge=id_)
    challenge(world, kind="access", challenge=id_)
    assert world.ask(challenge=id_)["state"] == "verified"


@pytest.mark.parametrize(
    ("who", "how"),
    [
        (Principal("person:ann", Kind.PERSON, assurance=Assurance.STRONG, session="s"), "strong"),
        (
            Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE, attributes={"verified": "mail"}),
            "mail",
        ),
    ],
    ids=["strong", "mail"],
)
def test_who_has_shown_it_already_is_not_asked_again(world: World, office: Office, who: Principal, how: str) -> None:
    assert office.requests.get(world.ask(who)["id"]).verified == how


def test_a_stranger_waits_for_an_operator(world: World) -> None:
    assert world.ask(Principal("person:x", Kind.PERSON, session="s"))["state"] == "received"


def test_a_visitor_of_a_widget_has_no_passkey_and_waits_for_an_operator(world: World, office: Office) -> None:
    visitor = Principal("visitor:1", Kind.VISITOR, assurance=Assurance.SINGLE, session="s")
    made = world.ask(visitor)
    assert (made["state"], office.requests.get(made["id"]).verified) == ("received", "")


def test_by_default_the_credential_is_enough(office: Office) -> None:
    assert World(office, "credential").ask()["state"] == "verified"

"""The service by itself: what strangers may, and what it does not take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from chatward.core.errors import ClientError, IdentityError
from chatward.core.identity import ANONYMOUS, Assurance, Kind, Principal
from chatward.gateway.http1_exchange import Fields
from chatward.privacy.api import PrivacyApi
from chatward.privacy.requests import Requests, State
from chatward.privacy.standing import Standings, Word, refusal
from chatward.settings import Notice, Privacy, Purpose, Settings
from chatward.stores.database import Database

ANN = Principal("person:ann", Kind.PERSON, assurance=Assurance.MULTI)
SETTINGS = Settings(
    privacy=Privacy(
        notice=Notice(version="1"),
        purposes={
            "support": Purpose(lawful_basis="consent"),
            "better": Purpose(lawful_basis="legitimate-interests"),
            "orders": Purpose(lawful_basis="contract"),
        },
    )
)
CONSENT = {"purpose": "support", "notice": "1"}


class World:
    def __init__(self) -> None:
        database = Database(None)
        self.standings = Standings(database)
        self.requests = Requests(database)
        self.api = PrivacyApi(SETTINGS, self.standings, self.requests)

    def ask(self, method: str, path: str, body: object = None, who: Principal = ANN) -> Any:
        sent = b"" if body is None else json.dumps(body).encode()
        status, headers, answer = self.api.answer(method, f"/v1/privacy/{path}", Fields({}, []), sent, who)
        assert dict(headers)["cache-control"] == "no-store"
        assert status in {200, 201}
        return json.loads(answer)


@pytest.fixture
def world() -> World:
    return World()


def stranger(number: int) -> Principal:
    return Principal(f"caller:{number:016x}", Kind.ANONYMOUS)


def test_only_so_many_new_strangers_are_heard_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.api._strangers._clock = lambda: 0.0
    for number in range(60):
        world.ask("POST", "consents", CONSENT, stranger(number))
    with pytest.raises(ClientError) as caught:
        world.ask("POST", "consents", CONSENT, stranger(60))
    assert (caught.value.status, caught.value.reason) == (429, "too-many-statements")
    world.ask("POST", "choices", {"choice": "restrict"}, stranger(7))  # who has spoken goes on
    world.ask("DELETE", "consents/support", None, stranger(7))
    world.ask("DELETE", "consents/support", None, stranger(61))
    world.ask("POST", "consents", CONSENT)
    assert ("default", stranger(61).id) not in world.standings.subjects()


def test_a_strangers_request_waits_for_an_operator(world: World) -> None:
    assert world.ask("POST", "requests", {"kind": "erasure"}, stranger(1))["state"] == "received"
    assert world.ask("POST", "requests", {"kind": "erasure"})["state"] == "verified"
    assert [one.verified for one in world.requests.all()] == ["", "multi"]
    assert {one.state for one in world.requests.all()} == {State.RECEIVED, State.VERIFIED}


def test_nobody_in_particular_says_nothing(world: World) -> None:
    for method, path, body in (
        ("GET", "consents", None),
        ("POST", "consents", CONSENT),
        ("POST", "choices", {"choice": "restrict"}),
        ("POST", "requests", {"kind": "access"}),
    ):
        with pytest.raises(IdentityError):
            world.ask(method, path, body, ANONYMOUS)


def test_objecting_to_everything_is_to_what_can_be_objected_to(world: World) -> None:
    assert world.ask("POST", "choices", {"choice": "object"})["objected"] == ["better"]
    assert world.ask("POST", "choices", {"choice": "object-no-more", "purpose": "better"})["objected"] == []
    assert world.ask("POST", "choices", {"choice": "opt-out"})["opted_out"] == ["*"]


def test_a_consent_to_what_is_no_longer_offered_can_be_withdrawn(world: World) -> None:
    world.ask("POST", "consents", CONSENT)
    world.api._privacy = Privacy(notice=Notice(version="2"), purposes={"orders": Purpose()})
    world.ask("DELETE", "consents/support")
    assert world.standings.of("default", ANN.id).consents == {}
    with pytest.raises(ClientError) as caught:
        world.ask("DELETE", "consents/support")
    assert caught.value.reason == "purpose-unknown"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "consents", 405),
        ("DELETE", "consents", 405),
        ("POST", "consents/support", 405),
        ("GET", "nothing", 404),
        ("GET", "consents/a/b", 404),
        ("GET", "consents/../choices", 404),
        ("OPTIONS", "consents", 404),
    ],
)
def test_what_is_not_there(world: World, method: str, path: str, status: int) -> None:
    with pytest.raises(ClientError) as caught:
        world.ask(method, path)
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"purpose": 1, "notice": "1"}', b"\xff"])
def test_a_body_that_is_none(world: World, body: bytes) -> None:
    with pytest.raises(ClientError) as caught:
        world.api.answer("POST", "/v1/privacy/consents", Fields({}, []), body, ANN)
    assert caught.value.status == 400


def test_special_categories_need_an_explicit_consent(world: World) -> None:
    special = Purpose(lawful_basis="consent", special=("health",), special_ground="explicit-consent")
    world.api._privacy = replace(SETTINGS.privacy, purposes={"support": special})
    world.ask("POST", "consents", CONSENT | {"explicit": True})
    assert world.ask("GET", "consents")["purposes"]["support"] == {
        "lawful_basis": "consent",
        "permitted": True,
        "reason": None,
        "consented": "1",
    }
    bob = Principal("person:bob", Kind.PERSON, assurance=Assurance.MULTI)
    with pytest.raises(ClientError) as caught:
        world.ask("POST", "consents", CONSENT, bob)
    assert caught.value.reason == "consent-not-explicit"
    # A consent from before the purpose was about health is not explicit: they are asked anew.
    world.standings.say("default", bob.id, "support", Word.CONSENTS, by=bob.id, notice="1")
    assert refusal("support", special, world.standings.of("default", bob.id), notice="1") == "consent-required"
    ordinary = Purpose(lawful_basis="consent")
    assert refusal("support", ordinary, world.standings.of("default", ANN.id), notice="1") == ""
    assert refusal("support", special, world.standings.of("default", ANN.id), notice="2") == "consent-required"

"""People in the console: who is signed in, and ending it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatward.console.people_desk import People
from chatward.core.identity import Kind, Principal
from chatward.identity.backchannel import Revocations
from chatward.identity.key_store import KeyStore
from chatward.identity.person_sessions import PersonSessions
from chatward.identity.widget import Widget
from chatward.stores.database import Database
from tests.console.conftest import GOOD, Clock


class Scene:
    """Two people of two tenants, signed in, and a key."""

    def __init__(self) -> None:
        self.clock, self.entries, database = Clock(), [], Database(None)
        self.revocations = Revocations(database, self.clock)
        self.sessions = PersonSessions(database, self.revocations.covers, secure=False, clock=self.clock)
        keys = KeyStore(database, lambda entry: None, clock=self.clock)
        keys.create("till", tenant="shop")
        facts = {"idp": "corp", "issued": str(self.clock.now), "idp_session": "s"}
        for name, tenant in (("ann", "shop"), ("bob", "bank"), ("bob", "bank")):
            person = Principal(f"oidc:{name}", Kind.PERSON, tenant=tenant, roles=frozenset({"staff"}), attributes=facts)
            self.sessions.open(person, f"{name} of {tenant}")
        visitors = Widget(database, lambda bot: ("https://shop.example",), self.clock)
        self.people = People(
            self.entries.append, keys, None, self.sessions, self.revocations, None, visitors, self.clock
        )

    def told(self) -> list[tuple[str, object]]:
        return [
            (entry.event.value, entry.fields.get("principal") or entry.fields.get("session")) for entry in self.entries
        ]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def browser(house, scene):
    it = house({"ann": ["admin"], "eve": ["read-only"]}, behind=scene.people)
    opened = it.browser()
    await opened.sign_in("ann", GOOD)
    opened.it = it
    return opened


async def test_who_is_signed_in_is_shown_without_names(browser) -> None:
    page = await browser.get("/people")
    assert page.text.count("oidc:bob") >= 2
    assert "of bank" not in page.text
    only = (await browser.get("/people?json=sessions&sessions.tenant=shop")).json()["sessions"]
    assert [one["person"] for one in only] == ["oidc:ann"]
    tenants = (await browser.get("/tenants?json=tenants")).json()["tenants"]
    assert [(one["tenant"], one["keys"], one["people"]) for one in tenants] == [("bank", 0, 2), ("shop", 1, 1)]


async def test_one_session_ends_and_the_others_go_on(browser, scene) -> None:
    first = next(one for one in scene.people.signed_in() if one["person"] == "oidc:bob")
    done = await browser.send_form("/people", "/people/end", session=first["id"])
    assert "Ended." in done.text
    assert len(scene.people.signed_in()) == 2
    assert scene.told() == [("person:session:closed", first["id"])]
    again = await browser.send_form("/people", "/people/end", session=first["id"])
    assert again.status_code == 404


async def test_all_of_a_person_ends_and_what_they_were_given(browser, scene) -> None:
    token = Principal("oidc:bob", Kind.PERSON, attributes={"issued": str(scene.clock.now), "idp": "corp"})
    assert not scene.revocations.covers(token)
    await browser.send_form("/people", "/people/end", person="oidc:bob")
    assert [one["person"] for one in scene.people.signed_in()] == ["oidc:ann"]
    assert scene.revocations.covers(token), "a token that was given before is over, without any session"
    assert not scene.revocations.covers(replace(token, attributes={"issued": str(scene.clock.now + 1)}))
    assert scene.told() == [("person:sessions:ended", "oidc:bob")]


async def test_visitors_end_one_by_one_or_all(browser, scene) -> None:
    await browser.send_form("/people", "/people/end", session="visitor:abc")
    await browser.send_form("/people", "/people/end", visitors="all")
    assert scene.told() == [("person:session:closed", "visitor:abc"), ("person:sessions:ended", "visitor:*")]
    principal = Principal(
        "visitor:abc", Kind.VISITOR, session="abc", expires=scene.clock.now + 9,
        attributes={"origin": "https://shop.example", "bot": "x", "kid": "k"},
    )  # fmt: skip
    assert not scene.people.visitors.valid(principal)


async def test_who_only_looks_ends_nothing(browser, scene) -> None:
    other = browser.it.browser()
    await other.sign_in("eve", GOOD)
    assert 'action="/people/end"' not in (await other.get("/people")).text
    assert (await other.send_form("/people", "/people/end", person="oidc:bob")).status_code == 403
    assert len(scene.people.signed_in()) == 3

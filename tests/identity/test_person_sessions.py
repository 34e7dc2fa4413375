"""Sessions of people: what a cookie is worth, from where, and for how long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Kind, Presented, Principal
from chatward.identity.backchannel import Revocations
from chatward.identity.person_sessions import PersonSessions
from chatward.stores.database import Database
from tests.identity.headers import headers
from tests.simulators.idp import NOW, Clock

OWN = "https://chat.example"
ADA = Principal(
    "person:ada",
    Kind.PERSON,
    tenant="acme",
    roles=frozenset({"agent"}),
    assurance=Assurance.MULTI,
    session="oidc:s-1",
    attributes={"idp": "staff", "issued": repr(NOW), "idp_session": "oidc:s-1", "link": "link:1"},
)


class House:
    def __init__(self, path: Path | None = None, *, secure: bool = True, **more: Any) -> None:
        self.clock = Clock()
        self.database = Database(path)
        self.revocations = Revocations(self.database, self.clock)
        known: dict[str, Any] = {"secure": secure, "idle": 600.0, "absolute": 3600.0} | more
        self.sessions = PersonSessions(self.database, self.revocations.covers, clock=self.clock, **known)

    def asks(self, token: str | None, *said: tuple[str, str], url: str = f"{OWN}/v1/chat") -> Presented:
        cookies = [("cookie", f"a=b; {self.sessions.cookie}={token}")] if token is not None else []
        return Presented("POST", url, headers(*cookies, *said))

    def who(self, token: str | None, *said: tuple[str, str], **more: Any) -> Principal | None:
        found = self.sessions.identify(self.asks(token, *(said or (("origin", OWN),)), **more))
        return found if isinstance(found, Principal) or found is None else asyncio.run(_awaited(found))

    def refuses(self, reason: str, token: str | None, *said: tuple[str, str], **more: Any) -> None:
        with pytest.raises(IdentityError) as caught:
            self.who(token, *said, **more)
        assert caught.value.reason == reason


async def _awaited(found: Any) -> Principal:
    principal: Principal = await found
    return principal


def test_who_signed_in_is_known_by_the_cookie_alone() -> None:
    house = House()
    token, opened = house.sessions.open(ADA, "Ada")
    found = house.who(token)
    assert found == opened
    assert (found.id, found.roles, found.tenant, found.assurance) == (ADA.id, ADA.roles, ADA.tenant, ADA.assurance)
    assert found.attributes == ADA.attributes
    assert found.session.startswith("person-session:")
    assert house.sessions.valid(found)
    assert house.who(None) is None


def test_nothing_that_is_stored_opens_a_session() -> None:
    house = House()
    token, _ = house.sessions.open(ADA, "Ada")
    dumped = repr(house.database.rows("SELECT * FROM person_sessions"))
    assert token not in dumped
    stored = house.database.rows("SELECT id, hex(digest) FROM person_sessions")[0]
    for guess in (*stored, "x" * 43, "", "é", token[:-1], token + "A", token.swapcase()):
        house.refuses("session-ended", guess)


def test_a_token_is_new_each_time_and_the_old_session_of_the_browser_ends() -> None:
    house = House()
    first, before = house.sessions.open(ADA)
    second, after = house.sessions.open(ADA, before=before.session)
    assert first != second
    assert before.session != after.session
    house.refuses("session-ended", first)
    assert not house.sessions.valid(before)
    assert house.who(second) == after


def test_it_ends_when_nobody_asks_and_after_its_time() -> None:
    house = House()
    token, principal = house.sessions.open(ADA)
    for _ in range(6):
        house.clock.now += 599
        if house.clock.now < NOW + 3600:
            assert house.who(token), house.clock.now
    house.clock.now = NOW + 3600
    house.refuses("session-ended", token)
    assert not house.sessions.valid(principal)
    token, principal = house.sessions.open(ADA)
    house.clock.now += 600
    house.refuses("session-ended", token)
    assert not house.sessions.valid(principal)


def test_what_the_provider_ended_is_over_in_every_process(tmp_path: Path) -> None:
    one, two = House(tmp_path / "identity.db"), House(tmp_path / "identity.db")
    token, principal = one.sessions.open(ADA, "Ada")
    other, still = one.sessions.open(
        Principal(ADA.id, Kind.PERSON, attributes={**ADA.attributes, "idp_session": "oidc:s-2"})
    )
    assert two.who(token) == principal
    one.revocations.end(session="oidc:s-1")
    for house in (one, two):
        house.refuses("session-ended", token)
        assert not house.sessions.valid(principal)
        assert house.who(other) == still
    assert two.sessions.forget(Principal("", Kind.PERSON, session="oidc:s-1")) == 1
    assert "Ada" not in repr(one.database.rows("SELECT * FROM person_sessions"))
    one.revocations.end(person=ADA.id, issued=NOW)
    two.refuses("session-ended", other)
    assert two.sessions.forget(Principal(ADA.id, Kind.PERSON)) == 1


def test_forgetting_leaves_what_goes_on() -> None:
    house = House()
    token, _ = house.sessions.open(ADA)
    assert house.sessions.forget(Principal(ADA.id, Kind.PERSON, session="oidc:s-9")) == 0
    assert house.who(token)


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ([("origin", OWN)], True),
        ([("origin", f"{OWN}:443")], True),
        ([("sec-fetch-site", "same-origin")], True),
        ([("sec-fetch-site", "same-origin"), ("origin", OWN)], True),
        ([("referer", f"{OWN}/chat")], False),
        ([("sec-fetch-site", "cross-site")], False),
        ([("sec-fetch-site", "same-site")], False),
        ([("sec-fetch-site", "none")], False),
        ([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], False),
        ([("sec-fetch-site", "cross-site"), ("origin", OWN)], False),
        ([("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], False),
        ([("origin", OWN), ("origin", "https://evil.example")], False),
        ([("origin", "null")], False),
        ([("origin", "")], False),
        ([("origin", "http://chat.example")], False),
        ([("origin", "https://chat.example.evil.example")], False),
        ([("origin", "https://other.chat.example")], False),
        ([("origin", f"{OWN}:8443")], False),
        ([("origin", OWN + "/")], False),
    ],
    ids=str,
)
def test_a_cookie_counts_only_where_our_own_page_asks(said: list[tuple[str, str]], good: bool) -> None:
    house = House()
    token, principal = house.sessions.open(ADA)
    if good:
        assert house.who(token, *said) == principal
    else:
        house.refuses("cross-site", token, *said)


def test_the_origin_is_the_configured_one_where_there_is_one() -> None:
    house = House(origin=OWN)
    token, principal = house.sessions.open(ADA)
    assert house.who(token, ("origin", OWN), url="http://10.0.0.7:8787/v1/chat") == principal
    house.refuses("cross-site", token, ("origin", "https://10.0.0.7:8787"), url="http://10.0.0.7:8787/v1/chat")


def test_behind_a_proxy_that_ends_tls_the_origin_is_https() -> None:
    house = House()
    token, principal = house.sessions.open(ADA)
    assert house.who(token, ("origin", OWN), url="http://chat.example/v1/chat") == principal
    house.refuses("cross-site", token, ("origin", "http://chat.example"), url="http://chat.example/v1/chat")


def test_a_cookie_that_stands_there_twice_is_refused() -> None:
    house = House()
    token, _ = house.sessions.open(ADA)
    house.refuses("cookie-ambiguous", f"{token}; {house.sessions.cookie}={token}")


def test_the_cookie_is_bound_to_the_host_where_there_is_tls() -> None:
    assert House().sessions.cookie == "__Host-chatward-person"
    assert House(secure=False).sessions.cookie == "chatward-person"


@given(st.text(max_size=60))
def test_no_text_is_a_session(text: str) -> None:
    house = House()
    house.sessions.open(ADA)
    value = text.replace(";", "")
    with pytest.raises(IdentityError) as caught:
        house.who(value)
    assert caught.value.reason in {"session-ended", "cookie-ambiguous"}


def test_use_is_written_now_and_then_and_never_late() -> None:
    house = House()
    token, _ = house.sessions.open(ADA)
    house.clock.now += 59
    assert house.who(token)
    assert house.database.rows("SELECT seen FROM person_sessions") == [(NOW,)]
    house.clock.now += 1
    assert house.who(token)
    assert house.database.rows("SELECT seen FROM person_sessions") == [(NOW + 60,)]

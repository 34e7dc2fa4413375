"""OpenID Connect Back-Channel Logout 1.0: what ends a session here, what does not, and what lasts."""

from urllib.parse import urlencode

import pytest

from chatward.core.errors import ClientError
from chatward.core.identity import Kind, Principal
from chatward.identity.backchannel import EVENT, KEEP, BackChannel, Revocations
from chatward.identity.jwks import Unreachable
from chatward.identity.provider import person_id, providers, session_id
from chatward.settings import Oidc
from chatward.stores.database import Database
from tests.simulators.idp import CLIENT, ISSUER, NOW, Clock, Idp, sign

FORM = "application/x-www-form-urlencoded"


class House:
    def __init__(self, path=None, **settings):
        self.clock, self.idp, self.database = Clock(), Idp(), Database(path)
        found = {"main": Oidc(**({"issuer": ISSUER, "client_id": CLIENT} | settings))}
        self.revocations = Revocations(self.database, self.clock)
        self.channel = BackChannel(providers(found, self.idp, self.clock), self.revocations)

    async def logout(self, token):
        return await self.channel.logout(FORM, urlencode({"logout_token": token}).encode())

    async def refuses(self, token, detail):
        with pytest.raises(ClientError) as caught:
            await self.logout(token)
        assert (caught.value.status, caught.value.reason) == (400, "logout-token-invalid")
        assert caught.value.__cause__.detail == detail
        assert not self.database.rows("SELECT * FROM oidc_revocations")


def said(**changed):
    good = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "j-1",
        "sub": "u-1",
        "events": {EVENT: {}},
    }
    return {k: v for k, v in (good | changed).items() if v is not None}


def logout_token(typ="logout+jwt", **changed):
    return sign(said(**changed), {"typ": typ})


def principal(session="", issued=NOW, sub="u-1"):
    """As ``Provider.person`` makes one; its session may be called otherwise by who made one of its own."""
    attributes = {"idp": "main", "issued": repr(issued), "idp_session": session}
    return Principal(person_id(ISSUER, sub), Kind.PERSON, session="console:1", attributes=attributes)


S1, S2 = session_id(ISSUER, "s-1"), session_id(ISSUER, "s-2")


async def test_a_session_ends_and_no_other():
    house = House()
    ended = await house.logout(logout_token(sid="s-1"))
    assert (ended.id, ended.session) == (person_id(ISSUER, "u-1"), S1)
    assert house.revocations.covers(principal(S1))
    assert house.revocations.covers(principal(S1, NOW + 1000))
    assert not house.revocations.covers(principal(S2))
    # What names no session may be of this one; what was given out later is not.
    assert house.revocations.covers(principal())
    assert not house.revocations.covers(principal(issued=NOW + 1))
    assert not house.revocations.covers(principal(sub="u-2"))


async def test_everything_of_a_person_ends_that_began_before():
    house = House()
    await house.logout(logout_token())
    for session in (S1, S2, ""):
        assert house.revocations.covers(principal(session))
        assert not house.revocations.covers(principal(session, NOW + 1))
        assert not house.revocations.covers(principal(session, sub="u-2"))


async def test_a_session_alone_ends_by_its_id():
    house = House()
    ended = await house.logout(logout_token(sub=None, sid="s-1"))
    assert (ended.id, ended.session) == ("", S1)
    assert house.revocations.covers(principal(S1))
    assert not house.revocations.covers(principal())


@pytest.mark.parametrize("typ", ["logout+jwt", "application/logout+jwt", "JWT", None])
async def test_the_type_is_recommended_only(typ):
    await House().logout(logout_token(typ))


REFUSED = {
    "nonce": (lambda: logout_token(nonce="n"), "logout-nonce"),
    "an ID token": (lambda: logout_token("JWT", events=None), "logout-event"),
    "another event": (lambda: logout_token(events={"http://else": {}}), "logout-event"),
    "an event that is no object": (lambda: logout_token(events={EVENT: True}), "logout-event"),
    "events a list": (lambda: logout_token(events=[EVENT]), "logout-event"),
    "nobody": (lambda: logout_token(sub=None), "logout-whom"),
    "no id": (lambda: logout_token(jti=None), "logout-id"),
    "id too long": (lambda: logout_token(jti="j" * 256), "logout-id"),
    "sid a number": (lambda: logout_token(sid=1), "logout-session"),
    "sid empty": (lambda: logout_token(sid=""), "logout-session"),
    "sub empty": (lambda: logout_token(sub=""), "token-subject"),
    "an access token": (lambda: logout_token("at+jwt"), "token-type"),
    "another audience": (lambda: logout_token(aud="else"), "token-audience"),
    "another issuer": (lambda: logout_token(iss="https://evil.example"), "token-issuer"),
    "no expiry": (lambda: logout_token(exp=None), "token-exp"),
    "expired": (lambda: logout_token(exp=NOW - 31), "token-expired"),
    "old, though it says that it is good": (lambda: logout_token(iat=NOW - 631, exp=NOW + 9999), "token-too-old"),
    "signed by somebody else": (lambda: sign(said(), {"typ": "logout+jwt"}, name="theirs"), "token-signature"),
    "alg none": (lambda: sign(said(), {"typ": "logout+jwt", "alg": "none"}), "token-algorithm"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_and_nothing_ends(name):
    token, detail = REFUSED[name]
    await House().refuses(token(), detail)


async def test_a_log_out_token_is_good_once():
    house = House()
    token = logout_token()
    await house.logout(token)
    with pytest.raises(ClientError) as caught:
        await house.logout(token)
    assert caught.value.__cause__.detail == "logout-replayed"
    house.clock.now += 700
    await house.logout(logout_token(iat=NOW + 700, exp=NOW + 800, jti="j-2"))
    assert len(house.database.rows("SELECT * FROM oidc_logout_tokens")) == 1


async def test_audiences_that_are_not_trusted_are_refused():
    await House().refuses(logout_token(aud=[CLIENT, "else"]), "token-audience")
    await House(audiences=("api",)).logout(logout_token(aud=[CLIENT, "api"]))


async def test_bearer_only_providers_take_no_log_outs():
    await House(client_id="", audiences=("api",)).refuses(logout_token(), "token-issuer")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"logout_token": "x"}'),
        (FORM, b""),
        (FORM, b"other=x"),
        (FORM, b"logout_token=x&logout_token=y"),
        (FORM, b"logout_token=" + b"x" * 40_000),
        (FORM, b"\xff"),
    ],
)
async def test_forms_that_are_none(content_type, body):
    with pytest.raises(ClientError) as caught:
        await House().channel.logout(content_type, body)
    assert caught.value.__cause__.detail == "logout-form"


async def test_while_keys_cannot_be_had_the_provider_may_try_again():
    house = House()
    house.idp.down = True
    with pytest.raises(Unreachable):
        await house.logout(logout_token())


async def test_what_has_ended_is_durable_and_kept_long_enough(tmp_path):
    path = tmp_path / "identity.db"
    house = House(path)
    await house.logout(logout_token(sid="s-1"))
    house.database.close()
    again = House(path)
    assert again.revocations.covers(principal(S1))
    again.clock.now += KEEP - 1
    again.revocations.end(session="other")
    assert again.revocations.covers(principal(S1))
    again.clock.now += 2
    again.revocations.end(session="another")
    assert not again.revocations.covers(principal(S1))
    assert len(again.database.rows("SELECT * FROM oidc_revocations")) == 2


async def test_an_older_log_out_takes_nothing_back():
    house = House()
    house.revocations.end(person=principal().id, issued=NOW + 100)
    await house.logout(logout_token())
    assert house.revocations.covers(principal(issued=NOW + 100))


async def test_a_log_out_does_not_let_in_who_was_shut_out():
    house = House()
    house.revocations.disable(principal().id)
    await house.logout(logout_token())
    house.clock.now += KEEP * 2
    house.revocations.end(session="other")
    assert house.revocations.covers(principal(issued=house.clock.now))


async def test_the_table_holds_digests_only(tmp_path):
    path = tmp_path / "identity.db"
    house = House(path)
    await house.logout(logout_token(sub="ada@example.com", sid="session-of-ada", jti="token-of-ada"))
    house.database.close()
    found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"ada" not in found

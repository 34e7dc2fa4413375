"""Signing in at a provider: the flow, and everything that may be tried between the browser and the token."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Fetched, Kind
from chatward.identity.backchannel import Revocations
from chatward.identity.jwks import Unreachable
from chatward.identity.oidc_login import Logins, safe_path
from chatward.identity.provider import person_id, providers
from chatward.settings import Oidc
from chatward.stores.database import Database
from tests.simulators.idp import CLIENT, ISSUER, NOW, Clock, Idp, b64

REDIRECT = "https://chat.example/sign-in/main"
OTHER = "https://other.example"


class House:
    def __init__(self, database=None, secret="s3cret", limit=100, **settings):  # noqa: S107
        self.clock, self.idp, self.other = Clock(), Idp(secret=secret), Idp(OTHER)
        self.database = database or Database(None)
        self.shut_out: set[str] = set()
        found = {
            "main": Oidc(**({"issuer": ISSUER, "client_id": CLIENT} | settings)),
            "other": Oidc(issuer=OTHER, client_id=CLIENT),
            "tokens-only": Oidc(issuer="https://third.example", audiences=("api",)),
        }
        self.revocations = Revocations(self.database, self.clock)
        secrets = {"main": secret} if secret else {}
        built = providers(found, self.fetch, self.clock)
        self.logins = Logins(built, secrets, self.database, self.revocations, self.clock, self.admits, limit)

    async def fetch(self, method, url, sent=(), body=b""):
        return await (self.idp if url.startswith(ISSUER) else self.other)(method, url, sent, body)

    def admits(self, principal):
        return principal.id not in self.shut_out

    async def begin(self, back="/chat?x=1", **others):
        return await self.logins.begin("main", REDIRECT, back, **others)

    async def refuses(self, query, cookie, reason, cause=None):
        with pytest.raises(IdentityError) as caught:
            await self.logins.finish(query, cookie)
        assert caught.value.reason == reason
        if cause is not None:
            assert str(caught.value.__cause__) == cause


def asked(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


async def test_the_whole_flow():
    house = House()
    begun = await house.begin()
    said = asked(begun.url)
    assert begun.url.startswith(f"{ISSUER}/authorize?")
    assert {name: said[name] for name in said if name not in {"state", "nonce", "code_challenge"}} == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "scope": "openid",
        "code_challenge_method": "S256",
    }
    signed_in = await house.logins.finish(house.idp.authorize(begun.url, sid="s-1"), begun.cookie)
    assert signed_in.back == "/chat?x=1"
    assert signed_in.principal.id == person_id(ISSUER, "u-1")
    assert signed_in.principal.kind is Kind.PERSON
    assert signed_in.principal.session == signed_in.principal.attributes["idp_session"] != ""
    assert signed_in.principal.expires is None
    assert not house.revocations.covers(signed_in.principal)
    house.revocations.end(session=signed_in.principal.session)
    assert house.revocations.covers(signed_in.principal)


async def test_what_the_token_endpoint_is_told():
    house = House(secret="a:b/c ü")
    begun = await house.begin()
    await house.logins.finish(house.idp.authorize(begun.url), begun.cookie)
    sent = house.idp.token_requests[0]
    assert sent["grant_type"] == "authorization_code"
    assert sent["redirect_uri"] == REDIRECT
    assert asked(begun.url)["code_challenge"] == b64(hashlib.sha256(sent["code_verifier"].encode()).digest())
    assert 43 <= len(sent["code_verifier"]) <= 128
    assert "client_secret" not in sent


async def test_the_secret_goes_in_the_form_where_nothing_else_will_do():
    house = House()
    house.idp.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    begun = await house.begin()
    assert await house.logins.finish(house.idp.authorize(begun.url), begun.cookie)
    assert house.idp.token_requests[0]["authorization"] == ""


async def test_a_public_client_has_pkce_alone():
    house = House(secret=None)
    begun = await house.begin()
    assert await house.logins.finish(house.idp.authorize(begun.url), begun.cookie)
    assert house.idp.token_requests[0]["client_id"] == CLIENT


async def test_an_answer_at_another_providers_address_is_refused():
    house = House()
    begun = await house.begin()
    query = house.idp.authorize(begun.url)
    with pytest.raises(IdentityError) as caught:
        await house.logins.finish(query, begun.cookie, "other")
    assert caught.value.reason == "login-invalid"
    assert not house.idp.token_requests


async def test_attempts_have_nothing_in_common():
    house = House()
    begun = [await house.begin() for _ in range(3)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({asked(each.url)[name] for each in begun}) == 3
    assert begun[0].cookie not in begun[0].url
    assert begun[0].cookie not in repr(begun[0])


@pytest.mark.parametrize(
    ("claims", "called"),
    [
        ({"name": " Ada Lovelace "}, "Ada Lovelace"),
        ({"name": "", "preferred_username": "ada"}, "ada"),
        ({"email": "ada@example.org"}, "ada@example.org"),
        ({"name": ["Ada"]}, ""),
        ({"name": "A\u202eda\n\x1b[31m"}, "Ada[31m"),
        ({"name": "x" * 500}, "x" * 80),
        ({}, ""),
    ],
)
async def test_what_people_are_called_is_plain_text(claims, called):
    house = House()
    begun = await house.begin()
    signed_in = await house.logins.finish(house.idp.authorize(begun.url, **claims), begun.cookie, "main")
    assert signed_in.name == called
    assert called == "" or called not in repr(signed_in)


# --- attacks


async def test_a_state_is_good_once():
    house = House()
    begun = await house.begin()
    query = house.idp.authorize(begun.url)
    await house.logins.finish(query, begun.cookie)
    house.idp.authorize(begun.url)
    await house.refuses(query, begun.cookie, "login-invalid")
    assert len(house.idp.token_requests) == 1


async def test_a_state_is_used_up_by_a_failure_too():
    house = House()
    begun = await house.begin()
    query = house.idp.authorize(begun.url)
    await house.refuses([*query[1:], ("error", "access_denied")], begun.cookie, "login-denied")
    await house.refuses(query, begun.cookie, "login-invalid")


async def test_a_state_is_good_for_ten_minutes():
    house = House()
    begun = await house.begin()
    query = house.idp.authorize(begun.url)
    house.clock.now += 600
    await house.refuses(query, begun.cookie, "login-invalid")


async def test_nobody_is_signed_in_to_anothers_account_by_a_link():
    """Log-in CSRF: a good answer, in a browser that did not ask. It does not use up the attempt either."""
    house = House()
    attacker, victim = await house.begin(), await house.begin()
    query = house.idp.authorize(attacker.url, sub="attacker")
    for cookie in (victim.cookie, None, "", "x" * 43, "é" * 43):
        await house.refuses(query, cookie, "login-invalid")
    assert (await house.logins.finish(query, attacker.cookie)).principal.id == person_id(ISSUER, "attacker")


async def test_a_code_of_another_attempt_is_worth_nothing():
    """Code injection: PKCE at the provider, the nonce here."""
    house = House()
    victim, attacker = await house.begin(), await house.begin()
    stolen = dict(house.idp.authorize(victim.url, "stolen"))["code"]
    query = [("code", stolen), ("state", asked(attacker.url)["state"]), ("iss", ISSUER)]
    await house.refuses(query, attacker.cookie, "login-refused", "token endpoint: 400")


@pytest.mark.parametrize("nonce", [None, "", "other", 7, ["x"], "é"])
async def test_another_nonce_is_refused(nonce):
    house = House()
    begun = await house.begin()
    await house.refuses(house.idp.authorize(begun.url, nonce=nonce), begun.cookie, "login-refused", "token-nonce")


@pytest.mark.parametrize("issuer", [OTHER, ISSUER + "/", "", None])
async def test_mix_up(issuer):
    """The answer of another provider, or of one that would name itself and did not (RFC 9207 section 2.4)."""
    house = House()
    begun = await house.begin()
    query = [pair for pair in house.idp.authorize(begun.url) if pair[0] != "iss"]
    await house.refuses(query + ([("iss", issuer)] if issuer is not None else []), begun.cookie, "login-invalid")
    assert house.idp.token_requests == []
    assert house.other.token_requests == []


async def test_a_provider_that_never_names_itself_need_not():
    house = House()
    house.idp.metadata = {"authorization_response_iss_parameter_supported": None}
    begun = await house.begin()
    assert await house.logins.finish(house.idp.authorize(begun.url)[:2], begun.cookie)


async def test_an_id_token_of_another_provider_is_refused():
    house = House()
    begun = await house.begin()
    query = house.idp.authorize(begun.url, iss=OTHER)
    await house.refuses(query, begun.cookie, "login-refused", "token-issuer")


@pytest.mark.parametrize("methods", [["plain"], []])
async def test_no_downgrade_of_pkce(methods):
    house = House()
    house.idp.metadata = {"code_challenge_methods_supported": methods}
    with pytest.raises(Unreachable):
        await house.begin()


ID_TOKENS = {
    "another audience": ({"aud": "else"}, "token-audience"),
    "an audience that is not trusted": ({"aud": [CLIENT, "x"], "azp": CLIENT}, "token-audience"),
    "several audiences, no party": ({"aud": [CLIENT, "api"]}, "token-party"),
    "another party": ({"azp": "else"}, "token-party"),
    "expired": ({"exp": NOW - 60}, "token-expired"),
    "of an hour ago": ({"iat": NOW - 3600}, "token-too-old"),
    "from the future": ({"iat": NOW + 60}, "token-not-yet"),
    "nobody": ({"sub": None}, "token-subject"),
    "a log-out token": ({"events": {}}, "token-type"),
}


@pytest.mark.parametrize("name", ID_TOKENS)
async def test_id_tokens_that_are_refused(name):
    changed, cause = ID_TOKENS[name]
    house = House(audiences=("api",))
    begun = await house.begin()
    await house.refuses(house.idp.authorize(begun.url, **changed), begun.cookie, "login-refused", cause)


async def test_an_id_token_may_be_for_audiences_of_the_settings_too():
    house = House(audiences=("api",))
    begun = await house.begin()
    assert await house.logins.finish(house.idp.authorize(begun.url, aud=[CLIENT, "api"], azp=CLIENT), begun.cookie)


async def test_an_id_token_signed_by_somebody_else_is_refused():
    house = House()
    house.idp.keys = [{**house.idp.keys[0], "kid": "other"}]
    begun = await house.begin()
    await house.refuses(house.idp.authorize(begun.url), begun.cookie, "login-refused", "token-key-unknown")


@pytest.mark.parametrize("name", ["code", "state", "iss", "extra"])
async def test_a_parameter_twice_is_refused(name):
    house = House()
    begun = await house.begin()
    query = [*house.idp.authorize(begun.url), ("extra", "1")]
    await house.refuses([*query, (name, dict(query)[name])], begun.cookie, "login-invalid")


@pytest.mark.parametrize("state", ["", "x", "' OR 1=1 --", "é" * 43, "A" * 43, "A" * 10_000])
async def test_states_that_were_never_given_out(state):
    house = House()
    begun = await house.begin()
    await house.refuses([("code", "c"), ("state", state)], begun.cookie, "login-invalid")


@pytest.mark.parametrize("code", [None, "", "a\nb", "é", "c" * 5000])
async def test_codes_that_are_none(code):
    house = House()
    begun = await house.begin()
    query = [pair for pair in house.idp.authorize(begun.url) if pair[0] != "code"]
    await house.refuses(query + ([("code", code)] if code is not None else []), begun.cookie, "login-invalid")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Fetched(200, (), b"{}"), "login-refused"),
        (Fetched(200, (), b'{"id_token": 7}'), "login-refused"),
        (Fetched(200, (), b'{"id_token": "a.b.c"}'), "login-refused"),
        (Fetched(401, (), b""), "login-refused"),
        (Fetched(500, (), b""), "identity-provider-unavailable"),
        (Fetched(302, [("location", "https://evil.example")], b""), "identity-provider-unavailable"),
        (Fetched(200, (), b'{"id_token": "a", "id_token": "b"}'), "identity-provider-unavailable"),
        (Fetched(200, (), b"x" * 300_000), "identity-provider-unavailable"),
    ],
)
async def test_answers_of_the_token_endpoint_that_are_none(answer, reason):
    house = House()
    begun = await house.begin()
    query = house.idp.authorize(begun.url)
    house.idp.answers["/token"] = answer
    await house.refuses(query, begun.cookie, reason)


async def test_an_error_of_the_provider_is_not_repeated():
    house = House()
    for error, reason in (("access_denied", "login-denied"), ("<script>", "login-refused")):
        begun = await house.begin()
        query = [("error", error), ("error_description", "<script>"), *house.idp.authorize(begun.url)[1:]]
        with pytest.raises(IdentityError) as caught:
            await house.logins.finish(query, begun.cookie)
        assert caught.value.reason == reason
        assert "script" not in caught.value.public + str(caught.value.__cause__)


async def test_step_up_asks_for_assurance_and_a_new_log_in():
    house = House(acr_strong=("phrh",))
    begun = await house.begin(acr=["phrh"], max_age=60)
    assert asked(begun.url)["acr_values"] == "phrh"
    assert asked(begun.url)["max_age"] == "60"
    signed_in = await house.logins.finish(house.idp.authorize(begun.url, acr="phrh", auth_time=NOW - 10), begun.cookie)
    assert signed_in.principal.assurance is Assurance.STRONG
    for auth_time in (None, NOW - 91, "now", True):
        begun = await house.begin(max_age=60)
        query = house.idp.authorize(begun.url, auth_time=auth_time)
        await house.refuses(query, begun.cookie, "login-refused", "token-auth-time")


@pytest.mark.parametrize("by", ["revocation", "another store"])
async def test_who_is_shut_out_cannot_sign_in(by):
    house = House()
    if by == "revocation":
        house.revocations.disable(person_id(ISSUER, "u-1"))
    else:
        house.shut_out.add(person_id(ISSUER, "u-1"))
    begun = await house.begin()
    await house.refuses(house.idp.authorize(begun.url), begun.cookie, "login-refused", "token-revoked")


@pytest.mark.parametrize("name", ["none", "tokens-only", ""])
async def test_where_people_cannot_sign_in(name):
    house = House()
    assert house.logins.names == ("main", "other")
    with pytest.raises(IdentityError) as caught:
        await house.logins.begin(name, REDIRECT)
    assert caught.value.reason == "login-invalid"


async def test_the_database_holds_nothing_that_could_be_used(tmp_path):
    house = House(Database(tmp_path / "identity.db"))
    begun = await house.begin()
    query = house.idp.authorize(begun.url)
    await house.logins.finish(query, begun.cookie)
    again = await house.begin()
    found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    verifier = house.idp.token_requests[0]["code_verifier"]
    for each in (begun, again):
        said = asked(each.url)
        for secret in (said["state"], said["nonce"], said["code_challenge"], each.cookie, verifier):
            assert secret.encode() not in found


async def test_another_process_may_end_what_this_one_began(tmp_path):
    here, there = House(Database(tmp_path / "i.db")), House(Database(tmp_path / "i.db"))
    begun = await here.begin()
    query = here.idp.authorize(begun.url)
    there.idp.codes = here.idp.codes
    assert await there.logins.finish(query, begun.cookie)
    await here.refuses(query, begun.cookie, "login-invalid")


async def test_many_attempts_push_out_the_oldest_only():
    house = House(limit=5)
    first = await house.begin()
    others = []
    for _ in range(5):
        house.clock.now += 1
        others.append(await house.begin())
    await house.refuses(house.idp.authorize(first.url), first.cookie, "login-invalid")
    for each in others:
        assert await house.logins.finish(house.idp.authorize(each.url), each.cookie)


# --- where to afterwards


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\\..\\b",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " /",
        "/ü",
        "/a b",
        "/" + "a" * 3000,
        "\\/evil.example",
        "/a\r\nset-cookie: x",
    ],
)
def test_paths_that_may_lead_elsewhere(path):
    assert safe_path(path) == "/"


@pytest.mark.parametrize("path", ["/", "/chat", "/chat?next=//x&y=%2F#z", "/a//b", "/%5c/evil.example"])
def test_paths_that_lead_here(path):
    assert safe_path(path) == path


@given(st.text(alphabet="/\\.:?#@ab\t\n %", max_size=12))
def test_a_safe_path_names_no_host(path):
    found = urlsplit(safe_path(path).replace("\\", "/"))
    assert not found.scheme
    assert not found.netloc
    assert found.path.startswith("/")

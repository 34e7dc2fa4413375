"""A real provider (``oidc_provider_mock``, on Authlib): discovery, keys, the code flow, ID tokens as bearer tokens."""

import json
import logging
import time
import warnings
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from chatward.core.errors import IdentityError, UpstreamError
from chatward.core.identity import Fetched, Presented
from chatward.identity.backchannel import Revocations
from chatward.identity.jose import TokenError
from chatward.identity.oidc import OidcAuthenticator
from chatward.identity.oidc_login import Logins
from chatward.identity.provider import person_id, providers
from chatward.settings import Oidc
from chatward.stores.database import Database
from tests.identity.headers import headers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock

REDIRECT = "http://127.0.0.1:1/sign-in"
ADA = oidc_provider_mock.User(sub="ada", claims={"groups": ["staff", "cw-ops"], "amr": ["pwd", "mfa"]})


@pytest.fixture(scope="module")
def issuer():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=[ADA]) as server:
        yield f"http://localhost:{server.server_port}"


class Wire:
    """The ``Fetch`` port over a real connection; remembers what it received."""

    def __init__(self):
        self.received = []

    async def __call__(self, method, url, sent=(), body=b""):
        try:
            async with httpx.AsyncClient(follow_redirects=False, trust_env=False) as client:
                answer = await client.request(method, url, headers=list(sent), content=body)
        except httpx.HTTPError as error:
            raise UpstreamError("no answer") from error
        self.received.append((urlsplit(url).path, answer.content))
        return Fetched(answer.status_code, list(answer.headers.items()), answer.content)


class House:
    def __init__(self, issuer, client_id="chatward"):
        self.wire = Wire()
        settings = Oidc(
            issuer=issuer,
            client_id=client_id,
            scopes=("openid", "profile"),
            roles_claim="groups",
            role_map={"cw-ops": "operator"},
        )
        database = Database(None)
        self.revocations = Revocations(database, time.time)
        built = providers({"mock": settings}, self.wire, time.time)
        self.logins = Logins(built, {"mock": "any secret"}, database, self.revocations, time.time)
        self.door = OidcAuthenticator(built, self.revocations, time.time)

    async def sign_in(self, sub="ada", action="authorize"):
        """As a browser would: to the provider, a click there, and back with what it says."""
        begun = await self.logins.begin("mock", REDIRECT, "/chat")
        async with httpx.AsyncClient(follow_redirects=False, trust_env=False) as browser:
            assert (await browser.get(begun.url)).status_code == 200
            back = await browser.post(begun.url, data={"sub": sub, "action": action})
        assert back.headers["location"].startswith(REDIRECT)
        query = parse_qsl(urlsplit(back.headers["location"]).query, keep_blank_values=True)
        return query, begun.cookie

    def id_token(self):
        return json.loads(next(body for path, body in self.wire.received if path == "/oauth2/token"))["id_token"]

    async def bearer(self, token):
        sent = Presented("POST", "https://chat.example/v1/chat", headers(("authorization", f"Bearer {token}")))
        return await self.door.identify(sent)


async def test_the_code_flow_and_the_token_as_bearer(issuer):
    house = House(issuer)
    query, cookie = await house.sign_in()
    signed_in = await house.logins.finish(query, cookie)
    assert signed_in.back == "/chat"
    assert signed_in.principal.id == person_id(issuer, "ada")
    assert signed_in.principal.roles == {"operator"}

    found = await house.bearer(house.id_token())
    assert (found.id, found.roles) == (signed_in.principal.id, {"operator"})
    assert house.door.valid(found)
    house.revocations.disable(found.id)
    assert not house.door.valid(found)


async def test_an_answer_is_good_once_and_in_its_browser(issuer):
    house = House(issuer)
    query, cookie = await house.sign_in()
    with pytest.raises(IdentityError) as caught:
        await house.logins.finish(query, "x" * 43)
    assert caught.value.reason == "login-invalid"
    await house.logins.finish(query, cookie)
    with pytest.raises(IdentityError) as caught:
        await house.logins.finish(query, cookie)
    assert caught.value.reason == "login-invalid"


async def test_who_says_no_is_not_signed_in(issuer):
    house = House(issuer)
    query, cookie = await house.sign_in(action="deny")
    with pytest.raises(IdentityError) as caught:
        await house.logins.finish(query, cookie)
    assert caught.value.reason in {"login-denied", "login-invalid"}


async def test_a_token_for_another_client_or_with_a_byte_changed_is_refused(issuer):
    house, other = House(issuer), House(issuer, "another")
    query, cookie = await house.sign_in()
    await house.logins.finish(query, cookie)
    token = house.id_token()
    with pytest.raises(TokenError) as caught:
        await other.bearer(token)
    assert caught.value.detail == "token-audience"
    head, body, signature = token.split(".")
    with pytest.raises(TokenError) as caught:
        await other.bearer(f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}")
    assert caught.value.detail == "token-signature"

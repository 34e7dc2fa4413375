"""Tokens of an identity provider at this server's door: who they make of somebody, and what is refused."""

import json
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey

from chatward.core.errors import ConfigError, IdentityError
from chatward.core.identity import Assurance, Kind, Presented, Principal
from chatward.identity import dpop
from chatward.identity.backchannel import Revocations
from chatward.identity.bound import certificate_thumbprint
from chatward.identity.jose import TokenError
from chatward.identity.jwks import Unreachable
from chatward.identity.oidc import OidcAuthenticator
from chatward.identity.provider import is_safe_url, person_id, providers, session_id
from chatward.settings import Oidc
from chatward.stores.database import Database
from tests.identity.headers import headers
from tests.simulators.idp import CLIENT, ISSUER, NOW, Clock, Idp, claims, public, sign, sign_raw

URL = "https://chat.example/v1/chat/completions"


class House:
    """One configured server, with one provider or two."""

    def __init__(self, database=None, **settings):
        self.clock, self.idp, self.other = Clock(), Idp(), Idp("https://other.example", [public("k1", "RS256")])
        found = {"main": Oidc(**({"issuer": ISSUER, "client_id": CLIENT} | settings))}
        found["other"] = Oidc(issuer="https://other.example", client_id=CLIENT, algorithms=("RS256",))
        self.providers = providers(found, self.fetch, self.clock)
        self.revocations = Revocations(database or Database(None), self.clock)
        self.door = OidcAuthenticator(self.providers, self.revocations, self.clock)

    async def fetch(self, method, url, sent=(), body=b""):
        return await (self.idp if url.startswith(ISSUER) else self.other)(method, url, sent, body)

    async def identify(self, *pairs, certificate=None):
        found = self.door.identify(Presented("POST", URL, headers(*pairs), certificate=certificate))
        return found if found is None or isinstance(found, Principal) else await found

    async def bearer(self, token, **others):
        return await self.identify(("authorization", f"Bearer {token}"), **others)

    async def refuses(self, token, detail, reason="token-invalid", scheme="Bearer", **others):
        with pytest.raises(TokenError) as caught:
            await self.identify(("authorization", f"{scheme} {token}"), **others)
        assert (caught.value.detail, caught.value.reason) == (detail, reason)


async def test_who_a_token_is_about():
    house = House(
        roles_claim="realm_access.roles",
        role_map={"cw-admins": "admin", "cw-audit": "auditor"},
        tenant_claim="org",
    )
    token = sign(claims(sid="s-1", org="acme", realm_access={"roles": ["cw-admins", "else", 7]}, name="Ada Lovelace"))
    found = await house.bearer(token)
    assert found == Principal(
        id=person_id(ISSUER, "u-1"),
        kind=Kind.PERSON,
        tenant="acme",
        roles=frozenset({"admin"}),
        assurance=Assurance.SINGLE,
        session=session_id(ISSUER, "s-1"),
        expires=NOW + 630,
        attributes={"idp": "main", "issued": repr(NOW), "idp_session": session_id(ISSUER, "s-1")},
    )
    assert house.door.valid(found)


async def test_ids_are_stable_unlike_each_other_and_say_nothing():
    assert person_id(ISSUER, "ada@example.com") == person_id(ISSUER, "ada@example.com")
    assert len({person_id(a, b) for a in (ISSUER, ISSUER + "/") for b in ("u-1", "u-2")}) == 4
    assert "ada" not in person_id(ISSUER, "ada@example.com")
    found = await House().bearer(sign(claims(sub="ada@example.com", email="ada@example.com", name="Ada")))
    assert "ada" not in repr(found).lower()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer cw_live_abc_def",
        "Bearer sk-1",
        "Basic eyJ.a.b",
        "Negotiate eyJ",
        "Bearer",
        "Bearer ",
        "eyJa.b.c",
        "DPoP cww_eyJ.b.c",
    ],
)
async def test_what_is_of_another_kind_is_not_looked_at(authorization):
    house = House()
    pairs = [("authorization", authorization)] if authorization else []
    assert await house.identify(*pairs) is None
    assert house.idp.asked == []


@pytest.mark.parametrize("token", ["eyJhbGciOiJub25lIn0.e30.", "a.b.c", "..", "eyJ", "a.b.c.d.e", '{"payload":"x"}'])
async def test_what_is_of_this_kind_and_not_good_is_refused(token):
    await House().refuses(token, "token-form")


async def test_several_headers_are_refused():
    with pytest.raises(IdentityError) as caught:
        await House().identify(("authorization", f"Bearer {sign(claims())}"), ("authorization", "Bearer cw_x"))
    assert caught.value.reason == "credentials-ambiguous"


REFUSED = {
    "an issuer that is not configured": (lambda: sign(claims(iss="https://evil.example")), "token-issuer"),
    "no issuer": (lambda: sign({k: v for k, v in claims().items() if k != "iss"}), "token-issuer"),
    "a key of another provider": (
        lambda: sign(claims(iss="https://other.example"), {"alg": "ES256"}),
        "token-algorithm",
    ),
    "another provider's issuer and this one's key": (
        lambda: sign(claims(iss="https://other.example"), alg="RS256", name="stolen"),
        "token-signature",
    ),
    "an unknown key": (lambda: sign(claims(), {"kid": "k9"}), "token-key-unknown"),
    "signed by somebody else": (lambda: sign(claims(), name="theirs"), "token-signature"),
    "another audience": (lambda: sign(claims(aud="else")), "token-audience"),
    "another party": (lambda: sign(claims(azp="else")), "token-party"),
    "a log-out token by its type": (lambda: sign(claims(), {"typ": "logout+jwt"}), "token-type"),
    "a log-out token by what it says": (lambda: sign(claims(events={"e": {}})), "token-type"),
    "bound in a way that is not known": (lambda: sign(claims(cnf={"kid": "a"})), "token-binding"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(name):
    token, detail = REFUSED[name]
    await House().refuses(token(), detail)


async def test_access_tokens_alone_where_that_is_wanted():
    house = House(token_types=("at+jwt",))
    await house.refuses(sign(claims()), "token-type")
    assert await house.bearer(sign(claims(), {"typ": "at+jwt"}))
    assert await house.bearer(sign(claims(), {"typ": "application/at+JWT"}))


async def test_audiences_and_clients_are_those_of_the_configuration():
    house = House(audiences=("api://chat",), clients=("spa",))
    assert await house.bearer(sign(claims(aud=["api://chat", "x"], azp="spa")))
    assert await house.bearer(sign(claims(aud="api://chat", client_id=CLIENT)))
    await house.refuses(sign(claims()), "token-audience")
    await house.refuses(sign(claims(aud="api://chat", azp="else")), "token-party")


async def test_roles_that_are_not_mapped_are_none():
    house = House(roles_claim="https://example.com/groups", role_map={"ops": "operator"})
    found = await house.bearer(sign(claims(**{"https://example.com/groups": ["admin", "ops"]})))
    assert found.roles == {"operator"}
    assert (await house.bearer(sign(claims(**{"https://example.com/groups": "ops"})))).roles == {"operator"}
    assert (await house.bearer(sign(claims(roles=["admin"])))).roles == frozenset()
    assert (await House().bearer(sign(claims(roles=["admin"])))).roles == frozenset()


@pytest.mark.parametrize("org", [None, "", "a b", "../x", 7, ["acme"], "x" * 65])
async def test_without_its_tenant_a_token_is_refused(org):
    await House(tenant_claim="org").refuses(sign(claims(org=org)), "token-tenant")


@pytest.mark.parametrize(
    ("said", "assurance"),
    [
        ({}, Assurance.SINGLE),
        ({"acr": "unknown", "amr": ["pwd", "otp"]}, Assurance.SINGLE),
        ({"amr": ["pwd", "mfa"]}, Assurance.MULTI),
        ({"amr": "mfa"}, Assurance.SINGLE),
        ({"acr": "2fa"}, Assurance.MULTI),
        ({"acr": "phrh"}, Assurance.STRONG),
        ({"acr": ["phrh"]}, Assurance.SINGLE),
        ({"amr": ["hwk", "user", "mfa"]}, Assurance.MULTI),
    ],
)
async def test_assurance_is_what_the_configuration_says(said, assurance):
    house = House(acr_multi=("2fa",), acr_strong=("phrh",))
    assert (await house.bearer(sign(claims(**said)))).assurance is assurance


async def test_a_token_is_verified_once_and_again_when_keys_are_due():
    house = House(keys_fresh=300)
    token = sign(claims())
    first = await house.bearer(token)
    house.idp.down = True
    assert house.door.identify(Presented("POST", URL, headers(("authorization", f"Bearer {token}")))) is first
    house.idp.down, house.idp.keys = False, []
    house.clock.now += 300
    await house.refuses(token, "token-key-unknown")


async def test_a_remembered_token_ends_when_it_says():
    house = House()
    token = sign(claims())
    found = await house.bearer(token)
    house.clock.now += 629
    assert house.door.valid(found)
    assert await house.bearer(token)
    house.clock.now += 1
    assert not house.door.valid(found)
    await house.refuses(token, "token-expired", "token-expired")


async def test_few_tokens_are_remembered():
    house = House()
    house.door = OidcAuthenticator(house.providers, house.revocations, house.clock, remembered=3)
    for number in range(10):
        await house.bearer(sign(claims(jti=str(number))))
    assert len(house.door._known) == 3


async def test_while_the_provider_is_down_nobody_new_is_known():
    house = House()
    house.idp.down = True
    with pytest.raises(Unreachable) as caught:
        await house.bearer(sign(claims()))
    assert caught.value.status == 503


# --- revocation


async def test_who_is_logged_out_is_refused_from_the_next_message_on(tmp_path):
    """Also over an open stream (``valid``), also in another process (another database on the same file)."""
    here, there = House(Database(tmp_path / "i.db")), House(Database(tmp_path / "i.db"))
    token = sign(claims(sid="s-1"))
    principal = await here.bearer(token)
    assert principal == await there.bearer(token)
    here.revocations.end(session=principal.session)
    for house in (here, there):
        assert not house.door.valid(principal)
        await house.refuses(token, "token-revoked", "token-revoked")
        assert await house.bearer(sign(claims(sid="s-2")))


async def test_a_person_who_is_shut_out_is_so_until_let_in_again():
    house = House()
    principal = await house.bearer(sign(claims()))
    house.revocations.disable(principal.id)
    assert not house.door.valid(principal)
    await house.refuses(sign(claims(iat=NOW + 5)), "token-revoked", "token-revoked")
    assert await house.bearer(sign(claims(sub="u-2")))
    house.clock.now += 10
    house.revocations.enable(principal.id)
    await house.refuses(sign(claims()), "token-revoked", "token-revoked")
    assert await house.bearer(sign(claims(iat=NOW + 11)))


async def test_what_another_store_knows_of_a_person_counts_each_time():
    house = House()
    shut_out = set()

    def join(principal, issuer, said):
        assert (issuer, said["sub"]) == (ISSUER, "u-1")
        return replace(principal, attributes={**principal.attributes, "link": said["email"]})

    joined = providers({"main": Oidc(issuer=ISSUER, client_id=CLIENT)}, house.fetch, house.clock, join)
    house.door = OidcAuthenticator(
        joined, house.revocations, house.clock, admits=lambda principal: principal.attributes["link"] not in shut_out
    )
    token = sign(claims(email="ada@example.com"))
    principal = await house.bearer(token)
    assert house.door.valid(principal)
    shut_out.add("ada@example.com")
    assert not house.door.valid(principal)
    await house.refuses(token, "token-revoked", "token-revoked")


# --- bound tokens

MINE = ECKey.generate_key("P-256")


def proof(token, jti="one"):
    said = {"jti": jti, "htm": "POST", "htu": URL, "iat": NOW, "ath": dpop.digest(token)}
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": MINE.as_dict(private=False)}
    return sign_raw(json.dumps(header), json.dumps(said), with_key=MINE)


async def test_a_token_bound_to_a_key():
    house = House()
    token = sign(claims(cnf={"jkt": MINE.thumbprint()}))
    sent = ("authorization", f"DPoP {token}"), ("dpop", proof(token))
    found = await house.identify(*sent)
    assert found.assurance is Assurance.MULTI
    with pytest.raises(IdentityError) as caught:
        await house.identify(*sent)
    assert caught.value.reason == "dpop-proof-replayed"
    assert await house.identify(sent[0], ("dpop", proof(token, "two"))) is found
    # Known or not: never as bearer, never without its proof.
    for each in (house, House()):
        await each.refuses(token, "token-scheme")
        await each.refuses(token, "token-proof-missing", scheme="DPoP")


async def test_a_bearer_token_does_not_become_bound_by_its_scheme():
    token = sign(claims())
    with pytest.raises(TokenError) as caught:
        await House().identify(("authorization", f"DPoP {token}"), ("dpop", proof(token)))
    assert caught.value.detail == "token-scheme"


async def test_a_token_bound_to_a_certificate():
    house = House()
    token = sign(claims(cnf={"x5t#S256": certificate_thumbprint(b"der")}))
    assert (await house.bearer(token, certificate=b"der")).assurance is Assurance.MULTI
    for certificate in (None, b"other"):
        await house.refuses(token, "token-certificate", certificate=certificate)


# --- the provider's description


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": ISSUER + "/"},
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://idp.example/jwks"},
        {"jwks_uri": None},
        {"jwks_uri": ["https://idp.example/jwks"]},
        {"token_endpoint": "http://idp.example/token"},
        {"token_endpoint": "https://user@idp.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_descriptions_that_are_not_used(said):
    house = House()
    house.idp.metadata = said
    with pytest.raises(Unreachable):
        await house.bearer(sign(claims()))


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://idp.example", True),
        ("https://idp.example:8443/realms/x?y=z", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080/a", True),
        ("http://localhost:8080", True),
        ("http://idp.example", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("https://user:pass@idp.example", False),
        ("https://idp.example#x", False),
        ("https://idp.example\\@evil.example", False),
        ("https://", False),
        ("https://idp.example:99999", False),
        ("https://idp .example", False),
        ("ftp://idp.example", False),
        ("//idp.example", False),
        ("", False),
    ],
)
def test_addresses_of_a_provider(url, safe):
    assert is_safe_url(url) == safe


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://idp.example"},
        {"issuer": ISSUER + "?x"},
        {"client_id": ""},
        {"algorithms": ()},
        {"algorithms": ("none",)},
        {"algorithms": ("HS256",)},
        {"token_types": ()},
        {"scopes": ("email",)},
        {"role_map": {"a": "b"}},
        {"issuer": "https://other.example"},
    ],
)
def test_settings_that_are_not_used(settings):
    with pytest.raises(ConfigError) as caught:
        House(**settings)
    assert caught.value.key.startswith("identity.oidc.")

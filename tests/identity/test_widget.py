"""Visitors: nobody knows them, but nobody else can be them. What a thief can do with what."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from chatward.core import base64url
from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Grants, Kind, Presented, Principal
from chatward.identity.widget import PREFIX, TYPE, Claims, Signer, Widget, claims_of
from chatward.stores.database import Database
from tests.identity.headers import headers
from tests.simulators.visitor import CHAT, SESSION, SHOP, Page

NOW = 1_800_000_000.0
BLOG = "https://blog.example"


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "identity.db"


@pytest.fixture
def database(path):
    made = Database(path)
    yield made
    made.close()


@pytest.fixture
def allowed():
    return {"shop": {SHOP}, "blog": {BLOG, SHOP}}


@pytest.fixture
def widget(database, clock, allowed):
    return Widget(database, lambda bot: allowed.get(bot, ()), clock)


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def token(widget, page, clock):
    return widget.issue(page.request(clock, SESSION), "shop").token


def refused(ask, *arguments):
    with pytest.raises(IdentityError) as caught:
        ask(*arguments)
    return caught.value.reason


def test_a_page_gets_a_session_and_is_known_by_it(widget, page, clock):
    issued = widget.issue(page.request(clock, SESSION), "shop")
    principal = widget.identify(page.request(clock, token=issued.token))
    assert principal.id == f"visitor:{issued.session}"
    assert (principal.kind, principal.assurance) == (Kind.VISITOR, Assurance.SINGLE)
    assert principal.session == issued.session
    assert principal.grants == Grants(bots=("shop",))
    assert principal.expires == issued.expires == NOW + 900
    assert principal.attributes["origin"] == SHOP
    assert widget.valid(principal)
    assert issued.token not in repr(issued)
    other = widget.issue(Page().request(clock, SESSION), "shop")
    assert other.session != issued.session


@pytest.mark.parametrize(
    "pairs", [[], [("authorization", "Bearer cw_live_x")], [("x-api-key", "sk-1")], [("dpop", "x")]]
)
def test_what_is_not_of_its_kind(widget, pairs):
    assert widget.identify(Presented("POST", CHAT, headers(*pairs))) is None


# --- who may have one


@pytest.mark.parametrize(
    "origin",
    [None, "", "null", BLOG, SHOP + "/", SHOP + ".evil.example", "http://shop.example", "https://shop.example:8443",
     "https://SHOP.example", SHOP + " ", "https://shop.example@evil.example"],
)  # fmt: skip
def test_only_pages_of_the_list(widget, page, clock, origin):
    assert refused(widget.issue, page.request(clock, SESSION, origin=origin), "shop") == "origin-not-allowed"


def test_two_origins_are_none(widget, page, clock):
    presented = page.request(clock, SESSION)
    twice = Presented(
        "POST", SESSION, headers(("dpop", presented.headers.get("dpop")), ("origin", SHOP), ("origin", SHOP))
    )
    assert refused(widget.issue, twice, "shop") == "origin-not-allowed"


def test_null_and_wildcards_on_a_list_let_nobody_in(database, clock, page):
    widget = Widget(database, lambda bot: {"null", "*", "https://*.example"}, clock)
    for origin in ("null", "*", "https://*.example", SHOP):
        assert refused(widget.issue, page.request(clock, SESSION, origin=origin), "shop") == "origin-not-allowed"


def test_a_bot_without_a_widget(widget, page, clock):
    assert refused(widget.issue, page.request(clock, SESSION), "other") == "origin-not-allowed"


def test_a_session_needs_a_proof_for_this_very_request(widget, page, clock):
    bare = Presented("POST", SESSION, headers(("origin", SHOP)))
    assert refused(widget.issue, bare, "shop") == "dpop-proof-missing"
    elsewhere = page.request(clock, SESSION, proof=page.proof("POST", "https://evil.example/", clock.now))
    assert refused(widget.issue, elsewhere, "shop") == "dpop-proof-invalid"
    presented = page.request(clock, SESSION)
    widget.issue(presented, "shop")
    assert refused(widget.issue, presented, "shop") == "dpop-proof-replayed"


def test_the_key_is_of_one_kind(widget, clock):
    page = Page(key=OKPKey.generate_key("Ed25519"))
    with pytest.warns(match="EdDSA"):
        presented = page.request(clock, SESSION)
    assert refused(widget.issue, presented, "shop") == "dpop-proof-invalid"


# --- what a thief can do


def test_a_token_without_its_key(widget, token, clock):
    thief = Page()
    assert refused(widget.identify, thief.request(clock, token=token)) == "dpop-proof-invalid"


def test_a_token_without_any_proof(widget, token):
    bare = Presented("POST", CHAT, headers(("authorization", f"DPoP {token}"), ("origin", SHOP)))
    assert refused(widget.identify, bare) == "dpop-proof-missing"


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
def test_a_token_as_a_plain_one(widget, page, token, clock, name):
    value = f"Bearer {token}" if name == "authorization" else token
    proof = page.proof("POST", CHAT, clock.now, token)
    presented = Presented("POST", CHAT, headers((name, value), ("origin", SHOP), ("dpop", proof)))
    assert refused(widget.identify, presented) == "visitor-invalid"


def test_a_token_and_a_proof_a_second_time(widget, page, token, clock):
    presented = page.request(clock, token=token)
    widget.identify(presented)
    assert refused(widget.identify, presented) == "dpop-proof-replayed"
    clock.now += 61
    assert refused(widget.identify, presented) == "dpop-proof-stale"


@pytest.mark.parametrize(
    ("method", "url"), [("GET", CHAT), ("POST", "https://chat.example/v1/responses"), ("POST", "https://b.example/v1")]
)
def test_a_proof_at_another_place(widget, page, token, clock, method, url):
    proof = page.proof("POST", CHAT, clock.now, token)
    assert refused(widget.identify, page.request(clock, url, token, method, proof)) == "dpop-proof-invalid"


def test_a_proof_with_another_token(widget, page, token, clock):
    other = widget.issue(page.request(clock, SESSION), "shop").token
    proof = page.proof("POST", CHAT, clock.now, other)
    assert refused(widget.identify, page.request(clock, token=token, proof=proof)) == "dpop-proof-invalid"
    proof = page.proof("POST", CHAT, clock.now)
    assert refused(widget.identify, page.request(clock, token=token, proof=proof)) == "dpop-proof-invalid"


@pytest.mark.parametrize("origin", [BLOG, "null", "", None])
def test_from_another_origin(widget, page, token, clock, origin):
    assert refused(widget.identify, page.request(clock, token=token, origin=origin)) == "origin-not-allowed"


def test_browsers_send_no_origin_with_some_gets(widget, page, token, clock):
    assert widget.identify(page.request(clock, token=token, method="GET", origin=None))
    assert refused(widget.identify, page.request(clock, token=token, method="GET", origin=BLOG)) == "origin-not-allowed"


# --- what somebody can make up


def forge(body=None, key=None, **header):
    claims = {
        "origin": SHOP,
        "bot": "shop",
        "sid": "s",
        "cnf": {"jkt": "x"},
        "began": NOW,
        "iat": NOW,
        "exp": NOW + 900,
    }
    head = {"alg": "HS256", "typ": TYPE, "kid": "k"} | header
    registry = jws.JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    text = jws.serialize_compact(
        head, json.dumps(claims | (body or {})), key or OctKey.generate_key(256), registry=registry
    )
    return PREFIX + text


def test_tokens_of_one_s_own(widget, database, page, token, clock):
    kid = base64url.compact(token.removeprefix(PREFIX)).header["kid"]
    (secret,) = database.row("SELECT secret FROM visitor_keys")
    right = OctKey.import_key(secret)
    public = json.dumps(page.key.as_dict(private=False))
    jwk = {"cnf": {"jkt": page.key.thumbprint()}}
    assert widget.identify(page.request(clock, token=forge(jwk, right, kid=kid)))  # this is how to make a good one
    head, body, signature = token.removeprefix(PREFIX).split(".")
    none = base64url.encode(json.dumps({"alg": "none", "typ": TYPE, "kid": kid}).encode())
    changed = base64url.encode(base64url.decode(body).replace(b'"shop"', b'"blog"'))
    for text in (
        PREFIX,
        PREFIX + "x",
        token + "x",
        token[:-1],
        token + "=",
        forge(jwk, kid=kid),
        forge(jwk, right, kid="unknown"),
        forge(jwk, right, kid="' OR 1=1 --"),
        forge(jwk, right, kid=kid, typ="JWT"),
        forge(jwk, right, kid=kid, alg="HS384"),
        forge(jwk, right, kid=kid, jwk={"kty": "oct", "k": "eA"}),
        forge(jwk, OctKey.import_key(public), kid=kid),
        forge(jwk, page.key, kid=kid, alg="ES256"),
        f"{PREFIX}{head}.{changed}.{signature}",
        f"{PREFIX}{none}.{body}.{signature}",
        f"{PREFIX}{none}.{body}.",
        PREFIX + token,
    ):
        assert refused(widget.identify, page.request(clock, token=text)) == "visitor-invalid", text


def test_every_slip_of_one_character(widget, page, token, clock):
    signer = widget._signer
    assert signer.read(token) is not None
    for at in range(len(token)):
        for other in "A_.-9":
            if token[at] != other:
                assert signer.read(token[:at] + other + token[at + 1 :]) is None


# --- how it ends


def test_it_expires(widget, page, token, clock):
    principal = widget.identify(page.request(clock, token=token))
    clock.now += 899
    assert widget.valid(principal)
    assert widget.identify(page.request(clock, token=token))
    clock.now += 1
    assert not widget.valid(principal)
    assert refused(widget.identify, page.request(clock, token=token)) == "session-expired"


def test_a_page_renews_it_and_stays_the_same_visitor(widget, page, clock):
    first = widget.issue(page.request(clock, SESSION), "shop")
    issued, passed = first, 0
    while passed + 800 < 43_200:
        clock.now, passed = clock.now + 800, passed + 800
        issued = widget.issue(page.request(clock, SESSION, issued.token), "shop")
        assert issued.session == first.session
    assert issued.expires == NOW + 43_200
    clock.now = NOW + 43_200
    assert refused(widget.issue, page.request(clock, SESSION, issued.token), "shop") == "session-expired"


def test_nobody_else_renews_it_and_not_for_another_bot(widget, page, token, clock):
    assert refused(widget.issue, Page().request(clock, SESSION, token), "shop") == "dpop-proof-invalid"
    assert refused(widget.issue, page.request(clock, SESSION, token), "blog") == "visitor-invalid"
    assert refused(widget.issue, page.request(clock, SESSION, token, scheme="Bearer"), "shop") == "visitor-invalid"
    clock.now += 900
    assert refused(widget.issue, page.request(clock, SESSION, token), "shop") == "session-expired"


def test_it_is_revoked_by_another_process_and_not_renewed(widget, page, token, clock, path):
    principal = widget.identify(page.request(clock, token=token))
    elsewhere = Database(path)
    Widget(elsewhere, lambda bot: (), clock).revoke(principal.session)
    elsewhere.close()
    assert not widget.valid(principal)
    assert refused(widget.identify, page.request(clock, token=token)) == "session-expired"
    assert refused(widget.issue, page.request(clock, SESSION, token), "shop") == "session-expired"
    assert widget.issue(page.request(clock, SESSION), "shop").session != principal.session


def test_revocations_outlast_what_they_revoke_and_then_go(widget, database, clock):
    widget.revoke("one")
    clock.now += 43_199
    widget.revoke("two")
    assert database.row("SELECT count(*) FROM visitor_revocations") == (2,)
    clock.now += 2
    widget.revoke("three")
    assert database.row("SELECT count(*) FROM visitor_revocations") == (2,)


def test_all_are_revoked(widget, page, token, clock):
    principal = widget.identify(page.request(clock, token=token))
    widget.revoke_all()
    assert not widget.valid(principal)
    assert refused(widget.identify, page.request(clock, token=token)) == "visitor-invalid"
    fresh = widget.issue(page.request(clock, SESSION), "shop").token
    assert widget.identify(page.request(clock, token=fresh))


def test_an_origin_that_is_no_longer_allowed(widget, page, token, clock, allowed):
    principal = widget.identify(page.request(clock, token=token))
    allowed["shop"] = {BLOG}
    assert not widget.valid(principal)
    assert refused(widget.identify, page.request(clock, token=token)) == "origin-not-allowed"


def test_valid_is_for_what_it_gave_out(widget, page, token, clock):
    principal = widget.identify(page.request(clock, token=token))
    for changed in ({"kind": Kind.PERSON}, {"expires": None}, {"attributes": {}}):
        facts = {"id": principal.id, "kind": principal.kind, "session": principal.session}
        facts |= {"expires": principal.expires, "attributes": principal.attributes} | changed
        assert not widget.valid(Principal(**facts))


def test_a_bot_s_name_is_no_pattern(database, clock, page):
    widget = Widget(database, lambda bot: {SHOP}, clock)
    token = widget.issue(page.request(clock, SESSION), "*").token
    assert widget.identify(page.request(clock, token=token)).grants == Grants(bots=("[*]",))


# --- the keys of this installation


def claims(at):
    return Claims(SHOP, "shop", "s", "x", at, at, at + 900)


def test_keys_change_every_month_and_old_ones_stay_as_long_as_needed(database, clock):
    signer = Signer(database, clock)
    tokens = []
    for _ in range(4):
        tokens += [signer.sign(claims(clock.now)), signer.sign(claims(clock.now))]
        clock.now += 31 * 86_400
    kids = [base64url.compact(token.removeprefix(PREFIX)).header["kid"] for token in tokens]
    assert kids[::2] == kids[1::2]
    assert len(set(kids)) == 4
    clock.now -= 31 * 86_400 - 43_200
    assert signer.read(tokens[-1]) is not None
    assert signer.read(tokens[0]) is None


def test_processes_share_them(database, clock, path):
    other = Database(path)
    here, there = Signer(database, clock), Signer(other, clock)
    assert there.read(here.sign(claims(NOW))).session == "s"
    there.sign(claims(NOW))
    assert database.row("SELECT count(*) FROM visitor_keys") == (1,)
    other.close()


# --- the pure part


@pytest.mark.parametrize("origin", [None, "", "null", BLOG, SHOP + "/", "*"])
def test_no_claims_for_other_origins(origin):
    facts = {"bot": "b", "key": "k", "session": "s", "now": NOW}
    assert claims_of(SHOP, ["*", "null", SHOP], **facts).origin == SHOP
    assert refused(lambda: claims_of(origin, ["*", "null", SHOP], **facts)) == "origin-not-allowed"


@given(st.floats(0, 1e9), st.floats(1, 1e5), st.floats(1, 1e6), st.floats(0, 2e6) | st.none())
def test_no_token_outlives_its_session(now, lifetime, longest, age):
    began = None if age is None else now - age

    def made():
        return claims_of(
            SHOP, [SHOP], bot="b", key="k", session="s", now=now, began=began, lifetime=lifetime, longest=longest
        )

    if min(now + lifetime, (now if began is None else began) + longest) <= now:
        assert refused(made) == "session-expired"
    else:
        assert now < made().expires <= min(now + lifetime, made().began + longest)

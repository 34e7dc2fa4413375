"""What a token must look like and say: an attack table, and laws."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey, RSAKey

from chatward.identity.jose import ALGORITHMS, Expected, TokenError, check, key_from, read, verify
from tests.simulators.idp import CLIENT, ISSUER, NOW, b64, claims, key, public, sign, sign_raw

ALL = tuple(ALGORITHMS)
EXPECTED = Expected(ISSUER, frozenset({CLIENT}), frozenset({"jwt"}), frozenset({CLIENT}), skew=30, max_age=86_400)


def believed(token, jwk=None, expected=EXPECTED, now=NOW, algorithms=ALL):
    found = read(token, algorithms)
    verify(found.jws, key_from(jwk or public("k1")))
    return check(found, expected, now)


def refused(token, detail, reason="token-invalid", **others):
    with pytest.raises(TokenError) as caught:
        believed(token, **others)
    assert (caught.value.detail, caught.value.reason, caught.value.status) == (detail, reason, 401)
    assert caught.value.public == "The token is not accepted. Sign in again and use a new one."


def test_a_good_token_is_believed():
    assert believed(sign(claims()))["sub"] == "u-1"


HEADERS = {
    "jku": ({"jku": "https://evil.example/jwks"}, "token-header"),
    "x5u": ({"x5u": "https://evil.example/c.pem"}, "token-header"),
    "x5c": ({"x5c": ["MIIB"]}, "token-header"),
    "jwk": ({"jwk": {"kty": "EC"}}, "token-header"),
    "zip": ({"zip": "DEF"}, "token-header"),
    "crit": ({"crit": ["exp"], "exp": 1}, "token-form"),
    "crit, empty": ({"crit": []}, "token-form"),
    "b64": ({"b64": False, "crit": ["b64"]}, "token-form"),
    "b64 true": ({"b64": True}, "token-form"),
    "nested": ({"cty": "JWT"}, "token-type"),
    "no alg": ({"alg": None}, "token-form"),
    "alg a list": ({"alg": ["ES256"]}, "token-form"),
    "alg unknown": ({"alg": "ES257"}, "token-algorithm"),
    "alg in lower case": ({"alg": "es256"}, "token-algorithm"),
    "kid a number": ({"kid": 1}, "token-key-id"),
    "kid an object": ({"kid": {"a": 1}}, "token-key-id"),
    "kid empty": ({"kid": ""}, "token-key-id"),
    "kid too long": ({"kid": "k" * 257}, "token-key-id"),
    "kid not Unicode": ({"kid": "\ud800"}, "token-key-id"),
    "typ a number": ({"typ": 7}, "token-type"),
    "typ of a log-out token": ({"typ": "logout+jwt"}, "token-type"),
    "typ of a proof": ({"typ": "dpop+jwt"}, "token-type"),
    "typ of an access token": ({"typ": "at+jwt"}, "token-type"),
    "header too large": ({"x": "x" * 4096}, "token-size"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_refused(name):
    header, detail = HEADERS[name]
    refused(sign(claims(), header), detail)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt", "APPLICATION/JWT", None])
def test_types_are_compared_as_media_types(typ):
    assert believed(sign(claims(), {"typ": typ}))


def test_unknown_members_of_a_header_are_ignored():
    assert believed(sign(claims(), {"x5t": "abc", "nonce": "n"}))


CLAIMS = {
    "another issuer": ({"iss": "https://evil.example"}, "token-issuer"),
    "issuer with a slash more": ({"iss": ISSUER + "/"}, "token-issuer"),
    "issuer in capitals": ({"iss": ISSUER.upper()}, "token-issuer"),
    "issuer a list": ({"iss": [ISSUER]}, "token-issuer"),
    "no issuer": ({"iss": None}, "token-issuer"),
    "another audience": ({"aud": "else"}, "token-audience"),
    "no audience": ({"aud": None}, "token-audience"),
    "empty audience": ({"aud": []}, "token-audience"),
    "audience within a string": ({"aud": f"x {CLIENT} y"}, "token-audience"),
    "audience an object": ({"aud": {CLIENT: 1}}, "token-audience"),
    "audiences with a number": ({"aud": [CLIENT, 1], "azp": CLIENT}, "token-audience"),
    "too many audiences": ({"aud": [CLIENT] * 65, "azp": CLIENT}, "token-audience"),
    "another party": ({"azp": "else"}, "token-party"),
    "another client_id": ({"client_id": "else"}, "token-party"),
    "parties that differ": ({"azp": CLIENT, "client_id": "else"}, "token-party"),
    "party a list": ({"azp": [CLIENT]}, "token-party"),
    "several audiences and no party": ({"aud": [CLIENT, "else"]}, "token-party"),
    "no exp": ({"exp": None}, "token-exp"),
    "exp a string": ({"exp": str(NOW + 60)}, "token-exp"),
    "exp true": ({"exp": True}, "token-exp"),
    "exp negative": ({"exp": -1}, "token-exp"),
    "exp beyond reason": ({"exp": 1e300}, "token-exp"),
    "no iat": ({"iat": None}, "token-iat"),
    "iat an object": ({"iat": {}}, "token-iat"),
    "iat in the future": ({"iat": NOW + 31}, "token-not-yet"),
    "nbf in the future": ({"nbf": NOW + 31}, "token-not-yet"),
    "nbf a string": ({"nbf": "0"}, "token-nbf"),
    "no sub": ({"sub": None}, "token-subject"),
    "sub empty": ({"sub": ""}, "token-subject"),
    "sub a number": ({"sub": 1}, "token-subject"),
    "sub too long": ({"sub": "s" * 256}, "token-subject"),
    "sub with a control": ({"sub": "a\nb"}, "token-subject"),
    "sub not Unicode": ({"sub": "\udfff"}, "token-subject"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_that_are_refused(name):
    changed, detail = CLAIMS[name]
    said = claims(**changed)
    refused(sign({name: value for name, value in said.items() if changed.get(name, 0) is not None}), detail)


def test_what_is_over_is_told_as_such():
    refused(sign(claims(exp=NOW - 30)), "token-expired", "token-expired")
    refused(sign(claims(iat=NOW - 86_431, exp=NOW + 60)), "token-too-old", "token-expired")


@pytest.mark.parametrize("changed", [{"exp": NOW - 29}, {"iat": NOW + 30}, {"nbf": NOW + 30}, {"iat": NOW - 86_429}])
def test_clocks_may_differ_by_the_skew(changed):
    assert believed(sign(claims(**changed)))


def test_several_audiences_with_the_right_party_are_accepted():
    assert believed(sign(claims(aud=["else", CLIENT], azp=CLIENT)))


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(claims())[:-1] + f', "iss": "{ISSUER}"}}',
        json.dumps(claims())[:-1] + ', "sub": "admin"}',
        json.dumps(claims())[:-1] + ', "cnf": {"jkt": "a", "jkt": "b"}}',
        "\ufeff" + json.dumps(claims()),
        json.dumps(claims()) + "{}",
        json.dumps([claims()]),
        json.dumps(claims()).replace("600", "NaN"),
        '{"a":' * 3000 + "1" + "}" * 3000,
        b"\xff\xfe",
        "null",
    ],
    ids=["iss twice", "sub twice", "inside", "bom", "two", "list", "nan", "deep", "not utf-8", "null"],
)
def test_payloads_that_have_no_one_meaning(payload):
    refused(sign_raw(json.dumps({"alg": "ES256", "kid": "k1"}), payload), "token-form")


def test_a_header_with_a_name_twice_is_refused():
    header = '{"alg":"none","alg":"ES256","kid":"k1"}'
    refused(sign_raw(header, json.dumps(claims())), "token-form")


def test_a_token_that_is_too_long_is_not_looked_at():
    refused(sign(claims(x="x" * 16_384)), "token-form")


def test_only_configured_algorithms_count():
    refused(sign(claims()), "token-algorithm", algorithms=["RS256"])
    refused(sign(claims(), {"alg": "none"}), "token-algorithm", algorithms=["none", "ES256"])
    secret = OctKey.import_key("secret" * 8)
    token = sign(claims(), {"alg": "HS256"}, "HS256", with_key=secret)
    refused(token, "token-algorithm", algorithms=["HS256", "ES256"])


def test_errors_say_nothing_of_the_token():
    with pytest.raises(TokenError) as caught:
        believed(sign(claims(sub="secret-subject", exp=NOW - 100)))
    assert "secret-subject" not in repr(caught.value) + str(caught.value.args)
    assert "secret-subject" not in repr(read(sign(claims(sub="secret-subject")), ALL))


# --- keys

SHORT = {"kty": "RSA", "n": b64((2**1023 + 1).to_bytes(128)), "e": "AQAB"}
RSA = public("k1", "RS256")


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "k1",
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "future", "kid": "k1"},
        dict(key("ES256").as_dict(private=True)),
        SHORT,
        RSA | {"n": b64((2**8200 + 1).to_bytes(1026))},
        RSA | {"e": b64(b"\1")},
        RSA | {"e": b64(b"\2")},
        RSA | {"e": b64(b"\1" * 5)},
        RSA | {"n": RSA["n"] + "="},
        RSA | {"n": 7},
        RSA | {"alg": "HS256"},
        RSA | {"alg": 1},
        RSA | {"kid": 1},
        RSA | {"kid": "k" * 257},
        public("k1") | {"crv": "P-999"},
        public("k1") | {"crv": "P-384"},
        public("k1") | {"crv": ["P-256"]},
        public("k1") | {"x": b64(bytes(32))},
        public("k1") | {"x": b64(bytes(31))},
        public("k1") | {"alg": "ES384"},
        public("k1", "EdDSA") | {"crv": "Ed448"},
        public("k1", "EdDSA") | {"crv": "X25519"},
        public("k1", "EdDSA") | {"x": b64(b"\1" + bytes(31))},
    ],
)
def test_keys_of_no_use_are_passed_over(jwk):
    assert key_from(jwk) is None


def test_a_key_is_for_the_algorithms_of_its_type_curve_and_own_alg():
    assert key_from(public("k1")).algorithms == {"ES256"}
    assert key_from(public("k1", "EdDSA")).algorithms == {"EdDSA"}
    assert key_from(RSA).algorithms == {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    assert key_from(RSA | {"alg": "PS256"}).algorithms == {"PS256"}
    assert key_from(RSA, ["RS256", "ES256"]).algorithms == {"RS256"}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_short_rsa_key_verifies_nothing():
    assert key_from(dict(RSAKey.generate_key(1024).as_dict(private=False))) is None


# --- laws


@given(st.integers(0, 2**20), st.integers(0, 255))
def test_a_token_with_any_byte_changed_is_refused(at, byte):
    good = sign(claims())
    changed = good[: at % len(good)] + chr(byte) + good[at % len(good) + 1 :]
    if changed != good:
        with pytest.raises(TokenError):
            believed(changed)


@given(st.text(max_size=200) | st.binary(max_size=200).map(b64))
def test_reading_raises_nothing_else(text):
    for token in (text, f"{text}.{text}.{text}"):
        with pytest.raises(TokenError):
            believed(token)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "azp", "client_id"]), _json)
def test_any_value_of_any_claim_is_good_or_refused(name, value):
    try:
        found = believed(sign_raw(json.dumps({"alg": "ES256", "kid": "k1"}), json.dumps(claims() | {name: value})))
    except TokenError:
        return
    assert found["iss"] == ISSUER
    assert CLIENT in ([found["aud"]] if isinstance(found["aud"], str) else found["aud"])
    assert found["exp"] > NOW - 30
    assert isinstance(found["sub"], str)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid", "key_ops"]), _json))
def test_any_jwk_is_a_key_or_none(jwk):
    key_from(public("k1") | jwk)
    key_from(public("k1", "RS256") | jwk)

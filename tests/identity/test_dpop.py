"""RFC 9449 section 4.3, a test for each check; the RFC's own examples; attacks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey

from chatward.core import base64url
from chatward.core.errors import IdentityError
from chatward.identity import dpop
from tests.identity.headers import headers

# RFC 9449 section 4.1, figure 2, and section 7.1, figure 12; section 6.1 gives the thumbprint.
_KEY = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRj"
    "QyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
RFC_TOKEN_REQUEST = (
    f"{_KEY}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIi"
    "wiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RFC_RESOURCE_REQUEST = (
    f"{_KEY}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZW"
    "N0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW"
    "9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

NOW = 1_800_000_000.0
URL = "https://chat.example/v1/chat/completions"
KEY = ECKey.generate_key("P-256")
TOKEN = "a-token"


def proof(key=KEY, *, header=None, alg=None, **claims) -> str:
    alg = alg or ("ES256" if isinstance(key, ECKey) else "EdDSA")
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)} | (header or {})
    body = {"jti": "one", "htm": "POST", "htu": URL, "iat": NOW, "ath": dpop.digest(TOKEN)} | claims
    body = {name: value for name, value in body.items() if value is not None}
    head = {name: value for name, value in head.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[head.get("alg", alg)], strict_check_header=False)
    registry.max_header_length = 100_000
    return jws.serialize_compact(head, json.dumps(body), key, registry=registry)


def verify(text, *, key=KEY, seen=None, **others):
    seen = dpop.SeenProofs() if seen is None else seen
    asked = {"method": "POST", "url": URL, "now": NOW, "token": TOKEN, "bound": key.thumbprint()} | others
    return dpop.verify(text, seen=seen, **asked)


def refused(reason, text, *, check=None, **others):
    """``check``: the one that must have failed, as the cause says."""
    with pytest.raises(IdentityError) as caught:
        verify(text, **others)
    assert caught.value.reason == reason
    assert check is None or str(caught.value.__cause__) == f"DPoP: {check}"
    return caught.value


# --- what the RFC shows


def test_the_example_of_a_token_request():
    found = dpop.verify(
        RFC_TOKEN_REQUEST,
        method="POST",
        url="https://server.example.com/token",
        now=1562262616,
        seen=dpop.SeenProofs(),
    )
    assert found == dpop.Proven(RFC_THUMBPRINT, "-BwC3ESc6acc2lTc", 1562262616)


def test_the_example_of_a_resource_request():
    found = dpop.verify(
        RFC_RESOURCE_REQUEST,
        method="GET",
        url="https://resource.example.org/protectedresource",
        now=1562262618,
        seen=dpop.SeenProofs(),
        token=RFC_TOKEN,
        bound=RFC_THUMBPRINT,
    )
    assert found.jti == "e1j3V_bKic8-LAEB"


# --- what is good


@pytest.mark.parametrize("key", [KEY, OKPKey.generate_key("Ed25519")], ids=["ES256", "EdDSA"])
@pytest.mark.filterwarnings("ignore:EdDSA")
def test_a_good_proof(key):
    assert verify(proof(key), key=key) == dpop.Proven(key.thumbprint(), "one", NOW)


def test_other_members_of_header_and_key_are_ignored():
    jwk = KEY.as_dict(private=False) | {"ext": True, "key_ops": ["verify"], "kid": "../../etc", "alg": "RS256"}
    assert verify(proof(header={"jwk": jwk, "kid": "x", "x5u": "https://evil.example", "other": 1}))


def test_no_token_needs_no_ath():
    assert verify(proof(ath=None), token=None, bound=None)


def test_a_token_without_its_key_is_a_mistake_of_the_caller():
    with pytest.raises(TypeError):
        verify(proof(), bound=None)


# --- the twelve checks


def test_1_there_is_one_header():
    assert dpop.from_headers(headers()) is None
    assert dpop.from_headers(headers(("dpop", "a"))) == "a"
    with pytest.raises(IdentityError) as caught:
        dpop.from_headers(headers(("dpop", "a"), ("dpop", "a")))
    assert caught.value.reason == "dpop-proof-invalid"


@pytest.mark.parametrize(
    "spoil", [lambda t: t + "=", lambda t: t + "\n", lambda t: t[:-1], lambda t: "", lambda t: "é"]
)
def test_2_it_is_well_formed(spoil):
    refused("dpop-proof-invalid", spoil(proof()))


def test_2_claims_that_occur_twice():
    head = proof().split(".")[0]
    body = base64url.encode(b'{"jti":"a","jti":"b"}')
    refused("dpop-proof-invalid", f"{head}.{body}.{'A' * 86}")


def test_2_a_very_long_one():
    refused("dpop-proof-invalid", proof(padding="x" * dpop.MAX_PROOF))


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat", "ath"])
@pytest.mark.parametrize("value", [None, True, [], {}, "", "é", 0, -1, 1e300, "x" * 300], ids=repr)
def test_3_all_claims_are_there_and_make_sense(claim, value):
    if claim == "iat" and value in (0, -1) and value is not True:
        refused("dpop-proof-stale", proof(**{claim: value}))
    elif claim == "jti" and value == "é":
        assert verify(proof(jti=value))
    else:
        refused("dpop-proof-invalid", proof(**{claim: value}))


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "dpop", "DPOP+JWT", "dpop+jwt "])
def test_4_it_says_what_it_is(typ):
    refused("dpop-proof-invalid", proof(header={"typ": typ}), check="typ")


def unsigned(alg, signature=b"x", jwk=None):
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": jwk or KEY.as_dict(private=False)}
    body = {"jti": "one", "htm": "POST", "htu": URL, "iat": NOW, "ath": dpop.digest(TOKEN)}
    return ".".join(base64url.encode(p) for p in (json.dumps(head).encode(), json.dumps(body).encode(), signature))


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", "PS256", "ES384", "ES256K", "es256", "Ed448", ""])
def test_5_other_algorithms(alg):
    refused("dpop-proof-invalid", unsigned(alg), check="alg")


def test_5_the_list_may_be_shorter():
    refused("dpop-proof-invalid", proof(), check="alg", algorithms=["EdDSA"])


def test_5_a_key_of_one_kind_with_an_algorithm_of_another():
    refused("dpop-proof-invalid", unsigned("EdDSA"))
    jwk = KEY.as_dict(private=False)
    mac = OctKey.import_key(json.dumps(jwk))
    text = jws.serialize_compact(
        {"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk},
        json.dumps({"jti": "one", "htm": "POST", "htu": URL, "iat": NOW, "ath": dpop.digest(TOKEN)}),
        mac,
    )
    refused("dpop-proof-invalid", text)


def test_6_the_signature():
    head, body, signature = proof().split(".")
    other = proof(ECKey.generate_key("P-256")).split(".")[2]
    for wrong in (other, "A" * 86, base64url.encode(b"\0" * 64), base64url.encode(base64url.decode(signature)[:-1])):
        refused("dpop-proof-invalid", f"{head}.{body}.{wrong}", check="signature")
    der = base64url.encode(b"\x30\x06\x02\x01\x01\x02\x01\x01")
    refused("dpop-proof-invalid", f"{head}.{body}.{der}")
    changed = base64url.encode(base64url.decode(body).replace(b'"one"', b'"two"'))
    refused("dpop-proof-invalid", f"{head}.{changed}.{signature}")


def test_7_no_private_key():
    for jwk in (KEY.as_dict(private=True), KEY.as_dict(private=False) | {"d": ""}, KEY.as_dict() | {"k": "x"}):
        refused("dpop-proof-invalid", unsigned("ES256", jwk=jwk), check="jwk")


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": None},
        {"y": 1},
        {"x": "AA"},
        {"x": "A" * 43},  # not on the curve
        {"x": KEY.as_dict()["x"] + "="},
        {"x": base64url.encode(b"\0" + base64url.decode(KEY.as_dict()["x"]))},
    ],
    ids=["type", "curve", "other curve", "none", "number", "short", "off the curve", "padded", "long"],
)
def test_7_the_key_is_a_point_in_its_one_spelling(change):
    refused("dpop-proof-invalid", unsigned("ES256", jwk=KEY.as_dict(private=False) | change), check="jwk")


@pytest.mark.parametrize("jwk", ["x", [1], 7, {}])
def test_7_the_key_is_a_key(jwk):
    refused("dpop-proof-invalid", unsigned("ES256", jwk=jwk or {"kty": "EC"}), check="jwk")


@pytest.mark.parametrize("method", ["post", "GET", "POST ", ""])
def test_8_the_method(method):
    refused("dpop-proof-invalid", proof(htm=method), check="htm")


@pytest.mark.parametrize(
    "htu",
    [
        "http://chat.example/v1/chat/completions",
        "https://chat.example.evil/v1/chat/completions",
        "https://chat.example:8443/v1/chat/completions",
        "https://chat.example/v1/chat/completions/",
        "https://chat.example/V1/chat/completions",
        "https://chat.example/v1/chat%2Fcompletions",
        "https://user@chat.example/v1/chat/completions",
        "https:\\\\chat.example\\v1\\chat\\completions",
        "/v1/chat/completions",
        "https://chat.example/v1/chat/completions\n",
        "https://chat.example/v1/chat/completions;x",
    ],
)
def test_9_the_url(htu):
    refused("dpop-proof-invalid", proof(htu=htu), check="htu")


@pytest.mark.parametrize(
    "htu",
    [
        URL + "?a=b",
        URL + "#f",
        "HTTPS://Chat.Example:443/v1/chat/completions",
        "https://chat.example:/v1/./x/../chat/completions",
        "https://chat.example/%76%31/chat/completions",
    ],
)
def test_9_the_url_in_other_words(htu):
    assert verify(proof(htu=htu))


def test_10_the_nonce():
    assert refused("dpop-nonce-needed", proof(), nonces={"n1", "n2"}).status == 401
    refused("dpop-nonce-needed", proof(nonce="n3"), nonces={"n1", "n2"})
    refused("dpop-nonce-needed", proof(nonce={}), nonces={"n1", "n2"})
    assert verify(proof(nonce="n2"), nonces={"n1", "n2"})


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (-60, True), (-60.5, False), (5, True), (5.5, False)])
def test_11_the_time(ahead, good):
    text = proof(iat=NOW + ahead)
    if good:
        assert verify(text)
    else:
        refused("dpop-proof-stale", text)


def test_11_each_proof_once():
    seen, text = dpop.SeenProofs(), proof()
    verify(text, seen=seen)
    refused("dpop-proof-replayed", text, seen=seen)
    refused("dpop-proof-replayed", proof(iat=NOW + 1), seen=seen)  # another proof with the same id
    verify(proof(jti="two"), seen=seen)


def test_11_as_long_as_a_proof_is_fresh_it_is_remembered():
    seen, text = dpop.SeenProofs(), proof(iat=NOW + 5)
    verify(text, seen=seen)
    for later in (0, 30, 64.9, 65):
        refused("dpop-proof-replayed", text, seen=seen, now=NOW + later)
    refused("dpop-proof-stale", text, seen=seen, now=NOW + 65.5)


def test_11_a_bad_proof_is_not_remembered():
    seen = dpop.SeenProofs()
    head, body, _ = proof().split(".")
    refused("dpop-proof-invalid", f"{head}.{body}.{'A' * 86}", seen=seen)
    refused("dpop-nonce-needed", proof(), seen=seen, nonces=["n"])
    assert seen.size == 0
    verify(proof(), seen=seen)


def test_12_the_token_and_its_key():
    refused("dpop-proof-invalid", proof(), token="another-token")
    refused("dpop-proof-invalid", proof(ECKey.generate_key("P-256")))
    refused("dpop-proof-invalid", proof(), bound="")


def test_a_refusal_says_what_to_do_and_its_cause_what_was_wrong():
    error = refused("dpop-proof-invalid", proof(htm="GET"))
    assert str(error.__cause__) == "DPoP: htm"
    assert "Make a new one" in error.public


# --- replays


def test_the_memory_is_bounded_and_forgets_nothing_too_soon():
    seen = dpop.SeenProofs(limit=3, per_key=2)
    assert seen.first("k1", "a", NOW, 60)
    assert seen.first("k1", "b", NOW, 60)
    with pytest.raises(IdentityError) as caught:  # this key has had its share
        seen.first("k1", "c", NOW, 60)
    assert (caught.value.reason, caught.value.status) == ("dpop-too-many", 429)
    assert not seen.first("k1", "a", NOW, 60)
    assert seen.first("k2", "a", NOW, 60)  # another key's id is another proof
    with pytest.raises(IdentityError):
        seen.first("k3", "a", NOW, 60)
    assert seen.size == 3
    assert seen.first("k1", "a", NOW + 62, 60)
    assert seen.size == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.floats(0, 20), st.floats(0, 30))))
def test_a_proof_that_could_be_repeated_is_always_known(steps):
    seen, now, known = dpop.SeenProofs(), NOW, {}
    for key, jti, passed, lasts in steps:
        now += passed
        fresh = seen.first(key, jti, now, lasts)
        if known.get((key, jti), 0) >= now:
            assert not fresh
        if fresh:
            known[key, jti] = now + lasts


# --- URLs (examples of RFC 3986 section 6.2.2 and 5.2.4)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://www.EXAMPLE.com/", "http://www.example.com/"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com:/", "http://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("eXAMPLE://a/./b/../b/%63/%7bfoo%7d", "example://a/b/c/%7Bfoo%7D"),
        ("http://a/b/c/./../../g", "http://a/g"),
        ("http://a/b/..", "http://a/"),
        ("http://a/../../b/.", "http://a/b/"),
        ("http://a/%2e%2E/b", "http://a/b"),
        ("http://a//b", "http://a//b"),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x"),
        ("http://a/%2f", "http://a/%2F"),
        ("http://a/b?c=/../d#/../e", "http://a/b"),
    ],
)
def test_normal_urls(url, normal):
    assert dpop.normal_url(url) == normal
    assert dpop.normal_url(normal) == normal


@pytest.mark.parametrize(
    "url", ["", "a", "/a", "http:/a", "http:///a", "http://a b/", "http://a/%", "http://a/%zz", "http://u@a/",
            "http://a\\b", "http://a:b/", "http://é/", "http://a/é", "http://a/\n", "http://[::1/", "http://a?\n"],
)  # fmt: skip
def test_what_is_no_url(url):
    with pytest.raises(ValueError, match="URL"):
        dpop.normal_url(url)


# --- thumbprints


def test_the_thumbprint_of_a_key_that_a_page_sends():
    jwk = KEY.as_dict(private=False)
    assert dpop.thumbprint(jwk | {"ext": True, "key_ops": ["verify"]}) == KEY.thumbprint()
    for wrong in (KEY.as_dict(private=True), OKPKey.generate_key("Ed25519").as_dict(private=False), None, [], "x"):
        with pytest.raises(IdentityError):
            dpop.thumbprint(wrong)

"""Tokens for who holds a key: the certificate of RFC 8705, the proof of RFC 9449, and nothing else."""

import json

import pytest
from joserfc.jwk import ECKey

from chatward.core.errors import IdentityError
from chatward.core.identity import Presented
from chatward.identity import dpop
from chatward.identity.bound import Binding, Possession, binding, certificate_thumbprint
from chatward.identity.jose import TokenError
from tests.identity.headers import headers
from tests.simulators.idp import Clock, sign_raw

URL = "https://chat.example/v1/chat/completions"
DER = b"a certificate"
MINE = ECKey.generate_key("P-256")
THEIRS = ECKey.generate_key("P-256")


def proof(token, clock, key=MINE, jti="one", **changed):
    said = {"jti": jti, "htm": "POST", "htu": URL, "iat": clock.now, "ath": dpop.digest(token)} | changed
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    return sign_raw(json.dumps(header), json.dumps(said), with_key=key)


def presented(*pairs, certificate=None):
    return Presented("POST", URL, headers(*pairs), certificate=certificate)


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        "x",
        [],
        {},
        {"jwk": {}},
        {"kid": "a"},
        {"kid": "a" * 43},
        {"jkt": "a" * 43, "kid": "a" * 43},
        {"jkt": ""},
        {"jkt": 1},
        {"jkt": "a" * 44},
        {"x5t#S256": "?" * 43},
        {"jkt": "a" * 43, "x5u": "https://evil.example"},
    ],
)
def test_bindings_that_cannot_be_proven_here_are_refused(cnf):
    with pytest.raises(TokenError) as caught:
        binding({"cnf": cnf})
    assert caught.value.detail == "token-binding"


def test_what_a_token_is_bound_to():
    assert not binding({})
    assert binding({"cnf": {"jkt": "a" * 43}}) == Binding(key="a" * 43)
    assert binding({"cnf": {"jkt": "a" * 43, "x5t#S256": "b" * 43}}) == Binding("b" * 43, "a" * 43)


def test_the_thumbprint_is_that_of_rfc_8705():
    """SHA-256 of the DER, base64url without padding: 43 characters; checked against openssl's for one text."""
    assert certificate_thumbprint(b"") == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def test_a_token_bound_to_a_certificate_needs_that_certificate():
    possession = Possession(Clock())
    bound = Binding(certificate=certificate_thumbprint(DER))
    possession.check(bound, presented(certificate=DER), "bearer", "t")
    for other in (None, b"", b"another"):
        with pytest.raises(TokenError) as caught:
            possession.check(bound, presented(certificate=other), "bearer", "t")
        assert caught.value.detail == "token-certificate"


def test_a_token_bound_to_a_key_needs_a_new_proof_each_time():
    clock = Clock()
    possession = Possession(clock)
    bound = Binding(key=MINE.thumbprint())
    possession.check(bound, presented(("dpop", proof("t", clock))), "dpop", "t")
    with pytest.raises(IdentityError) as caught:
        possession.check(bound, presented(("dpop", proof("t", clock))), "dpop", "t")
    assert caught.value.reason == "dpop-proof-replayed"
    possession.check(bound, presented(("dpop", proof("t", clock, jti="two"))), "dpop", "t")


@pytest.mark.parametrize("changed", [{"key": THEIRS}, {"htm": "GET"}, {"htu": URL + "/x"}, {"ath": dpop.digest("u")}])
def test_a_proof_for_something_else_is_none(changed):
    clock = Clock()
    sent = presented(("dpop", proof("t", clock, **changed)))
    with pytest.raises(IdentityError) as caught:
        Possession(clock).check(Binding(key=MINE.thumbprint()), sent, "dpop", "t")
    assert caught.value.reason == "dpop-proof-invalid"


@pytest.mark.parametrize(("bound", "scheme"), [(Binding(key=MINE.thumbprint()), "bearer"), (Binding(), "dpop")])
def test_the_scheme_must_be_that_of_the_binding(bound, scheme):
    """No downgrade: a bound token as bearer, though a good proof comes along; and a bearer token as bound."""
    clock = Clock()
    with pytest.raises(TokenError) as caught:
        Possession(clock).check(bound, presented(("dpop", proof("t", clock))), scheme, "t")
    assert caught.value.detail == "token-scheme"


def test_without_a_proof_a_bound_token_is_nothing():
    with pytest.raises(TokenError) as caught:
        Possession(Clock()).check(Binding(key=MINE.thumbprint()), presented(), "dpop", "t")
    assert caught.value.detail == "token-proof-missing"


def test_both_bindings_must_hold():
    clock = Clock()
    both = Binding(certificate_thumbprint(DER), MINE.thumbprint())
    possession = Possession(clock)
    possession.check(both, presented(("dpop", proof("t", clock)), certificate=DER), "dpop", "t")
    with pytest.raises(TokenError):
        possession.check(both, presented(("dpop", proof("t", clock, jti="two"))), "dpop", "t")

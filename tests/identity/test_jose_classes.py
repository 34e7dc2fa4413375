"""The classes of attack of Wycheproof's file for JSON web signatures, made anew with keys of this test.

These vectors are **our own**, for every algorithm; Wycheproof's are in ``test_jose_tokens.py``. The names are those of
its tests. Its HMAC groups have no counterpart, since HMAC is never accepted; and where it accepts an
empty payload, this refuses one.
"""

import hashlib
import hmac
import json

import pytest

from chatward.identity.jose import ALGORITHMS, TokenError, key_from, read_jws, verify
from tests.simulators.idp import b64, key, public, sign_raw

PAYLOAD = b"foo"
ALL = tuple(ALGORITHMS)


def signed(alg="ES256", header=None, payload=PAYLOAD, really=None) -> str:
    return sign_raw(json.dumps({"alg": alg, "kid": "k1"} | (header or {})), payload, really or alg)


def accepted(token, jwk, algorithms=ALL) -> bool:
    found = key_from(jwk)
    if found is None:
        return False
    try:
        verify(read_jws(token, algorithms), found)
    except TokenError:
        return False
    return True


@pytest.mark.parametrize("alg", ALL)
@pytest.mark.parametrize("payload", [b"foo", b"a", bytes(20), bytes(range(224, 256))])
def test_accepts_valid(alg, payload):
    assert accepted(signed(alg, payload=payload), public("k1", alg, alg=alg))


def parts(token):
    return token.split(".")


def flip(part, at=0):
    return part[:at] + ("A" if part[at] != "A" else "B") + part[at + 1 :]


BROKEN = {
    "rejectsModifiedSignature": lambda h, p, s: f"{h}.{p}.{flip(s)}",
    "rejectsMissingSignature": lambda h, p, s: f"{h}.{p}.",
    "rejectsMissingSignatureAndSeparator": lambda h, p, s: f"{h}.{p}",
    "rejectsModifiedPayload": lambda h, p, s: f"{h}.WG9v.{s}",
    "rejectsMissingPayload": lambda h, p, s: f"{h}..{s}",
    "rejectsMissingPayloadAndSeparator": lambda h, p, s: f"{h}.{s}",
    "rejectsModifiedHeader": lambda h, p, s: f"{flip(h, 20)}.{p}.{s}",
    "rejectsMissingHeader": lambda h, p, s: f".{p}.{s}",
    "rejectsMissingHeaderAndSeparator": lambda h, p, s: f"{p}.{s}",
    "rejectsMissingHeaderAndSignature": lambda h, p, s: f".{p}.",
    "rejectsMissingHeaderSignatureAndSeparators": lambda h, p, s: p,
    "rejectsEmptyString": lambda h, p, s: "",
    "rejectsExtraEmptyComponent": lambda h, p, s: f"{h}.{p}.{s}.",
    "rejectsExtraComponent": lambda h, p, s: f"{h}.{p}.{s}.foo",
    "rejectsExtraComponents (as if encrypted)": lambda h, p, s: f"{h}.{p}.{s}.{p}.{p}",
    "rejectsSpacesInSignature": lambda h, p, s: f"{h}.{p}.   {s}",
    "rejectsLineBreakAtTheEnd": lambda h, p, s: f"{h}.{p}.{s}\n",
    "rejectsInvalidCharacterInsertedInSignature": lambda h, p, s: f"{h}.{p}.?{s}",
    "rejectsInvalidCharacterAppended": lambda h, p, s: f"{h}.{p}.{s}?",
    "rejects0ReplacedByInvalidCharacter": lambda h, p, s: f"{h}.{p}.?{s[1:]}",
    "rejectsPadding": lambda h, p, s: f"{h}.{p}.{s}==",
    "rejectsPaddingInHeader": lambda h, p, s: f"{h}=.{p}.{s}",
    "spacesInHeader": lambda h, p, s: f"{h}   .{p}.{s}",
    "invalidCharactersInHeader": lambda h, p, s: f"{h}####.{p}.{s}",
    "spacesInPayload": lambda h, p, s: f"{h}.   {p}.{s}",
    "invalidCharactersInPayload": lambda h, p, s: f"{h}.####{p}.{s}",
    "rejectsStandardAlphabet": lambda h, p, s: f"{h}.{p}.{s.replace('-', '+').replace('_', '/')}+",
    "rejectsValidJsonSerialization": lambda h, p, s: json.dumps(
        {"payload": p, "signatures": [{"protected": h, "header": {"unknown": "x"}, "signature": s}]}
    ),
    "rejectsValidFlattenedJsonSerialization": lambda h, p, s: json.dumps(
        {"payload": p, "protected": h, "signature": s}
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_broken_forms(alg, name):
    assert not accepted(BROKEN[name](*parts(signed(alg))), public("k1", alg))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_rejects_modified_unused_bits(part):
    """``Zg`` and ``Zh`` are the same byte; only one is how it is spelt. Signed as it stands, where that can be."""
    for odd in (False, True):
        header = json.dumps({"alg": "EdDSA", "kid": "k1xy"})
        segments = [b64(header.encode()), b64(b"f"), ""]
        assert all(len(segment) % 4 for segment in segments[:2])
        if odd and part < 2:
            segments[part] = next_letter(segments[part])
        segments[2] = b64(key("EdDSA").raw_value.sign(".".join(segments[:2]).encode()))
        if odd and part == 2:
            segments[2] = next_letter(segments[2])
        assert accepted(".".join(segments), public("k1xy", "EdDSA")) != odd


def next_letter(segment):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


@pytest.mark.parametrize("header", ['{ "alg" : "ES256" , "kid" : "k1" }', '{"alg":\r\n\t"ES256","kid":"k1"}'])
def test_accepts_white_space_in_the_json_header(header):
    assert accepted(sign_raw(header, PAYLOAD), public("k1"))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "none "])
@pytest.mark.parametrize("kid", [None, "none", "k1"])
def test_alg_is_none(alg, kid):
    header = b64(json.dumps({"alg": alg} | ({"kid": kid} if kid else {})).encode())
    for signature in ("", b64(b"\0")):
        assert not accepted(f"{header}.{b64(PAYLOAD)}.{signature}", public("k1"), (*ALL, alg))


@pytest.mark.parametrize("said", ALL)
@pytest.mark.parametrize("done", ALL)
def test_wrong_primitive(said, done):
    """The header says one algorithm, the signature is by another; or both are right and the key is for another."""
    same_key = ALGORITHMS[said] == ALGORITHMS[done]
    if said != done and same_key:
        token = sign_raw(json.dumps({"alg": said, "kid": "k1"}), PAYLOAD, done, with_key=key(said))
        assert not accepted(token, public("k1", said))
    assert accepted(signed(done), public("k1", done, alg=said)) == (said == done)
    assert accepted(signed(done), public("k1", done), [said]) == (said == done)


def test_rejects_symmetry_confusion():
    """HMAC with what is public about the key, in every spelling of it."""
    for alg in ("ES256", "RS256"):
        own = key(alg)
        spellings = [
            own.as_pem(private=False),
            own.as_pem(private=False).strip(),
            own.as_der(private=False),
            json.dumps(public("k1", alg)).encode(),
            *(public("k1", alg)[name].encode() for name in ("x", "n") if name in public("k1", alg)),
        ]
        for spelling in spellings:
            for said, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
                text = f"{b64(json.dumps({'alg': said, 'kid': 'k1'}).encode())}.{b64(PAYLOAD)}"
                token = f"{text}.{b64(hmac.new(spelling, text.encode(), digest).digest())}"
                assert not accepted(token, public("k1", alg), (*ALL, said))


def test_rejects_attacker_provided_embedded_jwk():
    theirs = public("k1", "ES256", "theirs")
    token = sign_raw(json.dumps({"alg": "ES256", "kid": "k1", "jwk": theirs}), PAYLOAD, "ES256", "theirs")
    assert not accepted(token, public("k1"))
    # Not even if it were the right one.
    assert not accepted(signed(header={"jwk": public("k1")}), public("k1"))


@pytest.mark.parametrize(
    "member",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"use": ["sig"]}],
)
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_reject_wrong_key_ops(alg, member):
    assert not accepted(signed(alg), public("k1", alg, **member))


N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def es256(r: bytes, s: bytes) -> str:
    header, payload, _ = parts(signed())
    return f"{header}.{payload}.{b64(r + s)}"


@pytest.mark.parametrize("r", [0, 1, N256 - 1, N256])
@pytest.mark.parametrize("s", [0, 1, N256 - 1, N256])
def test_special_case_es256_of_numbers_at_the_edges(r, s):
    assert not accepted(es256(r.to_bytes(32), s.to_bytes(32)), public("k1"))


def test_special_case_es256_of_sizes():
    raw = b64decode(parts(signed())[2])
    r, s = raw[:32], raw[32:]
    bigger = (int.from_bytes(r) + N256).to_bytes(33)
    cases = {
        "SignatureTooLong": (b"\0" + r, b"\0" + s),
        "TrailingZeros": (r + b"\0", s + b"\0"),
        "RisTooBig": (bigger, b"\0" + s),
        "SisTooBig": (b"\0" + r, (int.from_bytes(s) + N256).to_bytes(33)),
        "IntegerOverflow": (b"\1" + r, b"\0" + s),
        "BufferOverflow": (bytes(256) + r, bytes(256) + s),
        "half": (r, b""),
        "der": (key().get_op_key("sign").sign(b"x", _ecdsa()), b""),
    }
    assert accepted(es256(r, s), public("k1"))
    for name, (first, second) in cases.items():
        assert not accepted(es256(first, second), public("k1")), name


def _ecdsa():
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return ECDSA(SHA256())


def b64decode(text):
    import base64

    return base64.urlsafe_b64decode(text + "==")

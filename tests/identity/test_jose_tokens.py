"""Wycheproof's own JSON web signature vectors: what is valid is accepted, what is not is refused.

Kept are tokens that nothing else follows from. Most tests of a group follow from its one valid token by plain rules,
and those with extreme numbers from the curve's order: they are made again here, under their own ids. Which are left
out, and why, says ``vectors/README.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from chatward.core import base64url
from chatward.identity.jose import ALGORITHMS, TokenError, key_from, read_jws, verify

FILE = json.loads((Path(__file__).parent / "vectors/wycheproof_jws.json").read_text("utf-8"))
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (SEC 2, 2.4.2)."""


def key(name: str, alg: str) -> dict[str, str]:
    return {"alg": alg, **FILE["keys"][name]}


def accepted(token: str, jwk: dict[str, str]) -> bool:
    """Whether a token passes for who has this key, with all algorithms that can be allowed."""
    found = key_from(jwk)
    if found is None:
        return False
    try:
        verify(read_jws(token, ALGORITHMS), found)
    except TokenError:
        return False
    return True


def renamed(header: str) -> str:
    return base64url.encode(base64url.decode(header).replace(b'"kid":"k', b'"kid":"X'))


def structural(first: int, header: str, payload: str, signature: str) -> Iterator[tuple[int, str]]:
    """The twelve tests that follow a group's valid token, which has the id ``first``."""
    tokens = (
        f"{header}.{payload}.X{signature[1:]}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.WG9v.{signature}",
        f"{header}..{signature}",
        f"{header}.{signature}",
        f"{renamed(header)}.{payload}.{signature}",
        f".{payload}.{signature}",
        f"{payload}.{signature}",
        f".{payload}.",
        payload,
        "",
    )
    yield from enumerate(tokens, first + 1)


def of_hs256(header: str, payload: str, signature: str) -> Iterator[tuple[int, str]]:
    yield 14, f"{header}.{payload}.{signature}."
    yield 15, f"{header}.{payload}.{signature}.foo"
    none = base64url.encode(base64url.decode(header).replace(b"HS256", b"none"))
    yield 16, f"{none}.{payload}."
    yield (
        17,
        f'{{"payload":"{payload}","signatures":[{{"protected":"{header}","header":{{"unknown":"untrustworthy"}},'
        f'"signature":"{signature}"}}',
    )


def special(header: str, payload: str, signature: str) -> Iterator[tuple[int, str, bool]]:
    """SpecialCaseEs256: the valid signature (r, s) as numbers, and numbers at the edges."""
    raw = base64url.decode(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")

    def made(number: int, size: int = 32) -> bytes:
        return number.to_bytes(size, "big")

    pairs = {
        378: made(r) + made(ORDER - s),
        379: made(r, 33) + made(s, 33),
        380: made(r) + b"\0" + made(s) + b"\0",
        381: made(r + ORDER, 33) + made(s, 33),
        382: made(r, 33) + made(s + ORDER, 33),
        383: made(r + (1 << 256), 33) + made(s, 33),
        384: made(r, 33) + made(s + (1 << 256), 33),
    }
    edges = (0, 1, ORDER - 1, ORDER)
    pairs |= {386 + 4 * i + j: made(one) + made(two) for i, one in enumerate(edges) for j, two in enumerate(edges)}
    for id_, made_ in pairs.items():
        yield id_, f"{header}.{payload}.{base64url.encode(made_)}", id_ == 378


def vectors() -> dict[int, tuple[str, dict[str, str], bool]]:
    """Token, key and verdict by Wycheproof's id."""
    found: dict[int, tuple[str, dict[str, str], bool]] = {}
    for id_, name, alg, _, header, payload_name, signature, result in FILE["tests"]:
        payload = FILE["payloads"][payload_name]
        found[id_] = (f"{header}.{payload}.{signature}", key(name, alg), result == "valid")
        if id_ in {1, 18, 33}:
            found |= {n: (token, key(name, alg), False) for n, token in structural(id_, header, payload, signature)}
        if id_ == 1:
            found |= {n: (token, key(name, alg), False) for n, token in of_hs256(header, payload, signature)}
        if id_ == 18:
            found |= {n: (t, key(name, alg), good) for n, t, good in special(header, payload, signature)}
        if id_ in {18, 33}:
            for n, more in (
                ({18: 354, 33: 353}[id_], {"use": "enc"}),
                ({18: 356, 33: 355}[id_], {"key_ops": ["encrypt"]}),
            ):
                bare = {k: v for k, v in FILE["keys"][name].items() if k not in {"alg", "use"}}
                found[n] = (f"{header}.{payload}.{signature}", {**bare, **more}, False)
    return found


VECTORS = vectors()
SYMMETRIC = {id_ for id_, (_, jwk, _) in VECTORS.items() if jwk["kty"] == "oct"}


def test_as_many_as_the_readme_says():
    valid = [id_ for id_, (_, _, good) in VECTORS.items() if good]
    print(f"{len(VECTORS)} of 401 vectors, {len(valid)} of them valid")
    assert (len(VECTORS), len(valid)) == (85, 11)


@pytest.mark.parametrize("id_", sorted(VECTORS))
def test_it_is_judged_as_wycheproof_says(id_):
    token, jwk, good = VECTORS[id_]
    # A key that callers and issuer share is none here, so of those groups nothing is accepted (RFC 8725, 3.2).
    assert accepted(token, jwk) is (good and id_ not in SYMMETRIC)


@pytest.mark.parametrize("id_", [331, 332])
def test_what_is_signed_with_another_primitive_was_transcribed_exactly(id_):
    token, jwk, _ = VECTORS[id_]
    numbers = [int.from_bytes(base64url.decode(jwk[name]), "big") for name in ("e", "n")]
    signed, _, signature = token.rpartition(".")
    public = rsa.RSAPublicNumbers(*numbers).public_key()
    public.verify(base64url.decode(signature), signed.encode(), padding.PKCS1v15(), SHA256())


def test_what_was_made_again_is_what_the_file_has():
    """Tokens of the file that another rule would have made otherwise."""
    es = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0.Zm9v."
    assert VECTORS[25][0].startswith("eyJhbGciOiJFUzI1NiIsImtpZCI6IlhpZC1lYy1zaWduIn0.Zm9v.5cA0OHyM")
    assert VECTORS[16][0] == "eyJhbGciOiJub25lIiwia2lkIjoia2lkLWFlcy1zaWduIn0.Zm9v."
    given = {
        378: "5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrppUShFwBW_Qj7IqhFOtNrIXLLKXS5CSZmERxmnjeyoiQ",
        379: "AOXANDh8jD-3s2plHeXPZFfhaxsXceIWxlznaZUJLra6AJau17k_6kC-wTdV7rFLJTdgNDBQeNVU629ysRtudnzI",
        381: "AeXANDd8jD-4s2plHeXPZFeeUhXFGPm1S1ChNFgFkdwLAJau17k_6kC-wTdV7rFLJTdgNDBQeNVU629ysRtudnzI",
        384: "AOXANDh8jD-3s2plHeXPZFfhaxsXceIWxlznaZUJLra6AZau17k_6kC-wTdV7rFLJTdgNDBQeNVU629ysRtudnzI",
        392: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAH_____AAAAAP__________vOb6racXnoTzucrC_GMlUA",
        401: "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVH_____AAAAAP__________vOb6racXnoTzucrC_GMlUQ",
    }
    for id_, signature in given.items():
        assert VECTORS[id_][0] == es + signature

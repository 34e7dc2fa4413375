"""Wycheproof's vectors for the signatures that tokens have: what is valid is accepted, what is not is refused."""

import json
from pathlib import Path

import pytest

from chatward.identity.jose import Jws, TokenError, key_from, verify

GROUPS = [
    json.loads(line)
    for line in (Path(__file__).parent / "vectors/wycheproof_signatures.jsonl").read_text().splitlines()
]


def accepted(group, message, signature) -> bool:
    key = key_from(group["key"])
    if key is None:
        return False
    try:
        verify(Jws(group["alg"], None, "jwt", b"", bytes.fromhex(message), bytes.fromhex(signature)), key)
    except TokenError:
        return False
    return True


COUNTED = {"ES256": 262, "ES384": 280, "EdDSA": 210, "PS256": 108, "RS256": 259}
SMALL_ORDER = range(152, 160)
"""Ids of Ed25519 vectors (`acceptable`) whose key lets anybody sign."""


def vectors(alg):
    return [(group, *test) for group in GROUPS if group["alg"] == alg for test in group["tests"]]


@pytest.mark.parametrize("alg", COUNTED)
def test_every_vector_is_judged_as_wycheproof_says(alg):
    judged = [
        (id_, comment, result, accepted(group, message, signature))
        for group, id_, result, comment, message, signature in vectors(alg)
    ]
    assert len(judged) == COUNTED[alg]
    assert [each for each in judged if each[2] != "acceptable" and each[3] != (each[2] == "valid")] == []


def test_of_what_may_be_accepted_the_dangerous_is_refused():
    pkcs1 = [accepted(group, *test[-2:]) for group, *test in vectors("RS256") if test[1] == "acceptable"]
    small = [accepted(group, *test[-2:]) for group, *test in vectors("EdDSA") if test[0] in SMALL_ORDER]
    assert pkcs1 == [False]
    assert small == [False] * 8

"""Proofs: what was signed verifies, and nothing else does."""

from __future__ import annotations

import json
import os
import random
import string
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chatward.core import base64url
from chatward.core.values import Part, PartKind, Source
from chatward.genuine.proof import (
    MAX_AHEAD,
    MAX_PARTS,
    MAX_PROOF,
    Chain,
    Claims,
    Proof,
    ProofError,
    Signer,
    digests,
    parse,
    verify,
)

ORIGIN = "https://chat.example.com"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
KEYS = {"one": KEY.public_key()}
SIGNER = Signer(KEY, "one")
MUTATIONS = int(os.environ.get("PROOF_MUTATIONS", "3000"))


def part(text: str, kind: PartKind = PartKind.TEXT, name: str = "") -> Part:
    return Part(text, Source.BOT, kind, name=name)


def claims(*texts: str, sequence: int = 1, previous: str = "", time: int = 1_795_000_000) -> Claims:
    return Claims(ORIGIN, "conversation", sequence, time, digests(part(text) for text in texts), previous)


def reason(check: Callable[[], object]) -> str:
    with pytest.raises(ProofError) as caught:
        check()
    return caught.value.reason


PARTS = st.lists(
    st.builds(
        part, st.text(min_size=1, max_size=40), st.sampled_from([PartKind.TEXT, PartKind.JSON]), st.text(max_size=8)
    ),
    min_size=1,
    max_size=5,
)


@given(PARTS, st.integers(0, 1 << 40))
def test_what_was_signed_verifies_after_its_way(parts: list[Part], time: int) -> None:
    proof = SIGNER.sign(Claims(ORIGIN, "c", 1, time, digests(parts)))
    read = parse(proof.text())
    assert read == proof
    assert read.kid == "one"
    assert proof.text().isascii()
    assert "\n" not in proof.text()
    assert verify(read, KEYS, origin=ORIGIN, parts=parts, now=float(time)) == proof.claims


@given(PARTS, PARTS)
def test_other_parts_are_another_reply(parts: list[Part], others: list[Part]) -> None:
    proof = SIGNER.sign(Claims(ORIGIN, "c", 1, 0, digests(parts)))
    same = [(one.kind, one.text, one.name if one.kind is PartKind.JSON else "") for one in parts] == [
        (one.kind, one.text, one.name if one.kind is PartKind.JSON else "") for one in others
    ]
    if same:
        verify(proof, KEYS, origin=ORIGIN, parts=others)
    else:
        assert reason(lambda: verify(proof, KEYS, origin=ORIGIN, parts=others)) == "proof-content"


def test_a_text_and_a_call_with_the_same_words_differ() -> None:
    assert len({*digests([part("ab"), part("b", PartKind.JSON, "a"), part("", PartKind.JSON, "ab")])}) == 2
    assert digests([part("x", PartKind.OPAQUE), part("")]) == ()


def test_no_altered_proof_verifies() -> None:
    """Characters changed, put in, taken out and swapped, anywhere. ``PROOF_MUTATIONS`` says how many."""
    chance = random.Random(7)
    text = SIGNER.sign(claims("Your order is on its way.", sequence=2, previous="p" * 42 + "A")).text()
    letters = string.ascii_letters + string.digits + '-_.",:{}[] \\='
    accepted = []
    for _ in range(MUTATIONS):
        at = chance.randrange(len(text))
        altered = chance.choice(
            [
                text[:at] + chance.choice(letters) + text[at + 1 :],
                text[:at] + chance.choice(letters) + text[at:],
                text[:at] + text[at + 1 :],
                text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :],
                text[:at],
            ]
        )
        if altered == text:
            continue
        try:
            verify(parse(altered), KEYS, origin=ORIGIN)
        except ProofError:
            continue
        accepted.append(altered)
    assert accepted == []


def _with(**changed: object) -> str:
    told = json.loads(SIGNER.sign(claims("x")).text())
    told.update(changed)
    return json.dumps(told, separators=(",", ":"))


GOOD = SIGNER.sign(claims("x"))
HEADER = base64url.encode(b'{"alg":"EdDSA","kid":"one","typ":"chatward-proof"}')
SIGNATURE = GOOD.signature.rpartition(".")[2]


def _headed(header: bytes) -> str:
    encoded = base64url.encode(header)
    signed = f"{encoded}.{base64url.encode(GOOD.claims.canonical())}".encode()
    return Proof(GOOD.claims, f"{encoded}..{base64url.encode(KEY.sign(signed))}").text()


ATTACKS = {
    "not json": "proof",
    "a list": "[]",
    "null": "null",
    "deep": "[" * 5000,
    "too long": _with(conversation="c" * MAX_PROOF),
    "not ascii": _with(conversation="c") + "é",
    "a name too many": _with(more=1),
    "white space": json.dumps(json.loads(GOOD.text())),
    "another order": json.dumps(dict(reversed(json.loads(GOOD.text()).items())), separators=(",", ":")),
    "a name twice": GOOD.text().replace('{"conversation"', '{"conversation":"other","conversation"', 1),
    "sequence is text": _with(sequence="1"),
    "sequence is true": _with(sequence=True),
    "sequence is 1.0": GOOD.text().replace('"sequence":1,', '"sequence":1.0,'),
    "sequence is nought": _with(sequence=0),
    "first with one before": _with(previous="p" * 42 + "A"),
    "later without one before": _with(sequence=2),
    "time is negative": _with(time=-1),
    "digest of another length": _with(digests=["abc"]),
    "digests are text": _with(digests="a" * 43),
    "too many parts": _with(digests=["a" * 42 + "A"] * (MAX_PARTS + 1)),
    "origin with a path": _with(origin=ORIGIN + "/x"),
    "origin without a scheme": _with(origin="chat.example.com"),
    "signature is no text": _with(signature=1),
    "payload inside": _with(signature=f"{HEADER}.e30.{SIGNATURE}"),
    "padding": _with(signature=f"{HEADER}..{SIGNATURE}="),
    "alg none": _headed(b'{"alg":"none","kid":"one","typ":"chatward-proof"}'),
    "alg HS256": _headed(b'{"alg":"HS256","kid":"one","typ":"chatward-proof"}'),
    "a key comes along": _headed(b'{"alg":"EdDSA","jwk":{},"kid":"one","typ":"chatward-proof"}'),
    "crit": _headed(b'{"alg":"EdDSA","crit":["b64"],"kid":"one","typ":"chatward-proof"}'),
    "a manifest's signature": _headed(b'{"alg":"EdDSA","kid":"one","typ":"chatward-manifest"}'),
    "header with white space": _headed(b'{"alg":"EdDSA", "kid":"one","typ":"chatward-proof"}'),
    "kid is a number": _headed(b'{"alg":"EdDSA","kid":1,"typ":"chatward-proof"}'),
}  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_what_has_another_form_is_no_proof(text: str) -> None:
    assert reason(lambda: verify(parse(text), KEYS, origin=ORIGIN)) == "proof-malformed"


def test_keys_and_sites() -> None:
    assert reason(lambda: verify(parse(_with(signature=f"{HEADER}..")), KEYS, origin=ORIGIN)) == "proof-signature"
    foreign = Signer(OTHER, "one").sign(claims("x"))
    assert reason(lambda: verify(foreign, KEYS, origin=ORIGIN)) == "proof-signature"
    assert reason(lambda: verify(GOOD, {}, origin=ORIGIN)) == "proof-key-unknown"
    assert reason(lambda: verify(GOOD, {"two": KEY.public_key()}, origin=ORIGIN)) == "proof-key-unknown"
    assert reason(lambda: verify(GOOD, KEYS, origin="https://chat.example.com.evil.example")) == "proof-origin"
    early = GOOD.claims.time - MAX_AHEAD - 1.0
    assert reason(lambda: verify(GOOD, KEYS, origin=ORIGIN, now=early)) == "proof-time"
    assert verify(GOOD, KEYS, origin=ORIGIN, now=early + 1.0) == GOOD.claims


def _conversation(count: int, name: str = "conversation") -> list[Proof]:
    found: list[Proof] = []
    for number in range(1, count + 1):
        before = found[-1].digest() if found else ""
        said = digests([part(f"{number}")])
        found.append(SIGNER.sign(Claims(ORIGIN, name, number, 1_795_000_000 + number, said, before)))
    return found


def test_a_conversation_is_followed_in_its_order_alone() -> None:
    first, second, third = _conversation(3)
    chain = Chain()
    chain.follow(first)
    assert reason(lambda: chain.follow(third)) == "proof-order"
    assert reason(lambda: chain.follow(first)) == "proof-replayed"
    assert reason(lambda: chain.follow(_conversation(2, "another")[1])) == "proof-conversation"
    chain.follow(second)
    chain.follow(third)
    assert reason(lambda: chain.follow(second)) == "proof-replayed"
    assert reason(lambda: Chain().follow(second)) == "proof-order"


@given(st.permutations(range(4)))
def test_every_other_order_shows(order: list[int]) -> None:
    proofs, chain = _conversation(4), Chain()
    try:
        for place in order:
            chain.follow(proofs[place])
    except ProofError:
        assert order != sorted(order)
    else:
        assert order == sorted(order)

"""Proofs of a gateway's replies: chained by conversation, with the key in force."""

from __future__ import annotations

import json

from chatward.core.values import Part, Source
from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import Facts, keys_at, read
from chatward.genuine.proof import MAX_PARTS, Chain, parse, verify
from chatward.genuine.replies import Proving
from tests.genuine.conftest import ORIGIN, Clock

HELLO = [Part("Hello", Source.BOT)]


def test_replies_of_a_conversation_follow_each_other(proving: Proving, clock: Clock) -> None:
    chain = Chain()
    for number in range(1, 6):
        clock.now += 1 if number != 3 else -50  # a clock that is put back breaks no chain
        proof = parse(proving.prove("ann", "thread", HELLO))
        keys = keys_at(read(proving.manifest()), proof.claims.time)
        assert verify(proof, keys, origin=ORIGIN, parts=HELLO).sequence == number
        chain.follow(proof)
    assert chain.sequence == 5


def test_names_tell_nothing_and_are_shared_by_nobody(proving: Proving) -> None:
    names = [
        parse(proving.prove(owner, thread, HELLO)).claims.conversation
        for owner, thread in [("ann", "thread"), ("bob", "thread"), ("ann", "other"), ("ann", ""), ("ann", "")]
    ]
    assert len(set(names)) == 5
    assert not {"ann", "bob", "thread", "other"} & set(names)


def test_what_was_forgotten_begins_anew(proving: Proving) -> None:
    first = parse(proving.prove("ann", "1", HELLO))
    for number in range(2, 6):
        proving.prove("ann", str(number), HELLO)
    again = parse(proving.prove("ann", "1", HELLO))
    assert again.claims.sequence == 1
    assert again.claims.conversation != first.claims.conversation


def test_another_key_signs_once_it_is_there(proving: Proving, ring: Keyring, clock: Clock) -> None:
    before = parse(proving.prove("ann", "thread", HELLO)).kid
    made = Keyring(ring.path, clock).rotate().kid
    clock.now += 2
    assert parse(proving.prove("ann", "thread", HELLO)).kid == made != before
    assert [jwk["kid"] for jwk in read(proving.manifest())["keys"]] == [before, made]


def test_without_keys_nothing_is_signed(proving: Proving, ring: Keyring, clock: Clock) -> None:
    good = ring.path.read_text()
    ring.path.write_text(json.dumps({"keys": []}))
    clock.now += 2
    assert proving.prove("ann", "thread", HELLO) == ""
    ring.path.write_text(good + " ")
    clock.now += 2
    assert proving.prove("ann", "thread", HELLO) != ""


def test_nothing_said_is_nothing_proven(ring: Keyring, proving: Proving) -> None:
    assert proving.prove("ann", "thread", []) == ""
    assert proving.prove("ann", "thread", HELLO * (MAX_PARTS + 1)) == ""
    assert Proving(ring, lambda: Facts("")).prove("ann", "thread", HELLO) == ""

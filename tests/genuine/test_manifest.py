"""The manifest: verified by its own keys, and by whoever kept the one before."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import LIFE, MAX_MANIFEST, keys_at, manifest, read, verify
from chatward.genuine.proof import ProofError
from tests.genuine.conftest import FACTS, ORIGIN, Clock


def made(ring: Keyring, clock: Clock) -> dict[str, Any]:
    return read(json.dumps(manifest(FACTS, ring.keys, clock.now)).encode())


def reason(check: Callable[[], object]) -> str:
    with pytest.raises(ProofError) as caught:
        check()
    return caught.value.reason


def test_it_says_who_answers(ring: Keyring, clock: Clock) -> None:
    document = made(ring, clock)
    assert verify(document, origin=ORIGIN, now=clock.now) is document
    assert (document["name"], document["owner"]) == ("Möbel-Bot", "Example Ltd")
    assert ring.current.seed not in json.dumps(document)
    assert all("d" not in jwk for jwk in document["keys"])


def test_every_change_shows(ring: Keyring, clock: Clock) -> None:
    ring.rotate()
    document = made(ring, clock)
    for name, value in document.items():
        if name == "signatures":
            continue
        altered = copy.deepcopy(document)
        altered[name] = value + 1 if isinstance(value, int) else value[:-1] if value else "x"
        with pytest.raises(ProofError):
            verify(altered, origin=ORIGIN, now=clock.now)
    verify({**document, "signatures": document["signatures"][:1]}, origin=ORIGIN, now=clock.now)
    swapped = [document["signatures"][0][:-86] + document["signatures"][1][-86:]]
    assert (
        reason(lambda: verify({**document, "signatures": swapped}, origin=ORIGIN, now=clock.now))
        == "manifest-signature"
    )
    assert reason(lambda: verify({**document, "more": 1}, origin=ORIGIN, now=clock.now)) == "manifest-signature"


def test_it_is_of_one_site_and_ends(ring: Keyring, clock: Clock) -> None:
    document = made(ring, clock)
    assert reason(lambda: verify(document, origin="https://evil.example", now=clock.now)) == "manifest-origin"
    assert reason(lambda: verify(document, origin=ORIGIN, now=clock.now + LIFE)) == "manifest-expired"
    assert reason(lambda: verify(document, origin=ORIGIN, now=clock.now - 3600)) == "manifest-expired"


def test_who_kept_one_knows_the_next(ring: Keyring, clock: Clock, tmp_path: Path) -> None:
    kept = made(ring, clock)
    first = ring.current.kid
    clock.now += 60
    ring.rotate()
    rotated = made(ring, clock)
    verify(rotated, origin=ORIGIN, now=clock.now, kept=kept)
    assert reason(lambda: verify(kept, origin=ORIGIN, now=clock.now, kept=rotated)) == "manifest-older"

    copy_of_site = Keyring(tmp_path / "thief.json", clock)
    stolen = manifest(FACTS, copy_of_site.keys, clock.now)
    verify(stolen, origin=ORIGIN, now=clock.now)
    assert reason(lambda: verify(stolen, origin=ORIGIN, now=clock.now, kept=kept)) == "manifest-break"
    # Naming our public keys beside its own is of no use: they have to sign.
    forged = manifest(FACTS, [*copy_of_site.keys], clock.now)
    forged["keys"] = [*forged["keys"], *kept["keys"]]
    assert reason(lambda: verify(forged, origin=ORIGIN, now=clock.now, kept=kept)) == "manifest-signature"

    ring.revoke(first)
    assert reason(lambda: verify(made(ring, clock), origin=ORIGIN, now=clock.now, kept=kept)) == "manifest-break"
    verify(made(ring, clock), origin=ORIGIN, now=clock.now, kept=rotated)


def test_a_revoked_key_vouches_for_nothing(ring: Keyring, clock: Clock) -> None:
    before = made(ring, clock)
    thief = ring.keys
    ring.revoke(ring.current.kid)
    known = made(ring, clock)
    stolen = manifest(FACTS, thief, clock.now)
    assert reason(lambda: verify(stolen, origin=ORIGIN, now=clock.now, kept=known)) == "manifest-break"
    verify(stolen, origin=ORIGIN, now=clock.now, kept=before)  # who has not heard of it yet


def test_keys_are_good_for_their_own_time(ring: Keyring, clock: Clock) -> None:
    first = ring.current.kid
    start = clock.now
    clock.now += 100
    second = ring.rotate().kid
    document = made(ring, clock)
    assert set(keys_at(document, start)) == {first}
    assert set(keys_at(document, start + 100)) == {first, second}
    assert set(keys_at(document, start + 101)) == {second}
    assert set(keys_at(document, start - 1)) == set()
    ring.revoke(first)
    assert set(keys_at(made(ring, clock), start)) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"origin": 1},
        {"issued": "now"},
        {"keys": None},
        {"keys": [{}]},
        {"keys": [{"kty": "RSA"}]},
    ],
    ids=str,
)
def test_what_has_another_form_is_none(ring: Keyring, clock: Clock, change: dict[str, Any]) -> None:
    document = {**made(ring, clock), **change}
    assert reason(lambda: read(json.dumps(document).encode())) == "manifest-malformed"


def test_what_is_no_json_is_none(ring: Keyring, clock: Clock) -> None:
    for data in (b"", b"{", b"[]", b"\xff", b" " * (MAX_MANIFEST + 1), b'{"version":1,"version":1}'):
        assert reason(lambda data=data: read(data)) == "manifest-malformed"
    for signatures in ([], None, ["x"], ["x..y"] * 9):
        document = {**made(ring, clock), "signatures": signatures}
        with pytest.raises(ProofError):
            verify(document, origin=ORIGIN, now=clock.now)

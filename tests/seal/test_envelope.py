"""The envelope: what was sealed at a place opens there, whole, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.sealing import Place
from chatward.seal import envelope

KEY = AESGCM(b"k" * 32)
OTHER = AESGCM(b"o" * 32)
WORDS = st.text(st.characters(), max_size=8)
PLACES = st.builds(Place, WORDS, WORDS, WORDS, WORDS, WORDS)
VERSIONS = st.integers(1, envelope.MAX_VERSION)
HERE = Place("tenant", "subject", "turns.body", "row", "record")


@given(PLACES, VERSIONS, st.binary(max_size=300))
def test_round_trip(place: Place, version: int, data: bytes) -> None:
    sealed = envelope.seal(KEY, version, place, data)
    parsed = envelope.parse(sealed)
    assert parsed.version == version
    assert len(sealed) == len(data) + envelope.OVERHEAD
    assert envelope.open_(KEY, place, parsed) == data


@given(PLACES, PLACES, VERSIONS, VERSIONS)
def test_associated_data_of_two_places_or_versions_never_collide(a: Place, b: Place, v: int, w: int) -> None:
    assert (envelope.associated(a, v) == envelope.associated(b, w)) == ((a, v) == (b, w))


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=5))
def test_joined_is_injective(a: list[str], b: list[str]) -> None:
    assert (envelope.joined(*a) == envelope.joined(*b)) == (a == b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Place("a", "bc", "t", "r"), Place("ab", "c", "t", "r")),
        (Place("a", "b", "t", "1", "2"), Place("a", "b", "t", "2", "1")),
        (Place("a|b", "c", "t", "r"), Place("a", "b|c", "t", "r")),
        (Place("a", "", "t", "r"), Place("", "a", "t", "r")),
        (Place("\ud83d\ude00", "s", "t", "r"), Place("\U0001f600", "s", "t", "r")),
    ],
)
def test_no_part_lends_a_letter_to_the_next(a: Place, b: Place) -> None:
    assert envelope.associated(a, 1) != envelope.associated(b, 1)
    refused(b, envelope.seal(KEY, 1, a, b"text"))


def refused(place: Place, sealed: bytes, key: AESGCM = KEY) -> None:
    with pytest.raises(StoreError) as caught:
        envelope.open_(key, place, envelope.parse(sealed))
    assert caught.value.reason == "sealed-altered"


@given(st.binary(max_size=40), st.data())
def test_any_bit_that_changes_is_noticed(data: bytes, draw: st.DataObject) -> None:
    sealed = bytearray(envelope.seal(KEY, 7, HERE, data))
    sealed[draw.draw(st.integers(0, len(sealed) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    refused(HERE, bytes(sealed))


@given(st.integers(0, 60), st.binary(max_size=3))
def test_what_is_cut_or_longer_is_refused(cut: int, more: bytes) -> None:
    sealed = envelope.seal(KEY, 7, HERE, b"some text that is sealed")
    assume(cut < len(sealed))
    refused(HERE, sealed[:cut])
    if more:
        refused(HERE, sealed + more)


@pytest.mark.parametrize("part", ["tenant", "subject", "table", "row", "record"])
def test_another_place_is_refused(part: str) -> None:
    refused(replace(HERE, **{part: "other"}), envelope.seal(KEY, 7, HERE, b"text"))


def test_another_version_is_refused() -> None:
    sealed = envelope.seal(KEY, 7, HERE, b"text")
    refused(HERE, sealed[:1] + (8).to_bytes(4, "big") + sealed[5:])


def test_another_key_is_refused() -> None:
    refused(HERE, envelope.seal(KEY, 7, HERE, b"text"), OTHER)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(60), b"\x00" + bytes(60), b"\x01" + bytes(60)])
def test_other_formats_are_refused_unopened(sealed: bytes) -> None:
    with pytest.raises(StoreError) as caught:
        envelope.parse(sealed)
    assert caught.value.reason == "sealed-altered"


def test_sealing_twice_gives_two_fields() -> None:
    assert envelope.seal(KEY, 1, HERE, b"text") != envelope.seal(KEY, 1, HERE, b"text")


def test_nothing_of_the_text_is_in_the_representation() -> None:
    assert "text" not in repr(envelope.parse(envelope.seal(KEY, 1, HERE, b"text" * 9)))

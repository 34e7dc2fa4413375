"""Blind indexes: equal where values are, different everywhere else, and found before, during and after a rotation."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chatward.seal import blind
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots
from chatward.seal.sealer import KeySealer
from chatward.stores.database import Database

TEXTS = st.text(st.characters(), max_size=6)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_indexes_are_equal_exactly_where_field_and_value_are(f: str, v: str, g: str, w: str) -> None:
    assert (blind.index(b"k" * 32, 1, f, v) == blind.index(b"k" * 32, 1, g, w)) == ((f, v) == (g, w))


def test_an_index_tells_its_version_and_nothing_of_the_value() -> None:
    made = blind.index(b"k" * 32, 9, "name", "somebody@example.com")
    assert blind.version_of(made) == 9
    assert len(made) == 4 + blind.BYTES
    assert b"somebody" not in made


def sealer(folder: Path) -> KeySealer:
    return KeySealer(Keys(Database(folder / "keys.db"), LocalRoots({1: b"r" * 32})))


def test_tenants_and_subjects_do_not_compare_unless_they_are_to(tmp_path: Path) -> None:
    one = sealer(tmp_path)
    asked = [("a", "s"), ("a", "t"), ("b", "s"), ("a", ""), ("b", "")]
    assert len({one.index(tenant, subject, "name", "value") for tenant, subject in asked}) == len(asked)
    assert one.index("a", "", "name", "value") == sealer(tmp_path).index("a", "", "name", "value")


def test_what_one_version_wrote_the_other_finds(tmp_path: Path) -> None:
    one, other = sealer(tmp_path), sealer(tmp_path)
    before = one.index("a", "s", "name", "value")
    one.keys.advance("a")
    during = other.index("a", "s", "name", "value")
    assert [blind.version_of(value) for value in during] == [2, 1]
    assert set(before) < set(during)
    one.keys.retire("a")
    assert other.index("a", "s", "name", "value") == during[:1]


def test_after_an_erasure_nobody_can_try_values(tmp_path: Path) -> None:
    one = sealer(tmp_path)
    before = one.index("a", "s", "name", "value")
    one.keys.erase("a", "s")
    assert not set(before) & set(one.index("a", "s", "name", "value"))

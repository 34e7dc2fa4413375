"""Keys below the root: each under the one above it, of one version, destroyed for good, noticed everywhere."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.sealing import Place
from chatward.seal.key import Key
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots, Wrapped
from chatward.seal.sealer import KeySealer
from chatward.stores.database import Database

HERE = Place("tenant", "person:1", "turns.body", "1", "day")


class Roots(LocalRoots):
    """Counts what it is asked."""

    def __init__(self, keys: dict[int, bytes] | None = None) -> None:
        super().__init__(keys or {1: b"r" * 32})
        self.asked = 0

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        self.asked += 1
        return await super().unwrap(wrapped, context)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(folder: Path, roots: LocalRoots | None = None, **options: object) -> KeySealer:
    return KeySealer(Keys(Database(folder / "keys.db"), roots or Roots(), **options))  # type: ignore[arg-type]


def reason_of(call: object, *values: object) -> str:
    with pytest.raises(StoreError) as caught:
        call(*values)  # type: ignore[operator]
    return caught.value.reason


def test_what_is_sealed_opens_in_the_next_process(tmp_path: Path) -> None:
    sealed = opened(tmp_path).seal(HERE, b"text")
    assert opened(tmp_path).open(HERE, sealed) == b"text"


def test_another_root_key_opens_nothing(tmp_path: Path) -> None:
    sealed = opened(tmp_path).seal(HERE, b"text")
    assert reason_of(opened(tmp_path, Roots({1: b"x" * 32})).open, HERE, sealed) == "root-key-refused"


def test_subjects_records_and_tenants_have_keys_of_their_own(tmp_path: Path) -> None:
    keys = opened(tmp_path).keys
    names = [("a", "s", ""), ("a", "s", "r"), ("a", "t", ""), ("b", "s", ""), ("b", "", "")]
    assert len({keys.newest(name)[0].indexes for name in names}) == len(names)


@pytest.mark.parametrize("column", ["subject", "record", "version", "tenant"])
def test_a_key_put_in_anothers_place_does_not_unwrap(tmp_path: Path, column: str) -> None:
    first = opened(tmp_path)
    sealed = first.seal(HERE, b"text")
    other = {"subject": "person:2", "record": "night", "version": 2, "tenant": "other"}[column]
    if column == "version":
        first.keys.advance("tenant")
    if column == "tenant":
        first.keys.current("other")
    connection = sqlite3.connect(tmp_path / "keys.db")
    only = " WHERE record = 'day'" if column == "record" else ""
    connection.execute(f"UPDATE keys SET {column} = ?{only}", (other,))  # noqa: S608
    connection.commit()
    name = ("tenant", "person:1", "day")
    moved = (
        other if column == "tenant" else name[0], other if column == "subject" else name[1],
        other if column == "record" else name[2],
    )  # fmt: skip
    assert reason_of(opened(tmp_path).keys.get, moved, 2 if column == "version" else 1) == "sealed-altered"
    assert reason_of(opened(tmp_path).open, HERE, sealed) in {"sealed-key-gone", "sealed-altered"}


def test_a_destroyed_record_is_gone_and_the_subject_is_not(tmp_path: Path) -> None:
    sealer = opened(tmp_path)
    night = Place("tenant", "person:1", "turns.body", "2", "night")
    day, kept = sealer.seal(HERE, b"day"), sealer.seal(night, b"night")
    assert sealer.destroy("tenant", "person:1", ["day"]) == 1
    for one in (sealer, opened(tmp_path)):
        assert reason_of(one.open, HERE, day) == "sealed-key-gone"
        assert one.open(night, kept) == b"night"


def test_after_an_erasure_a_subject_gets_other_keys(tmp_path: Path) -> None:
    sealer = opened(tmp_path)
    before = sealer.seal(HERE, b"before")
    assert sealer.keys.erase("tenant", "person:1") == (2, 2)
    after = sealer.seal(HERE, b"after")
    assert sealer.open(HERE, after) == b"after"
    assert reason_of(sealer.open, HERE, before) == "sealed-altered"


def test_another_process_notices_at_once(tmp_path: Path) -> None:
    here, there = opened(tmp_path), opened(tmp_path)
    sealed = here.seal(HERE, b"text")
    assert there.open(HERE, sealed) == b"text"
    here.keys.erase("tenant", "person:1")
    assert reason_of(there.open, HERE, sealed) == "sealed-key-gone"
    here.keys.advance("tenant")
    assert there.keys.current("tenant") == 2


def test_keys_leave_memory_after_their_time_and_when_there_are_too_many(tmp_path: Path) -> None:
    roots, clock = Roots(), Clock()
    sealer = opened(tmp_path, roots, clock=clock, ttl=10.0, capacity=3)
    sealed = sealer.seal(HERE, b"text")
    sealer.open(HERE, sealed)
    asked = roots.asked
    clock.now = 10.0
    sealer.open(HERE, sealed)
    assert roots.asked == asked + 1
    for number in range(9):
        sealer.seal(Place("tenant", f"person:{number}", "turns.body", "1"), b"text")
    assert len(sealer.keys._cache._keys) == 3


def test_a_key_destroyed_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    here, there = opened(tmp_path), opened(tmp_path)
    sealed = here.seal(HERE, b"text")

    class Slow(Roots):
        async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
            there.keys.erase("tenant", "person:1")
            return await super().unwrap(wrapped, context)

    slow = opened(tmp_path, Slow())
    slow.open(HERE, sealed)  # it had been read before it was destroyed
    assert reason_of(slow.open, HERE, sealed) == "sealed-key-gone"


def test_retired_versions_are_refused_and_their_keys_are_gone(tmp_path: Path) -> None:
    sealer = opened(tmp_path)
    sealed = sealer.seal(HERE, b"text")
    sealer.keys.advance("tenant")
    assert sealer.open(HERE, sealed) == b"text"
    assert sealer.seal(HERE, b"x")[1:5] == (2).to_bytes(4, "big")
    assert sealer.keys.retire("tenant") == 3
    assert reason_of(sealer.open, HERE, sealed) == "sealed-retired"
    rows = sealer.keys.database.rows("SELECT version FROM keys UNION SELECT version FROM tenant_keys")
    assert rows == [(2,)]


def test_two_who_advance_at_once_advance_once(tmp_path: Path) -> None:
    here, there = opened(tmp_path).keys, opened(tmp_path).keys
    assert here.current("tenant") == there.current("tenant") == 1
    here._make_tenant("tenant", 1)
    there._make_tenant("tenant", 1)
    assert here.current("tenant") == there.current("tenant") == 2


def test_a_new_root_key_wraps_and_the_older_may_go(tmp_path: Path) -> None:
    sealed = opened(tmp_path, Roots({1: b"a" * 32})).seal(HERE, b"text")
    both = opened(tmp_path, Roots({1: b"a" * 32, 2: b"b" * 32}))
    assert (both.keys.rewrap(), both.keys.rewrap()) == (1, 0)
    alone = opened(tmp_path, Roots({2: b"b" * 32}))
    assert alone.open(HERE, sealed) == b"text"
    assert alone.keys.status()[0].roots == (2,)


def test_an_older_copy_of_the_file_is_worthless_without_its_root_key(tmp_path: Path) -> None:
    sealer = opened(tmp_path, Roots({1: b"a" * 32}))
    sealed = sealer.seal(HERE, b"text")
    old = tmp_path / "old"
    old.mkdir()
    sealer.keys.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "keys.db", old / "keys.db")
    assert reason_of(opened(old, Roots({2: b"b" * 32})).open, HERE, sealed) == "root-key-refused"


def raw_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("keys.db*")))


@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.integers(50, 250))
def test_a_wrapped_key_that_was_destroyed_is_nowhere_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, random: object, count: int
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    keys = opened(folder).keys
    names = [("tenant", f"person:{number}", record) for number in range(count) for record in ("", "1", "2")]
    random.shuffle(names)  # type: ignore[attr-defined]
    keys.prepare(names)
    wrapped: dict[str, list[bytes]] = {}
    for subject, blob in keys.database.rows("SELECT subject, wrapped FROM keys"):
        wrapped.setdefault(subject, []).append(blob)
    erased = [f"person:{number}" for number in range(0, count, 3)]
    for subject in erased:
        keys.erase("tenant", subject)
    held = raw_bytes(folder)
    for subject, blobs in wrapped.items():
        assert all((blob in held) == (subject not in erased) for blob in blobs), subject
    keys.advance("tenant")
    keys.retire("tenant")
    held = raw_bytes(folder)
    assert not any(blob in held for blobs in wrapped.values() for blob in blobs)


def test_a_reader_who_holds_old_pages_is_told_about(tmp_path: Path) -> None:
    sealer = opened(tmp_path)
    sealer.seal(HERE, b"text")
    reader = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM keys").fetchall()
    sealer.keys.database._reader.execute("PRAGMA busy_timeout = 0")
    assert reason_of(sealer.keys.erase, "tenant", "person:1") == "erasure-unfinished"
    reader.execute("COMMIT")
    assert sealer.keys.erase("tenant", "person:1")[0] == 0
    assert "wrapped" not in repr(Wrapped(1, b"wrapped"))


def test_keys_stand_in_no_representation() -> None:
    assert repr(Key(b"k" * 32)).startswith("<chatward.seal.key.Key object")

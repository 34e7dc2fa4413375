"""A proof of possession is good once: over processes that share a file, over threads, over a restart."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatward.core.errors import IdentityError, StoreError
from chatward.identity.dpop import SeenProofs
from chatward.identity.shared_proofs import SharedProofs
from chatward.stores.fleeting import Fleeting


def process(folder: Path, **more: int) -> SharedProofs:
    return SharedProofs(Fleeting(folder / "shared.db"), SeenProofs(**more))


def test_a_proof_is_good_once_over_all_processes_and_a_restart(tmp_path: Path) -> None:
    one, other = process(tmp_path), process(tmp_path)
    assert one.first("key", "a", 100.0, 60.0)
    assert not one.first("key", "a", 101.0, 59.0)
    assert not other.first("key", "a", 101.0, 59.0)
    assert other.first("key", "b", 101.0, 60.0)
    assert other.first("other", "a", 101.0, 60.0)  # another key's proof of the same name
    assert not process(tmp_path).first("key", "a", 102.0, 58.0)


def test_of_many_at_the_same_time_one_is_first(tmp_path: Path) -> None:
    processes = [process(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for jti in range(25):
            said = list(threads.map(lambda one, jti=jti: one.first("key", str(jti), 100.0, 60.0), processes))
            assert sum(said) == 1


def test_the_file_forgets_what_could_not_be_repeated_and_says_nothing(tmp_path: Path) -> None:
    one = process(tmp_path)
    for number in range(5):
        one.first("the-thumbprint", f"the-jti-{number}", 100.0, 60.0)
    one.first("key", "later", 200.0, 60.0)
    file = sqlite3.connect(tmp_path / "shared.db")
    assert file.execute("SELECT count(*) FROM proofs_seen").fetchone() == (1,)
    assert b"the-" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_where_there_is_no_room_nothing_is_written(tmp_path: Path) -> None:
    one = process(tmp_path, per_key=1)
    assert one.first("key", "a", 100.0, 60.0)
    with pytest.raises(IdentityError) as caught:
        one.first("key", "b", 100.0, 60.0)
    assert caught.value.reason == "dpop-too-many"
    assert process(tmp_path).first("key", "b", 100.0, 60.0)


def test_a_file_that_is_gone_takes_no_proof(tmp_path: Path) -> None:
    database = Fleeting(tmp_path / "shared.db")
    seen = SharedProofs(database)
    with database.writing() as connection:
        connection.execute("DROP TABLE proofs_seen")
    with pytest.raises(StoreError):
        seen.first("key", "a", 100.0, 60.0)

"""Emptying the log: what was deleted is in no file any more, or somebody is told that it may be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.stores.clearing import empty_log
from chatward.stores.database import Database, Schema

THINGS = Schema("things", ("CREATE TABLE things (id INTEGER PRIMARY KEY, name BLOB NOT NULL)",))


def held(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("small.db*"))


def test_what_was_deleted_is_in_no_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "small.db", [THINGS])
    database.write("INSERT INTO things (name) VALUES (?)", [b"something-to-forget" * 400])
    database.write("DELETE FROM things")
    assert b"something-to-forget" in held(tmp_path)  # in the log
    empty_log(database)
    assert b"something-to-forget" not in held(tmp_path)


def test_a_reader_in_the_way_is_told_about(tmp_path: Path) -> None:
    database = Database(tmp_path / "small.db", [THINGS])
    database.write("INSERT INTO things (name) VALUES ('stone')")
    reader = sqlite3.connect(tmp_path / "small.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM things").fetchall()
    database._reader.execute("PRAGMA busy_timeout = 0")
    database.write("DELETE FROM things")
    with pytest.raises(StoreError) as caught:
        empty_log(database)
    assert caught.value.reason == "erasure-unfinished"
    reader.execute("COMMIT")
    empty_log(database)


def test_in_memory_there_is_no_log() -> None:
    empty_log(Database(None, [THINGS]))

"""The small database: schemas grow by steps, transactions are whole, and every commit is noticed everywhere."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading

import pytest

from chatward.core.errors import StoreError
from chatward.stores.database import Database, Schema

FIRST = Schema("things", ("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",))
SECOND = Schema("things", (*FIRST.steps, "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 1"))


def test_a_schema_takes_the_steps_that_are_new(tmp_path):
    path = tmp_path / "small.db"
    with_first = Database(path, [FIRST])
    with_first.write("INSERT INTO things (name) VALUES (?)", ["stone"])
    with_first.close()
    again = Database(path, [SECOND])
    assert again.row("SELECT name, size FROM things") == ("stone", 1)
    again.close()
    with pytest.raises(StoreError, match="newer Chatward"):
        Database(path, [FIRST])


def test_only_its_owner_reads_the_file(tmp_path):
    Database(tmp_path / "small.db").close()
    assert stat.S_IMODE(os.stat(tmp_path / "small.db").st_mode) == 0o600


def test_a_transaction_is_whole_or_nothing(tmp_path):
    database = Database(tmp_path / "small.db", [FIRST])

    def half() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO things (name) VALUES ('stone')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert database.rows("SELECT * FROM things") == []


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_generation_changes_with_a_commit_and_with_nothing_else(tmp_path, in_memory):
    database = Database(None if in_memory else tmp_path / "small.db", [FIRST])
    before = database.generation
    database.rows("SELECT * FROM things")
    assert database.generation == before
    database.write("INSERT INTO things (name) VALUES ('stone')")
    assert database.generation != before


def test_the_commit_of_another_process_is_noticed(tmp_path):
    path = tmp_path / "small.db"
    database = Database(path, [FIRST])
    before = database.generation
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(\"INSERT INTO things VALUES (7, 'x')\")"
    subprocess.run([sys.executable, "-c", f"{code}; c.commit()", str(path)], check=True)
    assert database.generation != before
    assert database.row("SELECT id FROM things") == (7,)


def test_a_reader_does_not_wait_for_a_writer(tmp_path):
    database = Database(tmp_path / "small.db", [FIRST])
    inside, done = threading.Event(), threading.Event()

    def write() -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO things (name) VALUES ('stone')")
            inside.set()
            done.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    assert inside.wait(30)
    assert database.rows("SELECT * FROM things") == []  # while the writer is in the middle of it
    done.set()
    writer.join()
    assert len(database.rows("SELECT * FROM things")) == 1


def test_what_is_no_database_is_a_store_error(tmp_path):
    path = tmp_path / "small.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError):
        Database(path)
    with pytest.raises(StoreError), Database(None).writing() as connection:
        raise sqlite3.OperationalError(str(connection))


# --- taking out what was deleted

BLOBS = Schema("things", ("CREATE TABLE things (id INTEGER PRIMARY KEY, name BLOB NOT NULL)",))


def held(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("small.db*"))


def test_what_was_deleted_is_in_no_file(tmp_path) -> None:
    database = Database(tmp_path / "small.db", [BLOBS])
    database.write("INSERT INTO things (name) VALUES (?)", [b"something-to-forget" * 400])
    database.write("DELETE FROM things")
    assert b"something-to-forget" in held(tmp_path)  # in the log
    database.scrub()
    assert b"something-to-forget" not in held(tmp_path)


def test_a_reader_in_the_way_is_told_about(tmp_path) -> None:
    database = Database(tmp_path / "small.db", [BLOBS])
    database.write("INSERT INTO things (name) VALUES ('stone')")
    reader = sqlite3.connect(tmp_path / "small.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM things").fetchall()
    database._reader.execute("PRAGMA busy_timeout = 0")
    database.write("DELETE FROM things")
    with pytest.raises(StoreError) as caught:
        database.scrub()
    assert caught.value.reason == "erasure-unfinished"
    reader.execute("COMMIT")
    database.scrub()


def test_in_memory_there_is_no_log() -> None:
    Database(None, [BLOBS]).scrub()

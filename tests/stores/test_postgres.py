"""PostgreSQL in place of a file, on a real server: one writer at a time, commits that are known of, erasure that holds.

``test_conversations`` and ``test_vaults`` are the contract that it shares with SQLite; rotation and erasure stand in
``tests/seal``.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chatward.configuration import load
from chatward.core.errors import ConfigError, StoreError
from chatward.seal.opening import opened
from chatward.stores.database import Database, Schema
from chatward.stores.postgres import KEY, PostgresTables
from chatward.stores.vaults import Vaults
from tests.seal.conftest import House
from tests.simulators.postgres import Server

THINGS = Schema("things", (), ("CREATE TABLE things (name TEXT NOT NULL)",))
ADD = "INSERT INTO things VALUES (?)"


@pytest.fixture
def tables(postgres: Server) -> Iterator[PostgresTables]:
    with closing(PostgresTables(postgres.fresh())) as made:
        made.adopt(THINGS)
        yield made


def names(tables: PostgresTables) -> list[str]:
    return [row[0] for row in tables.rows("SELECT name FROM things ORDER BY name")]


def test_a_transaction_is_whole_or_nothing_and_schemas_grow(tables: PostgresTables) -> None:
    def half() -> None:
        with tables.writing() as connection:
            connection.executemany(ADD, [("stone",), ("tree",)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert names(tables) == []
    assert tables.write(ADD, ("stone",)) == 1
    tables.adopt(Schema("things", (), (*THINGS.postgres, "ALTER TABLE things ADD COLUMN size BIGINT DEFAULT 1")))
    assert tables.row("SELECT name, size FROM things") == ("stone", 1)
    with pytest.raises(StoreError, match="newer Chatward"):
        tables.adopt(THINGS)
    for bad in ("a\0b", "\ud800"):  # no text of PostgreSQL
        with pytest.raises(StoreError):
            tables.write(ADD, (bad,))
    assert names(tables) == ["stone"]


def test_one_writes_at_a_time_and_sees_what_the_others_wrote(postgres: Server, tables: PostgresTables) -> None:
    inside, seen = threading.Event(), []
    with closing(PostgresTables(tables._conninfo)) as other:

        def second() -> None:
            inside.set()
            with other.writing() as connection:
                seen.append(connection.execute("SELECT count(*) FROM things").fetchone()[0])

        thread = threading.Thread(target=second)
        with tables.writing() as connection:
            connection.execute(ADD, ("stone",))
            thread.start()
            inside.wait()
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while thread.is_alive() and tables.row(waiting) != (1,):
                pass
            assert seen == []
        thread.join()
    assert seen == [1]


class _Lossy:
    """A connection whose answer to ``COMMIT`` gets lost, after the server heard it or before."""

    def __init__(self, connection: Any, heard: bool) -> None:
        self._connection, self._heard = connection, heard

    def execute(self, sql: Any, *values: Any) -> Any:
        if sql != "COMMIT":
            return self._connection.execute(sql, *values)
        if self._heard:
            self._connection.execute(sql)
        self._connection.close()
        raise psycopg.OperationalError("the connection was lost")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_a_commit_whose_answer_is_lost_is_looked_up(tables: PostgresTables) -> None:
    assert tables._writer is not None
    tables._writer = _Lossy(tables._writer, heard=True)  # type: ignore[assignment]
    tables.write(ADD, ("heard",))
    tables._writer = _Lossy(tables._connect(), heard=False)  # type: ignore[assignment]
    with pytest.raises(StoreError):
        tables.write(ADD, ("unheard",))
    tables.write(ADD, ("later",))
    assert names(tables) == ["heard", "later"]


def test_a_server_that_crashed_is_found_again_with_all_that_was_acknowledged() -> None:
    server = Server()
    with closing(server), closing(PostgresTables(server.url())) as tables:
        tables.adopt(THINGS)
        for number in range(3):
            tables.write(ADD, (str(number),))
        assert names(tables) == ["0", "1", "2"]
        server.stop(signal.SIGQUIT)
        with pytest.raises(StoreError):
            names(tables)
        with pytest.raises(StoreError):
            tables.write(ADD, ("3",))
        server.start()
        tables.write(ADD, ("4",))
        assert names(tables) == ["0", "1", "2", "4"]
        server.stop(signal.SIGQUIT)  # and once more, while nobody asks
        server.start()
        tables.write(ADD, ("5",))
        assert names(tables) == ["0", "1", "2", "4", "5"]


def test_who_was_erased_stays_erased_when_an_older_dump_comes_back(tmp_path: Path, postgres: Server) -> None:
    house = House(tmp_path, url=postgres.fresh())
    held = {"conversations": "number, id, tenant, subject, name, started, last, turns"}
    held |= {"turns": "number, conversation, turn, day, at, body"}
    for subject in ("person:1", "person:2"):
        house.say(subject, f"zebra of {subject}")
    vaults = Vaults(house.store.database, house.sealer, house.entries.append)
    vaults.save("default", "person:1", "a", {"values": [["EMAIL", 1, "zebra@example.org", True]]}, 0)
    house.rotation.run("default")
    database = house.store.database
    dump = {table: database.rows(f"SELECT {columns} FROM {table}") for table, columns in held.items()}  # noqa: S608
    house.eraser.erase("default", "person:1", "operator:1")
    assert house.fields.subjects() == [("default", "person:2")]
    assert vaults.listing("default", "person:1") == []
    with database.writing() as connection:
        connection.execute("DELETE FROM conversations")
        for table, columns in held.items():
            marks = ", ".join("?" * len(columns.split(",")))
            into = f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({marks})"  # noqa: S608
            connection.executemany(into, dump[table])
    assert len(house.fields.subjects()) == 2
    assert house.texts() == {"person:2": ["zebra of person:2"]}
    house = house.again()
    assert house.eraser.replay() == 2
    assert house.fields.subjects() == [("default", "person:2")]
    assert b"zebra" not in postgres.bytes()
    house.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "postgres-url"),
        ("postgresql:///chatward", "postgres-url"),
        ("postgresql://a,/chatward", "postgres-url"),
        ("postgresql://u:hidden-word@db.example/chatward", "postgres-not-private"),
        ("postgresql://u:hidden-word@db.example/chatward?sslmode=require", "postgres-not-private"),
        ("postgresql://127.0.0.1,db.example/chatward", "postgres-not-private"),
        ("postgresql://localhost/chatward?hostaddr=192.0.2.1", "postgres-not-private"),
    ],
)
def test_an_address_is_safe_by_place(url: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PostgresTables(url)
    assert caught.value.reason == reason
    assert "hidden-word" not in str(caught.value)


def test_settings_put_conversations_there(tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "chatward.toml"
    text = f"""upstream = "http://127.0.0.1:9"
[ledger]
path = "{tmp_path}/chatward.db"
[conversations]
store = true
[stores]
postgres = "env:DATABASE"
[seal]
root = "environment"
root_keys = "env:ROOT_KEYS"
"""
    config.write_text(text)
    monkeypatch.setenv("DATABASE", postgres.fresh())
    monkeypatch.setenv("ROOT_KEYS", "1:" + "cmVhbGx5LTMyLWJ5dGVzLW9mLWEtcm9vdC1rZXkuLi4=")
    sealing = opened(load(config).settings, lambda entry: None)
    assert isinstance(sealing.data, PostgresTables)
    assert sealing.data.rows("SELECT count(*) FROM turns") == [(0,)]
    sealing.close()
    assert not (tmp_path / "chatward-conversations.db").exists()
    for wrong, key in ((postgres.url(), KEY), ('env:DATABASE"\n[conversations]\npath = "x', "conversations.path")):
        changed = text.replace("[conversations]\nstore = true\n", "") if "path" in wrong else text
        config.write_text(changed.replace("env:DATABASE", wrong))
        with pytest.raises(ConfigError) as caught:
            load(config)
        assert caught.value.key == key
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"chatward\[postgres\]"):
        PostgresTables(postgres.url())


def test_a_file_is_still_the_default(tmp_path: Path) -> None:
    assert isinstance(House(tmp_path).store.database, Database)

"""Files that were stopped: sealed, bounded, expiring, taken out on record only."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.core.errors import ClientError, StoreError
from chatward.core.ports import Entry
from chatward.core.sealing import Place
from chatward.files.quarantine import BODY, Content, Quarantine, quarantine_file, sealed_fields
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots, parse_keys
from chatward.seal.rotation import Rotation
from chatward.seal.sealer import KeySealer
from chatward.settings import LedgerSettings, Settings
from chatward.stores.database import Database

ROOT = "1:" + "A" * 43 + "="


class _World:
    def __init__(self, folder: Path, **bounds: int) -> None:
        self.now = 1_000_000.0
        self.entries: list[Entry] = []
        self.path = folder / "chatward-quarantine.db"
        self.keys = Keys(Database(folder / "keys.db"), LocalRoots(parse_keys(ROOT)))
        self.sealer = KeySealer(self.keys)
        self.database = Database(self.path)
        self.quarantine = Quarantine(self.database, self.sealer, self.entries.append, clock=lambda: self.now, **bounds)

    def put(self, data: bytes, subject: str = "ann", digest: str = "") -> str:
        return self.quarantine.put(
            "default",
            subject,
            Content("canary-name.exe", data),
            digest=digest or data.hex()[:64],
            kind="pe",
            rules=["files.type/executable"],
            exchange="req-1",
        )


@pytest.fixture
def world(tmp_path: Path) -> _World:
    return _World(tmp_path)


def test_a_file_comes_back_as_it_was_and_not_before_it_is_on_record(world: _World) -> None:
    id_ = world.put(b"canary-data")
    held = world.quarantine.show(id_)
    assert (held.kind, held.size, held.rules, held.exchange) == ("pe", 11, ("files.type/executable",), "req-1")
    assert world.entries == []
    assert world.quarantine.release(id_, "root") == Content("canary-name.exe", b"canary-data")
    assert [(one.event, one.fields["by"], one.fields["file"]) for one in world.entries] == [
        ("file:quarantine:released", "root", id_)
    ]


def test_nobody_gets_it_where_the_record_fails(world: _World) -> None:
    id_ = world.put(b"data")

    def fail(entry: Entry) -> None:
        raise StoreError("full")

    world.quarantine._record = fail
    with pytest.raises(StoreError):
        world.quarantine.release(id_, "root")
    with pytest.raises(StoreError):
        world.quarantine.delete(id_, "root")
    assert world.quarantine.all()


def test_nothing_of_it_stands_in_the_clear(world: _World) -> None:
    world.put(b"canary-data")
    world.database.row("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = world.path.read_bytes()
    assert b"executable" in stored
    assert b"canary" not in stored


def test_one_file_of_one_person_is_kept_once(world: _World) -> None:
    assert world.put(b"data") == world.put(b"data")
    assert world.put(b"data", "ben") != world.put(b"data")
    assert len(world.quarantine.all()) == 2


def test_it_expires_with_its_key(world: _World) -> None:
    id_ = world.put(b"data")
    (sealed,) = world.database.row("SELECT body FROM quarantine") or (b"",)
    world.now += 14 * 86_400 - 1
    assert world.quarantine.all()
    world.now += 1
    assert world.quarantine.all() == []  # before anybody has purged
    with pytest.raises(ClientError):
        world.quarantine.release(id_, "root")
    assert world.quarantine.purge() == 1
    with pytest.raises(StoreError) as error:
        world.sealer.open(Place("default", "ann", BODY, id_, id_), sealed)
    assert error.value.reason == "sealed-key-gone"


def test_the_oldest_leave_where_there_are_too_many(tmp_path: Path) -> None:
    world = _World(tmp_path, most=25)
    ids = [world.put(bytes([at]) * 10) for at in range(4)]
    assert [one.id for one in world.quarantine.all()] == [ids[3], ids[2]]


def test_deleting_is_on_record(world: _World) -> None:
    id_ = world.put(b"data")
    world.quarantine.delete(id_, "root")
    assert [one.event for one in world.entries] == ["file:quarantine:deleted"]
    for act in (world.quarantine.show, lambda one: world.quarantine.release(one, "root")):
        with pytest.raises(ClientError) as error:
            act(id_)
        assert error.value.reason == "file-unknown"


def test_an_altered_row_does_not_open(world: _World) -> None:
    id_ = world.put(b"data")
    world.put(b"other", "ben")
    world.database.write("UPDATE quarantine SET body = (SELECT body FROM quarantine WHERE subject = 'ben')")
    with pytest.raises(StoreError):
        world.quarantine.release(id_, "root")


def test_keys_rotate_under_it(world: _World) -> None:
    ids = [world.put(bytes([at]) * 20) for at in range(5)]
    rotation = Rotation(world.sealer, [world.quarantine], world.entries.append)
    before = world.database.rows("SELECT body FROM quarantine ORDER BY number")
    rotation.run("default")
    assert not set(before) & set(world.database.rows("SELECT body FROM quarantine ORDER BY number"))
    for at, id_ in enumerate(ids):
        assert world.quarantine.release(id_, "root").data == bytes([at]) * 20


def test_a_walk_goes_on_where_it_was(world: _World) -> None:
    for at in range(5):
        world.put(bytes([at]) * 20)
    seen: list[str] = []

    def change(place: Place, sealed: bytes) -> bytes:
        seen.append(place.row)
        return sealed + b"!"

    left = [world.quarantine.reseal("default", 2, change, 2) for _ in range(4)]
    assert [(one.changed, bool(one.left)) for one in left] == [(2, True), (2, True), (1, True), (0, False)]
    assert len(set(seen)) == len(seen) == 5


def test_erasing_a_person_takes_theirs_and_nobody_elses(world: _World) -> None:
    world.put(b"data")
    world.put(b"data", "ben")
    assert world.quarantine.subjects() == [("default", "ann"), ("default", "ben")]
    assert world.quarantine.erase_subject("default", "ann") == 1
    assert [one.subject for one in world.quarantine.all()] == ["ben"]
    assert world.quarantine.sweep("default", "ben", lambda place, sealed: True) == 1
    assert world.quarantine.all() == []


def test_commands_know_of_it_where_there_is_a_file(tmp_path: Path) -> None:
    settings = Settings(ledger=LedgerSettings(path=str(tmp_path / "chatward.db")))
    with sealed_fields(settings) as none:
        assert none == []
    world = _World(tmp_path)
    world.put(b"data")
    assert quarantine_file(settings) == world.path
    with sealed_fields(settings) as found:
        assert [one.subjects() for one in found] == [[("default", "ann")]]


def test_restoring_takes_nothing_whose_key_was_not_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatward.backup import restoring
    from chatward.seal.opening import files, opened
    from chatward.settings import Seal

    monkeypatch.setenv("ROOTS", ROOT)
    settings = Settings(
        ledger=LedgerSettings(path=str(tmp_path / "chatward.db")), seal=Seal(root="environment", root_keys="env:ROOTS")
    )
    opened(settings, lambda entry: None).close()
    assert files(settings).register.exists()
    world = _World(tmp_path)
    world.put(b"data")
    restoring._erased(settings, None)
    assert len(world.quarantine.all()) == 1

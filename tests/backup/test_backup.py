"""Backups and their return by the commands, on a house of a thousand people; and the erasure drill over all of it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatward.backup import copies, inventory, keys
from chatward.backup.signing import SIGNATURE, sign
from chatward.cli import main
from chatward.configuration import load
from chatward.core.errors import StoreError
from chatward.engine.placeholders import Vault as PlaceholderVault
from chatward.ledger import reading
from chatward.privacy.notices import Notices
from chatward.privacy.requests import Kind, Requests
from chatward.privacy.standing import Standings, Word
from chatward.seal.kms import Cost
from chatward.seal.opening import opened
from chatward.settings import Settings
from chatward.stores.database import Database
from chatward.stores.postgres import PostgresTables
from tests.seal.conftest import turn
from tests.simulators.postgres import Server

CONFIG = """upstream = "http://127.0.0.1:9"
[ledger]
path = "{folder}/chatward.db"
min_free = 1
[conversations]
store = true
[seal]
root = "environment"
root_keys = "env:ROOT_KEYS"
[privacy.recipients.crm]
url = "http://127.0.0.1:9/hook"
secret = "env:HOOK"
[privacy.notice]
version = "1"
[privacy.purposes.support]
lawful_basis = "consent"
"""
ROOT = "1:" + "cmVhbGx5LTMyLWJ5dGVzLW9mLWEtcm9vdC1rZXkuLi4="


def canary(number: int) -> str:
    return f"canary-{number:04d}-" + "zyxw"[number % 4] * 12


class Place:
    """An installation in a folder, and its commands."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "chatward.toml"
        self._capsys = capsys

    def made(self) -> Place:
        self.folder.mkdir()
        self.config.write_text(CONFIG.format(folder=self.folder))
        return self

    def fill(self, *people: int) -> None:
        settings = load(self.config).settings
        sealing = opened(settings, lambda entry: None)
        privacy = Database(self.folder / "chatward-privacy.db")
        for database in (sealing.data, sealing.keys.database, privacy):
            for connection in (database._writer, database._reader):  # no power is cut here, and disks are slow
                connection.execute("PRAGMA synchronous=OFF")
        store = sealing.conversations()
        standings, requests = Standings(privacy, lambda entry: None), Requests(privacy, lambda entry: None)
        for number in people:
            store.write("default", f"person:{number}", f"thread {canary(number)}", [turn(f"I am {canary(number)}.")])
        for number in people[:100]:
            standings.say("default", f"person:{number}", "support", Word.CONSENTS, notice="1", by="person")
        requests.open("default", f"person:{people[0]}", Kind.ERASURE, by="person", verified="passport")
        vaults, notices = sealing.vaults(), Notices(privacy, settings.privacy.recipients)
        for number in people[:100]:
            values = PlaceholderVault()
            values.mint("EMAIL", f"{canary(number)}@example.org", own=True)
            vaults.save("default", f"person:{number}", f"thread {canary(number)}", values.dump(), 0)
        notices.tell("rectification", "subject.corrected", "default", f"person:{people[0]}")
        asyncio.run(store.aclose())
        sealing.close()
        privacy.close()

    def command(self, *arguments: object, status: int = 0) -> Any:
        said = main([*map(str, arguments), "-c", str(self.config), "--json"])
        captured = self._capsys.readouterr()
        assert said == status, captured
        return json.loads(captured.out)

    def texts(self) -> dict[str, list[str]]:
        sealing = opened(load(self.config).settings, lambda entry: None)
        store = sealing.conversations()
        found: dict[str, list[str]] = {}
        for one in store.listing("default", limit=100_000):
            for read in store._turns("default", one.id, 0, 100, masked=False):
                if not (read.gone or read.altered):
                    found.setdefault(one.subject, []).extend(part.text for part in read.parts)
        asyncio.run(store.aclose())
        sealing.close()
        return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    monkeypatch.setenv("ROOT_KEYS", ROOT)
    monkeypatch.setenv("PHRASE", "correct horse battery")
    monkeypatch.setenv("HOOK", "whsec_" + "a" * 44)
    monkeypatch.setenv("OTHER", "incorrect horse battery")
    return Place(tmp_path / "live", capsys).made()


def raw(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_of_a_thousand_is_gone_from_every_file_and_from_what_a_backup_brings_back(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    gone = 77
    place.fill(*range(1000))
    backup, copy = tmp_path / "backup", tmp_path / "keys.json"
    said = place.command("backup", backup, "--keys", copy, "--passphrase", "env:PHRASE")
    assert "keys.db" not in {one["name"] for one in said["files"]}
    with closing(sqlite3.connect(place.folder / "chatward-keys.db")) as connection:
        wrapped = [row[0] for row in connection.execute("SELECT wrapped FROM keys WHERE subject = 'person:77'")]
    with closing(sqlite3.connect(backup / "conversations.db")) as connection:
        bodies = [
            row[0]
            for row in connection.execute(
                "SELECT body FROM turns t JOIN conversations c ON c.number = t.conversation WHERE subject = 'person:77'"
            )
        ]
        bodies += [row[0] for row in connection.execute("SELECT body FROM vaults WHERE subject = 'person:77'")]
    assert len(wrapped) == 4  # of the person, the day, the name, the values
    assert len(bodies) == 2
    receipts = place.command("seal", "erase", f"person:{gone}")["receipts"]
    # An export of somebody else, a restored backup with the old keys in the worst hands, and the newer register.
    place.command("privacy", "export", "person:5", "--out", tmp_path / "copy", "--reason", "request 17")
    restored = Place(tmp_path / "restored", capsys).made()
    for name in ("chatward-erasures.db", "chatward-erasures.db.signer", "chatward-erasures.db.vkey"):
        shutil.copy(place.folder / name, restored.folder / name)
    said = restored.command("restore", backup, "--keys", copy, "--passphrase", "env:PHRASE")
    assert said["ok"]
    assert said["ledger"]["ok"]
    assert said["erasures"] == 1
    assert said["receipts"] == {"good": 3, "bad": 0}

    # In the clear it never was anywhere, and sealed it is left in the ordinary backup alone, where no key is.
    for folder in (place.folder, restored.folder):
        for name, data in raw(folder).items():
            assert not any(blob in data for blob in (*wrapped, *bodies)), name
    for name, data in raw(tmp_path).items():
        for number in (gone, 999):
            assert canary(number).encode() not in data, name
    assert not any(blob in data for data in raw(backup).values() for blob in wrapped)
    assert canary(gone) not in caplog.text
    with closing(sqlite3.connect(place.folder / "chatward-privacy.db")) as connection:
        queued = [json.loads(row[0]) for row in connection.execute("SELECT body FROM privacy_notices")]
    assert {"type": "subject.erased", "subject": "person:77"}.items() <= (queued[-1] | queued[-1]["data"]).items()
    for one in (place, restored):
        assert set(one.texts()) == {f"person:{number}" for number in range(1000)} - {f"person:{gone}"}
        assert main(["ledger", "verify", str(one.folder / "chatward.db")]) == 0
    receipt = tmp_path / "receipt"
    receipt.write_text(receipts[0])
    assert main(["seal", "receipt", str(receipt), "--key", str(place.folder / "chatward-erasures.db.vkey")]) == 0
    events = [one.event for one in reading.tail(restored.folder / "chatward.db")]
    assert events[-1] == "backup:copy:restored"


def test_what_people_said_goes_again_without_any_key(place: Place, tmp_path: Path) -> None:
    place.fill(1, 2)
    backup = tmp_path / "backup"
    place.command("backup", backup)
    place.command("seal", "erase", "person:1")
    (place.folder / "chatward-keys.db").unlink()
    said = place.command("restore", backup, "--replace")
    assert said["keys"] is False
    with closing(sqlite3.connect(place.folder / "chatward-privacy.db")) as connection:
        assert connection.execute("SELECT subject FROM privacy_statements").fetchall() == [("person:2",)]


def test_a_newer_ledger_and_the_register_stay(place: Place, tmp_path: Path) -> None:
    place.fill(1, 2)
    backup = tmp_path / "backup"
    place.command("backup", backup)
    place.command("seal", "erase", "person:1")
    entries = len(reading.tail(place.folder / "chatward.db", 1000))
    assert place.command("restore", backup, status=2)["error"]["reason"] == "restore-exists"
    said = place.command("restore", backup, "--replace")
    assert {"ledger.db", "erasures.db"} <= set(said["kept"])
    assert "conversations.db" in said["placed"]
    assert said["ledger"]["entries"] == entries + 1 - 1  # verified before it is on record that it was put back
    assert len(reading.tail(place.folder / "chatward.db", 1000)) == entries + 1
    assert set(place.texts()) == {"person:2"}
    assert place.command("restore", backup, "--replace")["ok"]  # again: the same


def test_erasures_of_a_backup_are_taken_in(place: Place, tmp_path: Path) -> None:
    place.fill(1, 2)
    register = place.folder / "chatward-erasures.db"
    early = register.read_bytes()
    place.command("seal", "erase", "person:1")
    backup = tmp_path / "backup"
    place.command("backup", backup)
    register.write_bytes(early)
    digests = raw(backup)
    said = place.command("restore", backup, "--replace")
    assert said["erasures"] == 1
    assert said["receipts"]["good"] == 3
    assert raw(backup) == digests  # a backup is only read


@pytest.mark.parametrize("name", ["conversations.db", "ledger.db", "erasures.db", "ledger.db.vkey"])
def test_a_changed_backup_is_refused_before_anything_is_written(place: Place, tmp_path: Path, name: str) -> None:
    place.fill(1)
    backup = tmp_path / "backup"
    place.command("backup", backup)
    data = bytearray((backup / name).read_bytes())
    data[len(data) // 2] ^= 1
    (backup / name).write_bytes(data)
    before = raw(place.folder)
    assert place.command("restore", backup, "--replace", status=2)["error"]["reason"] == "backup-invalid"
    assert raw(place.folder) == before


def forge(backup: Path, signer: Path) -> None:
    """A backup with other settings, whole in itself, as somebody makes it who can write to it."""
    (backup / inventory.CONFIG).write_text('upstream = "http://evil.example/v1"\n')
    manifest = json.loads((backup / inventory.MANIFEST).read_text())
    (entry,) = [one for one in manifest["files"] if one["name"] == inventory.CONFIG]
    entry["bytes"], entry["sha256"] = copies.digest(backup / inventory.CONFIG)
    (backup / inventory.MANIFEST).write_text(json.dumps(manifest))
    sign(backup, signer)


def test_a_backup_that_somebody_made_anew_is_refused_by_who_knows_the_key(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.fill(1)
    backup, empty = tmp_path / "backup", Place(tmp_path / "empty", capsys).made()
    place.command("backup", backup)
    key = tmp_path / "key"
    shutil.copy(backup / "ledger.db.vkey", key)
    assert place.command("restore", backup, "--replace")["signed_by"] == "here"
    assert empty.command("restore", backup, "--key", key)["signed_by"] == "given"
    fresh = Place(tmp_path / "fresh", capsys).made()
    assert fresh.command("restore", backup)["signed_by"] == "backup"
    assert place.command("restore", backup, "--key", "nonsense", status=2)["error"]["reason"] == "usage"

    before = raw(place.folder), raw(empty.folder)
    forge(backup, tmp_path / "theirs")
    shutil.copy(tmp_path / "theirs.vkey", backup / "ledger.db.vkey")
    assert place.command("restore", backup, "--replace", status=2)["error"]["reason"] == "backup-forged"
    assert empty.command("restore", backup, "--key", key, status=2)["error"]["reason"] == "backup-forged"
    note = (backup / SIGNATURE).read_text()
    (backup / SIGNATURE).write_text("nonsense")
    assert place.command("restore", backup, status=2)["error"]["reason"] == "backup-forged"
    (backup / SIGNATURE).write_text(note)
    (backup / inventory.MANIFEST).write_text((backup / inventory.MANIFEST).read_text() + " ")
    assert place.command("restore", backup, status=2)["error"]["reason"] == "backup-forged"
    (backup / SIGNATURE).unlink()
    assert place.command("restore", backup, status=2)["error"]["reason"] == "backup-unsigned"
    assert (raw(place.folder), raw(empty.folder)) == before


def test_what_stands_in_postgresql_is_left_to_its_own_tools(
    place: Place, tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.fresh()
    monkeypatch.setenv("DATABASE", url)
    place.config.write_text(place.config.read_text() + '[stores]\npostgres = "env:DATABASE"\n')
    (place.folder / "chatward-conversations.db").write_bytes(b"an older one")
    sealing = opened(load(place.config).settings, lambda entry: None)
    store = sealing.conversations()
    for subject in ("person:1", "person:2"):
        store.write("default", subject, "thread", [turn("text")])
    asyncio.run(store.aclose())
    sealing.close()
    data = PostgresTables(url)
    backup = tmp_path / "backup"
    said = place.command("backup", backup)
    assert said["elsewhere"] == ["conversations"]
    assert "conversations.db" not in {one["name"] for one in said["files"]}
    dump = data.rows("SELECT id, tenant, subject, name, started, last, turns FROM conversations")
    place.command("seal", "erase", "person:1")
    assert set(place.texts()) == {"person:2"}
    with data.writing() as connection:  # an older dump comes back there
        connection.execute("DELETE FROM conversations")
        connection.executemany(
            "INSERT INTO conversations (id, tenant, subject, name, started, last, turns) VALUES (?, ?, ?, ?, ?, ?, ?)",
            dump,
        )
    assert place.command("restore", backup, "--replace")["erasures"] == 1
    assert data.rows("SELECT subject FROM conversations") == [("person:2",)]
    data.close()


def test_no_running_gateways_files_are_replaced(place: Place, tmp_path: Path) -> None:
    place.fill(1)
    backup = tmp_path / "backup"
    place.command("backup", backup)
    place.fill(2)
    with closing(Database(place.folder / "chatward-conversations.db")) as database:
        database.rows("SELECT 1 FROM schemas")
        assert place.command("restore", backup, "--replace", status=2)["error"]["reason"] == "restore-in-use"


def test_a_ledger_of_another_history_is_for_a_person(place: Place, tmp_path: Path) -> None:
    place.fill(1)
    backup = tmp_path / "backup"
    place.command("backup", backup)
    (place.folder / "chatward.db").unlink()
    place.command("seal", "erase", "person:9")  # another ledger begins
    assert place.command("restore", backup, "--replace", status=2)["error"]["reason"] == "restore-other-ledger"


def test_a_backup_needs_a_new_folder_and_one_cut_off_is_none(place: Place, tmp_path: Path) -> None:
    place.fill(1)
    backup = tmp_path / "backup"
    place.command("backup", backup)
    assert place.command("backup", backup, status=2)["error"]["reason"] == "backup-exists"
    assert oct(backup.stat().st_mode)[-3:] == "700"
    assert {oct(path.stat().st_mode)[-3:] for path in backup.iterdir()} == {"600"}
    (backup / inventory.MANIFEST).unlink()
    assert place.command("restore", backup, status=2)["error"]["reason"] == "backup-invalid"


def test_keys_come_back_only_where_there_are_none_and_with_their_passphrase(place: Place, tmp_path: Path) -> None:
    place.fill(1)
    backup, copy = tmp_path / "backup", tmp_path / "keys.json"
    place.command("backup", backup, "--keys", copy, "--passphrase", "env:PHRASE")
    again = ("restore", backup, "--replace", "--keys", copy, "--passphrase")
    assert place.command(*again, "env:PHRASE", status=2)["error"]["reason"] == "restore-exists"
    (place.folder / "chatward-keys.db").unlink()
    assert place.command(*again, "env:OTHER", status=2)["error"]["reason"] == "keys-refused"
    assert place.command(*again, "env:PHRASE")["keys"] is True
    assert set(place.texts()) == {"person:1"}


def test_a_copy_of_keys_is_bound_to_its_passphrase_and_its_bytes(tmp_path: Path) -> None:
    Database(tmp_path / "keys.db").close()
    file = tmp_path / "copy"
    keys.save(tmp_path / "keys.db", file, lambda: "correct horse battery", Cost(8, 1))
    assert keys.opened(file, lambda: "correct horse battery").startswith(b"SQLite format 3")
    assert b"SQLite format" not in file.read_bytes()
    text = file.read_text()
    for changed in (text.replace('"passes":1', '"passes":2'), text.replace('"format":1', '"format":2'), "{}"):
        file.write_text(changed)
        with pytest.raises(StoreError) as refused:
            keys.opened(file, lambda: "correct horse battery")
        assert refused.value.reason == "keys-refused"


def test_a_copy_is_one_state_while_others_write(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "a.db")) as database:
        database.write("CREATE TABLE t (x INTEGER)")
        for number in range(50):
            database.write("INSERT INTO t VALUES (?)", (number,))
        copies.copy_database(tmp_path / "a.db", tmp_path / "b.db")
        database.write("INSERT INTO t VALUES (99)")
    with closing(sqlite3.connect(tmp_path / "b.db")) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (50,)
    assert not (tmp_path / "b.db-wal").exists()


def test_every_database_of_an_installation_is_in_it_or_left_out_on_purpose() -> None:
    source = Path(inventory.__file__).parents[1]
    named = {
        found
        for path in source.rglob("*.py")
        for found in re.findall(r'with_name\("(chatward-[a-z]+\.(?:db|json))"\)', path.read_text("utf-8"))
    }
    held = {one.path.name for one in inventory.stored(Settings())}
    assert {"chatward-identity.db", "chatward-keys.db"} <= named
    assert named - held <= {"chatward-keys.db", "chatward-advisories.db", "chatward-shared.db"}

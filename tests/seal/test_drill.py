"""The erasure drill: two hundred subjects, one erased, and every byte of every file searched for what they wrote.

Readable is what the raw bytes show in the clear, and what anybody who holds all the files and the root key can open:
every 60 bytes that could be a wrapped key are tried with every name that a key may have.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.seal.envelope import joined
from chatward.stores.conversation_rows import name_place
from tests.seal.conftest import House

SUBJECTS = 200
ERASED = 77
LENGTH = 60
"""Bytes of a wrapped key: nonce, key, tag."""


def canary(number: int) -> str:
    return f"canary-{number:04d}-" + "zyxw"[number % 4] * 12


@pytest.fixture
def filled(house: House) -> House:
    for number in range(SUBJECTS):
        text = f"My account is {canary(number)}, thank you."
        house.say(f"person:{number}", text, text.upper(), conversation=f"thread {canary(number)}")
    return house


def raw(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_one_is_readable_and_all_of_the_others_is(filled: House) -> None:
    backup = filled.folder / "backup"
    backup.mkdir()
    filled.store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(filled.folder / "conversations.db", backup / "conversations.db")
    wrapped = dict(
        filled.keys.database.rows("SELECT record, wrapped FROM keys WHERE subject = ?", (f"person:{ERASED}",))
    )
    assert len(wrapped) == 3
    bodies = filled.store.database.rows(
        "SELECT body FROM turns t JOIN conversations c ON c.number = t.conversation WHERE subject = ?",
        (f"person:{ERASED}",),
    )
    receipts = filled.eraser.erase("default", f"person:{ERASED}", "operator:1")
    (filled.folder / "receipts.txt").write_text("".join(receipts))

    held = raw(filled.folder)
    assert {"keys.db", "conversations.db", "erasures.db", "receipts.txt", "backup/conversations.db"} <= held.keys()
    for name, data in held.items():
        for number in range(SUBJECTS):
            assert canary(number).encode() not in data, name  # in the clear there never was anything
        assert not any(blob in data for blob in wrapped.values()), name
        if name.startswith("conversations"):
            assert not any(body in data for (body,) in bodies), name
    assert f"person:{ERASED}".encode() not in held["receipts.txt"] + held["erasures.db"]
    assert any(body in held["backup/conversations.db"] for (body,) in bodies)  # which is why the key had to go

    texts = filled.again().texts()
    assert set(texts) == {f"person:{number}" for number in range(SUBJECTS)} - {f"person:{ERASED}"}
    assert all(canary(number) in texts[f"person:{number}"][0] for number in range(SUBJECTS) if number != ERASED)


def test_not_even_with_the_root_key(filled: House) -> None:
    subject = f"person:{ERASED}"
    filled.keys.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    tenant = filled.keys.get(("default", "", ""), 1)
    context = joined("subject", "default", subject, "1")

    def found() -> int:
        """How many keys of the subject stand anywhere in the file and its log, at whatever offset."""
        data = b"".join(path.read_bytes() for path in sorted(filled.folder.glob("keys.db*")))
        # Only places that hold this many bytes of anything can hold a key.
        places = (data[at : at + LENGTH] for at in range(len(data) - LENGTH) if data[at] or data[at + 1])
        count = 0
        for blob in places:
            try:
                tenant.unwrap(blob, context)
            except StoreError:
                continue
            count += 1
        return count

    assert found() == 1
    filled.eraser.erase("default", subject, "operator:1")
    assert found() == 0


def test_a_purge_is_real_in_backups_too(filled: House) -> None:
    backup = filled.folder / "old.db"
    filled.store.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(filled.folder / "conversations.db", backup)
    house = House(filled.folder, filled.now + 40 * 86_400, retention=30 * 86_400.0)
    house.say("person:1", "still here", conversation="new")
    assert house.store.purge().turns == 2 * SUBJECTS
    house.close()
    shutil.copy(backup, filled.folder / "conversations.db")
    restored = House(filled.folder, filled.now + 40 * 86_400)
    assert restored.texts() == {}
    assert restored.store.find("default", "person:5", f"thread {canary(5)}") is not None  # that somebody was there
    row = restored.store.database.row("SELECT subject, id, name FROM conversations")
    assert row is not None
    with pytest.raises(StoreError):
        restored.sealer.open(name_place("default", row[0], row[1]), row[2])

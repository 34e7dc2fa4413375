"""Erasing: the one who is erased is gone from every copy, nobody else is, and a receipt says so to whoever asks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.errors import ClientError, StoreError
from chatward.core.ports import Entry
from chatward.seal.receipt import PublicKey, Receipt, digest, sign, verify
from chatward.seal.register import Eraser, signer
from chatward.stores.database import Database
from tests.seal.conftest import House


def copy(house: House, to: Path, *names: str) -> None:
    """A copy of files as a backup takes it: of databases at rest."""
    to.mkdir(exist_ok=True)
    house.close()
    for name in names:
        shutil.copy(house.folder / name, to / name)


def test_only_the_one_who_is_erased_is_gone(stored: House) -> None:
    house = stored
    for number in range(5):
        house.say(f"person:{number}", f"text {number}")
    receipts = house.eraser.erase("default", "person:3", "operator:1")
    assert len(receipts) == 2
    for _ in range(2):
        assert set(house.texts()) == {f"person:{number}" for number in (0, 1, 2, 4)}
        assert house.store.find("default", "person:3", "thread") is None
        house = house.again()


@settings(max_examples=12)
@given(st.data())
def test_an_older_copy_of_the_keys_brings_nobody_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    subjects = [f"person:{number}" for number in range(data.draw(st.integers(2, 8)))]
    erased = data.draw(st.lists(st.sampled_from(subjects), unique=True, max_size=len(subjects) - 1))
    back = data.draw(st.lists(st.sampled_from(erased), unique=True)) if erased else []
    for subject in subjects:
        house.say(subject, f"old {subject}")
    old = house.folder / "old"
    copy(house, old, "keys.db", "conversations.db")
    house = House(house.folder, entries=[])
    for subject in subjects:  # so that the copy's numbers are behind those that the register notes
        house.say(subject, f"after the backup {subject}", conversation="another")
    for subject in erased:
        house.eraser.erase("default", subject, "operator:1")
    for subject in back:
        house.say(subject, f"new {subject}")
    house.close()

    # Everything of the old backup comes back, the keys too; the register is what it is.
    for name in ("keys.db", "conversations.db"):
        shutil.copy(old / name, house.folder / name)
    house = House(house.folder)
    house.eraser.replay()
    assert house.texts() == {subject: [f"old {subject}"] for subject in subjects if subject not in erased}
    assert {subject for _, subject in house.fields.subjects()} == set(subjects) - set(erased)

    # Who comes again keeps what is new, however often the register is replayed.
    for subject in subjects:
        house.say(subject, f"later {subject}", conversation="later")
    assert house.eraser.replay() == 0
    house = house.again()
    house.eraser.replay()
    assert all(f"later {subject}" in house.texts()[subject] for subject in subjects)
    house.close()


def test_only_the_data_restored_cannot_be_read(house: House) -> None:
    house.say("person:1", "text")
    house.say("person:2", "text")
    old = house.folder / "old"
    copy(house, old, "conversations.db")
    house = House(house.folder)
    house.eraser.erase("default", "person:1", "operator:1")
    house.close()
    shutil.copy(old / "conversations.db", house.folder / "conversations.db")
    house = House(house.folder)
    assert set(house.texts()) == {"person:2"}  # before anything was replayed
    assert house.eraser.replay() == 2
    assert house.fields.subjects() == [("default", "person:2")]


class Cut(Exception):
    pass


@pytest.mark.parametrize("at", range(1, 7))
def test_an_erasure_that_was_cut_off_goes_on(house: House, at: int) -> None:
    house.say("person:1", "text")
    house.say("person:2", "text")
    left = at

    def cut(do: Callable[..., object]) -> Callable[..., object]:
        def step(*values: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise Cut
            done = do(*values)
            left -= 1
            if left == 0:
                raise Cut
            return done

        return step

    house.keys.erase = cut(house.keys.erase)  # type: ignore[method-assign, assignment]
    house.fields.erase_subject = cut(house.fields.erase_subject)  # type: ignore[method-assign, assignment]
    house.eraser._record = cut(house.entries.append)  # type: ignore[assignment]
    with pytest.raises(Cut):
        house.eraser.erase("default", "person:1", "operator:1")
    noted = bool(house.register.erasures())
    house = house.again()
    assert house.eraser.resume() == int(noted and at < 7)
    assert house.eraser.resume() == 0
    assert set(house.texts()) == ({"person:2"} if noted else {"person:1", "person:2"})
    assert {subject for _, subject in house.keys.subjects()} == set(house.texts())
    assert all(erasure.done for erasure in house.register.erasures())


def test_the_record_comes_first_and_names_nobody(house: House) -> None:
    house.say("person:1", "text")

    def failing(entry: Entry) -> None:
        raise StoreError("The record cannot be written now.")

    with pytest.raises(StoreError):
        Eraser(house.register, house.sealer, [house.fields], failing).erase("default", "person:1", "operator:1")
    assert house.texts() == {"person:1": ["text"]}
    house.eraser.erase("default", "person:1", "operator:1")
    assert [entry.event.value for entry in house.entries] == ["subject:erasure:intended", "subject:erasure:done"]  # type: ignore[attr-defined]
    assert "person:1" not in repr(house.entries)
    assert house.entries[0].fields["subject"] == digest("default", "person:1")


def test_copies_of_the_register_are_merged(house: House, tmp_path: Path) -> None:
    house.say("person:1", "text")
    house.eraser.erase("default", "person:1", "operator:1")
    other = tmp_path / "other"
    other.mkdir()
    there = House(other)
    assert (there.register.merge(house.register.database), there.register.merge(house.register.database)) == (1, 0)
    assert there.register.erasures() == house.register.erasures()
    (id_,) = (erasure.id for erasure in there.register.erasures())
    assert there.register.receipts(id_) == house.register.receipts(id_)
    there.say("person:1", "text")  # under keys whose numbers the register had seen elsewhere
    assert there.eraser.replay() == 3 + 2  # keys of subject, conversation and day; conversation and turn


# --- receipts


def receipt(house: House) -> tuple[str, PublicKey]:
    house.say("person:1", "text")
    return house.eraser.erase("default", "person:1", "operator:1")[1], house.register.public


def test_a_receipt_verifies_with_the_public_key_alone(house: House) -> None:
    written, _ = receipt(house)
    public = PublicKey((house.folder / "erasures.db.vkey").read_text().strip())
    told = verify(written, [public])
    assert (told.store, told.rows, told.subject) == ("conversations", 2, digest("default", "person:1"))
    assert told.at == house.now
    assert "person:1" not in written


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"rows":2', '"rows":3'),
        lambda text: text.replace('"rows":2', '"rows": 2'),
        lambda text: text.replace("default", "another"),
        lambda text: text + "\n",
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "",
        lambda text: text[:-8] + "AAAAA==\n",
        lambda text: text.splitlines()[0] + "\n0123456789abcdef AAAA\n",
        lambda text: "[" * 100_000,
    ],
)
def test_an_altered_receipt_is_refused(house: House, change: Callable[[str], str]) -> None:
    written, public = receipt(house)
    verify(written, [public])
    with pytest.raises(ClientError) as caught:
        verify(change(written), [public])
    assert caught.value.reason == "receipt-invalid"


def test_a_receipt_of_another_key_is_refused(house: House, tmp_path: Path) -> None:
    other = signer(tmp_path / "other.db")
    written = sign(Receipt("1", "default", "0", "keys", 1, 1, 1.0), other)
    with pytest.raises(ClientError):
        verify(written, [house.register.public])
    assert verify(written, [PublicKey.of(other.public_key().public_bytes_raw())]).rows == 1


def test_a_public_key_that_is_none_is_refused() -> None:
    for text in ("", "AAAA", "no base64"):
        with pytest.raises(ClientError):
            verify("a\nb c\n", [PublicKey(text)])


def test_the_key_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    first, again = signer(tmp_path / "e.db"), signer(tmp_path / "e.db")
    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert (tmp_path / "e.db.signer").stat().st_mode & 0o777 == 0o600
    (tmp_path / "e.db.signer").write_text("broken")
    with pytest.raises(StoreError) as caught:
        signer(tmp_path / "e.db")
    assert caught.value.reason == "receipt-key-invalid"


def test_a_register_is_a_database_like_others(tmp_path: Path) -> None:
    assert Database(tmp_path / "e.db").rows("SELECT name FROM sqlite_master WHERE name = 'erasures'") == []

"""Erasing a person everywhere: rows, keys, words, and receipts that verify elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.core.errors import ClientError
from chatward.privacy.erasing import erase, recipients
from chatward.privacy.requests import Kind
from chatward.privacy.standing import NOTHING_SAID, Word
from chatward.seal import receipt as receipts
from chatward.stores.database import Database
from tests.privacy.conftest import Office

WORD = "an-uncommon-word-of-theirs"


def gone(office: Office, subject: str) -> list[str]:
    return erase(office.sealing, office.holds, "default", subject, by="o")


def test_a_person_is_erased_everywhere_and_the_receipts_verify(office: Office, tmp_path: Path) -> None:
    for subject in ("person:gone-7c1e", "person:stays"):
        office.chat(subject, WORD)
        office.standings.say("default", subject, "support", Word.CONSENTS, by=subject, notice="1")
    made = office.requests.open("default", "person:gone-7c1e", Kind.ERASURE, by="person:gone-7c1e", verified="SINGLE")
    told = [receipts.verify(one, [office.sealing.register.public]) for one in gone(office, "person:gone-7c1e")]
    assert [one.store for one in told] == ["keys", "conversations", "privacy"]
    assert {one.subject for one in told} == {receipts.digest("default", "person:gone-7c1e")}
    assert all(one.rows for one in told)
    assert office.standings.of("default", "person:gone-7c1e") == NOTHING_SAID
    assert [one.subject for one in office.store.listing("default")] == ["person:stays"]
    assert office.standings.of("default", "person:stays").consents == {"support": "1"}
    assert office.requests.get(made.id).subject == receipts.digest("default", "person:gone-7c1e")
    for file in (*tmp_path.glob("privacy.db*"), *tmp_path.glob("chatward-conversations.db*")):  # and their logs
        assert b"gone-7c1e" not in file.read_bytes(), file


def test_who_is_held_is_not_erased(office: Office) -> None:
    office.chat("p", WORD)
    office.holds.set("default", "p", "case-7", by="o")
    with pytest.raises(ClientError) as caught:
        gone(office, "p")
    assert caught.value.reason == "subject-held"
    assert len(office.store.listing("default", "p")) == 1
    office.holds.lift("default", "p", by="o")
    gone(office, "p")
    assert office.store.listing("default", "p") == []


def test_recipients_are_those_who_are_not_the_controller(office: Office) -> None:
    assert recipients(office.settings) == [("A Inc.", "x.pdf")]


def test_what_was_cut_off_goes_on_at_the_next_start(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.standings.say("default", "p", "support", Word.CONSENTS, by="p", notice="1")

    def cut(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("chatward.privacy.erasing.Statements.erase_subject", cut)
        with pytest.raises(KeyboardInterrupt):
            gone(office, "p")
    later = office.again()
    assert later.standings.statements("default", "p") == []
    (erasure,) = later.sealing.register.erasures()
    assert set(later.sealing.register.receipts(erasure.id)) == {"keys", "conversations", "privacy"}
    later.close()


def test_what_a_restored_file_brings_back_goes_again_and_what_is_new_stays(office: Office, tmp_path: Path) -> None:
    office.standings.say("default", "p", "support", Word.CONSENTS, by="p", notice="1")
    office.requests.open("default", "p", Kind.ACCESS, by="p")
    backup = Database(tmp_path / "backup.db")
    with backup._lock:
        office.database._reader.backup(backup._writer)
    backup.close()
    gone(office, "p")
    office.close()
    for old in tmp_path.glob("privacy.db*"):
        old.unlink()
    (tmp_path / "backup.db").rename(tmp_path / "privacy.db")
    later = Office(office.folder, office.now + 1.0)
    assert later.standings.statements("default", "p") == []
    assert later.requests.of("default", "p") == []
    later.days(0.1)
    later.standings.say("default", "p", "support", Word.CONSENTS, by="p", notice="1")
    later.requests.open("default", "p", Kind.ACCESS, by="p")
    last = later.again()
    assert len(last.standings.statements("default", "p")) == 1
    assert len(last.requests.of("default", "p")) == 1
    last.close()

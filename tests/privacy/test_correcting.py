"""Corrections: appended, sealed, the person's own, and gone with them."""

from __future__ import annotations

import pytest

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.privacy.correcting import CORRECTIONS, correct
from chatward.privacy.erasing import erase
from tests.privacy.conftest import Office

TEXT = "My name is spelt with an h."


def corrected(office: Office, subject: str = "p") -> None:
    correct(office.store, office.entries.append, "default", subject, TEXT, by="o")


def words(office: Office, subject: str) -> list[tuple[str, str]]:
    return [
        (turn.role, turn.parts[0].text)
        for one in sorted(office.store.listing("default", subject), key=lambda one: one.started)
        for turn in office.store._turns("default", one.id, 0, 99, masked=False)
    ]


def test_a_correction_stands_beside_what_was_said(office: Office) -> None:
    office.chat("p", "I am Jon.")
    office.chat("q", "I am Q.")
    office.now += 1
    corrected(office)
    assert words(office, "p") == [("user", "I am Jon."), ("correction", TEXT)]
    assert words(office, "q") == [("user", "I am Q.")]
    assert office.entries[-1].event == Event.SUBJECT_CORRECTED
    assert TEXT not in str(office.entries)
    found = office.store.find("default", "p", CORRECTIONS)
    assert found is not None
    assert TEXT not in str(office.store.read("default", found.id))  # masked, as for every reader
    erase(office.sealing, office.holds, "default", "p", by="o")
    assert words(office, "p") == []


def test_nothing_is_written_without_a_record(office: Office) -> None:
    def fails(entry: Entry) -> None:
        raise StoreError("no")

    with pytest.raises(StoreError):
        correct(office.store, fails, "default", "p", TEXT, by="o")
    assert words(office, "p") == []


@pytest.mark.parametrize("text", ["", "  ", "x" * 20_001], ids=["empty", "blank", "long"])
def test_a_correction_has_words(office: Office, text: str) -> None:
    with pytest.raises(ClientError):
        correct(office.store, office.entries.append, "default", "p", text, by="o")

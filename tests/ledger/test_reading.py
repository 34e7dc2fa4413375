"""Tampering is named, by the chain alone (``test_tampering`` has checkpoints too); reading never disturbs."""
# ruff: noqa: ASYNC240, S608 - files and statements of the test itself

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger.chain import EMPTY, Head, body, link
from chatward.ledger.checkpointing import Plan
from chatward.ledger.reading import tail, verify
from chatward.ledger.sqlite import SqliteLedger

MakeEntry = Callable[..., Entry]
COUNT = 30


async def fill(path: Path, entry: MakeEntry, count: int = COUNT) -> None:
    ledger = SqliteLedger(
        path, "process", min_free=1, clock=lambda: 1_700_000_000_000_000_000, checkpoints=Plan(every=0)
    )
    for number in range(count):
        await ledger.append(entry(number, rule="text.pii/email"))
    await ledger.aclose()


def tamper(path: Path, *statements: str) -> None:
    """Changes the file as someone would who knows SQLite: the triggers go first."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER IF EXISTS ledger_no_update")
    connection.execute("DROP TRIGGER IF EXISTS ledger_no_delete")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_whole_ledger(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    result = verify(path)
    assert (result.ok, result.entries, result.head.seq, result.problem) == (True, COUNT, COUNT, "")
    assert verify(path, result.head).ok


async def test_an_empty_ledger(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry, 0)
    assert (verify(path).ok, verify(path).head) == (True, EMPTY)
    assert tail(path) == []


async def test_more_than_one_page(path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path, entry)
    whole = verify(path)
    for page in (1, 7, COUNT, COUNT + 1):
        monkeypatch.setattr("chatward.ledger.verifying._PAGE", page)
        assert verify(path) == whole


CHANGES = {
    "at": "at = at + 1",
    "event": "event = 'reply:output:delivered'",
    "exchange": "exchange = 'other'",
    "fields": "fields = replace(fields, 'email', 'phone')",
    "fields-order": 'fields = \'{"rule":"text.pii/email","number":\' || (seq - 1) || \'}\'',
    "hash": "hash = zeroblob(32)",
}


@pytest.mark.parametrize("change", CHANGES)
@given(seq=st.integers(1, COUNT))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_first_changed_entry_is_named(path: Path, entry: MakeEntry, change: str, seq: int) -> None:
    path.unlink(missing_ok=True)
    await fill(path, entry)
    later = min(seq + 3, COUNT)
    tamper(path, f"UPDATE ledger SET {CHANGES[change]} WHERE seq IN ({seq}, {later})")
    result = verify(path)
    assert (result.first_bad, result.problem, result.entries) == (seq, "changed", seq - 1)


async def test_a_removed_entry_is_named(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    tamper(path, "DELETE FROM ledger WHERE seq = 12")
    assert (verify(path).first_bad, verify(path).problem) == (12, "missing")


async def test_a_rewritten_past_is_named_even_if_numbered_well(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    tamper(
        path,
        "DELETE FROM ledger WHERE seq = 12",
        *(f"UPDATE ledger SET seq = {seq - 1} WHERE seq = {seq}" for seq in range(13, COUNT + 1)),
    )
    assert (verify(path).first_bad, verify(path).problem) == (12, "changed")


async def test_a_cut_end_shows_only_against_a_noted_head(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    noted = verify(path).head
    tamper(path, f"DELETE FROM ledger WHERE seq > {COUNT - 5}")
    assert verify(path).ok
    assert (verify(path, noted).first_bad, verify(path, noted).problem) == (COUNT - 4, "cut-off")


async def test_a_chain_made_anew_shows_against_a_noted_head(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    noted = verify(path).head
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT seq, at, event, exchange, fields FROM ledger ORDER BY seq").fetchall()
    connection.close()
    previous, updates = EMPTY.hash, []
    for seq, at, event, _, fields in rows:
        previous = link(previous, body(seq, at, event, "forged", fields.encode()))
        updates.append(f"UPDATE ledger SET exchange = 'forged', hash = x'{previous.hex()}' WHERE seq = {seq}")
    tamper(path, *updates)
    assert verify(path).ok
    assert (verify(path, noted).first_bad, verify(path, noted).problem) == (COUNT, "other-head")


@pytest.mark.parametrize(
    "change",
    [
        "exchange = 'a' || char(10) || 'b'",
        "event = x'ff00'",
        "at = 'soon'",
        "fields = 7, hash = 'text'",
    ],
)
async def test_what_the_ledger_never_writes(path: Path, entry: MakeEntry, change: str) -> None:
    await fill(path, entry)
    tamper(path, f"UPDATE ledger SET {change} WHERE seq = 5")
    result = verify(path)
    assert result.first_bad == 5
    assert result.problem in {"malformed", "changed"}


async def test_an_entry_before_the_first(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    tamper(path, "INSERT INTO ledger VALUES (0, 1, 'a:b:c', '', '{}', x'00')")
    assert (verify(path).first_bad, verify(path).problem) == (0, "malformed")


async def test_tail_gives_the_newest_oldest_first(path: Path, entry: MakeEntry) -> None:
    await fill(path, entry)
    records = tail(path, 3)
    assert [record.seq for record in records] == [COUNT - 2, COUNT - 1, COUNT]
    last = records[-1]
    assert last.fields == {"number": COUNT - 1, "rule": "text.pii/email"}
    assert (last.event, last.exchange, last.at) == ("message:input:judged", f"x-{COUNT - 1}", 1_700_000_000_000_000_000)
    assert Head(last.seq, last.hash) == verify(path).head
    assert tail(path, 0) == []
    assert len(tail(path, 10_000)) == COUNT


@pytest.mark.parametrize("kind", ["absent", "text", "other-database"])
def test_files_that_are_no_ledger(path: Path, kind: str) -> None:
    if kind == "text":
        path.write_text("not a database, but long enough to look at " * 50)
    elif kind == "other-database":
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE other (x)")
        connection.close()
    for read in (verify, tail):
        with pytest.raises(StoreError) as caught:
            read(path)
        assert caught.value.reason == "ledger-unreadable"
    assert path.exists() == (kind != "absent")

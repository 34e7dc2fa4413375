"""Stored conversations: sealed, masked, revealed on record, purged with their keys, of one tenant each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatward.core.errors import ChatwardError, ClientError, IdentityError, StoreError
from chatward.core.events import Event
from chatward.core.identity import ANONYMOUS, Kind, Principal
from chatward.core.ports import Entry
from chatward.ledger.events import encode
from tests.seal.conftest import DATABASES, House, on, turn

TEXT = "Write to ann@example.com."
AUDITOR = Principal("operator:1", Kind.OPERATOR, roles=frozenset({"auditor"}))
REASON = "Ticket 17 asks for it"
DAY = 86_400.0


@pytest.fixture(params=DATABASES)
def house(tmp_path: Path, request: pytest.FixtureRequest) -> House:
    return on(tmp_path, request)


def reason_of(call: Callable[[], object], kind: type[ChatwardError] = StoreError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return caught.value.reason


def ids(house: House, tenant: str = "default") -> list[str]:
    return [one.id for one in house.store.listing(tenant)]


# --- writing


async def test_a_turn_is_durable_when_it_is_done_and_the_loop_never_waits(house: House) -> None:
    inside, going = threading.Event(), threading.Event()
    write = house.store._writer._write

    def slow(items: object) -> None:
        inside.set()
        going.wait(30)
        write(items)  # type: ignore[arg-type]

    house.store._writer._write = slow  # type: ignore[method-assign, assignment]
    future = house.store.append("default", "person:1", "thread", turn(TEXT))
    await asyncio.to_thread(inside.wait, 30)
    assert not future.done()
    going.set()
    await future
    assert await asyncio.to_thread(lambda: House(house.folder, url=house.url).texts()) == {"person:1": [TEXT]}
    await house.store.aclose()
    assert reason_of(lambda: house.store.append("default", "person:1", "thread", turn(TEXT))) == "conversations-closed"


async def test_what_the_key_service_refuses_fails_and_nothing_is_written(house: House) -> None:
    def failing(places: object) -> None:
        raise StoreError("The key service does not answer.", reason="root-key-unavailable")

    house.sealer.prepare = failing  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreError) as caught:
        await house.store.append("default", "person:1", "thread", turn(TEXT))
    assert caught.value.reason == "root-key-unavailable"
    assert ids(house) == []


async def test_too_many_turns_are_refused_before_anything_has_happened(house: House) -> None:
    going = threading.Event()
    house.store._writer._limit = 2
    write = house.store._writer._write

    def slow(items: object) -> None:
        going.wait(30)
        write(items)  # type: ignore[arg-type]

    house.store._writer._write = slow  # type: ignore[method-assign, assignment]
    taken: list[asyncio.Future[None]] = []

    def take() -> None:
        for _ in range(4):  # the first may have left the queue already
            taken.append(house.store.append("default", "person:1", "thread", turn(TEXT)))

    assert reason_of(take) == "conversations-overloaded"
    going.set()
    await asyncio.gather(*taken)
    assert house.store.listing("default")[0].turns == len(taken)


def test_turns_of_a_thread_are_one_conversation(house: House) -> None:
    house.say("person:1", "one", "two", conversation="a")
    house = house.again()
    house.say("person:1", "three", conversation="a")
    house.say("person:1", "four", conversation="b")
    house.say("person:2", "five", conversation="a")
    found = house.store.find("default", "person:1", "a")
    assert found is not None
    assert [part.text for one in house.store.read("default", found.id) for part in one.parts] == ["one", "two", "three"]
    assert found.turns == 3
    assert len(ids(house)) == 3
    assert house.store.find("default", "person:1", "c") is None


def test_without_a_name_an_exchange_is_a_conversation(house: House) -> None:
    house.say("person:1", "one", "two", conversation="")
    assert [one.turns for one in house.store.listing("default")] == [2]


def test_nobody_is_nobody(house: House) -> None:
    assert reason_of(lambda: house.say("", "text")) == "conversation-turn-invalid"


# --- in the file


def test_nothing_that_anybody_wrote_is_in_the_clear(house: House, request: pytest.FixtureRequest) -> None:
    house.store.write("default", "person:1", "call me ann@example.com", [turn(TEXT, (9, 24))])
    house.store.reveal(AUDITOR, "default", ids(house)[0], "because of ann@example.com")
    house.close()
    held = b"".join(path.read_bytes() for path in house.folder.iterdir())
    held += request.getfixturevalue("postgres").bytes() if house.url else b""
    assert b"ann@" not in held
    assert b"Write to" not in held
    assert b"person:1" in held  # ids are in the clear


def test_turns_that_were_moved_or_changed_are_told(house: House) -> None:
    house.say("person:1", "one", "two")
    house.say("person:2", "three")
    bodies = house.store.database.rows("SELECT number, body FROM turns ORDER BY number")
    (first, body), (second, other), (third, _) = bodies
    write = house.store.database.write
    write("UPDATE turns SET body = ? WHERE number = ?", (other, first))
    write("UPDATE turns SET body = ? WHERE number = ?", (body, third))
    write("UPDATE turns SET body = ? WHERE number = ?", (b"\0", second))
    for one in house.store.listing("default"):
        assert all(told.altered and not told.parts for told in house.store.read("default", one.id))


# --- reading


def test_everybody_reads_masked_text(house: House) -> None:
    house.store.write("default", "person:1", "a", [turn(TEXT, (9, 24)), turn(TEXT, inspected=False)])
    masked, unseen = house.store.read("default", ids(house)[0])
    assert [part.text for part in masked.parts] == ["Write to [email hidden]."]
    assert [part.text for part in unseen.parts] == ["[not inspected: 25 characters hidden]"]
    assert house.entries == []


def test_an_auditor_with_a_reason_reads_all_and_it_is_on_record(house: House) -> None:
    house.store.write("default", "person:1", "a", [turn(TEXT, (9, 24))])
    id_ = ids(house)[0]
    (told,) = house.store.reveal(AUDITOR, "default", id_, REASON)
    assert [part.text for part in told.parts] == [TEXT]
    (entry,) = house.entries
    assert entry.event == Event.CONVERSATION_REVEALED
    assert (entry.fields["by"], entry.fields["subject"], entry.fields["conversation"]) == (
        "operator:1",
        "person:1",
        id_,
    )
    encode(entry)  # the ledger takes it
    assert house.store.reveals("default", id_) == [("operator:1", house.now, REASON)]


@pytest.mark.parametrize(
    "who",
    [
        ANONYMOUS,
        Principal("operator:2", Kind.OPERATOR, roles=frozenset({"admin", "analyst"})),
        Principal("person:9", Kind.PERSON, roles=frozenset({"auditor"})),
        Principal("key:9", Kind.SERVICE, roles=frozenset({"auditor"})),
    ],
)
def test_nobody_else_does_and_that_is_on_record_too(house: House, who: Principal) -> None:
    house.say("person:1", TEXT)
    id_ = ids(house)[0]
    assert reason_of(lambda: house.store.reveal(who, "default", id_, REASON), IdentityError) == "reveal-not-permitted"
    (entry,) = house.entries
    assert (entry.event, entry.fields["by"]) == (Event.CONVERSATION_REVEAL_REFUSED, who.id)
    encode(entry)
    assert house.store.reveals("default", id_) == []


@pytest.mark.parametrize("reason", ["", "   ", "because", "x" * 2001, "a\n\n\n\nb"])
def test_without_a_reason_nothing_is_revealed(house: House, reason: str) -> None:
    house.say("person:1", TEXT)
    call = lambda: house.store.reveal(AUDITOR, "default", ids(house)[0], reason)  # noqa: E731
    assert reason_of(call, ClientError) == "reveal-reason-missing"


def test_what_cannot_be_recorded_is_not_revealed(house: House) -> None:
    house.say("person:1", TEXT)

    def failing(entry: Entry) -> None:
        raise StoreError("The record cannot be written now.", reason="ledger-closed")

    house.store._revealing = replace(house.store._revealing, record=failing)
    assert reason_of(lambda: house.store.reveal(AUDITOR, "default", ids(house)[0], REASON)) == "ledger-closed"


def test_tenants_do_not_see_each_other(house: House) -> None:
    house.say("person:1", TEXT, tenant="a")
    (id_,) = ids(house, "a")
    assert ids(house, "b") == []
    for call in (
        lambda: house.store.read("b", id_),
        lambda: house.store.reveal(AUDITOR, "b", id_, REASON),
        lambda: house.store.delete("b", id_),
    ):
        assert reason_of(call, ClientError) == "conversation-unknown"
    assert house.store.find("b", "person:1", "thread") is None
    assert house.texts("a") == {"person:1": [TEXT]}


def test_lists_go_by_pages(house: House) -> None:
    for number in range(5):
        house.now += 1
        house.say(f"person:{number}", "text", conversation=str(number))
    page = house.store.listing("default", limit=3)
    assert [one.subject for one in page] == ["person:4", "person:3", "person:2"]
    assert [one.subject for one in house.store.listing("default", before=page[-1].last)] == ["person:1", "person:0"]
    assert [one.subject for one in house.store.listing("default", "person:3")] == ["person:3"]


def test_long_conversations_too(house: House) -> None:
    house.say("person:1", *map(str, range(10)))
    page = house.store.read("default", ids(house)[0], limit=4)
    more = house.store.read("default", ids(house)[0], after=page[-1].number, limit=4)
    assert [part.text for one in page + more for part in one.parts] == list("01234567")


# --- forgetting


def test_days_past_their_time_go_with_their_keys(house: House) -> None:
    house.retention = 10 * DAY
    house = house.again()
    house.say("person:1", "old", conversation="a")
    house.now += DAY * 6
    house.say("person:1", "newer", conversation="a")
    house.say("person:2", "newer", conversation="b")
    assert house.store.purge().turns == 0
    house.now += DAY * 5
    keys = len(house.keys.database.rows("SELECT * FROM keys WHERE live = 1"))
    assert house.store.purge() == house.store.purge().__class__(1, 0)
    assert house.texts() == {"person:1": ["newer"], "person:2": ["newer"]}
    assert len(house.keys.database.rows("SELECT * FROM keys WHERE live = 1")) == keys - 1
    house.now += DAY * 6
    assert house.store.purge(lambda tenant, subject: subject == "person:2").turns == 1
    assert house.texts() == {"person:2": ["newer"]}
    assert house.store.find("default", "person:1", "a") is None
    assert [entry.event for entry in house.entries] == [Event.CONVERSATIONS_PURGED] * 2
    for entry in house.entries:
        encode(entry)


def test_a_day_stays_until_its_last_second_is_past(house: House) -> None:
    house.retention = 1 * DAY
    house = house.again()
    house.say("person:1", "text")  # at midnight
    house.now += 2 * DAY - 1
    assert house.store.purge().turns == 0
    house.now += 1
    assert house.store.purge().turns == 1


def test_a_purge_that_was_cut_off_is_done_again(house: House) -> None:
    house.retention = 1 * DAY
    house = house.again()
    house.say("person:1", "text")
    house.now += 3 * DAY
    destroy = house.sealer.destroy

    def cut(*values: object) -> int:
        destroy(*values)  # type: ignore[arg-type]
        raise RuntimeError

    house.sealer.destroy = cut  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeError):
        house.store.purge()
    (gone,) = house.store.read("default", ids(house)[0])
    assert gone.gone
    house = house.again()
    assert house.store.purge().turns == 1
    assert ids(house) == []


def test_without_a_retention_time_nothing_is_purged(house: House) -> None:
    house.say("person:1", "text")
    house.now += 10_000 * DAY
    assert house.store.purge().turns == 0


def test_one_conversation_can_be_taken_out(house: House) -> None:
    house.say("person:1", "one", conversation="a")
    house.say("person:1", "two", conversation="b")
    found = house.store.find("default", "person:1", "a")
    assert found is not None
    house.store.delete("default", found.id)
    assert house.texts() == {"person:1": ["two"]}
    assert len(house.keys.database.rows("SELECT * FROM keys WHERE live = 1")) == 3

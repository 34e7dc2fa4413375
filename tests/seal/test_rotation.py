"""Rotation: wherever it is cut off, every field opens, and it ends with every field under the newest key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.identity import Kind, Principal
from chatward.core.ports import Entry
from chatward.core.sealing import Change, Resealed
from chatward.seal import envelope
from chatward.seal.register import Eraser
from chatward.seal.rotation import Progress, Rotation
from chatward.stores.conversation_rows import Fields
from tests.seal.conftest import DATABASES, House
from tests.simulators.postgres import Server


def fill(house: House, count: int = 10) -> dict[str, list[str]]:
    for number in range(count):
        house.say(f"person:{number % 7}", f"text {number}", f"more {number}", conversation=f"thread {number}")
    return house.texts()


def versions(house: House) -> set[int]:
    found: set[int] = set()
    house.fields.behind("default", lambda place, sealed: found.add(envelope.parse(sealed).version) or False)
    return found


def test_every_field_is_under_the_next_version(stored: House) -> None:
    house = stored
    before = fill(house)
    conversation = house.store.listing("default")[0]
    house.store.reveal(AUDITOR, "default", conversation.id, "a ticket asks for it")
    seen: list[Progress] = []
    done = house.rotation.run("default", seen.append)
    assert (done.version, done.changed, done.unreadable) == (2, 31, 0)
    assert versions(house) == {2}
    assert house.texts() == before
    assert [one.left for one in seen][-1] == 0
    assert sorted((one.left for one in seen), reverse=True) == [one.left for one in seen]
    assert house.store.reveals("default", conversation.id)[0][2] == "a ticket asks for it"
    again = house.again()
    assert again.texts() == before
    assert again.store.find("default", "person:3", "thread 3") is not None
    assert {row[0] for row in again.store.database.rows("SELECT substr(value, 4, 1) FROM conversation_names")} == {
        b"\2"
    }


AUDITOR = Principal("operator:1", Kind.OPERATOR, roles=frozenset({"auditor"}))


class Cut(Exception):
    """The power goes."""


class Cutting:
    """Stores, records and keys that are cut off at the ``at``-th step, before or after it was done."""

    def __init__(self, house: House, at: int) -> None:
        self.at = at
        self.name, self.tables = house.fields.name, house.fields.tables
        self._fields = house.fields
        self._keys = house.keys
        self.advance, self.retire = house.keys.advance, house.keys.retire
        house.keys.advance = lambda tenant: self.step(lambda: self.advance(tenant))  # type: ignore[method-assign]
        house.keys.retire = lambda tenant: self.step(lambda: self.retire(tenant))  # type: ignore[method-assign]

    def step(self, do: Callable[[], object]) -> object:
        self.at -= 1
        if self.at == 0:
            raise Cut
        done = do()
        self.at -= 1
        if self.at == 0:
            raise Cut
        return done

    def record(self, entry: Entry) -> None:
        self.step(lambda: None)

    def reseal(self, tenant: str, version: int, change: Change, limit: int) -> Resealed:
        def cutting(place: object, sealed: bytes) -> bytes:
            self.at -= 1
            if self.at == 0:
                raise Cut
            return change(place, sealed)  # type: ignore[arg-type]

        return self.step(lambda: self._fields.reseal(tenant, version, cutting, limit))  # type: ignore[return-value]

    def __getattr__(self, name: str) -> object:
        return getattr(self._fields, name)


@settings(max_examples=12)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.sampled_from(DATABASES))
def test_from_any_point_where_it_is_cut_off_it_ends_whole(
    tmp_path_factory: pytest.TempPathFactory, postgres: Server, cuts: Sequence[int], database: str
) -> None:
    house = House(tmp_path_factory.mktemp("house"), url=postgres.fresh() if database == "postgres" else "")
    expected = fill(house)
    for number, at in enumerate(cuts):
        cutting = Cutting(house, at)
        rotation = Rotation(house.sealer, [cutting], cutting.record, batch=5)  # type: ignore[list-item]
        done = False
        try:
            rotation.run("default")
            done = True
        except Cut:
            pass
        house = house.again()
        assert house.texts() == expected
        if not done:
            house.say("person:1", f"meanwhile {number}")
            expected = house.texts()
    house.rotation.run("default")
    assert house.texts() == expected
    assert versions(house) == {house.keys.current("default")}
    assert house.keys.minimum("default") == house.keys.current("default")
    assert not house.rotation.pending("default")
    house.close()


def test_what_is_written_meanwhile_is_met(stored: House, build: Callable[..., House]) -> None:
    house = stored
    fill(house)
    other = build(url=house.url)
    count = 0

    def meanwhile(progress: Progress) -> None:
        nonlocal count
        count += 1
        other.say("person:new", f"text {count}", conversation=f"thread {count}")

    house.rotation.run("default", meanwhile)
    assert versions(house) == {2}
    assert len(house.texts()["person:new"]) == count


def test_other_tenants_are_left_alone(house: House) -> None:
    house.say("person:1", "one", tenant="a")
    house.say("person:1", "two", tenant="b")
    house.rotation.run("a")
    assert (house.keys.current("a"), house.keys.current("b")) == (2, 1)
    assert house.texts("b") == {"person:1": ["two"]}


def test_a_rotation_without_all_stores_destroys_nothing(house: House) -> None:
    before = fill(house)
    with pytest.raises(StoreError) as caught:
        Rotation(house.sealer, []).run("default")
    assert caught.value.reason == "rotation-incomplete"
    assert house.keys.current("default") == 1
    assert house.again().texts() == before


def test_an_altered_field_keeps_the_keys(house: House) -> None:
    fill(house)
    connection = sqlite3.connect(house.folder / "conversations.db")
    row = connection.execute("SELECT number, body FROM turns").fetchone()
    connection.execute("UPDATE turns SET body = ? WHERE number = ?", (row[1][:-1] + bytes([row[1][-1] ^ 1]), row[0]))
    connection.commit()
    connection.close()
    left = house.texts()
    with pytest.raises(StoreError) as caught:
        house.rotation.run("default")
    assert caught.value.reason == "rotation-unreadable"
    assert house.keys.minimum("default") == 1
    assert house.texts() == left
    done = house.rotation.run("default", abandon=True)
    assert done.unreadable == 1
    assert house.texts() == left


def test_the_record_comes_before_what_cannot_be_undone(house: House) -> None:
    before = fill(house)

    def failing(entry: Entry) -> None:
        raise StoreError("The record cannot be written now.")

    with pytest.raises(StoreError):
        Rotation(house.sealer, [house.fields], failing).run("default")
    assert house.keys.current("default") == 1
    assert house.texts() == before


def test_erased_subjects_do_not_hold_a_rotation_up(house: House) -> None:
    fill(house)
    house.keys.erase("default", "person:1")  # the rows are still there, as after a crash in the middle of an erasure
    done = house.rotation.run("default")
    assert done.unreadable == 0
    assert "person:1" not in house.texts()
    assert Eraser(house.register, house.sealer, [house.fields]).resume() == 0


def test_the_store_is_the_port(house: House, tmp_path: Path) -> None:
    fields: Fields = house.fields
    assert fields.tables == {"conversations.name", "turns.body", "reveals.reason", "vaults.body"}
    assert Resealed(0, 0) == fields.reseal("nobody", 2, lambda place, sealed: sealed, 10)

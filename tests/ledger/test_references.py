"""References to people: found with the salt, worthless without, and proofs stay."""
# ruff: noqa: ASYNC240 - files of the test itself

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.events import encode
from chatward.ledger.proving import check, prove
from chatward.ledger.reading import tail
from chatward.ledger.references import FORM, reference
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import verify
from tests.ledger.conftest import keys_of


class Salts:
    """A store of salts as the port describes it."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes | None] = {}

    def __call__(self, tenant: str, subject: str) -> bytes | None:
        return self.kept.setdefault((tenant, subject), secrets.token_bytes(32))

    def destroy(self, tenant: str, subject: str) -> None:
        self.kept[tenant, subject] = None


def test_the_same_subject_has_one_reference_and_no_other_has_it() -> None:
    salts = Salts()
    one = reference(salts, "acme", "person:17")
    assert one is not None
    assert FORM.fullmatch(one)
    assert one == reference(salts, "acme", "person:17")
    assert len({reference(salts, *who) for who in (("acme", "person:18"), ("acmep", "erson:17"))} | {one}) == 3


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
@example(("acme", "person:17"), ("acmep", "erson:17"))
@example(("", "1"), ("1", ""))
def test_tenant_and_subject_never_run_into_one_another(one: tuple[str, str], other: tuple[str, str]) -> None:
    salt = bytes(32)
    same = reference(lambda *_: salt, *one) == reference(lambda *_: salt, *other)
    assert same == (one == other)


def test_a_short_salt_is_refused() -> None:
    with pytest.raises(StoreError) as caught:
        reference(lambda *_: b"short", "acme", "person:17")
    assert caught.value.reason == "salt-invalid"


@pytest.mark.parametrize("value", ["person:17", "s1:", "s1:" + "a" * 42, "x1:" + "a" * 43, 5, True, ["s1:" + "a" * 43]])
def test_the_ledger_takes_no_other_thing_for_a_reference(value: object) -> None:
    good = {"subject_ref": "s1:" + "a" * 43}
    for fields in (good, good):  # the second time its name is known, and the quick check is made
        encode(Entry(Event.MESSAGE_JUDGED, "x", fields))
    with pytest.raises(ValueError, match="subject_ref"):
        encode(Entry(Event.MESSAGE_JUDGED, "x", {"subject_ref": value}))
    encode(Entry(Event.MESSAGE_JUDGED, "x", {"subject_ref": None}))


async def test_destroying_a_salt_leaves_every_proof_valid_and_the_entries_nobodys(
    path: Path, entry: Callable[..., Entry]
) -> None:
    salts = Salts()
    people = [f"person:{number}" for number in range(20)]
    ledger = SqliteLedger(path, "process", min_free=1)
    for number, person in enumerate(people):
        await ledger.append(entry(number, subject_ref=reference(salts, "acme", person)))
    await ledger.aclose()

    def entries_of(person: str) -> list[int]:
        """What a subject request finds."""
        wanted = reference(salts, "acme", person)
        return [record.seq for record in tail(path, 100) if wanted and record.fields.get("subject_ref") == wanted]

    before = verify(path, keys=keys_of(path))
    proof = prove(path, 8).encode()
    raw = path.read_bytes()
    assert entries_of("person:7") == [8]
    salts.destroy("acme", "person:7")

    assert entries_of("person:7") == []
    assert entries_of("person:8") == [9]
    assert path.read_bytes() == raw
    assert verify(path, keys=keys_of(path)) == before
    assert check(proof, keys_of(path)).entries[0].seq == 8
    # Whoever guesses the id, with a salt of their own or of anyone else, does not get to the entry.
    stored = {record.seq: record.fields["subject_ref"] for record in tail(path, 100)}
    guesses = [salt for salt in salts.kept.values() if salt] + [bytes(32), secrets.token_bytes(32)]
    assert stored[8] not in {reference(lambda *_, salt=salt: salt, "acme", "person:7") for salt in guesses}
    assert b"person:7" not in raw

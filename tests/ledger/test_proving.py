"""Proofs stand by themselves: ours hold for an independent reader, and what was changed holds for nobody."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatward.core.errors import ChatwardError, ClientError, StoreError
from chatward.core.ports import Entry
from chatward.ledger.chain import GENESIS, body, link
from chatward.ledger.checkpoint import Checkpoint
from chatward.ledger.checkpointing import Plan, sign_now
from chatward.ledger.merkle import leaf_hash, root_of
from chatward.ledger.note import Cosigner, Signer
from chatward.ledger.proving import MAX_ENTRIES, Proof, ProofError, ProvenEntry, check, prove
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import newest
from chatward.ledger.witness import FileWitness, Witnessing
from tests.ledger import independent
from tests.ledger.conftest import keys_of

COUNT = 300
MakeEntry = Callable[..., Entry]


@pytest.fixture
async def ledger(path: Path, entry: MakeEntry) -> Path:
    made = SqliteLedger(path, "process", min_free=1, checkpoints=Plan(every=64, seconds=1e9))
    for number in range(COUNT):
        await made.append(entry(number, rule="text.pii/email"))
    await made.aclose()
    return path


@given(first=st.integers(1, COUNT), more=st.integers(0, 40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_entry_and_range_is_proven_to_us_and_to_others(ledger: Path, first: int, more: int) -> None:
    last = min(first + more, COUNT)
    bundle = prove(ledger, first, last).encode()
    proven = check(bundle, keys_of(ledger))
    assert [entry.seq for entry in proven.entries] == list(range(first, last + 1))
    assert json.loads(proven.entries[0].fields) == {"number": first - 1, "rule": "text.pii/email"}
    assert proven.checkpoint.size == COUNT
    theirs = independent.proven(bundle.decode(), keys_of(ledger)[0].encode())
    assert theirs is not None
    assert [entry["seq"] for entry in theirs] == list(range(first, last + 1))


@given(size=st.integers(1, 200), data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_another_implementation_proves_is_proven(size: int, data: st.DataObject) -> None:
    """A ledger, its tree and its proof by the independent reader; signed with a key of the test."""
    place = data.draw(st.integers(1, size))
    rows = [(seq, seq * 10, "message:input:judged", f"x-{seq}", '{"n":1}') for seq in range(1, size + 1)]
    digests = [independent.sha256(b"chatward ledger 1")]
    for row in rows:
        digests.append(independent.sha256(digests[-1] + "\n".join(map(str, row)).encode()))
    signer = Signer("log.example", bytes(32))
    note = Checkpoint("log.example", size, independent.mth(digests[1:])).signed([signer]).encode()
    told = {
        "format": "chatward-ledger-proof/1",
        "entries": [dict(zip(("seq", "at", "event", "exchange", "fields"), rows[place - 1], strict=True))],
        "previous": digests[place - 1].hex(),
        "inclusion": [one.hex() for one in independent.path(place - 1, digests[1:])],
        "checkpoint": note,
    }
    assert check(json.dumps(told), [signer.verifier]).entries[0].seq == place
    assert independent.proven(json.dumps(told), signer.verifier.encode()) is not None


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "fields": lambda told: told["entries"][1].update(fields='{"number":1}'),
    "time": lambda told: told["entries"][0].update(at=1),
    "number": lambda told: [entry.update(seq=entry["seq"] + 1) for entry in told["entries"]],
    "gap": lambda told: told["entries"].pop(1),
    "order": lambda told: told["entries"].reverse(),
    "none": lambda told: told["entries"].clear(),
    "last-dropped": lambda told: told["entries"].pop(),
    "previous": lambda told: told.update(previous="00" * 32),
    "previous-short": lambda told: told.update(previous=""),
    "previous-text": lambda told: told.update(previous="xyz"),
    "proof-short": lambda told: told["inclusion"].pop(),
    "proof-long": lambda told: told["inclusion"].append("00" * 32),
    "proof-swapped": lambda told: told["inclusion"].reverse(),
    "proof-short-hash": lambda told: told["inclusion"].append("00"),
    "checkpoint-size": lambda told: told.update(checkpoint=told["checkpoint"].replace("\n300\n", "\n299\n")),
    "checkpoint-text": lambda told: told.update(checkpoint="text\n"),
    "signature": lambda told: told.update(checkpoint=told["checkpoint"][:-9] + "AAAAAAA=\n"),
    "line-feed": lambda told: told["entries"][0].update(exchange="a\nb"),
    "surrogate": lambda told: told["entries"][0].update(exchange="\ud800"),
    "format": lambda told: told.update(format="chatward-ledger-proof/2"),
    "unknown-member": lambda told: told.update(more=1),
    "missing-member": lambda told: told.pop("previous"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_proves_nothing(ledger: Path, change: str) -> None:
    told = json.loads(prove(ledger, 100, 102).encode())
    CHANGES[change](told)
    with pytest.raises(ProofError) as caught:
        check(json.dumps(told), keys_of(ledger))
    assert caught.value.reason in {"proof-malformed", "proof-mismatch", "proof-unsigned"}
    assert caught.value.status == 400


@pytest.mark.parametrize("bundle", ["", "{}", "[]", b"\xff", "null"])
def test_what_is_no_bundle(bundle: str | bytes) -> None:
    with pytest.raises(ProofError) as caught:
        check(bundle, [])
    assert caught.value.reason == "proof-malformed"


def test_a_first_entry_follows_on_nothing() -> None:
    """Else a whole history could be put before the first entry."""
    signer = Signer("log.example", bytes(32))
    row = (1, 10, "message:input:judged", "x", "{}")
    for previous in (GENESIS, bytes(32)):
        leaf = leaf_hash(link(previous, body(*row[:4], row[4].encode())))
        note = Checkpoint("log.example", 1, root_of([leaf])).signed([signer])
        proof = Proof("chatward-ledger-proof/1", [ProvenEntry(*row)], previous.hex(), [], note.encode())
        if previous == GENESIS:
            check(proof.encode(), [signer.verifier])
        else:
            with pytest.raises(ProofError):
                check(proof.encode(), [signer.verifier])


def test_another_key_proves_nothing(ledger: Path) -> None:
    bundle = prove(ledger, 5).encode()
    for keys in (
        [],
        [Signer("other.example", bytes(32)).verifier],
        [Signer(keys_of(ledger)[0].name, bytes(32)).verifier],
    ):
        with pytest.raises(ProofError) as caught:
            check(bundle, keys)
        assert caught.value.reason == "proof-unsigned"


async def test_cosignatures_are_in_the_proof_and_may_be_demanded(ledger: Path, tmp_path: Path) -> None:
    keys = keys_of(ledger)
    cosigners = [Cosigner(f"w{n}.example", bytes([n]) * 32, clock=lambda: 1_800_000_000) for n in range(3)]
    files = [FileWitness(tmp_path / f"w{n}", one, {keys[0].name: keys}) for n, one in enumerate(cosigners[:2])]
    assert set((await Witnessing(ledger, files).show()).values()) == {"cosigned"}
    bundle = prove(ledger, 7).encode()
    proven = check(bundle, keys, [one.verifier for one in cosigners], cosigned=2)
    assert [(one.key.name, one.time) for one in proven.cosigned] == [(f"w{n}.example", 1_800_000_000) for n in range(2)]
    assert independent.signed_by(json.loads(bundle)["checkpoint"], cosigners[0].verifier.encode())
    for witnesses, wanted in ((cosigners, 3), (cosigners[2:], 1), ((), 1)):
        with pytest.raises(ProofError) as caught:
            check(bundle, keys, [one.verifier for one in witnesses], cosigned=wanted)
        assert caught.value.reason == "proof-not-cosigned"
    assert check(bundle, keys).cosigned == ()
    assert check(bundle, keys, [cosigners[2].verifier]).cosigned == ()


async def test_a_cosigned_checkpoint_is_preferred(ledger: Path, tmp_path: Path, entry: MakeEntry) -> None:
    keys = keys_of(ledger)
    witness = FileWitness(tmp_path / "w", Cosigner("w.example", bytes(32)), {keys[0].name: keys})
    await Witnessing(ledger, [witness]).show()
    made = SqliteLedger(ledger, "process", min_free=1, checkpoints=Plan(every=64))
    await made.append(entry(0))
    await made.aclose()
    assert check(prove(ledger, 7).encode(), keys).checkpoint.size == COUNT
    assert check(prove(ledger, COUNT + 1).encode(), keys).checkpoint.size == COUNT + 1


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (0, None, "no-such-entry"),
        (5, 4, "no-such-entry"),
        (COUNT + 1, None, "no-such-entry"),
        (COUNT, COUNT + 1, "no-such-entry"),
        (1, MAX_ENTRIES + 1, "range-too-large"),
    ],
)
def test_what_cannot_be_proven(ledger: Path, first: int, last: int | None, reason: str) -> None:
    with pytest.raises(ClientError) as caught:
        prove(ledger, first, last)
    assert caught.value.reason == reason


async def test_what_no_checkpoint_covers_is_proven_after_the_next(path: Path, entry: MakeEntry) -> None:
    made = SqliteLedger(path, "process", min_free=1, checkpoints=Plan(every=0))
    await made.append(entry(0))
    await made.aclose()
    with pytest.raises(ClientError) as caught:
        prove(path, 1)
    assert caught.value.reason == "not-checkpointed"
    sign_now(path)
    assert check(prove(path, 1).encode(), keys_of(path)).checkpoint.size == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET exchange = 'other' WHERE seq = 5",
        "UPDATE ledger SET exchange = CAST('x' AS BLOB) WHERE seq = 5",
        "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 9",
        "DELETE FROM ledger WHERE seq = 9",
        "UPDATE ledger_blocks SET root = zeroblob(32)",
        "UPDATE ledger_checkpoints SET note = 'text'",
    ],
)
def test_no_proof_out_of_a_broken_ledger(ledger: Path, statement: str) -> None:
    connection = sqlite3.connect(ledger)
    connection.executescript(f"DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete; {statement};")
    connection.close()
    with pytest.raises(ChatwardError) as caught:
        prove(ledger, 5 if "blocks" not in statement else 290)
    assert isinstance(caught.value, StoreError)
    assert caught.value.reason == "ledger-broken"


def test_nothing_to_prove_in_what_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        prove(tmp_path / "absent.db", 1)
    with pytest.raises(StoreError):
        newest(tmp_path / "absent.db")

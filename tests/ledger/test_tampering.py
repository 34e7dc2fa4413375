"""The tamper table: what someone with the file, or the file and the key, can do, and what ``verify`` says of it."""
# ruff: noqa: S608 - files and statements of the test itself

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger import checkpointing, verifying
from chatward.ledger.chain import EMPTY, body, link
from chatward.ledger.checkpoint import Checkpoint, Stack
from chatward.ledger.checkpointing import Plan, sign_now, signer_path, verifiers, vkey_path
from chatward.ledger.merkle import leaf_hash, root_of
from chatward.ledger.note import Note, Signer
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import Verification, verify

COUNT = 700
EVERY = 100
MakeEntry = Callable[..., Entry]


@pytest.fixture
async def ledger(path: Path, entry: MakeEntry) -> Path:
    """700 entries, a checkpoint at about each hundred, all of them in a stack elsewhere too; two whole blocks."""
    plan = Plan(every=EVERY, seconds=1e9, file=path.with_name("elsewhere"))
    made = SqliteLedger(path, "process", min_free=1, checkpoints=plan, clock=lambda: 1_700_000_000_000_000_000)
    for number in range(COUNT):
        await made.append(entry(number, rule="text.pii/email"))
    await made.aclose()
    return path


def tamper(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for trigger in ("ledger_no_update", "ledger_no_delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def rehash(path: Path, *, blocks: bool = False) -> None:
    """Makes the chain anew over what stands there, and the blocks."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER IF EXISTS ledger_no_update")
    digest, leaves = EMPTY.hash, []
    for seq, at, event, exchange, fields in connection.execute(
        "SELECT seq, at, event, exchange, fields FROM ledger ORDER BY seq"
    ).fetchall():
        digest = link(digest, body(seq, at, event, exchange, fields.encode()))
        leaves.append(leaf_hash(digest))
        connection.execute("UPDATE ledger SET hash = ? WHERE seq = ?", (digest, seq))
    if blocks:
        for block in range(len(leaves) // 256):
            root = root_of(leaves[block * 256 : block * 256 + 256])
            connection.execute("UPDATE ledger_blocks SET root = ? WHERE block = ?", (root, block))
    connection.commit()
    connection.close()


def checked(path: Path, noted: Sequence[Note] = ()) -> Verification:
    return verify(path, keys=verifiers(path), noted=noted)


def sizes(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    found = [size for (size,) in connection.execute("SELECT size FROM ledger_checkpoints ORDER BY size")]
    connection.close()
    return found


def test_untouched(ledger: Path) -> None:
    result = checked(ledger, Stack(ledger.with_name("elsewhere")).read())
    assert (result.ok, result.entries, result.vouched) == (True, COUNT, COUNT)
    assert result.checkpoints == 2 * len(sizes(ledger))
    assert len(sizes(ledger)) >= COUNT // EVERY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifying, "_RANGE", 256)
        assert verify(ledger, keys=verifiers(ledger), jobs=2).root == result.root


TABLE = {
    "flip": ("UPDATE ledger SET fields = replace(fields, 'email', 'phone') WHERE seq = 345", 345, "changed"),
    "flip-hash": ("UPDATE ledger SET hash = zeroblob(32) WHERE seq = 345", 345, "changed"),
    "retype": ("UPDATE ledger SET fields = CAST(fields AS BLOB) WHERE seq = 345", 345, "malformed"),
    "insert": (
        "UPDATE ledger SET seq = -seq WHERE seq >= 345",
        "UPDATE ledger SET seq = 1 - seq WHERE seq < 0",
        "INSERT INTO ledger SELECT 345, at, event, exchange, fields, hash FROM ledger WHERE seq = 344",
        345,
        "changed",
    ),
    "delete": ("DELETE FROM ledger WHERE seq = 345", 345, "missing"),
    "delete-and-close-up": (
        "DELETE FROM ledger WHERE seq = 345",
        "UPDATE ledger SET seq = -seq WHERE seq > 345",
        "UPDATE ledger SET seq = -seq - 1 WHERE seq < 0",
        345,
        "changed",
    ),
    "reorder": (
        "UPDATE ledger SET seq = -1 WHERE seq = 345",
        "UPDATE ledger SET seq = 345 WHERE seq = 346",
        "UPDATE ledger SET seq = 346 WHERE seq = -1",
        345,
        "changed",
    ),
    "truncate": ("DELETE FROM ledger WHERE seq > 345", 346, "cut-off"),
    "empty": ("DELETE FROM ledger", 1, "cut-off"),
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("limit", [64, 256, 1 << 16])
def test_without_the_key(ledger: Path, name: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_RANGE", max(256, limit))
    monkeypatch.setattr(verifying, "_PAGE", limit)
    *statements, first, problem = TABLE[name]
    tamper(ledger, *map(str, statements))
    result = checked(ledger)
    assert (result.first_bad, result.problem) == (first, problem)
    assert result.entries == int(first) - 1


@pytest.mark.parametrize("blocks", [False, True], ids=["blocks-left", "blocks-too"])
def test_a_chain_made_anew_is_found_by_the_next_checkpoint(ledger: Path, blocks: bool) -> None:
    """The range that can be in question is named: from the last checkpoint that agrees, to the first that does not."""
    tamper(ledger, "UPDATE ledger SET exchange = 'forged' WHERE seq = 345")
    rehash(ledger, blocks=blocks)
    result = checked(ledger)
    assert result.problem == "rewritten"
    assert result.first_bad is not None
    assert result.last_bad is not None
    before = max(size for size in sizes(ledger) if size < 345)
    after = min(size for size in sizes(ledger) if size >= 345)
    assert (result.first_bad, result.last_bad) == (before + 1, after)
    assert result.first_bad <= 345 <= result.last_bad


def test_blocks_narrow_the_range_where_checkpoints_are_far_apart(ledger: Path) -> None:
    tamper(ledger, f"DELETE FROM ledger_checkpoints WHERE size < {COUNT}")
    tamper(ledger, "UPDATE ledger SET exchange = 'forged' WHERE seq = 345")
    rehash(ledger)
    result = checked(ledger)
    assert (result.first_bad, result.last_bad, result.problem) == (257, 512, "rewritten")
    tamper(ledger, "DELETE FROM ledger_checkpoints")
    result = checked(ledger)
    assert (result.first_bad, result.last_bad, result.problem) == (257, 512, "rewritten")


def test_everything_made_anew_but_what_is_elsewhere(ledger: Path) -> None:
    """Chain, blocks and no checkpoints: whoever holds an old one sees it; nobody else does."""
    noted = Stack(ledger.with_name("elsewhere")).read()
    tamper(ledger, "UPDATE ledger SET exchange = 'forged' WHERE seq = 345", "DELETE FROM ledger_checkpoints")
    rehash(ledger, blocks=True)
    assert checked(ledger).ok
    assert checked(ledger).vouched == 0
    result = checked(ledger, noted)
    assert result.problem == "fork"
    assert result.first_bad is not None
    assert result.last_bad is not None
    assert result.first_bad <= 345 <= result.last_bad <= result.first_bad + EVERY + 1


def test_an_older_copy_put_back_is_found_by_what_is_elsewhere(ledger: Path, tmp_path: Path) -> None:
    """Entries and checkpoints of the copy fit together: only an outside checkpoint tells."""
    tamper(ledger, "DELETE FROM ledger WHERE seq > 400", "DELETE FROM ledger_checkpoints WHERE size > 400")
    assert checked(ledger).ok
    result = checked(ledger, Stack(ledger.with_name("elsewhere")).read())
    assert (result.first_bad, result.problem, result.entries) == (401, "rolled-back", 400)


def test_two_heads_of_one_size(ledger: Path, tmp_path: Path) -> None:
    """Someone with the file and the key signs another history."""
    noted = Stack(ledger.with_name("elsewhere")).read()
    other = tmp_path / "fork" / "ledger.db"
    other.parent.mkdir()
    for one in (ledger, signer_path(ledger), vkey_path(ledger)):
        shutil.copy(one, other.parent)
    tamper(other, "UPDATE ledger SET exchange = 'forged' WHERE seq = 345", "DELETE FROM ledger_checkpoints")
    rehash(other, blocks=True)
    sign_now(other)
    assert checked(other).ok
    assert checked(other).vouched == COUNT
    result = checked(other, noted[-1:])
    assert (result.problem, result.first_bad, result.last_bad) == ("fork", 1, COUNT)
    result = checked(other, noted)
    assert result.problem == "fork"
    assert (result.first_bad or 0) <= 345 <= (result.last_bad or 0) <= (result.first_bad or 0) + EVERY + 1
    theirs = Stack(other.with_name("stack"))
    newest = verifying.newest(other)
    assert newest is not None
    theirs.append(newest[1])
    assert checked(ledger, theirs.read()).problem == "fork"


def test_a_checkpoint_of_another_key(ledger: Path) -> None:
    """Everything made anew, and signed with a key of the forger's own: it is not the key that is known."""
    keys = verifiers(ledger)
    tamper(ledger, "UPDATE ledger SET exchange = 'forged' WHERE seq = 345", "DELETE FROM ledger_checkpoints")
    rehash(ledger, blocks=True)
    root = verify(ledger).root
    for forger in (Signer("other.example", bytes(32)), Signer(keys[0].name, bytes(32))):
        note = Checkpoint(keys[0].name, COUNT, root).signed([forger])
        connection = sqlite3.connect(ledger)
        connection.execute("INSERT OR REPLACE INTO ledger_checkpoints VALUES (?, ?)", (COUNT, note.encode()))
        connection.commit()
        connection.close()
        result = verify(ledger, keys=keys)
        assert (result.first_bad, result.problem) == (COUNT, "forged-checkpoint")
        assert verify(ledger, keys=keys, noted=[note]).problem == "forged-checkpoint"
    own = signer_path(ledger).read_text().strip()
    signature = Signer.parse(own).sign("something else\n")
    note = Note(Checkpoint(keys[0].name, COUNT, root).text(), (signature,))
    assert verify(ledger, keys=keys, noted=[note]).problem == "forged-checkpoint"


@pytest.mark.parametrize(
    "change",
    [
        "note = 'nothing of the kind'",
        "note = replace(note, char(10) || size || char(10), char(10) || (size + 1) || char(10))",
        "note = zeroblob(7)",
    ],
)
def test_a_checkpoint_that_is_none(ledger: Path, change: str) -> None:
    size = sizes(ledger)[2]
    tamper(ledger, f"UPDATE ledger_checkpoints SET {change} WHERE size = {size}")
    result = checked(ledger)
    assert (result.first_bad, result.problem) == (size, "forged-checkpoint")


def test_a_checkpoint_ahead_of_the_entries_says_that_the_end_was_cut_off(ledger: Path) -> None:
    tamper(ledger, f"DELETE FROM ledger WHERE seq = {COUNT}")
    result = checked(ledger)
    assert (result.first_bad, result.problem) == (COUNT, "cut-off")


def test_a_changed_block_is_no_changed_entry(ledger: Path) -> None:
    tamper(ledger, "UPDATE ledger_blocks SET root = zeroblob(32) WHERE block = 1")
    result = checked(ledger)
    assert (result.first_bad, result.last_bad, result.problem) == (257, 512, "other-block")


# --- what the writer itself notices ----------------------------------------------------------------------


def reason(path: Path, plan: Plan) -> str:
    with pytest.raises(StoreError) as caught:
        SqliteLedger(path, "process", min_free=1, checkpoints=plan)
    return caught.value.reason


def test_the_writer_does_not_go_on_with_another_history(ledger: Path) -> None:
    elsewhere = Plan(file=ledger.with_name("elsewhere"))
    tamper(ledger, "DELETE FROM ledger WHERE seq > 400")
    assert reason(ledger, Plan()) == "ledger-rolled-back"
    with pytest.raises(StoreError) as caught:
        sign_now(ledger)
    assert caught.value.reason == "ledger-rolled-back"
    tamper(ledger, "DELETE FROM ledger_checkpoints WHERE size > 400")
    assert reason(ledger, elsewhere) == "ledger-rolled-back"


def test_the_writer_does_not_sign_a_second_history(ledger: Path) -> None:
    tamper(ledger, "UPDATE ledger SET exchange = 'forged' WHERE seq = 650")
    rehash(ledger)
    assert reason(ledger, Plan()) == "ledger-forked"
    tamper(ledger, "DELETE FROM ledger_checkpoints")
    assert reason(ledger, Plan(file=ledger.with_name("elsewhere"))) == "ledger-forked"
    with_nothing_left = SqliteLedger(ledger, "process", min_free=1, checkpoints=Plan())
    assert with_nothing_left.healthy  # what no one noted, no one can miss: see docs/ledger.md


def test_the_writer_does_not_go_on_over_gaps(ledger: Path) -> None:
    tamper(ledger, "DELETE FROM ledger WHERE seq = 690")
    assert reason(ledger, Plan()) == "ledger-broken"


@pytest.mark.parametrize("content", ["", "no key", "PRIVATE+KEY+x+00000000+AAAA"])
def test_a_key_that_is_none(ledger: Path, content: str) -> None:
    signer_path(ledger).write_text(content)
    assert reason(ledger, Plan()) == "ledger-key-invalid"
    vkey_path(ledger).write_text("no key")
    with pytest.raises(StoreError):
        checkpointing.verifiers(ledger)

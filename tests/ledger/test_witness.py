"""Witnesses: what they cosign, and what they refuse; over files and over HTTP as in C2SP tlog-witness."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from chatward.core.errors import ConfigError, UpstreamError
from chatward.core.identity import Fetched
from chatward.core.ports import Entry
from chatward.ledger.checkpoint import Checkpoint
from chatward.ledger.checkpointing import Plan, signer_path, vkey_path
from chatward.ledger.merkle import consistency_proof, leaf_hash, root_of
from chatward.ledger.note import Cosigner, Note, Signature, Signer, Verifier, parse, signatures
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import newest, verify
from chatward.ledger.witness import (
    BehindError,
    FileWitness,
    HttpWitness,
    RefusedError,
    Witnessing,
    configured,
)
from tests.ledger import independent
from tests.ledger.conftest import keys_of

LOG = Signer("log.example", bytes(32))
COSIGNER = Cosigner("witness.example", bytes(range(32)), clock=lambda: 1_800_000_000.0)
LEAVES = [leaf_hash(b"%d" % number) for number in range(40)]
MakeEntry = Callable[..., Entry]


def subtree(start: int, end: int) -> bytes:
    return root_of(LEAVES[start:end])


def head(size: int, *, signer: Signer = LOG, leaves: Sequence[bytes] = LEAVES, origin: str = "log.example") -> Note:
    return Checkpoint(origin, size, root_of(leaves[:size])).signed([signer])


@pytest.fixture
def witness(tmp_path: Path) -> FileWitness:
    return FileWitness(tmp_path / "witness", COSIGNER, {"log.example": [LOG.verifier]})


def test_it_cosigns_what_continues(witness: FileWitness, tmp_path: Path) -> None:
    old = 0
    for size in (3, 3, 7, 8, 40):
        note = head(size)
        (line,) = witness.cosign(old, consistency_proof(old, size, subtree), note)
        assert independent.signed_by(Note(note.text, (line,)).encode(), COSIGNER.verifier.encode())
        old = size
    assert (tmp_path / "witness").stat().st_mode & 0o777 == 0o600


FORKED = [leaf_hash(b"forged"), *LEAVES[1:]]


@pytest.mark.parametrize(
    ("old", "note", "proof", "reason"),
    [
        (7, head(9, leaves=FORKED), None, "witness-proof"),
        (7, head(9), [], "witness-proof"),
        (7, head(9), [LEAVES[0]], "witness-proof"),
        (7, head(7, leaves=FORKED), None, "witness-conflict"),
        (7, head(5), None, "witness-malformed"),
        (-1, head(9), None, "witness-malformed"),
        (7, head(9), [LEAVES[0]] * 64, "witness-malformed"),
        (7, head(9, signer=Signer("log.example", bytes(range(1, 33)))), None, "witness-key"),
        (7, head(9, origin="other.example"), None, "witness-unknown-log"),
        (7, Note("no checkpoint\n", (LOG.sign("no checkpoint\n"),)), None, "witness-key"),
    ],
)
def test_it_refuses_what_does_not(
    witness: FileWitness, old: int, note: Note, proof: list[bytes] | None, reason: str
) -> None:
    witness.cosign(0, [], head(7))
    size = int(note.text.split("\n")[1]) if note.text.count("\n") > 2 else 0
    if proof is None:
        proof = consistency_proof(7, size, subtree) if size >= 7 else []
    with pytest.raises(RefusedError) as caught:
        witness.cosign(old, proof, note)
    assert caught.value.reason == reason
    witness.cosign(7, consistency_proof(7, 9, subtree), head(9))  # it still knows what it knew


def test_it_tells_what_it_knows(witness: FileWitness) -> None:
    witness.cosign(0, [], head(7))
    for old in (0, 6, 8):
        with pytest.raises(BehindError) as caught:
            witness.cosign(old, [], head(9))
        assert caught.value.size == 7


def test_of_two_at_once_one_is_cosigned(tmp_path: Path) -> None:
    """Comparing and writing is one step, for witnesses in several processes too."""
    keys = {"log.example": [LOG.verifier]}
    witnesses = [FileWitness(tmp_path / "witness", COSIGNER, keys) for _ in range(8)]

    async def ask(one: FileWitness, leaves: Sequence[bytes]) -> bool:
        try:
            await one.add(0, [], head(7, leaves=leaves))
        except BehindError:
            return False
        return True

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(ask(one, LEAVES if n % 2 else FORKED) for n, one in enumerate(witnesses)))

    assert sum(asyncio.run(all_of_them())) == 1


def test_a_witness_that_lost_its_memory_does_not_sign(witness: FileWitness, tmp_path: Path) -> None:
    (tmp_path / "witness").write_text("{")
    with pytest.raises(RefusedError) as caught:
        witness.cosign(0, [], head(7))
    assert caught.value.reason == "witness-unavailable"


# --- over HTTP -------------------------------------------------------------------------------------------


class Server:
    """A witness behind the HTTP interface of the specification; parses requests by hand."""

    def __init__(self, witness: FileWitness) -> None:
        self.witness = witness
        self.asked: list[tuple[str, str]] = []
        self.answer: Fetched | None = None

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        self.asked.append((method, url))
        if self.answer is not None:
            return self.answer
        top, _, written = body.decode().partition("\n\n")
        first, *proof = top.split("\n")
        assert first.startswith("old ")
        try:
            lines = self.witness.cosign(int(first[4:]), [base64.b64decode(one) for one in proof], parse(written))
        except BehindError as behind:
            return Fetched(409, [("content-type", "text/x.tlog.size")], f"{behind.size}\n".encode())
        except RefusedError as refused:
            status = {"witness-conflict": 409, "witness-proof": 422, "witness-key": 403, "witness-unknown-log": 404}
            return Fetched(status.get(refused.reason, 400), [], b"no\n")
        return Fetched(200, [], "".join(line.line() for line in lines).encode())


async def test_the_protocol_as_specified(witness: FileWitness) -> None:
    server = Server(witness)
    remote = HttpWitness("https://witness.example/w/", COSIGNER.verifier, server)
    (line,) = await remote.add(0, [], head(7))
    COSIGNER.verifier.verify(head(7).text, line)
    with pytest.raises(BehindError) as behind:
        await remote.add(0, [], head(9))
    assert behind.value.size == 7
    for note, reason in (
        (head(9, leaves=FORKED), "witness-proof"),
        (head(7, leaves=FORKED), "witness-conflict"),
        (head(9, signer=Signer("log.example", bytes(range(1, 33)))), "witness-key"),
        (head(9, origin="other.example"), "witness-unknown-log"),
    ):
        size = int(note.text.split("\n")[1])
        with pytest.raises(RefusedError) as caught:
            await remote.add(7, consistency_proof(7, size, subtree), note)
        assert caught.value.reason == reason
    assert set(server.asked) == {("POST", "https://witness.example/w/add-checkpoint")}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Fetched(500, [], b""), "witness-unavailable"),
        (Fetched(200, [], b""), "witness-malformed"),
        (Fetched(200, [], b"\xff"), "witness-malformed"),
        (Fetched(200, [], b"x" * 200_000), "witness-malformed"),
        (Fetched(409, [("content-type", "text/x.tlog.size")], b"-1\n"), "witness-malformed"),
        (Fetched(409, [("content-type", "text/x.tlog.size")], b"9" * 30), "witness-malformed"),
        (Fetched(302, [("location", "https://elsewhere.example")], b""), "witness-unavailable"),
    ],
)
async def test_answers_that_are_none(witness: FileWitness, answer: Fetched, reason: str) -> None:
    server = Server(witness)
    server.answer = answer
    with pytest.raises(RefusedError) as caught:
        await HttpWitness("https://witness.example", COSIGNER.verifier, server).add(0, [], head(7))
    assert caught.value.reason == reason


async def test_a_witness_out_of_reach() -> None:
    async def fetch(*_: object) -> Fetched:
        raise UpstreamError("no")

    with pytest.raises(RefusedError) as caught:
        await HttpWitness("https://witness.example", COSIGNER.verifier, fetch).add(0, [], head(7))
    assert caught.value.reason == "witness-unavailable"


# --- a ledger and its witnesses -------------------------------------------------------------------------


async def grow(path: Path, entry: MakeEntry, count: int) -> None:
    ledger = SqliteLedger(path, "process", min_free=1, checkpoints=Plan(every=64, seconds=1e9))
    for number in range(count):
        await ledger.append(entry(number))
    await ledger.aclose()


def of(path: Path, tmp_path: Path) -> FileWitness:
    keys = keys_of(path)
    return FileWitness(tmp_path / "witness", COSIGNER, {keys[0].name: keys})


async def test_a_ledger_is_cosigned_as_it_grows_and_verify_tells(path: Path, tmp_path: Path, entry: MakeEntry) -> None:
    await grow(path, entry, 70)
    showing = Witnessing(path, [of(path, tmp_path)])
    assert await showing.show() == {"witness.example": "cosigned"}
    assert await showing.show() == {"witness.example": "nothing-new"}
    for count in (1, 300):
        await grow(path, entry, count)
        assert await showing.show() == {"witness.example": "cosigned"}
    result = verify(path, keys=keys_of(path), witnesses=[COSIGNER.verifier])
    assert (result.ok, result.cosigned) == (True, 371)
    assert verify(path, keys=keys_of(path), witnesses=[Cosigner("other", bytes(32)).verifier]).cosigned == 0
    found = newest(path)
    assert found is not None
    assert len(found[1].signatures) == 2
    anew = Witnessing(path, [HttpWitness("https://w.example", COSIGNER.verifier, Server(of(path, tmp_path)))])
    assert await anew.show() == {"witness.example": "cosigned"}  # it asks what the witness knows


async def test_a_cosigned_checkpoint_outlives_those_of_its_stretch(
    path: Path, tmp_path: Path, entry: MakeEntry
) -> None:
    await grow(path, entry, 5)
    showing = Witnessing(path, [of(path, tmp_path)])
    await showing.show()
    await grow(path, entry, 5)
    await grow(path, entry, 5)
    result = verify(path, keys=keys_of(path), witnesses=[COSIGNER.verifier])
    assert (result.checkpoints, result.vouched, result.cosigned) == (2, 15, 5)


@pytest.mark.parametrize("how", ["rolled-back", "forked", "forked-longer"])
async def test_a_rolled_back_or_forked_ledger_is_refused(
    path: Path, tmp_path: Path, entry: MakeEntry, how: str
) -> None:
    """The operator has the key and every file of the gateway; the witness still knows."""
    await grow(path, entry, 20)
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(path, old)
    await grow(path, entry, 20)
    assert await Witnessing(path, [of(path, tmp_path)]).show() == {"witness.example": "cosigned"}
    shutil.copy(old / path.name, path)
    if how != "rolled-back":
        await grow(path, lambda n: entry(n, forged=True), 20 if how == "forked" else 50)
    assert verify(path, keys=keys_of(path)).ok  # nothing in the file tells
    told = await Witnessing(path, [of(path, tmp_path)]).show()
    assert told == {"witness.example": "witness-proof" if how == "forked-longer" else "witness-conflict"}
    assert verify(path, keys=keys_of(path), witnesses=[COSIGNER.verifier]).cosigned == 0


class Odd:
    """A witness that answers something else."""

    verifier = COSIGNER.verifier

    def __init__(self, *answers: Sequence[Signature] | Exception) -> None:
        self.answers = list(answers)

    async def add(self, old: int, proof: Sequence[bytes], note: Note) -> list[Signature]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([[]], "witness-malformed"),
        ([[COSIGNER.sign("something else\n")]], "witness-malformed"),
        ([[Cosigner("other", bytes(32)).sign("x\n")]], "witness-malformed"),
        ([BehindError(3), BehindError(3)], "witness-conflict"),
        ([BehindError(10**12)], "witness-conflict"),
        ([RefusedError("witness-key")], "witness-key"),
        ([OSError()], "witness-unavailable"),
    ],
)
async def test_odd_answers_are_told_and_nothing_is_kept(
    path: Path, entry: MakeEntry, answers: list[Sequence[Signature] | Exception], told: str
) -> None:
    await grow(path, entry, 20)
    assert await Witnessing(path, [Odd(*answers)]).show() == {"witness.example": told}
    found = newest(path)
    assert found is not None
    assert len(found[1].signatures) == 1


async def test_without_a_checkpoint_there_is_nothing_to_show(path: Path, entry: MakeEntry) -> None:
    await grow(path, entry, 0)
    assert await Witnessing(path, [Odd()]).show() == {"witness.example": "nothing-new"}


async def test_several_witnesses_are_asked_and_one_does_not_hold_up_another(
    path: Path, tmp_path: Path, entry: MakeEntry
) -> None:
    await grow(path, entry, 20)
    other = Odd(RefusedError("witness-unavailable"))
    other.verifier = Verifier("other.example", COSIGNER.verifier.public, 4)
    told = await Witnessing(path, [other, of(path, tmp_path)]).show()
    assert told == {"other.example": "witness-unavailable", "witness.example": "cosigned"}


def test_witnesses_in_the_settings() -> None:
    async def fetch(*_: object) -> Fetched:
        raise AssertionError

    (one,) = configured([f"{COSIGNER.verifier.encode()} https://witness.example/prefix"], fetch)
    assert one.verifier == COSIGNER.verifier
    for line in ("", "https://w.example", f"{LOG.verifier.encode()} https://w.example", COSIGNER.verifier.encode()):
        with pytest.raises(ConfigError) as caught:
            configured([line], fetch)
        assert caught.value.reason == "witness-invalid"


def test_the_private_key_stays_with_its_owner(path: Path, entry: MakeEntry) -> None:
    asyncio.run(grow(path, entry, 3))
    assert signer_path(path).stat().st_mode & 0o777 == 0o600
    secret = signer_path(path).read_text().strip().rpartition("+")[2]
    for file in path.parent.iterdir():
        assert (secret in file.read_text("latin-1")) == (file == signer_path(path)), file
    assert Signer.parse(signer_path(path).read_text().strip()).verifier == Verifier.parse(vkey_path(path).read_text())
    found = newest(path)
    assert found is not None
    assert signatures("".join(line.line() for line in found[1].signatures)) == found[1].signatures

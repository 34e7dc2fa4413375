"""Witnesses: others who remember how long the ledger was, and sign that they saw it (C2SP tlog-witness).

The rules:

1. A witness keeps the newest checkpoint of each log it knows. It cosigns a later one only with a proof that the old one
   is its beginning; so a log that shows different histories to different people needs a witness of each.
2. What it knows is written before its signature is given out, and comparing and writing is one step.
3. A witness says no with a reason: ``Behind`` tells the size that it knows; ``Refused`` that it will not sign this.
   ``witness-conflict`` and ``witness-proof`` mean that the ledger was rolled back or forked, and are for a person.
4. Nothing on the way of a message waits for a witness.

``HttpWitness`` asks one over the network, through ``core.identity.Fetch``. ``FileWitness`` is one: its state is a file,
best on a disk that the gateway's operator cannot write to, and its key one that the gateway does not have.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from chatward.core.errors import ConfigError, StoreError, UpstreamError
from chatward.core.identity import Fetch
from chatward.ledger import tree
from chatward.ledger.checkpoint import opened, read
from chatward.ledger.merkle import EMPTY_ROOT, consistency_proof, verify_consistency
from chatward.ledger.note import COSIGNATURE, Cosigner, Note, NoteError, Signature, Verifier, parse, signatures

MAX_PROOF: Final = 63
_MAX_ANSWER: Final = 100_000


class BehindError(Exception):
    """The witness knows a checkpoint of ``size``, and needs a proof from there."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class RefusedError(Exception):
    """The witness will not sign. ``reason``: ``witness-conflict`` (it knows another head of this size, or a larger
    size), ``witness-proof`` (the old head is not the new one's beginning), ``witness-unknown-log``,
    ``witness-key`` (no signature of the log's key), ``witness-malformed``, ``witness-unavailable``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Witness(Protocol):
    """Someone who cosigns. ``verifier`` is its public key, of the type ``COSIGNATURE``."""

    @property
    def verifier(self) -> Verifier: ...

    async def add(self, old: int, proof: Sequence[bytes], note: Note) -> list[Signature]:
        """Cosignatures of a checkpoint that follows on the one of size ``old``. ``BehindError``, ``RefusedError``."""
        ...


class _State(msgspec.Struct, frozen=True):
    """What a file witness remembers of one log."""

    size: int
    root: bytes


class FileWitness:
    """A witness in this process. ``logs``: the keys of each log that it knows, by origin. Raises ``OSError`` when its
    file cannot be written; ``RefusedError`` when it cannot be read."""

    def __init__(self, path: Path, cosigner: Cosigner, logs: dict[str, Sequence[Verifier]]) -> None:
        self._path = path
        self._cosigner = cosigner
        self._logs = logs

    @property
    def verifier(self) -> Verifier:
        return self._cosigner.verifier

    async def add(self, old: int, proof: Sequence[bytes], note: Note) -> list[Signature]:
        return await asyncio.to_thread(self.cosign, old, proof, note)

    def cosign(self, old: int, proof: Sequence[bytes], note: Note) -> list[Signature]:
        """The order of the checks is that of tlog-witness, ``add-checkpoint``."""
        try:
            origin = read(note.text).origin
            keys = self._logs.get(origin)
            if keys is None:
                raise RefusedError("witness-unknown-log")
            checkpoint, _ = opened(note.encode(), keys, origin)
        except NoteError as error:
            raise RefusedError("witness-key") from error
        if not 0 <= old <= checkpoint.size or len(proof) > MAX_PROOF:
            raise RefusedError("witness-malformed")
        lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            states = self._states()
            known = states.get(origin, _State(0, EMPTY_ROOT))
            if old != known.size:
                raise BehindError(known.size)
            if checkpoint.size == known.size and checkpoint.root != known.root:
                raise RefusedError("witness-conflict")
            if not verify_consistency(old, checkpoint.size, known.root, checkpoint.root, proof):
                raise RefusedError("witness-proof")
            self._keep(states | {origin: _State(checkpoint.size, checkpoint.root)})
        finally:
            os.close(lock)
        return [self._cosigner.sign(note.text)]

    def _states(self) -> dict[str, _State]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, _State])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise RefusedError("witness-unavailable") from error

    def _keep(self, states: dict[str, _State]) -> None:
        temporary = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(states))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_REASONS: Final = {
    400: "witness-malformed",
    403: "witness-key",
    404: "witness-unknown-log",
    409: "witness-conflict",
    422: "witness-proof",
}


class HttpWitness:
    """A witness behind ``POST <prefix>/add-checkpoint``."""

    def __init__(self, prefix: str, verifier: Verifier, fetch: Fetch) -> None:
        self._url = prefix.rstrip("/") + "/add-checkpoint"
        self._verifier = verifier
        self._fetch = fetch

    @property
    def verifier(self) -> Verifier:
        return self._verifier

    async def add(self, old: int, proof: Sequence[bytes], note: Note) -> list[Signature]:
        lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
        body = f"old {old}\n{lines}\n{note.encode()}".encode()
        try:
            answer = await self._fetch("POST", self._url, (("content-type", "text/plain; charset=utf-8"),), body)
        except UpstreamError as error:
            raise RefusedError("witness-unavailable") from error
        if len(answer.body) > _MAX_ANSWER:
            raise RefusedError("witness-malformed")
        if answer.status == 409 and dict(answer.headers).get("content-type") == "text/x.tlog.size":
            size = answer.body.decode("ascii", "replace").removesuffix("\n")
            if not (size.isascii() and size.isdigit() and len(size) < 20):
                raise RefusedError("witness-malformed")
            raise BehindError(int(size))
        if answer.status != 200:
            raise RefusedError(_REASONS.get(answer.status, "witness-unavailable"))
        try:
            return list(signatures(answer.body.decode()))
        except (UnicodeError, NoteError) as error:
            raise RefusedError("witness-malformed") from error


def configured(lines: Sequence[str], fetch: Fetch) -> list[HttpWitness]:
    """Witnesses from the settings: a verification key, a blank, a URL each. ``ConfigError``."""
    found = []
    for line in lines:
        vkey, _, url = line.strip().partition(" ")
        try:
            verifier = Verifier.parse(vkey)
        except NoteError:
            verifier = None
        if verifier is None or verifier.kind != COSIGNATURE or not url.strip().startswith(("https://", "http://")):
            message = "each of ledger.witnesses is the verification key of a witness, a blank and its URL"
            raise ConfigError(message, key="ledger.witnesses", reason="witness-invalid")
        found.append(HttpWitness(url.strip(), verifier, fetch))
    return found


class Witnessing:
    """Shows the newest checkpoint of a ledger file to witnesses, and keeps their cosignatures in the file.

    ``show`` returns ``"cosigned"``, ``"nothing-new"`` or the reason of a refusal for each witness by name. The sizes
    that witnesses know are remembered; a new process asks for them.
    """

    def __init__(self, path: Path, witnesses: Sequence[Witness]) -> None:
        self._path = path
        self._witnesses = witnesses
        self._known: dict[str, int] = {}
        self._shown: dict[str, int] = {}

    async def show(self) -> dict[str, str]:
        """Never raises for what a witness does; ``StoreError`` when the ledger cannot be read or written."""
        newest = await asyncio.to_thread(self._newest)
        if newest is None:
            return {witness.verifier.name: "nothing-new" for witness in self._witnesses}
        outcomes = await asyncio.gather(*(self._ask(witness, *newest) for witness in self._witnesses))
        return {witness.verifier.name: outcome for witness, outcome in zip(self._witnesses, outcomes, strict=True)}

    def _newest(self) -> tuple[int, Note] | None:
        with tree.reader(self._path) as connection:
            found = tree.newest(connection) if tree.has_tree(connection) else None
        return None if found is None else (found[0].size, found[1])

    async def _ask(self, witness: Witness, size: int, note: Note) -> str:
        name = witness.verifier.name
        if self._shown.get(name) == size:
            return "nothing-new"
        try:
            try:
                given = await self._add(witness, self._known.get(name, 0), size, note)
            except BehindError as behind:
                if behind.size > size:  # it saw a longer history of ours
                    return "witness-conflict"
                self._known[name] = behind.size
                given = await self._add(witness, behind.size, size, note)
        except BehindError:
            return "witness-conflict"  # it says one size and means another
        except RefusedError as refused:
            return refused.reason
        except OSError:
            return "witness-unavailable"
        good = [line for line in given if self._good(witness.verifier, note, line)]
        if not good:
            return "witness-malformed"
        await asyncio.to_thread(self._keep, size, note, good[0])
        self._known[name] = self._shown[name] = size
        return "cosigned"

    async def _add(self, witness: Witness, old: int, size: int, note: Note) -> list[Signature]:
        return await witness.add(old, await asyncio.to_thread(self._proof, old, size), note)

    def _proof(self, old: int, size: int) -> list[bytes]:
        with tree.reader(self._path) as connection:
            return consistency_proof(old, size, tree.Stored(connection))

    @staticmethod
    def _good(key: Verifier, note: Note, signature: Signature) -> bool:
        if key.kind != COSIGNATURE or (signature.name, signature.id) != (key.name, key.id):
            return False
        try:
            key.verify(note.text, signature)
        except NoteError:
            return False
        return True

    def _keep(self, size: int, note: Note, signature: Signature) -> None:
        """The checkpoint is written again: the writer may have dropped it for a later one meanwhile."""
        own = parse(note.encode()).signatures[:1]
        try:
            connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(
                    "INSERT OR IGNORE INTO ledger_checkpoints VALUES (?, ?)", (size, Note(note.text, own).encode())
                )
                connection.execute(
                    "INSERT OR REPLACE INTO ledger_cosignatures VALUES (?, ?, ?)",
                    (size, signature.name, signature.line()),
                )
                connection.execute("COMMIT")
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise StoreError("A cosignature cannot be kept.", reason="ledger-unavailable") from error

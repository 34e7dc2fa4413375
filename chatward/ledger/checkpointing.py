"""Checkpoints while the ledger is written: when one is due, what signs it, where it goes.

The rules:

1. Work of the writer's thread, after the waiting callers were told: nobody waits for an inner node or a signature.
2. One is due ``every`` entries, and ``seconds`` after the first entry that no checkpoint covers. An idle ledger signs
   nothing. Of those in one stretch of ``every`` entries the newest is kept, and what a witness cosigned: a later one
   says all that an earlier one said.
3. One statement's worth of failure is not a failure of the record: it is logged, counted (``failures``) and tried
   again. Where the disk is full, the next entry closes the gate.
4. **Never two histories.** Before going on, the newest checkpoint of the file, and that of ``file`` where one is set,
   must be of this history: else the writer refuses (``ledger-rolled-back``: it was longer once; ``ledger-forked``: it
   was another one). What is refused here is for a person to look at, with ``chatward ledger verify``.
5. The key is made at the first start, in ``<ledger>.signer``, which only its owner may read; its public half is in
   ``<ledger>.vkey``.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatward.core.errors import StoreError
from chatward.ledger import tree
from chatward.ledger.checkpoint import Checkpoint, Stack, read
from chatward.ledger.merkle import BLOCK, Edge, leaf_hash
from chatward.ledger.note import Note, NoteError, Signer, Verifier

log = logging.getLogger(__name__)


class RefusalError(Exception):
    """The writer will not write; ``args[0]`` is the reason id."""


_RefusalError = RefusalError


@dataclass(frozen=True, slots=True)
class Plan:
    """When checkpoints are made. ``file``: where each is appended as well, best on another disk. ``origin`` names a
    new ledger (else it is named by chance); the name of an old one is that of its key. ``every`` 0: none are made."""

    every: int = 4096
    seconds: float = 10.0
    file: Path | None = None
    origin: str = ""
    clock: Callable[[], float] = field(default=time.monotonic, compare=False)


def signer_path(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".signer")


def vkey_path(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".vkey")


def signer(ledger: Path, origin: str = "") -> Signer:
    """The ledger's signing key, made if there is none. ``StoreError`` when it cannot be read or written."""
    path = signer_path(ledger)
    try:
        if not path.exists():
            made = Signer(origin or f"chatward.invalid/{secrets.token_hex(8)}", secrets.token_bytes(32))
            _create(path, made.encode() + "\n")
        found = Signer.parse(path.read_text("ascii").strip())
        public = vkey_path(ledger)
        if not public.exists():
            _create(public, found.verifier.encode() + "\n")
    except (OSError, UnicodeError, NoteError) as error:
        raise StoreError("The ledger's signing key cannot be used.", reason="ledger-key-invalid") from error
    return found


def verifiers(ledger: Path) -> list[Verifier]:
    """The public keys in ``<ledger>.vkey``, one a line; none where there is no such file. ``StoreError``."""
    try:
        lines = vkey_path(ledger).read_text("utf-8").split("\n")
        return [Verifier.parse(line) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, NoteError) as error:
        raise StoreError("The ledger's public key cannot be read.", reason="ledger-key-invalid") from error


def _create(path: Path, text: str) -> None:
    """A new file that is whole from its first moment; who comes second leaves the first one's alone."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        os.close(descriptor)
        temporary.unlink()


_AT_ONCE: Final = 512


def sign_now(ledger: Path) -> None:
    """Signs a checkpoint of all entries of a file, beside a ledger that writes it or without one.

    ``StoreError`` when that cannot be done, with the reasons of ``SqliteLedger``.
    """
    if not ledger.is_file():
        raise StoreError("The ledger cannot be read.", reason="ledger-unreadable")
    if not signer_path(ledger).is_file():
        raise StoreError("The ledger's signing key is not here.", reason="ledger-key-invalid")
    try:
        connection = sqlite3.connect(
            f"{ledger.absolute().as_uri()}?mode=rw", uri=True, timeout=5.0, isolation_level=None
        )
        try:
            connection.execute("PRAGMA synchronous=FULL")
            for statement in tree.SCHEMA:
                connection.execute(statement)
            (size,) = connection.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()
            one = Checkpointer(Plan(), signer(ledger))
            one.resume(connection, size)
            one.write(connection, now=True)
            if one.failures:
                raise StoreError("No checkpoint could be written.", reason="ledger-unavailable")
        finally:
            connection.close()
    except RefusalError as error:
        message = "The ledger is not the one that was signed: run `chatward ledger verify`."
        raise StoreError(message, reason=str(error.args[0])) from error
    except sqlite3.Error as error:
        raise StoreError("The ledger cannot be written.", reason="ledger-unavailable") from error


class Checkpointer:
    """The tree's right edge of one writer, and its checkpoints. Used on the writer's thread alone."""

    def __init__(self, plan: Plan, key: Signer) -> None:
        self._plan = plan
        self._key = key
        self._stack = Stack(plan.file) if plan.file is not None else None
        self._edge = Edge()
        self._blocks: dict[int, bytes] = {}
        self._signed = 0
        self._since: float | None = None
        """When the first entry came that no checkpoint covers."""
        self._not_before = float("-inf")
        self.failures = 0

    @property
    def size(self) -> int:
        return self._edge.size

    def resume(self, connection: sqlite3.Connection, size: int) -> None:
        """Goes on where the file stands. Raises ``RefusalError`` when it is not of the history that was signed."""
        noted = self._noted(connection)
        if any(one.size > size for one in noted):
            raise _RefusalError("ledger-rolled-back")
        if self._edge.size > size:
            self._edge = Edge()
        for one in sorted(noted, key=lambda one: one.size):
            if one.size < self._edge.size:  # this process had been there before
                root = tree.root(connection, one.size)
            else:
                self._blocks |= tree.extend(connection, self._edge, one.size)
                root = self._edge.root()
            if root != one.root:
                raise _RefusalError("ledger-forked")
            self._signed = max(self._signed, one.size)
        self._blocks |= tree.extend(connection, self._edge, size)
        self._touch()

    def _noted(self, connection: sqlite3.Connection) -> list[Checkpoint]:
        """The newest checkpoints of this log."""
        found = [kept[0] for kept in (tree.newest(connection),) if kept is not None]
        last = self._stack.last() if self._stack is not None else None
        if last is not None:
            try:
                one = read(last.text)
            except NoteError as error:
                raise _RefusalError("ledger-forked") from error
            if one.origin == self._key.name:
                found.append(one)
        return found

    def extend(self, connection: sqlite3.Connection, first: int, hashes: Sequence[bytes]) -> None:
        """Takes in entries that are durable now: ``hashes`` from the number ``first`` on."""
        edge = self._edge
        if first != edge.size + 1:  # another process appended before
            self._blocks |= tree.extend(connection, edge, first - 1)
        block = edge.size >> BLOCK
        self._blocks.update(enumerate(edge.extend(map(leaf_hash, hashes)), block))
        self._touch()
        if not self._plan.every:  # they would never be written
            self._blocks.clear()

    def _touch(self) -> None:
        if self._since is None and self._edge.size > self._signed:
            self._since = self._plan.clock()

    def wait(self) -> float | None:
        """Seconds until a checkpoint is due; ``None``: not before there are more entries."""
        if self._since is None or not self._plan.every:
            return None
        if self._edge.size - self._signed >= self._plan.every:
            return max(0.0, self._not_before - self._plan.clock())
        return max(0.0, max(self._since + self._plan.seconds, self._not_before) - self._plan.clock())

    def write(self, connection: sqlite3.Connection, *, now: bool = False) -> None:
        """Makes a checkpoint if one is due, or ``now`` and there is something to sign. Never raises."""
        wait = self.wait()
        if wait is None or (wait > 0 and not now):
            return
        try:
            self._write(connection)
        except Exception as error:  # see rule 3
            self.failures += 1
            self._not_before = self._plan.clock() + max(self._plan.seconds, 1.0)
            log.warning("No checkpoint could be written (%s).", type(error).__name__)

    def _write(self, connection: sqlite3.Connection) -> None:
        size = self._edge.size
        note = Checkpoint(self._key.name, size, self._edge.root()).signed((self._key,))
        blocks = list(self._blocks.items())
        execute = connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for start in range(0, len(blocks), _AT_ONCE):
                some = blocks[start : start + _AT_ONCE]
                values = [value for block in some for value in block]
                rows = ",".join(["(?,?)"] * len(some))
                execute(f"INSERT OR IGNORE INTO ledger_blocks VALUES {rows}", values)  # noqa: S608 - placeholders only
            execute("INSERT OR IGNORE INTO ledger_checkpoints VALUES (?, ?)", (size, note.encode()))
            execute(
                "DELETE FROM ledger_checkpoints WHERE size >= ? AND size < ?"
                " AND size NOT IN (SELECT size FROM ledger_cosignatures)",
                (size - size % self._plan.every, size),
            )
            execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                execute("ROLLBACK")
            raise
        self._blocks.clear()
        self._signed = size
        self._since = None
        self._publish(note)

    def _publish(self, note: Note) -> None:
        if self._stack is not None:
            try:
                self._stack.append(note)
            except OSError as error:
                self.failures += 1
                log.warning("A checkpoint could not be appended to its file (%s).", type(error).__name__)

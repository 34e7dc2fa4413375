"""Proofs that stand by themselves: entries, and what shows that they are in the ledger, in one JSON object.

The form (``chatward-ledger-proof/1``)::

    format       "chatward-ledger-proof/1"
    entries      [{"seq", "at", "event", "exchange", "fields"}, ...]   without a gap; "fields" is text, as on the disk
    previous     hex of the chain's hash before the first of them
    inclusion    [hex, ...]: RFC 9162 inclusion proof of the last of them in the tree of the checkpoint
    checkpoint   the signed note, with cosignatures

Checking needs no ledger, no network and nothing of the operator but the log's public key, got some other way:

1. hash the entries one after another, from ``previous`` on (``chain``): that binds each to the next;
2. the last hash is the data of leaf ``seq - 1``; the inclusion proof leads from there to the checkpoint's root;
3. the checkpoint carries a signature of the log's key, and of as many witnesses as are asked for.

What it proves: the log's key signed a history that has these entries at these places. With cosignatures: that witnesses
saw this history at that time, and only ever its continuations. What it does not prove: that the history is the only one
(without a witness), or that what was recorded is what happened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from chatward.core.errors import ClientError, StoreError
from chatward.ledger import tree
from chatward.ledger.chain import GENESIS, body, link
from chatward.ledger.checkpoint import Checkpoint, opened, read
from chatward.ledger.merkle import inclusion_proof, leaf_hash, verify_inclusion
from chatward.ledger.note import NoteError, Verified, Verifier, parse, verified

FORMAT: Final = "chatward-ledger-proof/1"
MAX_ENTRIES: Final = 10_000


class ProvenEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry as its hash covers it."""

    seq: int
    at: int
    event: str
    exchange: str
    fields: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bundle. See the module."""

    format: Literal["chatward-ledger-proof/1"]
    entries: list[ProvenEntry]
    previous: str
    inclusion: list[str]
    checkpoint: str

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


class ProofError(ClientError):
    """A bundle that proves nothing. ``reason``: ``proof-malformed``, ``proof-mismatch`` (not in the tree of its
    checkpoint), ``proof-unsigned`` (its checkpoint is not signed by the key), ``proof-not-cosigned``."""

    reason = "proof-malformed"


@dataclass(frozen=True, slots=True)
class Proven:
    """What a bundle proved: its entries, under which checkpoint, cosigned by whom and when."""

    entries: tuple[ProvenEntry, ...]
    checkpoint: Checkpoint
    cosigned: tuple[Verified, ...]


def prove(path: str | os.PathLike[str], first: int, last: int | None = None) -> Proof:
    """A bundle for the entries ``first`` to ``last``, under the newest cosigned checkpoint that covers them; where
    there is none, under the newest.

    Raises ``ClientError``: ``no-such-entry``, ``not-checkpointed`` (too new), ``range-too-large``; ``StoreError`` when
    the file cannot be read, or is broken so that no proof fits.
    """
    last = first if last is None else last
    if first < 1 or last < first:
        raise ClientError("No such entries: they count from 1.", reason="no-such-entry")
    if last - first >= MAX_ENTRIES:
        raise ClientError(f"At most {MAX_ENTRIES} entries fit into one proof.", reason="range-too-large")
    with tree.reader(path) as connection:
        rows = connection.execute(
            "SELECT seq, at, event, exchange, fields FROM ledger WHERE seq >= ? AND seq <= ? ORDER BY seq",
            (first, last),
        ).fetchall()
        if len(rows) != last - first + 1:
            raise ClientError("The ledger has no such entry.", reason="no-such-entry")
        before = connection.execute("SELECT hash FROM ledger WHERE seq = ?", (first - 1,)).fetchone()
        found = tree.covering(connection, last) if tree.has_tree(connection) else None
        if found is None:
            raise ClientError("No checkpoint covers the entry yet.", reason="not-checkpointed")
        checkpoint, note = found
        inclusion = inclusion_proof(last - 1, checkpoint.size, tree.Stored(connection))
    previous = GENESIS if first == 1 else before[0] if before is not None else b""
    try:
        entries = [ProvenEntry(*row) for row in rows]
        proof = Proof(FORMAT, entries, bytes(previous).hex(), [one.hex() for one in inclusion], note.encode())
        _included(proof)
    except (ProofError, TypeError, AttributeError) as error:
        message = "The ledger is broken: run `chatward ledger verify`."
        raise StoreError(message, reason="ledger-broken") from error
    return proof


def check(
    bundle: bytes | str, keys: Sequence[Verifier], witnesses: Sequence[Verifier] = (), cosigned: int = 0
) -> Proven:
    """What a bundle proves. ``keys``: public keys of the log, ``cosigned``: how many of ``witnesses`` must have signed.

    Raises ``ProofError``.
    """
    try:
        proof = msgspec.json.decode(bundle, type=Proof)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ProofError("This is no proof.") from error
    checkpoint = _included(proof)
    try:
        opened(proof.checkpoint, keys)
    except NoteError as error:
        raise ProofError("The proof's checkpoint is not signed with the key.", reason="proof-unsigned") from error
    good: list[Verified] = []
    try:
        good = verified(parse(proof.checkpoint), witnesses) if witnesses else []
    except NoteError as error:
        if cosigned:
            raise ProofError("The proof is not cosigned as it should be.", reason="proof-not-cosigned") from error
    if len(good) < cosigned:
        raise ProofError("The proof is not cosigned as it should be.", reason="proof-not-cosigned")
    return Proven(tuple(proof.entries), checkpoint, tuple(good))


def _included(proof: Proof) -> Checkpoint:
    """The checkpoint whose tree has the entries. ``ProofError``."""
    try:
        digest = bytes.fromhex(proof.previous)
        path = [bytes.fromhex(one) for one in proof.inclusion]
        checkpoint = read(parse(proof.checkpoint).text)
        number = proof.entries[0].seq - 1
        for entry in proof.entries:
            number += 1
            if entry.seq != number:
                raise ProofError("A proof's entries have a gap.")
            digest = link(digest, body(entry.seq, entry.at, entry.event, entry.exchange, entry.fields.encode()))
    except (ValueError, IndexError) as error:
        raise ProofError("This is no proof.") from error
    lengths = {len(one) for one in (bytes.fromhex(proof.previous), *path)}
    if lengths != {32} or not verify_inclusion(leaf_hash(digest), number - 1, checkpoint.size, path, checkpoint.root):
        raise ProofError("The entries are not in the checkpoint's tree.", reason="proof-mismatch")
    if proof.entries[0].seq == 1 and proof.previous != GENESIS.hex():
        raise ProofError("The first entry follows on nothing.", reason="proof-mismatch")
    return checkpoint

"""Checkpoints (C2SP tlog-checkpoint): the size and root of a log, in a signed note.

The text has a line each for the *origin* (which log), the size in decimal and the root in base64, and may have more
lines, which are kept and not understood. A log must never sign two checkpoints that are inconsistent; who sees two
such, signed by one key, has proof of it.

``Stack`` is a file of checkpoints one after another, an empty line between them.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from chatward.ledger.note import Note, NoteError, Signer, Verified, Verifier, parse, signed, verified

_SIGNATURE: Final = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: ``root`` is the tree hash (32 bytes) of its first ``size`` leaves."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))

    def signed(self, signers: Sequence[Signer]) -> Note:
        return signed(self.text(), signers)


def read(text: str) -> Checkpoint:
    """A checkpoint from a note's text. ``NoteError`` where it is none."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise NoteError("a checkpoint has three lines or more, none of them empty")
    origin, size, root, *extensions = lines
    try:
        raw = base64.b64decode(root, validate=True)
    except ValueError as error:
        raise NoteError("a checkpoint's root is not base64") from error
    if not (size.isascii() and size.isdigit() and len(size) < 20) or str(int(size)) != size:
        raise NoteError("a checkpoint's size is not a decimal number")
    if len(raw) != 32 or base64.b64encode(raw).decode() != root:
        raise NoteError("a checkpoint's root is not base64 of 32 bytes")
    return Checkpoint(origin, int(size), raw, tuple(extensions))


def opened(
    written: str | bytes, keys: Iterable[Verifier], origin: str | None = None
) -> tuple[Checkpoint, list[Verified]]:
    """A checkpoint that a known key signed, and all good signatures. ``NoteError`` otherwise."""
    note = parse(written)
    good = verified(note, keys)
    checkpoint = read(note.text)
    if origin is not None and checkpoint.origin != origin:
        raise NoteError("a checkpoint is of another log")
    return checkpoint, good


class Stack:
    """A file to which checkpoints are appended, best on another disk. Durable when ``append`` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, note: Note) -> None:
        """Raises ``OSError``."""
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            torn = size > 0 and os.pread(descriptor, 2, max(size - 2, 0)) != b"\n\n"
            os.write(descriptor, (b"\n\n" if torn else b"") + f"{note.encode()}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> list[Note]:
        """All whole checkpoints, oldest first; none where there is no file. What a crash cut short is left out."""
        try:
            written = self.path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return []
        return split(written)

    def last(self, near: int = 16384) -> Note | None:
        """The newest whole checkpoint among the last ``near`` bytes."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - near))
                written = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        notes = split(written)
        return notes[-1] if notes else None


def split(written: str) -> list[Note]:
    """The whole notes among texts that follow one another, an empty line between them.

    Left out is what is no note, and what ends in the middle of a signature (Ed25519 has 64 bytes).
    """
    pieces = written.split("\n\n")
    found: list[Note] = []
    for text, lines in pairwise(pieces):
        if lines.startswith("\N{EM DASH} "):
            ends = "" if lines.endswith("\n") else "\n"
            try:
                note = parse(f"{text.lstrip(chr(10))}\n\n{lines}{ends}")
            except NoteError:
                continue
            if all(len(signature.value) >= _SIGNATURE for signature in note.signatures):
                found.append(note)
    return found

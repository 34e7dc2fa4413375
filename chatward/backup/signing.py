"""The signature of a backup: a signed note (C2SP signed-note) over its manifest, by the key that signs checkpoints.

The manifest has a digest of every file, so whoever does not hold the key can change nothing, leave out nothing and put
nothing in. A key that comes with the backup says nothing against who made the backup: verify with one that is known
from elsewhere. The text cannot pass for a checkpoint, whose second line is a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from chatward.backup.copies import digest, write
from chatward.backup.inventory import LEDGER, MANIFEST
from chatward.core.errors import ConfigError
from chatward.ledger.checkpointing import signer, verifiers
from chatward.ledger.note import NoteError, Verifier, parse, signed, verified

SIGNATURE: Final = "manifest.sig"
_MAX: Final = 1 << 16

Whose = Literal["given", "here", "backup"]
"""Whose key verified a backup: one that was given, that of the installation here, or the one that came along."""


def sign(folder: Path, ledger: Path) -> None:
    """Signs the manifest in ``folder``; the key is made if there is none. Raises ``StoreError``, ``OSError``."""
    write(folder / SIGNATURE, signed(_text(folder), [signer(ledger)]).encode().encode())


def whose(folder: Path, given: Sequence[Verifier], ledger: Path | None) -> Whose:
    """Verifies the signature with the keys ``given``, else with those beside ``ledger``, else with those in the backup.
    Raises ``ConfigError`` (``backup-unsigned``, ``backup-forged``) and ``StoreError``."""
    here = verifiers(ledger) if ledger is not None else []
    known, found = (given, "given") if given else (here, "here") if here else (verifiers(folder / LEDGER), "backup")
    try:
        with (folder / SIGNATURE).open("rb") as stream:
            note = parse(stream.read(_MAX))
        if note.text != _text(folder):
            raise NoteError("of another manifest")
        verified(note, known)
    except FileNotFoundError:
        raise ConfigError("the backup is not signed", reason="backup-unsigned") from None
    except (OSError, NoteError):
        raise ConfigError("the backup is not signed with a key that is known", reason="backup-forged") from None
    return found  # type: ignore[return-value]


def key(written: str) -> list[Verifier]:
    """Public keys, from a file of them or written out. Raises ``ConfigError`` (``usage``)."""
    try:
        text = Path(written).read_text("utf-8") if Path(written).is_file() else written
        found = [Verifier.parse(line) for line in text.split("\n") if line.strip()]
    except (OSError, UnicodeError, NoteError):
        found = []
    if not found:
        raise ConfigError("a key is written name+id+base64, or names a file with some (.vkey)", reason="usage")
    return found


def _text(folder: Path) -> str:
    return f"chatward-backup/1\n{MANIFEST} {digest(folder / MANIFEST)[1]}\n"

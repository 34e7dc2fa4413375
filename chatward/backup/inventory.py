"""What a backup holds, and where each part of it stands in an installation.

The rules:

1. **Keys of people are in no ordinary backup**, and the root key in none at all: what is stored is worth nothing in a
   backup by itself, and who was erased stays erased in every old copy. Keys have a file of their own (``keys``).
2. A backup does hold what this installation signs and encrypts proofs with: keep it as you keep those.
3. The order is part of it: the ledger is copied last, so that every effect in a copy has its record; the register of
   erasures after all that it speaks of.
4. **What stands in PostgreSQL** (``stores.postgres``) is backed up by that server's own tools: sealed, worth nothing
   without people's keys. Whatever comes back there meets the register when sealing is opened.
5. What can be fetched again (intelligence, advisories, models) and what others issue (certificates, policies) is not in
   it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from chatward.assurance.opening import assurance_file
from chatward.behaviour.store import behaviour_file
from chatward.core.errors import ConfigError
from chatward.education.opening import counts_file
from chatward.files.quarantine import quarantine_file
from chatward.genuine.opening import keys_file
from chatward.monitoring.cursors import file_of
from chatward.privacy.opening import privacy_file
from chatward.seal.opening import files
from chatward.settings import Settings
from chatward.settings.rules import identity_file
from chatward.stores.tool_pins import pins_file
from chatward.watch.opening import watch_file

FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
CONFIG: Final = "chatward.toml"
REGISTER: Final = "erasures.db"
LEDGER: Final = "ledger.db"
_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """One file. ``name``: what it is called in a backup; ``path``: where it stands."""

    name: str
    path: Path
    kind: Literal["database", "file"] = "database"


class Copied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup, as the manifest has it."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in a backup. ``at``: seconds since 1970 UTC; ``entries``: of the ledger."""

    format: int
    version: str
    at: float
    entries: int
    files: list[Copied]


def stored(settings: Settings) -> list[Stored]:
    """Everything that belongs into an ordinary backup, in the order in which it is copied."""
    sealing = files(settings)
    ledger = Path(settings.ledger.path)
    conversations = [Stored("conversations.db", sealing.conversations)] if settings.stores.postgres is None else []
    return [
        Stored("identity.db", identity_file(settings)),
        Stored("privacy.db", privacy_file(settings)),
        *conversations,
        Stored("quarantine.db", quarantine_file(settings)),
        Stored("behaviour.db", behaviour_file(settings)),
        Stored("assurance.db", assurance_file(settings)),
        Stored("education.db", counts_file(settings)),
        Stored("monitoring.db", file_of(settings)),
        Stored("mcp.db", pins_file(settings.ledger.path)),
        Stored("watch.db", watch_file(settings)),
        Stored("signing.json", keys_file(settings), "file"),
        Stored(REGISTER, sealing.register),
        Stored(REGISTER + ".signer", beside(sealing.register, ".signer"), "file"),
        Stored(REGISTER + ".vkey", beside(sealing.register, ".vkey"), "file"),
        Stored(LEDGER + ".key", beside(ledger, ".key"), "file"),
        Stored(LEDGER + ".signer", beside(ledger, ".signer"), "file"),
        Stored(LEDGER + ".vkey", beside(ledger, ".vkey"), "file"),
        Stored(LEDGER, ledger),
    ]


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises ``ConfigError`` (``backup-invalid``)."""
    try:
        with (folder / MANIFEST).open("rb") as stream:
            found = msgspec.json.decode(stream.read(_MAX), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        raise ConfigError(f"{folder} holds no backup", reason="backup-invalid") from None
    names = [one.name for one in found.files]
    if found.format != FORMAT or len(set(names)) < len(names) or any("/" in name for name in names):
        raise ConfigError("the backup is of a form that this Chatward does not know", reason="backup-invalid")
    return found

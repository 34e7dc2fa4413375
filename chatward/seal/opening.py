"""Everything of sealing, opened as the settings say.

Opening carries the erasure register through: what was cut off goes on, and what came back with an older copy of a file
goes again (``register``, rules 2 and 3). It waits for the disk, and for the key service if there is something to open:
call it on a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.core.identity import Fetch
from chatward.core.sealing import Record, SealedFields
from chatward.seal.keys import Keys
from chatward.seal.kms import Ask, LocalRoots, RootFile, RootKeys, parse_keys
from chatward.seal.kms_aws import AwsRoots, Credentials
from chatward.seal.kms_pkcs11 import Pkcs11Roots
from chatward.seal.kms_vault import VaultRoots
from chatward.seal.register import Eraser, Register, signer
from chatward.seal.rotation import Rotation
from chatward.seal.sealer import KeySealer
from chatward.settings import Seal, Settings
from chatward.settings.privacy_rules import retention_days
from chatward.stores.conversation_rows import Fields
from chatward.stores.conversations import ConversationStore
from chatward.stores.database import Database, Tables
from chatward.stores.vaults import Vaults

DAY: Final = 86_400.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything stands."""

    keys: Path
    register: Path
    root: Path
    conversations: Path


def files(settings: Settings) -> Files:
    """The files of ``[seal]`` and ``[conversations]``."""
    beside = Path(settings.ledger.path)
    return Files(
        Path(settings.seal.path or beside.with_name("chatward-keys.db")),
        Path(settings.seal.register or beside.with_name("chatward-erasures.db")),
        Path(settings.seal.root_file or beside.with_name("chatward-root.key")),
        Path(settings.conversations.path or beside.with_name("chatward-conversations.db")),
    )


@dataclass(frozen=True, slots=True)
class Sealing:
    """What was opened. ``data`` is the database of stored conversations."""

    keys: Keys
    sealer: KeySealer
    register: Register
    eraser: Eraser
    rotation: Rotation
    data: Tables
    _record: Record
    _retention: float | None
    _clock: Callable[[], float]

    def conversations(self, limit: int = 10_000) -> ConversationStore:
        """The store, with its writing thread. ``limit`` bounds the turns that wait."""
        return ConversationStore(
            self.data, self.sealer, self._record, retention=self._retention, clock=self._clock, limit=limit
        )

    def vaults(self) -> Vaults:
        """What stands behind placeholders."""
        return Vaults(self.data, self.sealer, self._record, retention=self._retention, clock=self._clock)

    def close(self) -> None:
        for database in (self.data, self.register.database, self.keys.database):
            database.close()


def opened(
    settings: Settings,
    record: Record,
    *,
    fetch: Fetch | None = None,
    ask: Ask = asyncio.run,
    clock: Callable[[], float] = time.time,
    also: Callable[[Register], Sequence[SealedFields]] = lambda register: (),
) -> Sealing:
    """Opens, and makes what is missing. ``also`` gives more stores of people, which are erased with the conversations.
    Raises ``ConfigError`` and ``StoreError``."""
    where = files(settings)
    roots = root_keys(settings.seal, where, fetch)
    keys = Keys(Database(where.keys), roots, ask=ask, capacity=settings.seal.memory, ttl=settings.seal.memory_seconds)
    sealer = KeySealer(keys)
    data = tables(settings, where)
    fields = Fields(data, sealer)
    register = Register(Database(where.register), signer(where.register))
    stores = [fields, *also(register)]
    eraser = Eraser(register, sealer, stores, record, clock)
    eraser.resume()
    eraser.replay()
    days = retention_days(settings)
    rotation = Rotation(sealer, stores, record)
    return Sealing(keys, sealer, register, eraser, rotation, data, record, days * DAY if days else None, clock)


def tables(settings: Settings, where: Files) -> Tables:
    """Where stored conversations are. Raises ``ConfigError`` and ``StoreError``."""
    if settings.stores.postgres is None:
        return Database(where.conversations)
    from chatward.stores.postgres import PostgresTables  # noqa: PLC0415  (needs an extra)

    return PostgresTables(resolve(settings.stores.postgres))


def root_file(seal: Seal, where: Files) -> RootFile:
    """The file with the root key. Raises ``ConfigError``."""
    passphrase = seal.passphrase
    if passphrase is None:
        raise ConfigError(
            "seal.passphrase is missing: a reference to the root key's passphrase, such as env:ROOT_PASSPHRASE",
            key="seal.passphrase",
            reason="secret-missing",
        )
    return RootFile(where.root, lambda: resolve(passphrase))


def root_keys(seal: Seal, where: Files, fetch: Fetch | None = None) -> RootKeys:
    """The root keys of the settings. A file is made only where there are no keys yet that need it."""
    if seal.root == "file":
        return root_file(seal, where).open(create=not where.keys.exists())
    if seal.root == "environment":
        return LocalRoots(parse_keys(resolve(_given(seal.root_keys, "root_keys"))))
    if seal.root == "pkcs11":
        module = _given(seal.pkcs11, "pkcs11")
        return Pkcs11Roots(module.module, module.token, lambda: resolve(module.pin), module.keys)
    if fetch is None:
        raise ConfigError("the root key is in a service, which cannot be asked here", reason="root-key-unavailable")
    if seal.root == "vault":
        vault = _given(seal.vault, "vault")
        return VaultRoots(
            fetch, vault.url, lambda: resolve(vault.token), vault.key, mount=vault.mount, namespace=vault.namespace
        )
    aws = _given(seal.aws, "aws")

    def credentials() -> Credentials:
        session = "" if aws.session_token is None else resolve(aws.session_token)
        return Credentials(resolve(aws.access_key), resolve(aws.secret_key), session)

    return AwsRoots(fetch, aws.region, aws.keys, credentials, endpoint=aws.endpoint)


def _given(value: T | None, name: str) -> T:
    if value is None:
        raise ConfigError(f"seal.{name} is missing", key=f"seal.{name}", reason="root-key-invalid")
    return value

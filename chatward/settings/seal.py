"""``[seal]``: how what is stored is encrypted, and where the root key is."""

from __future__ import annotations

from typing import Literal

from chatward.settings.base import Seconds, Size, Strict


class VaultTransit(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of HashiCorp Vault's or OpenBao's transit engine as the root key."""

    url: str
    """The server's base URL, such as `https://vault.example:8200`."""
    token: str
    """Reference to a token that may encrypt, decrypt and read the key."""
    key: str = "chatward"
    """The key's name there."""
    mount: str = "transit"
    """Where the engine is mounted."""
    namespace: str = ""
    """The namespace, where there are any."""


class AwsKms(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of AWS KMS as the root key."""

    region: str
    """Such as `eu-central-1`."""
    keys: tuple[str, ...]
    """Ids, ARNs or aliases of symmetric keys; the last one wraps."""
    access_key: str
    """Reference to the access key's id."""
    secret_key: str
    """Reference to the secret access key."""
    session_token: str | None = None
    """Reference to a session token, where there is one."""
    endpoint: str = ""
    """In place of `https://kms.REGION.amazonaws.com`."""


class Pkcs11(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a hardware security module as the root key (PKCS#11)."""

    module: str
    """The module's library, such as `/usr/lib/softhsm/libsofthsm2.so`."""
    token: str
    """The token's label."""
    pin: str
    """Reference to its PIN."""
    keys: tuple[str, ...]
    """Labels of AES-256 keys; the last one wraps. Only ever append."""


class Seal(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How what is stored is encrypted, and where its keys are."""

    path: str = ""
    """The SQLite file with wrapped keys, not for ordinary backups. Empty: `chatward-keys.db` beside the ledger."""
    register: str = ""
    """The SQLite file that says who was erased, for every backup. Empty: `chatward-erasures.db` beside the ledger."""
    root: Literal["file", "environment", "vault", "aws-kms", "pkcs11"] = "file"
    """What keeps the root key."""
    root_file: str = ""
    """`file`: the root key under `passphrase`; made if missing. Empty: `chatward-root.key` beside the ledger."""
    passphrase: str | None = None
    """`file`: reference to the passphrase, 12 characters or more."""
    root_keys: str | None = None
    """`environment`: reference to root keys, as `VERSION:BASE64` of 32 bytes, apart by blanks."""
    vault: VaultTransit | None = None
    """`vault`: where it is."""
    aws: AwsKms | None = None
    """`aws-kms`: where it is."""
    pkcs11: Pkcs11 | None = None
    """`pkcs11`: where it is."""
    memory: Size = 4096
    """How many keys are kept in memory."""
    memory_seconds: Seconds = 300.0
    """Seconds that a key is kept in memory: how long a root key that was taken away still opens what is in use."""

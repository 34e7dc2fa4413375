"""``[ledger]``, ``[conversations]`` and ``[stores]``: what is recorded and kept, and where."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chatward.settings.base import Seconds, Size, Strict


class LedgerSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record. ``durability``: ``power`` waits for the disk, ``process`` for the operating system."""

    enabled: bool = True
    """Without it nothing is recorded."""
    path: str = "chatward.db"
    """The SQLite file; beside it stands the key of this installation (`.key`)."""
    durability: Literal["power", "process"] = "power"
    """What an entry survives once it counts as written."""
    group_wait: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds to wait for more entries to write together."""
    min_free: Size = 64 * 1024 * 1024
    """The gate closes while the disk has less free space than this."""
    origin: str = ""
    """The name of a new ledger in its checkpoints, such as `example.com/chatward`; else it is named by chance."""
    checkpoint_every: Annotated[int, Meta(ge=0)] = 4096
    """Entries after which a checkpoint is signed; 0: none ever is."""
    checkpoint_seconds: Annotated[float, Meta(gt=0)] = 10.0
    """Seconds after which new entries are under a checkpoint."""
    checkpoint_file: str | None = None
    """A file to which each checkpoint is appended, best on another machine's disk."""
    witnesses: tuple[str, ...] = ()
    """Witnesses that cosign checkpoints: each a verification key, a blank and the URL that takes checkpoints."""
    witness_seconds: Annotated[float, Meta(gt=0)] = 60.0
    """Seconds between two times that the newest checkpoint is shown to the witnesses."""


class Conversations(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people and bots write: kept, sealed and with an end, where `store` says so; and what is remembered of it."""

    store: bool = False
    """Whether it is kept, sealed under `[seal]`: what is new in a request before the bot is asked, a reply once it has
    left."""
    vault: bool = False
    """Whether what stands behind placeholders is kept, sealed, for conversations that their caller names and threads of
    the bot (`previous_response_id`): other processes, and this one after a restart, restore it then."""
    path: str = ""
    """The SQLite file with stored conversations, sealed. Empty: `chatward-conversations.db` beside the
    ledger."""
    retention_days: Annotated[int, Meta(ge=0)] = 30
    """Days after which stored turns are purged, whole UTC days at a time; 0: they stay until somebody erases
    them."""
    memory: Size = 50_000
    """How many inspected messages are remembered by digest."""
    threads: Size = 10_000
    """How many threads (``previous_response_id``) are remembered for ``thread_ttl``."""
    thread_ttl: Seconds = 86_400.0
    """Seconds that a thread is remembered."""
    shared_threads: bool = False
    """Whether a caller may go on with a thread of the bot (``previous_response_id``, ``conversation``) that another
    caller began, as where two programs with keys of their own serve one person."""


class Stores(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Databases in place of files."""

    postgres: str | None = None
    """Reference (`env:NAME`, `file:/path`) to the address of a PostgreSQL database, 14 or newer, such as
    `postgresql://chatward:PASSWORD@db.example.com/chatward?sslmode=verify-full&sslrootcert=system`: stored
    conversations and what stands behind placeholders are there, and not in `conversations.path`. Needs the extra
    `postgres`."""

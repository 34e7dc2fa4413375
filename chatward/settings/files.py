"""Settings of files that travel with messages."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chatward.settings.base import Seconds, Size, Strict


class Files(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files in messages: how they are looked at, within which bounds, and what is kept of those that were stopped.
    What is done about a finding is a matter of the route: `treatments.other`, or `rules."files.*"`."""

    enabled: bool = True
    """Whether they are looked at, on routes whose `guards` name them."""
    seconds: Seconds = 10.0
    """Seconds that one file may take; then it counts as unread. Guards of texts get as much for what it says, where
    `guard_budget` gives them less."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Processes that look at files."""
    memory: Annotated[int, Meta(ge=256 * 1024 * 1024)] = 1024 * 1024 * 1024
    """Bytes of data that such a process may have."""
    most: Size = 32
    """Files of one request that are looked at; a request with more is refused."""
    largest: Size = 32 * 1024 * 1024
    """Bytes of the largest file that is looked at; a larger one counts as unread."""
    unpacked: Size = 64 * 1024 * 1024
    """Bytes that may come out of one file in all."""
    ratio: Annotated[int, Meta(ge=10)] = 120
    """How many times its size a member of an archive may become."""
    depth: Annotated[int, Meta(ge=0, le=16)] = 4
    """Levels of archives within archives."""
    members: Size = 2_000
    """Members of one file in all."""
    text: Size = 100_000
    """Characters of text that are taken from the files of one request; a file that has more counts as unread. Reading
    them takes the guards of texts up to 0.1 ms a character."""
    strip_metadata: bool = True
    """Whether images (JPEG, PNG, GIF, WebP) go on without what they say beside their pixels, such as the place."""
    references: Literal["allow", "block"] = "allow"
    """What happens to files that only an address stands for: nobody here sees what is there."""
    rules: tuple[str, ...] = ()
    """YARA rules: files, or folders with files that end in `.yar` or `.yara`."""
    clamd: str = ""
    """ClamAV's daemon: `unix:/run/clamav/clamd.ctl` or `tcp:HOST:PORT`. Empty: it is not asked."""
    quarantine: bool = False
    """Whether files that were stopped are kept, sealed under `[seal]`."""
    quarantine_path: str = ""
    """The SQLite file with them. Empty: `chatward-quarantine.db` beside the ledger."""
    quarantine_days: Annotated[int, Meta(ge=1, le=365)] = 14
    """Days after which they are deleted."""
    quarantine_size: Size = 256 * 1024 * 1024
    """Bytes that are kept at most; the oldest leave first."""

"""Sealing as others see it: where a sealed field stands, who seals it, and how its key is changed or destroyed.

The rules:

1. What is sealed at one ``Place`` opens at that place only: tenant, subject, record, table and row are authenticated
   with it, and so is the version of the key.
2. Every subject has keys of its own, and so has every ``record`` of a subject that is to be destroyed by itself (a day
   of a conversation). A key that is destroyed makes every copy of what it sealed unreadable, wherever the copy is.
3. A store seals inside its writing transaction. That is what lets a rotation know that nothing of an old version comes
   in behind its back (see ``SealedFields``).
4. All of it may wait for a disk or a key service: from an event loop, call it on a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chatward.core.ports import Entry

Record = Callable[[Entry], None]
"""Puts an entry on record and returns once it is durable; raises ``StoreError``. May block."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed field stands. ``table`` names table and column (``turns.body``), ``row`` the row within it in a
    form that never changes. ``record`` is empty where the field is sealed with the subject's own key."""

    tenant: str
    subject: str
    table: str
    row: str
    record: str = ""


class Sealer(Protocol):
    """Seals and opens. Raises ``StoreError``: ``sealed-altered``, ``sealed-key-gone`` (410), ``sealed-retired``,
    ``root-key-unavailable``, ``root-key-refused``."""

    def prepare(self, places: Iterable[Place]) -> None:
        """Makes the keys that are missing for these places, all in one transaction. ``seal`` would make them too, one
        by one."""
        ...

    def seal(self, place: Place, data: bytes) -> bytes:
        """The sealed field, with the newest version of the key."""
        ...

    def open(self, place: Place, sealed: bytes) -> bytes:
        """What was sealed at this place."""
        ...

    def index(self, tenant: str, subject: str, field: str, value: str) -> tuple[bytes, ...]:
        """Blind indexes of a value, newest version first: one for each version of the key that is good now. A store
        writes them all and looks for any of them. An empty ``subject``: comparable over the subjects of a tenant."""
        ...

    def destroy(self, tenant: str, subject: str, records: Sequence[str]) -> int:
        """Destroys the keys of these records of a subject, for good; how many there were. When it returns, the wrapped
        keys stand in no page and no log of the file. Raises ``StoreError`` (``erasure-unfinished``) where that cannot
        be had now: ask again."""
        ...


Change = Callable[[Place, bytes], bytes]
"""A sealed field as it is to be from now on; the same bytes where nothing has to be done."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """How far a walk has come: fields changed by this step, and about how many rows it has yet to look at (0: none)."""

    changed: int
    left: int


class SealedFields(Protocol):
    """A store with sealed fields, as rotation and erasure see it."""

    @property
    def name(self) -> str: ...

    @property
    def tables(self) -> frozenset[str]:
        """``Place.table`` of all that it seals."""
        ...

    def tenants(self) -> list[str]: ...

    def reseal(self, tenant: str, version: int, change: Change, limit: int) -> Resealed:
        """The next ``limit`` rows of a walk over everything sealed for ``tenant``: changed, their blind indexes written
        anew, and the progress noted, in one transaction. ``version`` names the walk; it goes on where it was, also in
        another process. What is written during the walk is met by it, since writers take the same lock and seal inside
        their transaction."""
        ...

    def behind(self, tenant: str, is_behind: Callable[[Place, bytes], bool]) -> int:
        """How many sealed fields of the tenant, of all there are, ``is_behind`` says true of. It gets the beginning of
        each (64 bytes)."""
        ...

    def subjects(self) -> list[tuple[str, str]]:
        """Tenants and subjects of whom it holds anything."""
        ...

    def erase_subject(self, tenant: str, subject: str) -> int:
        """Deletes all rows of a subject; how many there were. When it returns, they are in no log of the file."""
        ...

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        """Deletes the rows of a subject whose fields are ``dead`` (their key was destroyed); how many there were."""
        ...


class Unsealed:
    """The part of ``SealedFields`` that a store answers in which nothing is sealed: what it holds is erased, not made
    unreadable."""

    tables: frozenset[str] = frozenset()

    def tenants(self) -> list[str]:
        return []

    def reseal(self, tenant: str, version: int, change: Change, limit: int) -> Resealed:
        return Resealed(0, 0)

    def behind(self, tenant: str, is_behind: Callable[[Place, bytes], bool]) -> int:
        return 0

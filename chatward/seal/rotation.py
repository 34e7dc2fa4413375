"""Rotation: every sealed field of a tenant under keys of the next version, then the older keys destroyed.

The steps, each of which may be the last before the power goes:

1. The tenant's next version is made (``Keys.advance``). What is sealed from then on has it.
2. Every store walks over all its sealed fields: opened, sealed anew, progress noted, in one transaction a batch. A walk
   that was cut off goes on where it was; a field that has the version already is left alone.
3. Every store looks at all its fields once more, inside a writing transaction. Since stores seal inside theirs, whoever
   sealed with the older version has committed by then or will seal with the newer one: what is not found now is not
   there.
4. The minimum is set to the version and the older keys are destroyed (``Keys.retire``).

Both versions open until step 4, so no field is unreadable at any moment. Refused, with nothing destroyed: a rotation
without a store whose fields were ever sealed here (``rotation-incomplete``), and one that met fields which do not open
(``rotation-unreadable``): an altered field is evidence, and its key may be what reads a good copy of it. ``abandon``
goes on all the same. Fields whose key was destroyed are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Place, Record, SealedFields
from chatward.seal import envelope
from chatward.seal.keys import Keys
from chatward.seal.sealer import KeySealer

BATCH: Final = 200
_ROUNDS: Final = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation is. ``left`` is about how many rows of ``store`` are still to be looked at."""

    tenant: str
    version: int
    store: str
    changed: int
    left: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did. ``destroyed``: keys of older versions."""

    tenant: str
    version: int
    changed: int
    unreadable: int
    destroyed: int


class Rotation:
    """Rotates. ``record`` puts an entry on record before the older keys are destroyed, and at the start."""

    def __init__(
        self, sealer: KeySealer, stores: Sequence[SealedFields], record: Record = lambda entry: None, batch: int = BATCH
    ) -> None:
        self._sealer = sealer
        self._keys: Keys = sealer.keys
        self._stores = tuple(stores)
        self._record = record
        self._batch = batch

    def pending(self, tenant: str) -> bool:
        """Whether a rotation of the tenant was begun and not ended."""
        return self._keys.minimum(tenant) < self._keys.current(tenant)

    def run(
        self, tenant: str, progress: Callable[[Progress], None] = lambda progress: None, *, abandon: bool = False
    ) -> Rotated:
        """Rotates a tenant's keys, or goes on with a rotation that was cut off. Raises ``StoreError``:
        ``rotation-incomplete``, ``rotation-unreadable``, ``rotation-unfinished``."""
        covered = frozenset(table for store in self._stores for table in store.tables)
        if missing := self._keys.tables() - covered:
            raise StoreError(
                f"Fields are sealed that no store answers for ({', '.join(sorted(missing))}); nothing was rotated.",
                reason="rotation-incomplete",
            )
        version = self._keys.current(tenant)
        if not self.pending(tenant):
            self._record(Entry(Event.KEY_ROTATION_STARTED, "", {"tenant": tenant, "version": version + 1}))
            version = self._keys.advance(tenant)
        changed = self._walk(tenant, version, progress)
        left = self._left(tenant, version)
        for _ in range(_ROUNDS):
            if not left:
                break
            # Sealed by somebody who was in the middle of it when the walk began; or they do not open.
            more, before = self._walk(tenant, version, progress), left
            changed, left = changed + more, self._left(tenant, version)
            if not more and left >= before:
                break
        else:
            raise StoreError("Fields of the older version keep coming. Rotate again.", reason="rotation-unfinished")
        if left and not abandon:
            raise StoreError(
                f"{left} stored values do not open; their keys were kept, and the rotation is not ended.",
                reason="rotation-unreadable",
            )
        entry = {"tenant": tenant, "version": version, "changed": changed, "unreadable": left}
        self._record(Entry(Event.KEY_ROTATION_FINISHED, "", entry))
        return Rotated(tenant, version, changed, left, self._keys.retire(tenant))

    def _walk(self, tenant: str, version: int, progress: Callable[[Progress], None]) -> int:
        """Fields that a walk through all stores changed."""
        changed = 0
        for store in self._stores:
            while True:
                step = store.reseal(tenant, version, partial(self._change, version), self._batch)
                changed += step.changed
                progress(Progress(tenant, version, store.name, changed, step.left))
                if not step.left:
                    break
        return changed

    def _left(self, tenant: str, version: int) -> int:
        return sum(store.behind(tenant, partial(self._behind, version)) for store in self._stores)

    def _change(self, version: int, place: Place, sealed: bytes) -> bytes:
        """A field under the newest key; itself where it does not open."""
        try:
            if envelope.parse(sealed).version >= version:
                return sealed
            return self._sealer.seal(place, self._sealer.open(place, sealed))
        except StoreError as error:
            if error.reason not in {"sealed-altered", "sealed-key-gone", "sealed-retired"}:
                raise
            return sealed

    def _behind(self, version: int, place: Place, sealed: bytes) -> bool:
        try:
            return envelope.parse(sealed).version < version and not self._sealer.dead(place, sealed)
        except StoreError:
            return True  # not of the form at all

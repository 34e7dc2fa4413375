"""What behaviour has learnt of people, as erasure sees it: baselines, alerts, and being part of incidents.

Nothing of it is sealed. What a restored file brings back is known by its time, as with ``erasing.Statements``. A
gateway that runs beside hears of an erasure before it next writes (``behaviour.store``), so it writes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatward.behaviour.analyst import entity_of
from chatward.behaviour.opening import stored
from chatward.behaviour.store import BehaviourStore
from chatward.core.sealing import Place, SealedFields, Unsealed
from chatward.seal.receipt import digest
from chatward.seal.register import Register
from chatward.settings import Settings


class Learnt(Unsealed):
    """``core.sealing.SealedFields``. ``key`` is that of this installation."""

    name = "behaviour"

    def __init__(self, store: BehaviourStore, key: bytes, register: Register) -> None:
        self._store = store
        self._key = key
        self._register = register

    def subjects(self) -> list[tuple[str, str]]:
        return self._store.subjects()

    def erase_subject(self, tenant: str, subject: str) -> int:
        return self._store.erase(tenant, subject, entity_of(self._key, tenant, subject))

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        hidden = digest(tenant, subject)
        times = [one.begun for one in self._register.erasures() if (one.tenant, one.subject) == (tenant, hidden)]
        if not times:
            return 0
        return self._store.erase(tenant, subject, entity_of(self._key, tenant, subject), before=max(times))


@contextmanager
def learnt_of_people(settings: Settings) -> Iterator[Callable[[Register], Sequence[SealedFields]]]:
    """What is erased with a person's conversations; nothing where nothing was learnt."""
    path = Path(settings.ledger.path)
    key = path.with_name(path.name + ".key")
    with stored(settings, make=settings.behaviour.enabled) as store:
        if store is None or not key.exists():
            yield lambda register: []
            return
        secret = key.read_bytes()
        yield lambda register: [Learnt(store, secret, register)]

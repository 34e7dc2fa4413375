"""What else is known of people, as erasure sees it: what behaviour has learnt (baselines, alerts, and being part of
incidents), and that somebody takes part in phishing drills.

Nothing of it is sealed. What a restored file brings back is known by its time, as with ``erasing.Statements``. A
gateway that runs beside hears of an erasure before it next writes (``behaviour.store``), so it writes nothing back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from chatward.behaviour.analyst import entity_of
from chatward.behaviour.opening import stored
from chatward.behaviour.store import BehaviourStore
from chatward.core.sealing import Place, SealedFields, Unsealed
from chatward.education.drills import SCHEMA as DRILLS
from chatward.education.drills import person_of
from chatward.education.opening import counts_file
from chatward.seal.receipt import digest
from chatward.seal.register import Register
from chatward.settings import Settings
from chatward.stores.database import Database


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
        before = last_erasure(self._register, tenant, subject)
        if before == -math.inf:
            return 0
        return self._store.erase(tenant, subject, entity_of(self._key, tenant, subject), before=before)


class OptIns(Unsealed):
    """Who takes part in drills. People stand there as keyed digests, so a restored file's are found where anything else
    names them; the rest ends by itself (``drills.LASTS``)."""

    name = "drills"

    def __init__(self, database: Database, key: bytes, register: Register) -> None:
        database.adopt(DRILLS)
        self._database = database
        self._key = key
        self._register = register

    def subjects(self) -> list[tuple[str, str]]:
        return []

    def erase_subject(self, tenant: str, subject: str) -> int:
        return self._erase(tenant, subject, math.inf)

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        return self._erase(tenant, subject, last_erasure(self._register, tenant, subject))

    def _erase(self, tenant: str, subject: str, before: float) -> int:
        person = person_of(self._key, tenant, subject)
        with self._database.writing() as connection:
            count = int(
                connection.execute(
                    "DELETE FROM drill_people WHERE person = ? AND since <= ?", (person, before)
                ).rowcount
            )
        self._database.scrub()
        return count


def last_erasure(register: Register, tenant: str, subject: str) -> float:
    """When a subject was last erased, in seconds since 1970 UTC; before all time if never."""
    hidden = digest(tenant, subject)
    times = (one.begun for one in register.erasures() if (one.tenant, one.subject) == (tenant, hidden))
    return max(times, default=-math.inf)


@contextmanager
def learnt_of_people(settings: Settings) -> Iterator[Callable[[Register], Sequence[SealedFields]]]:
    """What is erased with a person's conversations; nothing where nothing was learnt and nobody takes part."""
    path, drills = Path(settings.ledger.path), counts_file(settings)
    key = path.with_name(path.name + ".key")
    with ExitStack() as stack:
        store = stack.enter_context(stored(settings, make=settings.behaviour.enabled))
        database = None
        if drills.exists() or (settings.education.enabled and settings.education.drills):
            database = stack.enter_context(closing(Database(drills)))
        if not key.exists():
            yield lambda register: []
            return
        secret = key.read_bytes()
        yield lambda register: [
            *([Learnt(store, secret, register)] if store is not None else []),
            *([OptIns(database, secret, register)] if database is not None else []),
        ]

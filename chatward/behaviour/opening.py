"""Behaviour, opened as the settings say: for the gateway, and for commands beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chatward.behaviour.analyst import Analyst, Rate, Tell
from chatward.behaviour.gathering import Gathering
from chatward.behaviour.incidents import Incidents
from chatward.behaviour.store import BehaviourStore, behaviour_file
from chatward.behaviour.topics import EmbeddedTopics
from chatward.behaviour.worker import Worker
from chatward.models.shipped import shipped
from chatward.settings import Settings
from chatward.stores.database import Database

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """``gathering`` is the gateway's; ``worker`` runs."""

    gathering: Gathering
    worker: Worker
    analyst: Analyst
    store: BehaviourStore

    def missed(self) -> dict[str, float]:
        """Messages that nothing was learnt from, by why: the queue was full, or they could not be read or learnt."""
        return {
            "queue-full": float(self.worker.dropped),
            "not-read": float(self.gathering.failed),
            "flood-of-refusals": float(self.gathering.flooded),
            "not-learnt": float(self.worker.failed),
        }

    def close(self) -> None:
        """Looks at what waits and writes what was learnt. Blocks."""
        self.worker.close()
        self.store.database.close()


def opened(
    settings: Settings, key: bytes, tell: Tell, rate: Rate, clock: Callable[[], float] = time.time
) -> Behaviour | None:
    """Opens it with its thread running; ``None`` where it is not enabled. ``key`` is that of this installation;
    ``tell`` and ``rate`` are called from the thread. Raises ``StoreError``."""
    wanted = settings.behaviour
    if not wanted.enabled:
        return None
    store = BehaviourStore(Database(behaviour_file(settings)))
    folding = Incidents(key, spread=wanted.spread, breaks=wanted.breaks, tell=tell)
    analyst = Analyst(
        key,
        store,
        most=wanted.most,
        width=wanted.window,
        half_life=wanted.half_life,
        risk=wanted.risk,
        points=wanted.points,
        keep=wanted.keep_days * _DAY,
        tell=tell,
        rate=rate,
        folding=folding,
        topics=EmbeddedTopics(key, shipped),
        clock=clock,
    )
    worker = Worker(analyst, most=wanted.queue)
    worker.start()
    return Behaviour(Gathering(worker), worker, analyst, store)


@contextmanager
def stored(settings: Settings, *, make: bool = False) -> Iterator[BehaviourStore | None]:
    """What is stored, for who reads it beside a gateway; ``None`` where there is no file, but ``make`` makes it."""
    path = behaviour_file(settings)
    if not make and not path.exists():
        yield None
        return
    database = Database(path)
    try:
        yield BehaviourStore(database)
    finally:
        database.close()

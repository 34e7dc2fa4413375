"""Stored conversations judged by a file that is not in force, beside the one that is: the policy page's dry run.

The rules:

1. Who asks has it on record first. Texts are opened here, judged twice and let go; what comes out are rules, actions,
   numbers and ids of messages.
2. It is bounded: the newest ``MOST`` turns, ``SECONDS``, one at a time. It runs on the caller's thread and rests
   after each turn, so that messages go first.
3. Both sides see the same (``replaying``). A turn whose route is not known, or is not in both files, a text that a
   guard could not look at on either side, and what is no text, are counted as unknown and not guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Final

from chatward.console.rejudged import Differences, Rejudged, RouteOf
from chatward.core.errors import ClientError
from chatward.core.values import PartKind
from chatward.engine.plan import ScannerPool
from chatward.lines import Spoken
from chatward.replaying import Side, Turn, compare, rules_of
from chatward.settings import Settings
from chatward.stores.conversations import ConversationStore
from chatward.ward import ROLES

MOST: Final = 2_000
"""Turns of one run."""
SECONDS: Final = 20.0
REST: Final = 0.001
"""Seconds after each turn in which other threads run."""
DAY: Final = 86_400
_ROLES: Final = {source: role for role, source in ROLES.items()}


class Rejudging:
    """``pool`` gives the compiled patterns that are in force. ``clock`` gives seconds since 1970 UTC, ``elapsed`` those
    since whenever."""

    def __init__(
        self,
        store: ConversationStore,
        pool: Callable[[], ScannerPool],
        *,
        most: int = MOST,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._pool = pool
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._elapsed = elapsed
        self._rest = rest
        self._one = Lock()

    def due(self, days: int) -> int:
        return self._store.due(self._clock() - days * DAY, self._most)

    def judge(self, current: Settings, new: Settings, days: int, route_of: RouteOf) -> Rejudged:
        if not self._one.acquire(blocking=False):
            raise ClientError(
                "Another dry run is under way. Try again when it is done.", reason="policy-busy", status=409
            )
        try:
            return self._judge(current, new, days, route_of)
        finally:
            self._one.release()

    def _judge(self, current: Settings, new: Settings, days: int, route_of: RouteOf) -> Rejudged:
        pool = self._pool().beside()
        before = Side(current, pool=pool)
        after = Side(new, like=before, pool=pool)
        there = {"default"} | (current.routes.keys() & new.routes.keys())
        turns = _Turns(self._store, self._clock() - days * DAY, self._most, route_of, there)
        found, changed, judged = Differences(), set[int](), set[int]()
        end, late = self._elapsed() + self._seconds, False
        for one in compare(turns, before, after):
            if one.before.missing or one.after.missing:
                turns.unknown.add(one.number)
            else:
                judged.add(one.number)
                if one.changes:
                    changed.add(one.number)
                    found.add(rules_of(one), one.before.action.label, one.after.action.label, one.id)
            self._rest(REST)
            late = self._elapsed() > end
            if late:
                break
        number = len(judged | turns.unknown)
        return Rejudged(days, number, len(changed), len(turns.unknown), not (late or turns.more), found.told())


class _Turns:
    """Texts of stored turns. ``number`` counts turns, so a turn of several texts has it several times. ``more``: there
    were more than ``most``."""

    def __init__(self, store: ConversationStore, since: float, most: int, route_of: RouteOf, routes: set[str]) -> None:
        self.unknown: set[int] = set()
        self.more = False
        self._asked = store, since, most
        self._route_of = route_of
        self._routes = routes

    def __iter__(self) -> Iterator[Turn]:
        store, since, most = self._asked
        for number, (conversation, turn) in enumerate(store.sample(since, most + 1)):
            if number == most:
                self.more = True
                return
            route = self._route_of(turn.exchange)
            texts = [part for part in turn.parts if part.kind is not PartKind.OPAQUE]
            if route not in self._routes or not texts or not all(_sound(part.text) for part in texts):
                self.unknown.add(number)
                continue
            for part in texts:
                said = Spoken(part.text, _ROLES[part.source], conversation.id)
                yield Turn(number, turn.exchange, said, route)


def _sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""The console's pages over a running Chatward. Importing this imports FastAPI and all pages: ``Waking`` does, once."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Awaitable, Sequence
from pathlib import Path

from chatward import __version__
from chatward.assembly.engine import RunningWard
from chatward.assembly.house import House
from chatward.assurance.opening import assurance_file
from chatward.behaviour.opening import Behaviour
from chatward.callers import Callers
from chatward.console.admin import admin_pages
from chatward.console.asgi import App
from chatward.console.assuring import Assuring
from chatward.console.behaviour_desk import BehaviourDesk
from chatward.console.desks import desk_router
from chatward.console.watching import Watching
from chatward.core.ports import Entry, Ledger
from chatward.ledger.reading import Record, tail


def console(
    house: House, running: RunningWard, asking: Callers, watching: Watching, behaviour: Behaviour | None
) -> App:
    """All pages and calls of the admin plane. What may be missing was opened at the start."""
    desks = dataclasses.replace(asking.desks(), behaviour=_unusual(house, behaviour), assuring=_assured(house, running))
    made = admin_pages(
        running,
        AdminLedger(house.ledger, house.ledger_path),
        house.meter,
        house.settings,
        __version__,
        asking.signing_in,
        desks=desk_router(desks, lambda text: running.check(text, "assistant")),
        watching=watching,
    )
    gc.freeze()  # what was made here stays, and is not looked through again
    return made


def _unusual(house: House, behaviour: Behaviour | None) -> BehaviourDesk | None:
    """What the pages of behaviour stand on."""
    if behaviour is None:
        return None
    return BehaviourDesk(behaviour.store, house.record, house.settings.behaviour.breaks, behaviour.analyst.save)


def _assured(house: House, running: RunningWard) -> Assuring:
    """What the pages of assurance stand on."""
    settings = house.settings
    made = Assuring(settings, house.record, assurance_file(settings), running.check)
    house.stack.callback(made.close)
    return made


class AdminLedger:
    """The ledger as the admin plane sees it: appended to, and read from the file."""

    def __init__(self, ledger: Ledger, path: Path | None) -> None:
        self._ledger = ledger
        self._path = path

    def append(self, entry: Entry) -> Awaitable[None]:
        return self._ledger.append(entry)

    def tail(self, n: int) -> Sequence[Record]:
        return tail(self._path, n) if self._path is not None else []

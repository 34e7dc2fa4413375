"""What ``chatward privacy`` works on: the registers, the stored conversations, the ledger's entries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.core.sealing import Record
from chatward.files.quarantine import sealed_fields
from chatward.gateway.fetching import Fetching
from chatward.ledger.reading import Record as Read
from chatward.ledger.reading import between
from chatward.privacy import erasing
from chatward.privacy.incidents import Incidents
from chatward.privacy.learnt import learnt_of_people
from chatward.privacy.notices import Notices
from chatward.privacy.opening import notices_of, privacy_file
from chatward.privacy.requests import Requests
from chatward.privacy.retention import Holds
from chatward.privacy.standing import Standings
from chatward.seal.opening import Sealing, opened
from chatward.settings import Settings
from chatward.stores.database import Database

_PAGE: Final = 5000


@dataclass(frozen=True, slots=True)
class Desk:
    settings: Settings
    runner: asyncio.Runner
    standings: Standings
    requests: Requests
    holds: Holds
    incidents: Incidents
    record: Record
    notices: Notices | None


@contextmanager
def desk_of(config: str | None) -> Iterator[Desk]:
    settings = loaded_settings(config).settings
    with asyncio.Runner() as runner:
        database = Database(privacy_file(settings))
        record = recorder(settings.ledger)
        notices = notices_of(settings, database, record)
        desk = Desk(
            settings,
            runner,
            Standings(database, record),
            Requests(database, record),
            Holds(database, record),
            Incidents(database, record, hours=settings.privacy.breach_hours),
            record,
            notices,
        )
        try:
            yield desk
        finally:
            database.close()


@contextmanager
def sealing_of(desk: Desk, *, needed: bool = False) -> Iterator[Sealing | None]:
    """Stored conversations, where there may be any."""
    settings = desk.settings
    kept = settings.conversations.store or settings.conversations.vault
    if not needed and not kept and settings.seal.passphrase is None:
        yield None
        return
    fetch = Fetching()
    with sealed_fields(settings) as quarantine, learnt_of_people(settings) as learnt:
        sealing = opened(
            settings,
            desk.record,
            fetch=fetch,
            ask=desk.runner.run,
            also=lambda register: [
                erasing.Statements(desk.standings, desk.requests, register),
                *quarantine,
                *learnt(register),
            ],
        )
        try:
            yield sealing
        finally:
            sealing.close()
            desk.runner.run(fetch.aclose())


def entries_of(settings: Settings) -> Iterator[Read]:
    """All entries, in order, a page at a time."""
    path = Path(settings.ledger.path)
    if not settings.ledger.enabled or not path.exists():
        return
    first = 0
    while page := between(path, first, first + _PAGE - 1):
        yield from page
        first = page[-1].seq + 1

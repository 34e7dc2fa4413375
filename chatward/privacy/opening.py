"""Everything of privacy, opened as the settings say: for the gateway, and for commands beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chatward.core.errors import ConfigError
from chatward.core.ports import Entry
from chatward.core.sealing import Record, SealedFields
from chatward.identity.end_users import EndUsers
from chatward.privacy.api import PREFIXES, Answered, PrivacyApi
from chatward.privacy.erasing import Statements
from chatward.privacy.gate import PrivacyGate
from chatward.privacy.mailing import Mailed
from chatward.privacy.notice import privacy_pages
from chatward.privacy.notices import Notices
from chatward.privacy.requests import Requests, kept_months
from chatward.privacy.retention import Holds
from chatward.privacy.standing import Standings
from chatward.seal.register import Register
from chatward.settings import Settings
from chatward.settings.privacy_rules import privacy_on, privacy_problems
from chatward.settings.types import dotted
from chatward.stores.database import Database

Service = Callable[..., Answered]
Also = Callable[[Register], Sequence[SealedFields]]


def privacy_file(settings: Settings) -> Path:
    """The file of ``[privacy]``."""
    return Path(settings.privacy.path or Path(settings.ledger.path).with_name("chatward-privacy.db"))


@dataclass(frozen=True, slots=True)
class InThePath:
    """What the gateway needs: the gate, and what is answered beside messages. ``also`` gives what is erased with stored
    conversations (``seal.opening.opened``); ``holds`` says of whom nothing is purged (``retention.purge``)."""

    gate: PrivacyGate
    services: Mapping[str, Service]
    pages: Mapping[str, tuple[str, bytes]]
    database: Database
    also: Also
    holds: Holds
    api: PrivacyApi
    mailed: Mailed | None
    """Links by mail; ``None`` where no mail is sent. To be closed."""
    notices: Notices | None
    """Whom to tell of rights that were used; ``None`` where settings name nobody."""


def in_the_path(
    settings: Settings,
    record: Record,
    later: Callable[[Entry], None] = lambda entry: None,
    clock: Callable[[], float] = time.time,
    people: EndUsers | None = None,
) -> InThePath | None:
    """Opens it, or ``None`` where ``[privacy]`` switches nothing on. Raises ``ConfigError`` and ``StoreError``."""
    today = datetime.fromtimestamp(clock(), UTC).date()
    for problem in privacy_problems(settings, today):  # settings that were not loaded from a file too
        key = dotted(problem.steps)
        raise ConfigError(f"{key}: {problem.sentence}", key=key, reason=problem.reason)
    if not privacy_on(settings.privacy):
        return None
    database = Database(privacy_file(settings))
    notices = notices_of(settings, database, record, clock)
    standings = Standings(database, record, clock, *([] if notices is None else [notices.said]))
    requests = Requests(database, record, clock)
    requests.forget(kept_months(settings.privacy))
    api = PrivacyApi(settings, standings, requests, people)
    return InThePath(
        PrivacyGate(settings, standings, later),
        dict.fromkeys(PREFIXES, api.answer),
        privacy_pages(settings, today),
        database,
        lambda register: [Statements(standings, requests, register)],
        Holds(database, record, clock),
        api,
        _mailed(settings, database, api, people, record, clock),
        notices,
    )


def _mailed(
    settings: Settings,
    database: Database,
    api: PrivacyApi,
    people: EndUsers | None,
    record: Record,
    clock: Callable[[], float],
) -> Mailed | None:
    if not settings.mail.host or people is None:
        return None
    return Mailed(database, settings.mail, people, api.answer, record=record, clock=clock)


def notices_of(
    settings: Settings, database: Database, record: Record, clock: Callable[[], float] = time.time
) -> Notices | None:
    """The queue of notices, where settings name recipients. Raises ``ConfigError`` and ``StoreError``."""
    recipients = settings.privacy.recipients
    return Notices(database, recipients, record, clock) if recipients else None


@contextmanager
def stores_of_people(settings: Settings, record: Record) -> Iterator[Also]:
    """``InThePath.also`` for commands beside the gateway: nothing where there is no file of ``[privacy]``."""
    from chatward.files.quarantine import sealed_fields  # noqa: PLC0415 - a gateway has its own, where they are on
    from chatward.privacy.learnt import learnt_of_people  # noqa: PLC0415 - numpy

    with sealed_fields(settings) as quarantine, learnt_of_people(settings) as learnt:
        path = privacy_file(settings)
        if not path.exists():
            yield lambda register: [*quarantine, *learnt(register)]
            return
        database = Database(path)
        try:
            standings, requests = Standings(database, record), Requests(database, record)
            yield lambda register: [
                Statements(standings, requests, register),
                *quarantine,
                *learnt(register),
            ]
        finally:
            database.close()

"""Everything of privacy, opened as the settings say: for the gateway, and for commands beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chatward.core.errors import ConfigError
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.privacy.api import PREFIXES, Answered, PrivacyApi
from chatward.privacy.gate import PrivacyGate
from chatward.privacy.notice import privacy_pages
from chatward.privacy.requests import Requests
from chatward.privacy.standing import Standings
from chatward.settings import Settings
from chatward.settings_privacy import privacy_on, privacy_problems
from chatward.settings_types import dotted
from chatward.stores.database import Database

Service = Callable[..., Answered]


def privacy_file(settings: Settings) -> Path:
    """The file of ``[privacy]``."""
    return Path(settings.privacy.path or Path(settings.ledger.path).with_name("chatward-privacy.db"))


@dataclass(frozen=True, slots=True)
class InThePath:
    """What the gateway needs: the gate, and what is answered beside messages."""

    gate: PrivacyGate
    services: Mapping[str, Service]
    pages: Mapping[str, tuple[str, bytes]]
    database: Database


def in_the_path(
    settings: Settings,
    record: Record,
    later: Callable[[Entry], None] = lambda entry: None,
    clock: Callable[[], float] = time.time,
) -> InThePath | None:
    """Opens it, or ``None`` where ``[privacy]`` switches nothing on. Raises ``ConfigError`` and ``StoreError``."""
    today = datetime.fromtimestamp(clock(), UTC).date()
    for problem in privacy_problems(settings, today):  # settings that were not loaded from a file too
        key = dotted(problem.steps)
        raise ConfigError(f"{key}: {problem.sentence}", key=key, reason=problem.reason)
    if not privacy_on(settings.privacy):
        return None
    database = Database(privacy_file(settings))
    standings = Standings(database, record, clock)
    api = PrivacyApi(settings, standings, Requests(database, record, clock))
    gate = PrivacyGate(settings, standings, later)
    return InThePath(gate, dict.fromkeys(PREFIXES, api.answer), privacy_pages(settings, today), database)

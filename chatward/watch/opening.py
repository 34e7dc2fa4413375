"""The watch, opened as the settings say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatward.core.errors import ConfigError
from chatward.settings import Settings
from chatward.stores.database import Database
from chatward.watch.candidates import Ours
from chatward.watch.cases import Cases, Record
from chatward.watch.fetching import Fetcher
from chatward.watch.following import Following
from chatward.watch.letters import Sender
from chatward.watch.resolving import Asking, Pace, Resolver, dns_resolver
from chatward.watch.transparency import Fetch
from chatward.watch.watching import Watching


def watch_file(settings: Settings) -> Path:
    """The file of ``[genuine.watch]``."""
    return Path(settings.genuine.watch.path or Path(settings.ledger.path).with_name("chatward-watch.db"))


def sender(settings: Settings) -> Sender:
    """Who writes letters."""
    genuine = settings.genuine
    domains = genuine.watch.domains or genuine.domains
    return Sender(genuine.owner, genuine.contact, genuine.name or settings.chat.title, genuine.origin, domains)


@dataclass(frozen=True, slots=True)
class Opened:
    """The database's parts, and what makes a watch of them."""

    settings: Settings
    cases: Cases
    following: Following
    record: Record

    def watching(
        self, scripts: Sequence[str] = (), fetch: Fetch | None = None, resolver: Resolver | None = None
    ) -> Watching:
        """A watch. Raises ``ConfigError`` for a key of a log that is none, and where dnspython is missing."""
        genuine = self.settings.genuine
        watch = genuine.watch
        domains = watch.domains or genuine.domains
        ours = Ours(domains, watch.names, (*watch.ignore, *genuine.domains))
        asking = None
        if watch.permutations:
            asking = Asking(resolver or dns_resolver(watch.nameservers), Pace(watch.per_second))
        try:
            return Watching(
                watch,
                ours,
                asking=asking,
                fetch=fetch or Fetcher(seconds=watch.seconds, ca_file=watch.ca_file),
                cases=self.cases,
                following=self.following,
                record=self.record,
                scripts=scripts,
            )
        except ValueError as error:
            raise ConfigError("a log's key is not one of a log", key="genuine.watch.logs") from error


@contextmanager
def opened(settings: Settings, record: Record, clock: Callable[[], float] = time.time) -> Iterator[Opened]:
    """Raises ``StoreError``."""
    database = Database(watch_file(settings))
    try:
        yield Opened(settings, Cases(database, record, clock), Following(database, clock), record)
    finally:
        database.close()

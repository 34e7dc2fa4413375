"""What happened, ready to be read: an index of the ledger that a thread keeps up to date.

The rules:

1. **The ledger is what happened.** The index is made from it alone, may be deleted at any time, and is made anew where
   it is not of this ledger (another file, another form). It holds what the ledger holds: ids, rules, actions, no text.
2. Reading never waits for the ledger's writer, and the writer never for a reader. The index is behind by ``EVERY``
   seconds at most; ``catch_up`` brings it up to date first.
3. Entries are taken ``BATCH`` at a time with a pause in between, so that an old, long ledger is indexed beside traffic
   and not in place of it.
4. What operators say of findings stands in the ledger too (``finding:verdict:given``), and is derived like all else.
5. A reply's entry names neither bot nor caller: it has them from the entry of its message.

Times are nanoseconds since 1970 UTC, as in the ledger. ``StoreError`` where a file cannot be read or written.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from chatward.console.verdicts import LedgerRecord
from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.ledger.reading import between, tail

log = logging.getLogger(__name__)

EVERY: Final = 2.0
BATCH: Final = 256
PAUSE: Final = 0.002
"""Seconds between two batches, which are the event loop's."""
SLOT: Final = 300
"""Seconds of one row of ``traffic``."""
_FLIGHTS: Final = 20_000

SIDES: Final = {
    Event.MESSAGE_JUDGED.value: "message",
    Event.UPSTREAM_INTENDED.value: "message",  # what was let through: its verdict stands in the intent to call the bot
    Event.REPLY_JUDGED.value: "reply",
    Event.REPLY_DELIVERED.value: "reply",
    Event.REPLY_ABORTED.value: "reply",
    Event.TOOL_JUDGED.value: "tool call",
    Event.INSPECTION_JUDGED.value: "asked",
    Event.REQUEST_REFUSED.value: "request",
    Event.UPSTREAM_FAILED.value: "bot",
}
"""Events of a message -> which side of it. The last two have no verdict: their action is ``refused`` and ``failed``."""
_WITHOUT: Final = {Event.REQUEST_REFUSED.value: "refused", Event.UPSTREAM_FAILED.value: "failed"}
_GUARDS: Final = Event.GUARDS_RAN.value
_SAID: Final = Event.FINDING_JUDGED.value
_STANDING: Final = frozenset(
    {Event.TRAFFIC_JUDGED.value, Event.TRAFFIC_PASS_GIVEN.value, Event.TRAFFIC_PASS_REFUSED.value}
)
ACTING: Final = frozenset({"redact", "challenge", "block"})

_FORM: Final = 4
"""Another number makes old indexes be made anew."""
_SCHEMA: Final = (
    "CREATE TABLE source (one INTEGER PRIMARY KEY CHECK (one = 1), form INTEGER NOT NULL, first BLOB NOT NULL,"
    " seq INTEGER NOT NULL)",
    "CREATE TABLE judged (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, exchange TEXT NOT NULL, side TEXT NOT NULL,"
    " action TEXT NOT NULL, would TEXT NOT NULL, rule TEXT NOT NULL, route TEXT NOT NULL, channel TEXT NOT NULL,"
    " bot TEXT NOT NULL, principal TEXT NOT NULL, missing INTEGER NOT NULL)",
    *(
        f"CREATE INDEX judged_{name} ON judged ({name}, seq)"
        for name in ("action", "rule", "route", "bot", "principal", "exchange")
    ),
    "CREATE INDEX judged_side ON judged (side, seq) WHERE side NOT IN ('message', 'reply')",
    "CREATE INDEX judged_missing ON judged (seq) WHERE missing > 0",
    "CREATE TABLE findings (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, exchange TEXT NOT NULL, side TEXT NOT NULL,"
    " action TEXT NOT NULL, rule TEXT NOT NULL, route TEXT NOT NULL, bot TEXT NOT NULL, principal TEXT NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'open', reason TEXT NOT NULL DEFAULT '', until INTEGER NOT NULL DEFAULT 0,"
    " by TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX findings_state ON findings (state, seq)",
    *(f"CREATE INDEX findings_{name} ON findings ({name}, seq)" for name in ("rule", "action", "route", "principal")),
    "CREATE TABLE acted (slot INTEGER NOT NULL, rule TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (slot, rule))"
    " WITHOUT ROWID",
    "CREATE INDEX findings_accepted ON findings (until) WHERE until > 0",
    "CREATE TABLE standings (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, exchange TEXT NOT NULL,"
    " principal TEXT NOT NULL, session TEXT NOT NULL, actor TEXT NOT NULL, score INTEGER NOT NULL, rung TEXT NOT NULL,"
    " mode TEXT NOT NULL, signals TEXT NOT NULL)",
    "CREATE TABLE traffic (slot INTEGER NOT NULL, side TEXT NOT NULL, action TEXT NOT NULL, route TEXT NOT NULL,"
    " bot TEXT NOT NULL, n INTEGER NOT NULL, missing INTEGER NOT NULL, PRIMARY KEY (slot, side, action, route, bot))"
    " WITHOUT ROWID",
    "CREATE TABLE guards (name TEXT PRIMARY KEY, ids TEXT NOT NULL) WITHOUT ROWID",
)


class Happened:
    """The index in the file ``path`` (``None``: in memory) of the ledger ``ledger``. ``start`` begins the thread;
    without it the index is as old as the last ``catch_up``. May be used from several threads."""

    def __init__(self, ledger: Path, path: Path | None, *, every: float = EVERY, pause: float = PAUSE) -> None:
        self._ledger = ledger
        self._path = path
        self._every = every
        self._pause = pause
        self._turn = threading.RLock()
        self._reading = threading.RLock() if path is not None else self._turn  # in memory both are one connection
        self._flights: OrderedDict[str, tuple[str, str, str]] = OrderedDict()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.behind = 0
        """Entries that were not indexed yet when it was looked last."""
        with _failing():
            if path is not None:
                path.touch(mode=0o600, exist_ok=True)
            self._writer = _connect(path)
            self._reader = _connect(path) if path is not None else self._writer
            self._seq = self._opened()

    # --- following

    def start(self) -> None:
        self._thread = threading.Thread(target=self._follow, name="chatward-happened", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        with self._turn, self._reading:
            self._writer.close()
            self._reader.close()

    def _follow(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.catch_up(most=None)
            except StoreError as error:
                log.warning("what happened is not indexed: %s", error.reason)

    def catch_up(self, most: int | None = 4096) -> int:
        """Takes entries until there are no new ones, ``most`` at most; the number that the index reaches now."""
        taken = 0
        with self._turn:
            while most is None or taken < most:
                entries = between(self._ledger, self._seq + 1, self._seq + BATCH)
                if not entries:
                    self.behind = 0
                    break
                self.take(entries)
                taken += len(entries)
                if len(entries) < BATCH:
                    self.behind = 0
                    break
                if self._stop.is_set():
                    break
                newest = tail(self._ledger, 1)
                self.behind = newest[0].seq - self._seq if newest else 0
                time.sleep(self._pause)
        return self._seq

    def take(self, entries: Sequence[LedgerRecord]) -> None:
        """Indexes entries that follow those it has."""
        judged: list[tuple[Any, ...]] = []
        findings: list[tuple[Any, ...]] = []
        said: list[tuple[Any, ...]] = []
        standings: list[tuple[Any, ...]] = []
        guards: list[tuple[str, str]] = []
        traffic: dict[tuple[Any, ...], list[int]] = {}
        acted: Counter[tuple[int, str]] = Counter()
        for entry in entries:
            side = SIDES.get(entry.event)
            if side is None:
                if entry.event == _SAID:
                    said.append(_verdict(entry))
                elif entry.event in _STANDING:
                    standings.append(_standing(entry))
                elif entry.event == _GUARDS:
                    guards.append((_word(entry.fields, "set"), " ".join(_words(entry.fields, "guards"))))
                continue
            row = self._row(entry, side)
            if row is None:
                continue
            judged.append(row)
            _, at, exchange, _, action, would, rule, route, _, bot, principal, missing = row
            slot = at // 1_000_000_000 // SLOT
            cell = traffic.setdefault((slot, side, action, route, bot), [0, 0])
            cell[0] += 1
            cell[1] += missing > 0
            if rule and (action in ACTING or would in ACTING):
                done = action if action in ACTING else would
                findings.append((entry.seq, at, exchange, side, done, rule, route, bot, principal))
                acted[slot, rule] += 1
        with _failing():
            write = self._writer
            write.execute("BEGIN IMMEDIATE")
            try:
                write.executemany("INSERT OR REPLACE INTO judged VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", judged)
                write.executemany(
                    "INSERT INTO findings (seq, at, exchange, side, action, rule, route, bot, principal)"
                    " VALUES (?,?,?,?,?,?,?,?,?)",
                    findings,
                )
                write.executemany("INSERT INTO standings VALUES (?,?,?,?,?,?,?,?,?,?)", standings)
                write.executemany("INSERT OR REPLACE INTO guards VALUES (?,?)", guards)
                write.executemany("UPDATE findings SET state = ?, reason = ?, until = ?, by = ? WHERE seq = ?", said)
                write.executemany(
                    "INSERT INTO traffic VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                    " n = n + excluded.n, missing = missing + excluded.missing",
                    [(*key, *counts) for key, counts in traffic.items()],
                )
                write.executemany(
                    "INSERT INTO acted VALUES (?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                    [(*key, count) for key, count in acted.items()],
                )
                write.execute("UPDATE source SET seq = ?", (entries[-1].seq,))
                write.execute("COMMIT")
            except BaseException:
                if write.in_transaction:
                    write.execute("ROLLBACK")
                raise
        self._seq = entries[-1].seq

    def _row(self, entry: LedgerRecord, side: str) -> tuple[Any, ...] | None:
        fields = entry.fields
        action = _WITHOUT.get(entry.event) or _word(fields, "action")
        if not action:
            return None
        bot, principal, route = _word(fields, "bot"), _word(fields, "principal"), _word(fields, "route")
        if side == "message":
            self._flights[entry.exchange] = (bot, principal, route)
            if len(self._flights) > _FLIGHTS:
                self._flights.popitem(last=False)
        elif side in {"reply", "bot", "tool call"}:
            known = self._flights.get(entry.exchange) or self._message(entry.exchange)
            bot, principal, route = bot or known[0], principal or known[1], route or known[2]
        would = _word(fields, "would")
        rule = _word(fields, "rule") or (_word(fields, "reason") if entry.event in _WITHOUT else "")
        if not rule and (action in ACTING or would in ACTING):
            rule = _first(fields.get("rules"))
        missing = fields.get("unavailable")
        return (
            entry.seq, entry.at, entry.exchange, side, action, "" if would == action else would, rule, route,
            _word(fields, "channel"), bot, principal, len(missing) if isinstance(missing, list) else 0,
        )  # fmt: skip

    def _message(self, exchange: str) -> tuple[str, str, str]:
        with _failing():
            found = self._writer.execute(
                "SELECT bot, principal, route FROM judged WHERE exchange = ? AND side = 'message'", (exchange,)
            ).fetchone()
        return found or ("", "", "")

    # --- reading

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._reading, _failing():
            return self._reader.execute(sql, values).fetchall()

    def guards(self, name: str) -> list[str]:
        """The guards of a set that an entry names; none where the set is not on record."""
        return [id_ for (ids,) in self.rows("SELECT ids FROM guards WHERE name = ?", (name,)) for id_ in ids.split()]

    @property
    def seq(self) -> int:
        """The newest entry that is indexed."""
        return self._seq

    def entries(self, first: int, last: int) -> Sequence[LedgerRecord]:
        """Entries of the ledger itself."""
        return between(self._ledger, first, last)

    def entry(self, seq: int) -> LedgerRecord | None:
        found = between(self._ledger, seq, seq)
        return found[0] if found else None

    # --- the file

    def _opened(self) -> int:
        """The entry that the index reaches; an index of another ledger or form begins anew."""
        first = between(self._ledger, 1, 1)
        mark = first[0].hash if first else b""
        tables = self._writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if ("source",) in tables:
            form, known, seq = self._writer.execute("SELECT form, first, seq FROM source").fetchone()
            newest = tail(self._ledger, 1)
            if form == _FORM and known in (mark, b"") and seq <= (newest[0].seq if newest else 0):
                if not known:
                    self._writer.execute("UPDATE source SET first = ?", (mark,))
                return int(seq)
        for (name,) in tables:
            self._writer.execute(f'DROP TABLE "{name}"')
        for statement in _SCHEMA:
            self._writer.execute(statement)
        self._writer.execute("INSERT INTO source VALUES (1, ?, ?, 0)", (_FORM, mark))
        return 0


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path or ":memory:", timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")  # what a power cut takes is made anew
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-8000")
    return connection


def _verdict(entry: LedgerRecord) -> tuple[Any, ...]:
    """What an operator said, for the statement that stores it."""
    fields = entry.fields
    until = fields.get("until")
    seconds = until if isinstance(until, int) else 0
    number = fields.get("finding")
    found = number if isinstance(number, int) else 0
    return _word(fields, "verdict"), _word(fields, "reason"), seconds * 1_000_000_000, _word(fields, "by"), found


def _standing(entry: LedgerRecord) -> tuple[Any, ...]:
    """How automated a session looked; of a pass that was given or refused, which of the two stands as its rung, and how
    it came to it as its signals."""
    fields = entry.fields
    score = fields.get("score")
    judged = entry.event == Event.TRAFFIC_JUDGED.value
    rung = "" if judged else "pass-given" if entry.event == Event.TRAFFIC_PASS_GIVEN.value else "pass-refused"
    told = _words(fields, "signals")
    told += [one for one in (_word(fields, "how"), _word(fields, "detail")) if one]
    return (
        entry.seq, entry.at, entry.exchange, _word(fields, "principal"), _word(fields, "session"),
        _word(fields, "actor"), score if isinstance(score, int) else 0, rung or _word(fields, "rung"),
        _word(fields, "mode"), " ".join(told),
    )  # fmt: skip


def _word(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _words(fields: Mapping[str, object], name: str) -> list[str]:
    values = fields.get(name)
    return [one for one in values if isinstance(one, str)] if isinstance(values, list) else []


def _first(values: object) -> str:
    return next((one for one in values if isinstance(one, str)), "") if isinstance(values, Iterable) else ""


@contextmanager
def _failing() -> Any:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError("The index of what happened cannot be used.", reason="index-unavailable") from error


Open = Callable[[], Happened | None]

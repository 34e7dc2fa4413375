"""What an operator asks of what happened: filters that live in an address, order, pages, and figures of a time.

The rules:

1. A question is a query string; the same string is a page, a CSV or JSON file, and a saved view. What it cannot mean is
   refused (``ClientError``, ``filter-invalid``), never passed over: a filter that is not applied shows too much.
2. Pages follow each other by key (the last row's place), so that the thousandth costs what the first does, and rows
   that come meanwhile move nothing.
3. Each question uses one index, the one that is expected to leave least, and a time is turned into numbers of entries
   first.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from chatward.console.happened import SLOT, Happened
from chatward.core.errors import ClientError

SECOND: Final = 1_000_000_000
COLUMNS: Final = ("side", "action", "rule", "route", "bot", "channel", "principal", "exchange")
"""What messages are filtered by, besides time and ``missing``."""
SORTS: Final = ("time", "action", "rule", "route", "bot", "principal")
SIZE: Final = 50
SIZES: Final = (25, SIZE, 100, 500)
MOST: Final = 10_000
"""Rows of one CSV or JSON file."""
_STRONGEST: Final = ("exchange", "principal", "rule", "side", "bot", "route", "action")
"""Which filter's index is used, the one that leaves least first."""
FEW: Final = 5_000
"""Rows that are sorted for one page at most, where no index has them in order."""
_SPAN: Final = re.compile(r"(\d{1,4})([mhd])")
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}
_VALUE: Final = re.compile(r"[\w.:/@*+=-]{1,200}", re.ASCII)
SPANS: Final = ("1h", "24h", "7d")

_FIELDS: Final = "seq, at, exchange, side, action, would, rule, route, channel, bot, principal, missing"


@dataclass(frozen=True, slots=True)
class Seen:
    """One verdict, or one request that was not served. ``at``: nanoseconds since 1970 UTC."""

    seq: int
    at: int
    exchange: str
    side: str
    action: str
    would: str
    rule: str
    route: str
    channel: str
    bot: str
    principal: str
    missing: int

    @property
    def iso(self) -> str:
        return datetime.fromtimestamp(self.at / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def told(self) -> dict[str, object]:
        """As JSON data and as a line of a table."""
        return {
            "entry": self.seq, "at": self.iso, "exchange": self.exchange, "side": self.side, "action": self.action,
            "would": self.would, "rule": self.rule, "route": self.route, "channel": self.channel, "bot": self.bot,
            "principal": self.principal, "guards_missing": self.missing,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. ``since`` and ``until`` as they were given: ``24h``, or a time (ISO 8601)."""

    where: Mapping[str, str] = field(default_factory=dict)
    missing: bool = False
    since: str = ""
    until: str = ""
    sort: str = "time"
    up: bool = False
    size: int = SIZE
    after: str = ""

    def query(self, **other: Any) -> str:
        """The query string of this question, with ``other`` in place of what it has; without its place."""
        one = replace(self, **{"after": "", **other})
        pairs: list[tuple[str, object]] = [(name, one.where[name]) for name in sorted(one.where)]
        pairs += [("missing", "1")] * one.missing
        pairs += [(name, value) for name, value in (("since", one.since), ("until", one.until)) if value]
        if (one.sort, one.up) != ("time", False):
            pairs.append(("sort", one.sort if one.up else f"-{one.sort}"))
        if one.size != SIZE:
            pairs.append(("size", one.size))
        if one.after:
            pairs.append(("after", one.after))
        return urlencode(pairs)

    def with_state(self, state: str) -> str:
        """The query of the same question about another state."""
        return self.query(where={**self.where, "state": state})

    def sorted_by(self, name: str) -> str:
        """The query of the same question in order of a column: the other way round, where it is that already."""
        up = not self.up if self.sort == name else name != "time"
        return self.query(sort=name, up=up)

    @property
    def place(self) -> list[Any]:
        """The place that ``after`` names."""
        return _place(self.after)

    def after_row(self, row: Any) -> str:
        """The place of a row in this question's order."""
        return _after(row, self.sort)

    @property
    def narrowed(self) -> bool:
        return bool(self.where or self.missing or self.since or self.until)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the place after them where there are more."""

    rows: Sequence[Seen]
    after: str = ""


def asked(
    query: Mapping[str, str],
    *,
    columns: Sequence[str] = COLUMNS,
    also: Sequence[str] = (),
    sorts: Sequence[str] = SORTS,
) -> Asked:
    """The question of a query string. Empty fields say nothing, as a form sends them. Raises ``ClientError``."""
    known = {*columns, "missing", "since", "until", "sort", "size", "after", *also}
    for name, value in query.items():
        if name not in known:
            raise _invalid(name)
        if name in columns and value and not _VALUE.fullmatch(value):
            raise _invalid(name)
    where = {name: query[name] for name in columns if query.get(name)}
    sort = query.get("sort") or "-time"
    if sort.removeprefix("-") not in sorts:
        raise _invalid("sort")
    size = query.get("size") or str(SIZE)
    if size not in map(str, SIZES):
        raise _invalid("size")
    if query.get("missing", "") not in {"", "1"}:
        raise _invalid("missing")
    found = Asked(
        where, query.get("missing") == "1", query.get("since", ""), query.get("until", ""), sort.removeprefix("-"),
        not sort.startswith("-"), int(size), query.get("after", ""),
    )  # fmt: skip
    for name in ("since", "until"):
        moment_of(query.get(name, ""), name, 0.0)
    _place(found.after)
    return found


def moment_of(text: str, name: str, now: float) -> float | None:
    """Seconds since 1970 UTC of ``24h`` (before ``now``) or an ISO 8601 time (UTC unless it says otherwise)."""
    if not text:
        return None
    if span := _SPAN.fullmatch(text):
        return now - int(span[1]) * _UNITS[span[2]]
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(name) from None
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


class Seeing:
    """Answers questions from an index. ``clock`` gives seconds since 1970 UTC. Everything here reads from the disk:
    call it on a thread."""

    def __init__(self, happened: Happened, clock: Callable[[], float] = time.time) -> None:
        self.happened = happened
        self.clock = clock

    def page(self, one: Asked, *, most: int | None = None) -> Page:
        """A page of messages; with ``most``, so many rows from its place on."""
        size = most or one.size
        conditions, values = self._conditions(one)
        column = "seq" if one.sort == "time" else one.sort
        place = _place(one.after)
        prefixed = one.where.get("rule", "").endswith("*")
        if not prefixed:
            rows = self._some(conditions, values, column, one, place, size, self._index(one, column))
        else:
            rows = []
            for rule in self._rules(one.where["rule"][:-1]):
                rows += self._some([*conditions, "rule = ?"], [*values, rule], column, one, place, size, "judged_rule")
            at = 0 if column == "seq" else _FIELDS.split(", ").index(column)
            rows = sorted(rows, key=lambda row: (row[at], row[0]), reverse=not one.up)[: size + 1]
        seen = [Seen(*row) for row in rows[:size]]
        after = _after(seen[-1], one.sort) if len(rows) > size else ""
        return Page(seen, after)

    def since(self, seq: int, one: Asked, most: int = 500) -> list[Seen]:
        """Messages after an entry that answer a question, oldest first: the newest ``most`` of them."""
        conditions, values = self._conditions(replace(one, since="", until=""))
        if one.where.get("rule", "").endswith("*"):
            prefix = one.where["rule"][:-1]
            conditions, values = [*conditions, "rule >= ?", "rule < ?"], [*values, prefix, prefix + "\U0010ffff"]
        sql = f"SELECT {_FIELDS} FROM judged WHERE {' AND '.join(['seq > ?', *conditions])} ORDER BY seq DESC LIMIT ?"  # noqa: S608
        return [Seen(*row) for row in reversed(self.happened.rows(sql, (seq, *values, most)))]

    def of(self, exchange: str) -> list[Seen]:
        """All of one message, in order."""
        sql = f"SELECT {_FIELDS} FROM judged WHERE exchange = ? ORDER BY seq LIMIT 200"  # noqa: S608
        return [Seen(*row) for row in self.happened.rows(sql, (exchange,))]

    def known(self, column: str, most: int = 200) -> list[str]:
        """Values of a column, by hops in its index."""
        if column not in COLUMNS:
            raise ValueError(column)
        sql = (
            f"WITH RECURSIVE hop(value) AS (SELECT min({column}) FROM judged UNION ALL"  # noqa: S608
            f" SELECT (SELECT min({column}) FROM judged WHERE {column} > hop.value) FROM hop WHERE value IS NOT NULL)"
            " SELECT value FROM hop WHERE value IS NOT NULL AND value != '' LIMIT ?"
        )
        return [str(value) for (value,) in self.happened.rows(sql, (most,))]

    def starting(self, column: str, prefix: str, most: int = 20) -> list[str]:
        """Values of a column that begin so."""
        if column not in COLUMNS:
            raise ValueError(column)
        sql = (
            f"WITH RECURSIVE hop(value) AS (SELECT min({column}) FROM judged WHERE {column} >= ?1 UNION ALL"  # noqa: S608
            f" SELECT (SELECT min({column}) FROM judged WHERE {column} > hop.value) FROM hop WHERE value < ?2)"
            " SELECT value FROM hop WHERE value < ?2 AND value != '' LIMIT ?3"
        )
        return [str(value) for (value,) in self.happened.rows(sql, (prefix, prefix + "\U0010ffff", most))]

    def first_since(self, at: float) -> int:
        """The number of the first message from a time on, by halving."""
        low, high = 0, self.happened.seq + 1
        wanted = int(at * SECOND)
        while low < high:
            middle = (low + high) // 2
            found = self.happened.rows("SELECT seq, at FROM judged WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,))
            if not found or found[0][0] >= high or found[0][1] >= wanted:
                high = middle
            else:
                low = int(found[0][0]) + 1
        return low

    def standings(self, most: int = 2_000) -> list[dict[str, Any]]:
        """How automated sessions looked, and the passes they got or did not: the newest first."""
        rows = self.happened.rows(
            "SELECT at, exchange, principal, session, actor, score, rung, mode, signals FROM standings"
            " ORDER BY seq DESC LIMIT ?",
            (most,),
        )
        names = ("at", "exchange", "principal", "session", "actor", "score", "rung", "mode", "signals")
        return [dict(zip(names, (at / SECOND, *rest, signals.split()), strict=True)) for at, *rest, signals in rows]

    # --- figures

    def traffic(self, span: str) -> Traffic:
        """Counts of a time that ends now, in steps."""
        now = self.clock()
        begin = moment_of(span, "span", now) or now
        step = max(SLOT, int((now - begin) / 48) // SLOT * SLOT)
        first = int(begin) // step * step
        rows = self.happened.rows(
            "SELECT slot * ?1 / ?2, side, action, sum(n), sum(missing) FROM traffic WHERE slot >= ?3 GROUP BY 1, 2, 3",
            (SLOT, step, first // SLOT),
        )
        count = int(now) // step - first // step + 1
        steps = [{"at": first + place * step} | dict.fromkeys(_DRAWN, 0) for place in range(count)]
        totals: dict[str, int] = {}
        missing = 0
        for place, side, action, n, without in rows:
            totals[f"{side}/{action}"] = totals.get(f"{side}/{action}", 0) + n
            missing += without
            at = place - first // step
            if 0 <= at < count and side in {"message", "request"}:
                steps[at][action if action in _DRAWN else "refused"] += n
        return Traffic(span, step, steps, totals, missing)

    def findings_open(self) -> int:
        """How many findings are to be looked at: not judged yet, or accepted for a time that is over."""
        [[waiting]] = self.happened.rows("SELECT count(*) FROM findings WHERE state = 'open'")
        return int(waiting) + self.expired()

    def expired(self) -> int:
        """How many findings were accepted for a time that is over."""
        [[over]] = self.happened.rows(
            "SELECT count(*) FROM findings WHERE until > 0 AND until <= ? AND state = 'accepted'",
            (int(self.clock() * SECOND),),
        )
        return int(over)

    def worst(self, span: str, most: int = 8) -> list[tuple[str, int]]:
        """Rules that acted most often in a time."""
        begin = moment_of(span, "span", self.clock()) or 0.0
        rows = self.happened.rows(
            "SELECT rule, sum(n) AS total FROM acted WHERE slot >= ? GROUP BY rule ORDER BY total DESC, rule LIMIT ?",
            (int(begin) // SLOT, most),
        )
        return [(str(rule), int(n)) for rule, n in rows]

    # --- inside

    def _conditions(self, one: Asked) -> tuple[list[str], list[Any]]:
        conditions: list[str] = []
        values: list[Any] = []
        for name, value in one.where.items():
            if not (name == "rule" and value.endswith("*")):
                conditions.append(f"{name} = ?")
                values.append(value)
        if _rare(one):
            conditions.append("side NOT IN ('message', 'reply')")  # as its index has it
        if one.missing:
            conditions.append("missing > 0")
        now = self.clock()
        since, until = moment_of(one.since, "since", now), moment_of(one.until, "until", now)
        if since is not None:
            conditions.append("seq >= ?")
            values.append(self.first_since(since))
        if until is not None:
            conditions.append("seq < ?")
            values.append(self.first_since(until))
        return conditions, values

    def _index(self, one: Asked, column: str) -> str:
        """The index to use; empty: the table in its own order. A filter's index has its rows in order of time only, so
        in another order it is used where it leaves ``FEW`` rows to be sorted."""
        if one.missing and (column == "seq" or self._few("missing", "")):
            return "judged_missing"
        strongest = next((name for name in _STRONGEST if name in one.where and (name != "side" or _rare(one))), "")
        if strongest and (column == "seq" or self._few(strongest, one.where[strongest])):
            return f"judged_{strongest}"
        return "" if column == "seq" else f"judged_{column}"

    def _few(self, column: str, value: str) -> bool:
        """Whether few rows have a value (of ``missing``: any but none)."""
        rare = " AND side NOT IN ('message', 'reply')" if column == "side" else ""
        which = "missing > 0" if column == "missing" else f"{column} = ?2{rare}"
        sql = f"SELECT count(*) FROM (SELECT 1 FROM judged INDEXED BY judged_{column} WHERE {which} LIMIT ?1)"  # noqa: S608
        [[found]] = self.happened.rows(sql, (FEW + 1,) if column == "missing" else (FEW + 1, value))
        return bool(found <= FEW)

    def _some(
        self,
        conditions: Sequence[str],
        values: Sequence[Any],
        column: str,
        one: Asked,
        place: Sequence[Any],
        size: int,
        index: str,
    ) -> list[tuple[Any, ...]]:
        way, sign = ("ASC", ">") if one.up else ("DESC", "<")
        told, given = list(conditions), list(values)
        if place:
            if column == "seq":
                told.append(f"seq {sign} ?")
                given.append(place[-1])
            else:
                told.append(f"({column}, seq) {sign} (?, ?)")
                given += place
        order = f"seq {way}" if column == "seq" else f"{column} {way}, seq {way}"
        use = f" INDEXED BY {index}" if index else " NOT INDEXED"
        where = f" WHERE {' AND '.join(told)}" if told else ""
        sql = f"SELECT {_FIELDS} FROM judged{use}{where} ORDER BY {order} LIMIT ?"  # noqa: S608 - columns are ours
        return self.happened.rows(sql, (*given, size + 1))

    def _rules(self, prefix: str) -> list[str]:
        return self.starting("rule", prefix, 200)


_DRAWN: Final = ("allow", "redact", "challenge", "block", "refused")


@dataclass(frozen=True, slots=True)
class Traffic:
    """``steps``: a time (seconds) and counts of messages by action; ``totals`` by ``side/action``; ``missing``: how
    many were judged while a guard could not run."""

    span: str
    step: int
    steps: Sequence[Mapping[str, int]]
    totals: Mapping[str, int]
    missing: int

    def total(self, side: str, *actions: str) -> int:
        return sum(
            n
            for key, n in self.totals.items()
            if key.startswith(f"{side}/") and (not actions or key.partition("/")[2] in actions)
        )


def _rare(one: Asked) -> bool:
    """Whether it is asked for a side that few rows have, which are in an index of their own."""
    return one.where.get("side", "message") not in {"message", "reply"}


def _after(row: Any, sort: str) -> str:
    place = [row.seq] if sort == "time" else [getattr(row, sort), row.seq]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _place(text: str) -> list[Any]:
    if not text:
        return []
    try:
        found = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        raise _invalid("after") from None
    if (
        not isinstance(found, list)
        or not 1 <= len(found) <= 2
        or type(found[-1]) is not int
        or not all(isinstance(one, str | int) for one in found)
    ):
        raise _invalid("after")
    return found


def _invalid(name: str) -> ClientError:
    shown = name if re.fullmatch(r"[a-z_]{1,20}", name) else "a field"
    return ClientError(f"The filter cannot be read: {shown}.", reason="filter-invalid")

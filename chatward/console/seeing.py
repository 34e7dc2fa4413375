"""What happened, as an operator asks for it (``asking``): pages, and figures of a time.

The rules:

1. Pages follow each other by key (the last row's place), so that the thousandth costs what the first does, and rows
   that come meanwhile move nothing.
2. Each question uses one index, the one that is expected to leave least, and a time is turned into numbers of entries
   first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from chatward.console.asking import COLUMNS, Asked, after_of, moment_of, place_of
from chatward.console.happened import SLOT, Happened

SECOND: Final = 1_000_000_000
_STRONGEST: Final = ("exchange", "principal", "rule", "side", "bot", "route", "action")
"""Which filter's index is used, the one that leaves least first."""
FEW: Final = 5_000
"""Rows that are sorted for one page at most, where no index has them in order."""
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
class Page:
    """Rows, and the place after them where there are more."""

    rows: Sequence[Seen]
    after: str = ""


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
        place = place_of(one.after)
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
        after = after_of(seen[-1], one.sort) if len(rows) > size else ""
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

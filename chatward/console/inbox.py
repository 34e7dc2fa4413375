"""Findings and what operators say of them: the questions, the verdicts, and what an exception would let through.

The rules:

1. A finding is one entry of the record in which a rule acted, or in monitor mode would have. Its number is its entry's.
2. A verdict goes on record before it counts, and is derived from there (``happened``, rule 4). Reasons are from a list:
   the record holds no sentences. ``accepted`` has an end, after which the finding is to be looked at again.
3. A suggested exception is a suggestion: it shows what it would have let through, and changes nothing by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chatward.console.asking import Asked, asked, moment_of
from chatward.console.seeing import SECOND, Seeing
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry

COLUMNS: Final = ("state", "action", "rule", "route", "bot", "principal", "side")
STATES: Final = ("open", "true", "false", "accepted", "all")
VERDICTS: Final = ("true", "false", "accepted", "open")
REASONS: Final = ("expected", "test", "business", "compensated", "harmless", "attack", "leak", "other")
SORTS: Final = ("time", "rule", "action", "route", "principal")
MOST: Final = 1000
"""Findings that one verdict is given to."""
DAYS: Final = 30
"""Days that a preview looks back, and that an accepted finding is accepted for unless said otherwise."""
_LONGEST: Final = 366
_FIELDS: Final = "seq, at, exchange, side, action, rule, route, bot, principal, state, reason, until, by"
_TOML: Final = re.compile(r"[\w./:*-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """Times are nanoseconds since 1970 UTC; ``until`` is 0 unless it is accepted."""

    seq: int
    at: int
    exchange: str
    side: str
    action: str
    rule: str
    route: str
    bot: str
    principal: str
    state: str
    reason: str
    until: int
    by: str

    def told(self) -> dict[str, object]:
        return {
            "finding": self.seq, "at": _iso(self.at), "exchange": self.exchange, "side": self.side,
            "action": self.action, "rule": self.rule, "route": self.route, "bot": self.bot,
            "principal": self.principal, "state": self.state, "reason": self.reason,
            "until": _iso(self.until) if self.until else "", "by": self.by,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """What an exception for a rule on a route would have let through in ``days`` days."""

    rule: str
    route: str
    days: int
    messages: int
    callers: int
    true: int
    expires: str

    @property
    def toml(self) -> str:
        """The entry for the configuration; empty where the names are none that can stand there."""
        if not _TOML.fullmatch(self.rule) or not re.fullmatch(r"[\w-]{1,60}", self.route, re.ASCII):
            return ""
        return (
            f"[[routes.{self.route}.exceptions]]\n"
            f'rule = "{self.rule}"\nowner = "NAME"\nexpires = "{self.expires}"\nreason = "REASON"\n'
        )


def asked_of(query: Mapping[str, str]) -> Asked:
    """The question of a query string; without a state, what is to be looked at. Raises ``ClientError``."""
    one = asked({"state": "open", **query}, columns=COLUMNS, sorts=SORTS)
    if one.where.get("state", "open") not in STATES:
        raise ClientError("The filter cannot be read: state.", reason="filter-invalid")
    return one


def find(it: Seeing, one: Asked, most: int | None = None) -> tuple[list[Finding], str]:
    """A page of findings, and the place after it."""
    conditions, values = _conditions(it, one)
    column = "seq" if one.sort == "time" else one.sort
    way, sign = ("ASC", ">") if one.up else ("DESC", "<")
    if one.after:
        place = one.place
        if column == "seq":
            conditions.append(f"seq {sign} ?")
            values.append(place[-1])
        else:
            conditions.append(f"({column}, seq) {sign} (?, ?)")
            values += place
    order = f"seq {way}" if column == "seq" else f"{column} {way}, seq {way}"
    size = most or one.size
    where = " AND ".join(["1", *conditions])
    use = _index(one, column)
    sql = f"SELECT {_FIELDS} FROM findings {use} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - columns are ours
    found = [_now(Finding(*row), it.clock()) for row in it.happened.rows(sql, (*values, size + 1))]
    rest = found[:size]
    return rest, one.after_row(rest[-1]) if len(found) > size else ""


def _index(one: Asked, column: str) -> str:
    """The rows in their order, so that a page ends once it is full: nothing is sorted."""
    if column != "seq":
        return f"INDEXED BY findings_{column}"
    if one.where.get("state") in {"true", "false", "accepted"}:
        return "INDEXED BY findings_state"
    strongest = next((name for name in ("principal", "rule", "route") if name in one.where), "")
    exact = strongest and not one.where[strongest].endswith("*")
    return f"INDEXED BY findings_{strongest}" if exact else "NOT INDEXED"


def one_of(it: Seeing, seq: int) -> Finding | None:
    sql = f"SELECT {_FIELDS} FROM findings WHERE seq = ?"  # noqa: S608
    rows = it.happened.rows(sql, (seq,))
    return _now(Finding(*rows[0]), it.clock()) if rows else None


def counts(it: Seeing) -> dict[str, int]:
    """How many there are in each state."""
    found = {
        str(state): int(n)
        for state, n in it.happened.rows("SELECT state, count(*) FROM findings GROUP BY state ORDER BY state")
    }
    over = it.expired()
    if over:
        found["open"] = found.get("open", 0) + over
        found["accepted"] -= over
    return {state: n for state, n in found.items() if n}


def preview(it: Seeing, rule: str, route: str) -> Preview:
    first = it.first_since(it.clock() - DAYS * 86_400)
    [(messages, callers, true)] = it.happened.rows(
        "SELECT count(DISTINCT exchange), count(DISTINCT principal), coalesce(sum(state = 'true'), 0) FROM findings"
        " WHERE rule = ? AND route = ? AND seq >= ?",
        (rule, route, first),
    )
    last = (datetime.fromtimestamp(it.clock(), UTC) + timedelta(days=DAYS)).date().isoformat()
    return Preview(rule, route, DAYS, messages, callers, true, last)


def matching(it: Seeing, one: Asked) -> list[int]:
    """The numbers of all findings of a question, ``MOST`` at most."""
    return [row.seq for row in find(it, one, MOST)[0]]


async def judge(
    record: Callable[[Entry], Awaitable[None]],
    it: Seeing,
    numbers: Sequence[int],
    verdict: str,
    reason: str,
    days: int,
    by: str,
) -> int:
    """Puts a verdict on each finding; how many there were. Raises ``ClientError`` (``verdict-invalid``)."""
    if verdict not in VERDICTS or reason not in REASONS or not numbers or not 1 <= days <= _LONGEST:
        raise ClientError("Choose findings, a verdict and a reason.", reason="verdict-invalid")
    known = await asyncio.to_thread(_known, it, sorted(set(numbers))[:MOST])
    fields: dict[str, object] = {"verdict": verdict, "reason": reason, "by": by}
    if verdict == "accepted":
        fields["until"] = int(it.clock()) + days * 86_400
    await asyncio.gather(*(record(Entry(Event.FINDING_JUDGED, "", {**fields, "finding": n})) for n in known))
    await asyncio.to_thread(it.happened.catch_up)
    return len(known)


def _known(it: Seeing, numbers: Sequence[int]) -> list[int]:
    marks = ",".join("?" * len(numbers))
    sql = f"SELECT seq FROM findings WHERE seq IN ({marks}) ORDER BY seq"  # noqa: S608 - places only
    return [int(seq) for (seq,) in it.happened.rows(sql, numbers)]


def _conditions(it: Seeing, one: Asked) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    now = it.clock()
    for name, value in one.where.items():
        if name == "state":
            if value == "open":
                conditions.append("(state = 'open' OR (state = 'accepted' AND until <= ?))")
                values.append(int(now * SECOND))
            elif value == "accepted":
                conditions.append("state = 'accepted' AND until > ?")
                values.append(int(now * SECOND))
            elif value != "all":
                conditions.append("state = ?")
                values.append(value)
        elif name == "rule" and value.endswith("*"):
            conditions.append("rule >= ? AND rule < ?")
            values += [value[:-1], value[:-1] + "\U0010ffff"]
        else:
            conditions.append(f"{name} = ?")
            values.append(value)
    for name, text, sign in (("since", one.since, ">="), ("until", one.until, "<")):
        at = moment_of(text, name, now)
        if at is not None:
            conditions.append(f"seq {sign} ?")
            values.append(it.first_since(at))
    return conditions, values


def _now(found: Finding, now: float) -> Finding:
    """An acceptance that is over counts no more."""
    if found.state != "accepted" or found.until > now * SECOND:
        return found
    return replace(found, state="open")


def _iso(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / SECOND, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

"""A question of what happened: filters that live in an address, and order.

The rule: a question is a query string; the same string is a page, a CSV or JSON file, and a saved view. What it cannot
mean is refused (``ClientError``, ``filter-invalid``), never passed over: a filter that is not applied shows too much.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from chatward.core.errors import ClientError

COLUMNS: Final = ("side", "action", "rule", "route", "bot", "channel", "principal", "exchange")
"""What messages are filtered by, besides time and ``missing``."""
SORTS: Final = ("time", "action", "rule", "route", "bot", "principal")
SIZE: Final = 50
SIZES: Final = (25, SIZE, 100, 500)
MOST: Final = 10_000
"""Rows of one CSV or JSON file."""
_SPAN: Final = re.compile(r"(\d{1,4})([mhd])")
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}
_VALUE: Final = re.compile(r"[\w.:/@*+=-]{1,200}", re.ASCII)
SPANS: Final = ("1h", "24h", "7d")


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
        return place_of(self.after)

    def after_row(self, row: Any) -> str:
        """The place of a row in this question's order."""
        return after_of(row, self.sort)

    @property
    def narrowed(self) -> bool:
        return bool(self.where or self.missing or self.since or self.until)


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
    place_of(found.after)
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


def after_of(row: Any, sort: str) -> str:
    """The place of a row in an order, as an address has it."""
    place = [row.seq] if sort == "time" else [getattr(row, sort), row.seq]
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_of(text: str) -> list[Any]:
    """The place that an address has. Raises ``ClientError``."""
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

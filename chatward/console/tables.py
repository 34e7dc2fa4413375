"""Tables of what is small enough to be read whole: filtered, sorted, and taken as CSV or JSON at their page's address.

The rules:

1. A table's question lives in the address of its page, each part behind the table's id: ``keys.q`` (words that a row
   must have), ``keys.COLUMN`` (a value of a column), ``keys.sort`` (a column, ``-`` before it: downwards). What it
   cannot mean is refused (``filter-invalid``), never passed over: a filter that is not applied shows too much.
2. ``?csv=ID`` and ``?json=ID`` at the same address are the same rows as a file, so the same decision stands before
   them.
3. A question may be kept under a name (``views``), each table's by itself.
4. A row is told as text by the template, which escapes it, and which shows nothing that cannot be seen.

What may be millions of rows is asked of an index instead (``seeing``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from chatward.console.access import caller_of
from chatward.console.access_pages import Pages
from chatward.console.sheets import lines
from chatward.console.views import View
from chatward.core.errors import ClientError

SHOWN: Final = 100
"""Rows of a page; files have all."""
_LONGEST: Final = 200
Form = Literal["text", "code", "number", "time", "tag", "list", "yes"]


@dataclass(frozen=True, slots=True)
class Column:
    """``name``: the key of a row's value; ``title``: that of a word of the catalog. ``form``: how a value is written;
    a ``time`` is seconds since 1970 UTC, or ``None``. ``pick``: it is filtered by a choice of the values there are.
    ``link``: the key of a row's value that is an address of this console. ``tones``: value of a tag -> its colour."""

    name: str
    title: str
    form: Form = "text"
    pick: bool = False
    link: str = ""
    tones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """``id`` is its name in addresses, ``title`` and ``empty`` words of the catalog: what it is, and what it says where
    it has no row at all. The first column names a row."""

    id: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    empty: str

    def asked(self, query: Mapping[str, str]) -> Listing:
        """What a query string asks of it. Raises ``ClientError`` (``filter-invalid``)."""
        mine = {key.partition(".")[2]: value for key, value in query.items() if key.startswith(f"{self.id}.")}
        names = {one.name for one in self.columns}
        picked = {one.name for one in self.columns if one.pick}
        if mine.keys() - {"q", "sort", *picked} or any(len(value) > _LONGEST for value in mine.values()):
            raise _invalid(next(iter(mine.keys() - {"q", "sort", *picked}), "q"))
        sort = mine.get("sort", "")
        if sort and sort.removeprefix("-") not in names:
            raise _invalid("sort")
        where = {name: mine[name] for name in mine.keys() & picked if mine[name]}
        words = mine.get("q", "").strip()
        rows = [row for row in self.rows if self._fits(row, where, words.casefold().split())]
        if sort:
            name = sort.removeprefix("-")
            given: list[Mapping[str, Any]] = []
            silent: list[Mapping[str, Any]] = []
            for row in rows:  # what has no value comes last, either way
                (silent if row.get(name) in (None, "") else given).append(row)
            rows = sorted(given, key=lambda row: _order(row.get(name)), reverse=sort.startswith("-")) + silent
        return Listing(self, rows, words, where, sort, {k: v for k, v in query.items() if k.partition(".")[2]})

    def _fits(self, row: Mapping[str, Any], where: Mapping[str, str], words: Sequence[str]) -> bool:
        if any(value not in _values(row.get(name)) for name, value in where.items()):
            return False
        text = " ".join(said(row.get(one.name), one.form) for one in self.columns).casefold() if words else ""
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Listing:
    """A table as it was asked for. ``others``: what the address says, of this table and of others. ``views``: questions
    of this table that the caller kept. ``beside`` selects the other tables of the page, whose
    links say how this one was asked for."""

    table: Table
    rows: Sequence[Mapping[str, Any]]
    words: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    views: Sequence[View] = ()
    beside: str = ""

    @property
    def question(self) -> str:
        """What is asked of this table alone."""
        mine = f"{self.table.id}."
        return urlencode({name: value for name, value in self.others.items() if name.startswith(mine) and value})

    @property
    def narrowed(self) -> bool:
        return bool(self.words or self.where)

    @property
    def shown(self) -> Sequence[Mapping[str, Any]]:
        return self.rows[:SHOWN]

    def choices(self, name: str) -> list[str]:
        """The values of a column."""
        return sorted({value for row in self.table.rows for value in _values(row.get(name)) if value})

    def query(self, **changed: str) -> str:
        """The query string of the same question, with parts changed; an empty part is left out."""
        mine = {**self.others, **{f"{self.table.id}.{name}": value for name, value in changed.items()}}
        return urlencode({name: value for name, value in mine.items() if value})

    def sorted_by(self, name: str) -> str:
        """The query of the same question in order of a column: the other way round, where it is that already."""
        return self.query(sort=f"-{name}" if self.sort == name else name)

    def file(self, form: str) -> str:
        """The query of the same rows as a file."""
        return "&".join(filter(None, (self.query(), urlencode({form: self.table.id}))))

    @property
    def cleared(self) -> str:
        return self.query(**dict.fromkeys(("q", *self.where), ""))

    def kept(self) -> dict[str, str]:
        """What a form of this table's filters sends along: the order of rows, and what is asked of other tables."""
        own = {f"{self.table.id}.{name}" for name in ("q", *(one.name for one in self.table.columns))}
        return {name: value for name, value in self.others.items() if name not in own and value}


async def listed(
    pages: Pages, request: Request, template: str, tables: Sequence[Table], status: int = 200, **values: Any
) -> Response:
    """A page of tables, which its template finds in ``tables`` by id; or one of them as a file. A page that answers to
    a form shows them whole."""
    query = request.query_params if request.method == "GET" else {}
    for form in ("csv", "json"):
        if form in query:
            found = next((one for one in tables if one.id == query[form]), None)
            if found is None:
                raise _invalid(form)
            return _file(found.asked(query), form)
    try:
        listings = {one.id: one.asked(query) for one in tables}
    except ClientError as error:
        listings, status = {one.id: Listing(one, one.rows) for one in tables}, error.status
        values["problem"] = error.public
    caller = caller_of(request)
    kept = await pages.views(caller, values.get("here", ""))
    listings = {
        id: replace(
            one,
            views=[view for view in kept if _is_of(id, view.query)],
            beside=",".join(f"#table-{other}" for other in listings if other != id),
        )
        for id, one in listings.items()
    }
    return pages.render(caller, template, status, tables=listings, wide=True, **values)


def _is_of(table: str, query: str) -> bool:
    return all(name.startswith(f"{table}.") for name, _ in parse_qsl(query))


def _file(listing: Listing, form: str) -> Response:
    columns = [one.name for one in listing.table.columns]
    name = listing.table.id
    if form == "json":
        forms = {one.name: one.form for one in listing.table.columns}
        told = [{key: _told(row.get(key), forms[key]) for key in columns} for row in listing.rows]
        return JSONResponse({name: told})
    rows = [{one.name: said(row.get(one.name), one.form) for one in listing.table.columns} for row in listing.rows]
    named = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(lines(rows, columns), media_type="text/csv; charset=utf-8", headers=named)


def said(value: Any, form: str) -> str:
    """A value as one text."""
    told = _told(value, form)
    if isinstance(told, list):
        return " ".join(str(one) for one in told)
    return "" if told is None else "yes" if told is True else "no" if told is False else str(told)


def _told(value: Any, form: str) -> Any:
    """A value as files have it: a time by ISO 8601, a list as one, others as they are."""
    if form == "time" and value is not None:
        try:
            return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
        except (ValueError, OverflowError, OSError):  # beyond what calendars here reach
            return "9999-12-31T23:59:59+00:00"
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def _values(value: Any) -> list[str]:
    """What a filter's choice is compared with: each of a list."""
    if isinstance(value, list | tuple | set | frozenset):
        return [str(one) for one in value]
    return ["yes" if value else "no"] if isinstance(value, bool) else ["" if value is None else str(value)]


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers before texts; texts by what they say, whatever their case."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, said(value, "text").casefold()


def _invalid(name: str) -> ClientError:
    shown = name if name.replace("_", "").isalnum() and name.isascii() and len(name) <= 20 else "a field"
    return ClientError(f"The filter cannot be read: {shown}.", reason="filter-invalid")

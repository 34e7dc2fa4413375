"""Tables with columns: CSV and JSON, general ones and those of URLhaus, ThreatFox, PhishTank and OpenPhish.

A column is found by its name (the first row, also behind a ``#``) or by its number, counted from 0. JSON may be one
array, one object whose values are rows or lists of rows (URLhaus, ThreatFox), or one object a line; a whole document
may have ``WHOLE`` bytes at most, since it is read at once. Lines may be any number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import orjson

from chatward.core.indicators import IndicatorKind, ThreatType
from chatward.intel.entries import Row, seconds, share, threat_type
from chatward.intel.files import SourceError

WHOLE: Final = 256 * 1024 * 1024
"""Bytes of the largest JSON document that is not one object a line."""

_KINDS: Final = {
    "url": IndicatorKind.URL,
    "uri": IndicatorKind.URL,
    "domain": IndicatorKind.DOMAIN,
    "domain-name": IndicatorKind.DOMAIN,
    "hostname": IndicatorKind.DOMAIN,
    "host": IndicatorKind.DOMAIN,
    "ip": IndicatorKind.IP,
    "ip:port": IndicatorKind.IP,
    "ipv4": IndicatorKind.IP,
    "ipv6": IndicatorKind.IP,
    "ipv4-addr": IndicatorKind.IP,
    "ipv6-addr": IndicatorKind.IP,
    "ip-src": IndicatorKind.IP,
    "ip-dst": IndicatorKind.IP,
    "ip-src|port": IndicatorKind.IP,
    "ip-dst|port": IndicatorKind.IP,
    "cidr": IndicatorKind.IP,
    "md5": IndicatorKind.MD5,
    "md5_hash": IndicatorKind.MD5,
    "sha1": IndicatorKind.SHA1,
    "sha1_hash": IndicatorKind.SHA1,
    "sha256": IndicatorKind.SHA256,
    "sha256_hash": IndicatorKind.SHA256,
}


def kind_named(text: object) -> IndicatorKind | None:
    """The kind that a source's word stands for; ``None`` for an unknown one."""
    return _KINDS.get(text.strip().lower()) if isinstance(text, str) else None


_URLHAUS: Final = {"value": "url", "kind": "=url", "type": "threat", "first": "dateadded", "last": "last_online"}
_THREATFOX: Final = {
    "value": "ioc_value",
    "kind": "ioc_type",
    "type": "threat_type",
    "first": "first_seen_utc",
    "last": "last_seen_utc",
    "confidence": "confidence_level",
}
_PHISHTANK: Final = {"value": "url", "kind": "=url", "type": "=phishing", "first": "verification_time"}
_OPENPHISH: Final = {"value": "url", "kind": "=url", "type": "=phishing", "first": "discover_time"}
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "urlhaus": _URLHAUS,
    "threatfox": _THREATFOX,
    "phishtank": _PHISHTANK,
    "openphish": _OPENPHISH,
}
"""Columns of the formats with names; ``=`` gives a value instead of a column."""
_ORDER: Final = {
    "urlhaus": ("id", "dateadded", "url", "url_status", "last_online", "threat", "tags", "urlhaus_link", "reporter"),
    "threatfox": (
        "first_seen_utc", "ioc_id", "ioc_value", "ioc_type", "threat_type", "fk_malware", "malware_alias",
        "malware_printable", "last_seen_utc", "confidence_level", "is_compromised", "reference", "tags", "anonymous",
        "reporter",
    ),
}  # fmt: skip
"""Columns where a dump has none named, in the order in which its publisher documents them."""
_GENERAL: Final = {"value": "value"}


def rows(stream: IO[bytes], format_: str, columns: Mapping[str, str]) -> Iterator[Row]:
    """Rows of CSV or JSON, told apart by the first byte. ``columns``: of a general table."""
    wanted = COLUMNS.get(format_) or {**_GENERAL, **columns}
    start = _first(stream)
    if start in (b"[", b"{"):
        made = (_row(found, wanted) for found in _objects(stream))
    elif format_ == "openphish" and start in (b"h", b"f"):
        made = (Row(line.strip().decode("utf-8", "replace"), IndicatorKind.URL, ThreatType.PHISHING) for line in stream)
    else:
        made = (_row(found, wanted) for found in _records(stream, wanted, _ORDER.get(format_, ())))
    return made


def _first(stream: IO[bytes]) -> bytes:
    peek: bytes = stream.peek(64)  # type: ignore[attr-defined]
    return peek.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]


def _row(found: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    """``Row("")``, which is counted as skipped, where there is no value, or of a kind that nobody looks up."""

    def column(name: str) -> Any:
        where = columns.get(name, "")
        return where[1:] if where.startswith("=") else found.get(where) if where else None

    value = column("value")
    if not isinstance(value, str):
        return Row("")
    said = column("kind")
    kind = kind_named(said)
    if said and kind is None:
        return Row("")
    first, last = seconds(column("first")), seconds(column("last"))
    return Row(value, kind, threat_type(column("type")), first, last, share(column("confidence")))


def _records(stream: IO[bytes], columns: Mapping[str, str], order: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
    csv.field_size_limit(1 << 17)
    names: list[str] = []
    numbers = all(where.isdigit() or where.startswith("=") for where in columns.values())
    reader = csv.reader((line for line in text if line.strip()), skipinitialspace=True)
    try:
        for cells in reader:
            if not names and not numbers:
                head = [cell.strip().lstrip("#").strip().strip('"').lower() for cell in cells]
                if columns["value"].lower() in head:
                    names = [columns_name(name, columns) for name in head]
                    continue
                if cells[0].startswith("#"):
                    continue
                if not order:
                    raise SourceError(f"it has no column {columns['value']}", reason="intel-columns")
                names = list(order)
            if cells[0].startswith("#"):
                continue
            yield (
                {str(place): cell for place, cell in enumerate(cells)}
                if numbers
                else dict(zip(names, cells, strict=False))
            )
    except csv.Error as error:
        raise SourceError("it is no CSV", reason="intel-format") from error
    finally:
        text.detach()


def columns_name(name: str, columns: Mapping[str, str]) -> str:
    """A column of the first row, as the settings write it (in any case)."""
    return next((where for where in columns.values() if where.lower() == name), name)


def _objects(stream: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    line = stream.readline(1 << 20)
    try:
        first = orjson.loads(line)
    except orjson.JSONDecodeError:
        first = None
    if isinstance(first, dict) and (more := stream.readline(1 << 20)).strip():
        yield first  # one object a line
        while more:
            if more.strip():
                yield from _flat(_loaded(more))
            more = stream.readline(1 << 20)
        return
    if first is None:
        data = line + stream.read(WHOLE + 1)
        if len(data) > WHOLE:
            raise SourceError("a JSON document may have 256 MiB; give one object a line", reason="intel-too-large")
        first = _loaded(data)
        del data
    yield from _flat(first)


def _loaded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise SourceError("it is no JSON", reason="intel-format") from None


def _flat(value: Any) -> Iterator[Mapping[str, Any]]:
    """Rows of an array, or of an object of rows or lists of rows."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))
    elif isinstance(value, dict):
        inner = [one for one in value.values() if isinstance(one, (list, dict))]
        lists = [one for one in inner if isinstance(one, list) and any(isinstance(each, dict) for each in one)]
        if lists:
            for one in lists:
                yield from _flat(one)
        elif inner and len(inner) == len(value) and all(isinstance(one, dict) for one in inner):
            yield from (one for one in inner if isinstance(one, dict))
        else:
            yield value

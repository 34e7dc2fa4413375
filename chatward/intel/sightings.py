"""What conversations held of what is listed, to be told to others: counted, and exported as STIX without a transcript.

The rules:

1. A sighting is a listed value, its source, the hour, and how often. It names no person and no conversation, and holds
   nothing of a text but the value, which the source published.
2. Counts are kept in memory and appended to a file every ``EVERY`` seconds at most, one line a value and hour, by
   whoever asks; several processes may. Beyond ``MOST`` bytes nothing more is written.
3. What is exported keeps its marking (TLP), and what is stricter than asked for is left out (FIRST TLP 2.0).
4. Objects of one value have the same ids in every export (STIX 2.1, section 2.9, deterministic UUIDs), so importing
   twice changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from chatward.core.indicators import IndicatorKind, Sighting, ThreatType, Tlp

SIGHTINGS: Final = "sightings.jsonl"
EVERY: Final = 5.0
MOST: Final = 64 * 1024 * 1024
_PENDING: Final = 1000
_HOUR: Final = 3600
_NAMESPACE: Final = UUID("0d6a1bde-6c55-4b1c-9f0e-0a4b5a9f6b11")
_MARKINGS: Final = {
    Tlp.CLEAR: "94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
"""TLP 2.0 in STIX (OASIS extension definition)."""
_PATHS: Final = {
    IndicatorKind.URL: "url:value",
    IndicatorKind.DOMAIN: "domain-name:value",
    IndicatorKind.MD5: "file:hashes.MD5",
    IndicatorKind.SHA1: "file:hashes.'SHA-1'",
    IndicatorKind.SHA256: "file:hashes.'SHA-256'",
}
_TYPES: Final = {
    ThreatType.ANONYMISER: "anonymization",
    ThreatType.COMPROMISED: "compromised",
}


class Seen(msgspec.Struct, frozen=True):
    """One line: ``hour`` is when, in seconds since 1970 UTC."""

    hour: int
    source: str
    kind: IndicatorKind
    value: str
    type: ThreatType
    tlp: Tlp
    count: int = 1


class Sightings:
    """Counts, and writes what was counted. Never raises: a disk that is full costs counts, not messages."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._counts: dict[tuple[int, str, IndicatorKind, str, ThreatType, Tlp], int] = {}
        self._written = clock()

    def note(self, sighting: Sighting, value: str) -> None:
        """Counts one."""
        hour = int(self._clock()) // _HOUR * _HOUR
        key = (hour, sighting.source, sighting.kind, value, sighting.type, sighting.tlp)
        if key in self._counts or len(self._counts) < _PENDING:
            self._counts[key] = self._counts.get(key, 0) + 1

    def write(self, *, now: bool = False) -> None:
        """Appends what was counted, if it is time or ``now``."""
        if not self._counts or (not now and self._clock() - self._written < EVERY):
            return
        self._written = self._clock()
        counts, self._counts = self._counts, {}
        lines = b"".join(msgspec.json.encode(Seen(*key, count)) + b"\n" for key, count in counts.items())
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(file).st_size + len(lines) <= MOST:
                    os.write(file, lines)
            finally:
                os.close(file)
        except OSError:
            pass


def read(path: Path) -> Iterator[Seen]:
    """What was written; lines that are not whole are passed over."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            try:
                yield msgspec.json.decode(line, type=Seen)
            except msgspec.DecodeError:
                continue


def bundle(seen: Iterable[Seen], *, strictest: Tlp, named: str = "Chatward") -> dict[str, Any]:
    """A STIX 2.1 bundle: for each source and value an indicator and a sighting of it."""
    order = list(Tlp)
    merged: dict[tuple[str, IndicatorKind, str], list[Seen]] = {}
    for one in seen:
        if order.index(one.tlp) <= order.index(strictest):
            merged.setdefault((one.source, one.kind, one.value), []).append(one)
    who = f"identity--{uuid5(_NAMESPACE, f'identity {named}')}"
    objects: list[Mapping[str, Any]] = []
    first = min((one.hour for some in merged.values() for one in some), default=0)
    if merged:
        start = _time(first)
        objects.append(
            {"type": "identity", "spec_version": "2.1", "id": who, "created": start, "modified": start, "name": named}
            | {"identity_class": "system"}
        )
    used: set[Tlp] = set()
    for (source, kind, value), some in sorted(merged.items()):
        used.add(some[-1].tlp)
        objects += _objects(source, kind, value, some, who)
    objects += [_marking(one) for one in order if one in used]
    number = uuid5(_NAMESPACE, repr([(one["id"], one.get("modified")) for one in objects]))
    return {"type": "bundle", "id": f"bundle--{number}", "objects": objects}


def _objects(source: str, kind: IndicatorKind, value: str, some: list[Seen], who: str) -> list[Mapping[str, Any]]:
    newest = some[-1]
    marking = [f"marking-definition--{_MARKINGS[newest.tlp]}"]
    start, end = _time(min(one.hour for one in some)), _time(max(one.hour for one in some) + _HOUR)
    pattern = pattern_of(kind, value)
    indicator = f"indicator--{uuid5(_NAMESPACE, f'indicator {source} {pattern}')}"
    common = {"spec_version": "2.1", "created_by_ref": who, "object_marking_refs": marking}
    return [
        {
            "type": "indicator",
            "id": indicator,
            "created": start,
            "modified": start,
            "name": source,
            "indicator_types": [_TYPES.get(newest.type, "malicious-activity")],
            "pattern": pattern,
            "pattern_type": "stix",
            "valid_from": start,
            **common,
        },
        {
            "type": "sighting",
            "id": f"sighting--{uuid5(_NAMESPACE, f'sighting {source} {pattern}')}",
            "created": start,
            "modified": end,
            "first_seen": start,
            "last_seen": end,
            "count": min(sum(one.count for one in some), 999_999_999),
            "sighting_of_ref": indicator,
            **common,
        },
    ]


def pattern_of(kind: IndicatorKind, value: str) -> str:
    """The pattern that looks for one value."""
    path = _PATHS.get(kind) or ("ipv6-addr:value" if ":" in value else "ipv4-addr:value")
    text = f"http://{value}" if kind is IndicatorKind.URL else value
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{path} = '{quoted}']"


def _marking(one: Tlp) -> Mapping[str, Any]:
    name = f"TLP:{one.value.upper()}"
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{_MARKINGS[one]}",
        "created": "2022-10-01T00:00:00.000Z",
        "name": name,
        "extensions": {_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": one.value}},
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

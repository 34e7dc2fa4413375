"""MISP as a source: feeds (a manifest and one file an event) and warninglists.

A feed is a folder or a base URL with ``manifest.json`` (event's uuid -> its ``timestamp`` and more) and ``UUID.json``.
Events whose timestamp has not changed are not read again. Attributes count that are meant for detection (``to_ids``)
and can be looked up: of composite types (``domain|ip``, ``filename|sha256``) each part that can. An attribute's TLP is
the event's tag ``tlp:...``, or its own.

Warninglists (``list.json``): entries of type ``string``, ``hostname`` and ``cidr``. Those of type ``substring`` and
``regex`` cannot be looked up and are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, Any, Final

import orjson

from chatward.core.indicators import IndicatorKind, Tlp
from chatward.intel.entries import Row, seconds, threat_type, tlp
from chatward.intel.files import SourceError
from chatward.intel.reading import Batch, Context, given
from chatward.intel.tables import WHOLE, kind_named
from chatward.settings import IntelSource

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVENTS: Final = 2_000
"""Events that are read at once; the rest comes with the next update."""


def feed(context: Context) -> Batch | None:
    """Rows of all events that changed."""
    manifest = _loaded(_read(context, "manifest.json"))
    if not isinstance(manifest, dict):
        raise SourceError("its manifest is no object", reason="intel-format")
    known = _loaded(context.state.cursor.encode()) if context.state.cursor else {}
    now = {uuid: str(about.get("timestamp", "")) for uuid, about in manifest.items() if isinstance(about, dict)}
    if not all(map(_UUID.fullmatch, now)):
        raise SourceError("its manifest names an event that is none", reason="intel-format")
    changed = [uuid for uuid, stamp in now.items() if known.get(uuid) != stamp]
    if not changed and context.state.imported:
        return None
    events = {uuid: _loaded(_read(context, f"{uuid}.json")) for uuid in changed[:_EVENTS]}
    cursor = orjson.dumps({uuid: now[uuid] for uuid in now if uuid in events or known.get(uuid) == now[uuid]})
    digest = sha256(orjson.dumps(list(events.values()))).hexdigest()
    found = [row for event in events.values() for row in rows(event)]
    return Batch(given(lambda: found), digest, cursor=cursor.decode(), whole=False)


def _read(context: Context, name: str) -> bytes:
    if context.place is not None:
        data = (context.place / name).read_bytes()
    else:
        data = context.server.small(f"{context.source.location.rstrip('/')}/{name}")[1]
    if len(data) > min(WHOLE, context.source.max_size):
        raise SourceError("an event is larger than max_size allows", reason="intel-too-large")
    return data


def _loaded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise SourceError("it is no JSON", reason="intel-format") from None


def rows(document: Any) -> Iterator[Row]:
    """Rows of one event. Deleted attributes take their values back."""
    event = document.get("Event") if isinstance(document, dict) else None
    if not isinstance(event, dict):
        raise SourceError("an event is no MISP event", reason="intel-format")
    marking = _marking(event.get("Tag"))
    for thing in (event, *_objects(event.get("Object"))):
        for attribute in _objects(thing.get("Attribute")):
            yield from _attribute(attribute, marking)


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


_TYPES: Final = {
    "Payload delivery": "malware",
    "Artifacts dropped": "malware",
    "Payload installation": "malware",
    "Network activity": "malicious",
}


def _attribute(attribute: dict[str, Any], marking: Tlp | None) -> Iterator[Row]:
    if attribute.get("to_ids") not in (True, 1, "1"):
        return
    kinds = str(attribute.get("type", "")).split("|")
    values = str(attribute.get("value", "")).split("|")
    seen = seconds(attribute.get("timestamp"))
    first = seconds(attribute.get("first_seen")) or seen
    last = seconds(attribute.get("last_seen")) or seen
    gone = attribute.get("deleted") in (True, 1, "1")
    own = _marking(attribute.get("Tag")) or marking
    for name, value in zip(kinds, values, strict=False):
        kind = kind_named(name)
        if kind is not None:
            type_ = threat_type(_TYPES.get(str(attribute.get("category", ""))))
            yield Row(value, kind, type_, first, last, None, own, None, gone)


def _marking(tags: object) -> Tlp | None:
    found = [tlp(str(tag.get("name", ""))) for tag in _objects(tags)]
    return max((one for one in found if one is not None), key=list(Tlp).index, default=None)


def warninglist(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
    """Rows of one warninglist."""
    document = _loaded(stream.read(WHOLE))
    values = document.get("list") if isinstance(document, dict) else None
    if not isinstance(values, list) or document.get("type") not in ("string", "hostname", "cidr"):
        raise SourceError("it is no warninglist of strings, hostnames or networks", reason="intel-format")
    kind = IndicatorKind.IP if document["type"] == "cidr" else None
    for value in values:
        yield Row(str(value), kind)

"""STIX 2.1 as a source: bundles in files, collections of TAXII 2.1 servers.

Indicators with a STIX pattern of single values count (``patterns``), with their ``valid_from`` and ``valid_until``,
``confidence``, ``indicator_types`` and TLP markings. A revoked one takes its values back. Of several versions of one
indicator the newest counts (STIX 2.1, section 3.6), wherever it stands. Other objects say nothing that could be looked
up.

TAXII (OASIS TAXII 2.1, sections 3 and 5): ``location`` is the URL of a collection. Objects come in pages (``more``,
``next``); what was added since the last time is asked for by ``added_after``, with the time that the server itself
said (``X-TAXII-Date-Added-Last``). Not built: discovery, statuses, writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import IO, Any, Final
from urllib.parse import quote

import orjson

from chatward.core.indicators import ThreatType, Tlp
from chatward.intel.entries import Row, seconds, share, threat_type
from chatward.intel.files import SourceError
from chatward.intel.patterns import PatternError, values_of
from chatward.intel.reading import Batch, Context, given
from chatward.intel.tables import WHOLE
from chatward.settings import IntelSource

MARKINGS: Final = {
    # TLP 1.0 (STIX 2.1, section 7.2.1.4)
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
    # TLP 2.0 (OASIS extension)
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": Tlp.CLEAR,
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Tlp.GREEN,
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": Tlp.AMBER,
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": Tlp.AMBER_STRICT,
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": Tlp.RED,
}
_ORDER: Final = tuple(Tlp)
_PAGES: Final = 10_000
_TYPES: Final = "application/taxii+json;version=2.1"


def bundle(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
    """Rows of a bundle, or of a bare list of objects."""
    data = stream.read(WHOLE + 1)
    if len(data) > WHOLE:
        raise SourceError("a bundle may have 256 MiB", reason="intel-too-large")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise SourceError("it is no JSON", reason="intel-format") from None
    found = document.get("objects") if isinstance(document, dict) else document
    if not isinstance(found, list):
        raise SourceError("it is no STIX bundle", reason="intel-format")
    yield from rows(found)


def rows(objects: Iterable[Any]) -> Iterator[Row]:
    """Rows of STIX objects. An indicator that cannot be used is a row without a value."""
    indicators = [one for one in objects if isinstance(one, dict) and one.get("type") == "indicator"]
    newest: dict[str, str] = {}
    for one in indicators:
        name = str(one.get("id", ""))
        newest[name] = max(newest.get(name, ""), _version(one))
    for one in indicators:
        name = str(one.get("id", ""))
        if not name or _version(one) == newest[name]:
            yield from _indicator(one)


def _version(one: dict[str, Any]) -> str:
    """When a version was made (RFC 3339 in UTC, perhaps with a fraction), so that later ones compare as greater."""
    return str(one.get("modified", "")).rstrip("Zz")


def _indicator(one: dict[str, Any]) -> Iterator[Row]:
    pattern = one.get("pattern")
    if not isinstance(pattern, str) or one.get("pattern_type", "stix") != "stix":
        yield Row("")
        return
    try:
        values = values_of(pattern)
    except PatternError:
        yield Row("")
        return
    first = seconds(one.get("valid_from"))
    last = seconds(one.get("modified")) or first
    gone = one.get("revoked") is True
    for kind, value in values:
        yield Row(
            value,
            kind,
            _type(one.get("indicator_types")),
            first,
            last,
            share(one.get("confidence")),
            marking(one.get("object_marking_refs")),
            seconds(one.get("valid_until")),
            gone,
            first,
        )


def _type(words: object) -> ThreatType | None:
    found = [threat_type(word) for word in words] if isinstance(words, list) else []
    return next((one for one in found if one is not None), None)


def marking(references: object) -> Tlp | None:
    """The strictest TLP among marking references; ``None`` where there is none."""
    if not isinstance(references, list):
        return None
    known = [MARKINGS[one] for one in references if isinstance(one, str) and one in MARKINGS]
    return max(known, key=_ORDER.index, default=None)


def taxii(context: Context) -> Batch | None:
    """What a collection has had added since the last time; everything, the first time."""
    server, state = context.server, context.state
    base = context.source.location.rstrip("/")
    base = base if base.endswith("/objects") else f"{base}/objects"
    asked = f"{base}/?match%5Btype%5D=indicator&limit=1000"
    if state.cursor:
        asked += f"&added_after={quote(state.cursor, safe='')}"
    found: list[Any] = []
    latest, more = state.cursor, ""
    for _ in range(_PAGES):
        url = asked + (f"&next={quote(more, safe='')}" if more else "")
        answer, body = server.small(url, [("accept", _TYPES)])
        try:
            page = orjson.loads(body) if body.strip() else {}
        except orjson.JSONDecodeError:
            raise SourceError("the server's answer is no JSON", reason="intel-format") from None
        if not isinstance(page, dict):
            raise SourceError("the server's answer is no TAXII envelope", reason="intel-format")
        objects = page.get("objects")
        if not isinstance(objects, list | None):
            raise SourceError("the server's answer is no TAXII envelope", reason="intel-format")
        found += objects or []
        said = answer.get("x-taxii-date-added-last") or answer.get("x-taxii-date-added-first")
        latest = max(latest, said)
        more = str(page.get("next", ""))
        if not page.get("more") or not more:
            break
    else:
        raise SourceError("the server's pages do not end", reason="intel-format")
    if not found and state.imported:
        return None
    digest = sha256(orjson.dumps([latest, found])).hexdigest()
    return Batch(given(lambda: rows(found)), digest, cursor=latest, whole=False)

"""Traces: one span for each message that went to a bot or was refused, made from the ledger's entries.

The rules:

1. A span begins with ``upstream:call:intended`` and ends with what became of the reply; a message that was refused is a
   span without length. Times are those of the entries, so nothing is measured or sent on the way of a message.
2. The ids are made from the request's id (SHA-256): what is sent twice is the same span. Where the caller gave a
   ``traceparent`` (W3C Trace Context) and ``monitoring.traces`` is set, the trace and the parent are the caller's, and
   the bot is given our span as its parent.
3. Names are those of OpenTelemetry's semantic conventions for generative AI: ``gen_ai.operation.name``,
   ``gen_ai.provider.name`` (of the dialect), ``gen_ai.usage.*``, ``error.type``. What guards found is told only where
   ``attributes`` asks for it. No text is in the ledger, so none is in a span.
4. OTLP as JSON over HTTP (``/v1/traces``, ``/v1/metrics``): ids are hexadecimal, numbers of 64 bits are texts.
   Metrics are ``gen_ai.client.operation.duration`` and ``gen_ai.client.token.usage``, as differences (delta).
5. Of the messages that have begun, the newest ``OPEN`` are remembered, and after a restart those of ``BACK`` seconds.
   A reply whose beginning is not known is a span without length, marked ``chatward.partial``.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from chatward.core.events import Event
from chatward.ledger.reading import Record
from chatward.monitoring.past import Progress, replayed

OPEN: Final = 10_000
BACK: Final = 600
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_BEGIN: Final = Event.UPSTREAM_INTENDED.value
_REFUSED: Final = Event.MESSAGE_JUDGED.value
_ENDS: Final = frozenset(
    event.value for event in (Event.REPLY_JUDGED, Event.REPLY_DELIVERED, Event.REPLY_ABORTED, Event.UPSTREAM_FAILED)
)
_CLIENT, _INTERNAL = 3, 1
_OK, _ERROR = 0, 2
_DELTA: Final = 1
_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""Bounds that the conventions give for these two histograms."""


class Context(NamedTuple):
    """Where a span belongs. Hexadecimal: 32, 16 and 16 characters; ``parent`` is empty for a root."""

    trace: str
    span: str
    parent: str = ""
    flags: str = "01"

    @property
    def header(self) -> str:
        """``traceparent`` for whoever is asked next."""
        return f"00-{self.trace}-{self.span}-{self.flags}"


def context(request_id: str, traceparent: str | None) -> Context:
    """The span of a request. A ``traceparent`` that is not of the form, or of zeros, counts as none."""
    digest = hashlib.sha256(f"chatward trace {request_id}".encode()).hexdigest()
    span = digest[32:48]
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or not found[1].strip("0") or not found[2].strip("0"):
        return Context(digest[:32], span)
    return Context(found[1], span, found[2], found[3])


class Spans:
    """Entries in, spans out, as OTLP's JSON."""

    def __init__(self, path: Path, host: str, version: str, attributes: Sequence[str] = ()) -> None:
        self._path = path
        self._attributes = tuple(attributes)
        self._open: OrderedDict[str, Record] = OrderedDict()
        self._progress = Progress()
        self._made: list[dict[str, Any]] = []
        self._resource = {
            "attributes": _attributes({"service.name": "chatward", "service.version": version, "host.name": host})
        }
        self._scope = {"name": "chatward", "version": version}

    def of(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """The spans that end with these entries, and those before that were not ``taken``."""
        if self._progress.jumps(records):
            for record in replayed(self._path, records[0].seq, records[0].at - BACK * 10**9):
                self._follow(record)
        for record in self._progress.begin(records):
            begun = self._follow(record)
            if record.event in _ENDS or record.event == _REFUSED:
                self._made.append(self._span(begun, record))
            self._progress.passed(record)
        return self._made

    def taken(self) -> None:
        """What ``of`` gave was taken."""
        self._made = []
        self._progress.done()

    def traces(self, spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The body for ``/v1/traces``."""
        shown = [{name: value for name, value in span.items() if name[0] != "_"} for span in spans]
        return {"resourceSpans": [{"resource": self._resource, "scopeSpans": [{"scope": self._scope, "spans": shown}]}]}

    def metrics(self, spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The body for ``/v1/metrics``: durations and tokens of spans."""
        durations, tokens = _Histogram(_SECONDS), _Histogram(_TOKENS)
        for span in spans:
            keys = span["_keys"]
            start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
            if span["kind"] == _CLIENT and not span["_partial"]:
                durations.add(keys | span["_error"], (end - start) / 1e9, start, end)
            for kind, count in span["_tokens"].items():
                tokens.add({**keys, "gen_ai.token.type": kind}, float(count), start, end)
        made = [
            ("gen_ai.client.operation.duration", "s", durations),
            ("gen_ai.client.token.usage", "{token}", tokens),
        ]
        shown = [
            {
                "name": name,
                "unit": unit,
                "histogram": {"aggregationTemporality": _DELTA, "dataPoints": histogram.points()},
            }
            for name, unit, histogram in made
            if histogram.groups
        ]
        scope = {"scope": self._scope, "metrics": shown}
        return {"resourceMetrics": [{"resource": self._resource, "scopeMetrics": [scope]}] if shown else []}

    def _follow(self, record: Record) -> Record | None:
        """Remembers what begins; what began the exchange that ends with ``record``."""
        if record.event == _BEGIN:
            self._open[record.exchange] = record
            if len(self._open) > OPEN:
                self._open.popitem(last=False)
            return None
        return self._open.pop(record.exchange, None) if record.event in _ENDS else None

    def _span(self, begun: Record | None, ended: Record) -> dict[str, Any]:
        first = begun or ended
        fields: Mapping[str, object] = {**first.fields, **ended.fields}
        channel = str(fields.get("channel", ""))
        where = context(ended.exchange, None)
        trace, parent = first.fields.get("trace"), first.fields.get("parent")
        if isinstance(trace, str) and re.fullmatch(r"[0-9a-f]{32}", trace):
            where = where._replace(trace=trace)
        keys = {
            "gen_ai.operation.name": "embeddings" if "embedding" in channel else "chat",
            "gen_ai.provider.name": channel.partition("-")[0] or "chatward",
        }
        tokens = {
            kind: fields[f"{kind}_tokens"] for kind in ("input", "output") if type(fields.get(f"{kind}_tokens")) is int
        }
        error = _error(ended)
        told: dict[str, object] = {
            **keys,
            **{f"gen_ai.usage.{kind}_tokens": count for kind, count in tokens.items()},
            **({"error.type": error} if error else {}),
            **{f"chatward.{name}": fields[name] for name in self._attributes if fields.get(name) is not None},
        }
        partial = begun is None and ended.event in _ENDS
        if partial:
            told["chatward.partial"] = True
        return {
            "traceId": where.trace,
            "spanId": where.span,
            **({"parentSpanId": parent} if isinstance(parent, str) and re.fullmatch(r"[0-9a-f]{16}", parent) else {}),
            "name": keys["gen_ai.operation.name"],
            "kind": _INTERNAL if ended.event == _REFUSED else _CLIENT,
            "startTimeUnixNano": str(first.at),
            "endTimeUnixNano": str(max(ended.at, first.at)),
            "attributes": _attributes(told),
            "status": {"code": _ERROR} if error else {"code": _OK},
            "_keys": keys,
            "_tokens": tokens,
            "_error": {"error.type": error} if error else {},
            "_partial": partial,
        }


def _error(ended: Record) -> str:
    """The stable id of what went wrong; empty: nothing did."""
    if ended.event == _REFUSED:
        return "input-blocked"
    if ended.fields.get("action") == "block" or ended.fields.get("outcome") == "blocked":
        return "reply-blocked"
    if ended.event == Event.UPSTREAM_FAILED.value:
        return str(ended.fields.get("reason") or "upstream-failed")
    return str(ended.fields.get("outcome") or "aborted") if ended.event == Event.REPLY_ABORTED.value else ""


class _Histogram:
    """Explicit buckets for each set of attributes."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.groups: dict[tuple[tuple[str, str], ...], list[tuple[float, int, int]]] = {}

    def add(self, keys: Mapping[str, str], value: float, start: int, end: int) -> None:
        self.groups.setdefault(tuple(sorted(keys.items())), []).append((value, start, end))

    def points(self) -> list[dict[str, Any]]:
        found = []
        for keys, values in sorted(self.groups.items()):
            counts = [0] * (len(self._bounds) + 1)
            for value, _, _ in values:
                counts[bisect_left(self._bounds, value)] += 1
            found.append(
                {
                    "attributes": _attributes(dict(keys)),
                    "startTimeUnixNano": str(min(start for _, start, _ in values)),
                    "timeUnixNano": str(max(end for _, _, end in values)),
                    "count": str(len(values)),
                    "sum": sum(value for value, _, _ in values),
                    "bucketCounts": [str(count) for count in counts],
                    "explicitBounds": list(self._bounds),
                }
            )
        return found


def _attributes(values: Mapping[str, object]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _any(value)} for name, value in values.items()]


def _any(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_any(one) for one in value]}}
    return {"stringValue": str(value)}


Send = Callable[[str, dict[str, Any]], None]
"""Posts a body to a path of the collector. Raises ``SinkError``."""


class Exporting:
    """What a follower gives entries to (``follower.Taker``): spans and metrics to a collector."""

    def __init__(self, spans: Spans, send: Send) -> None:
        self._spans = spans
        self._send = send

    def take(self, records: Sequence[Record]) -> None:
        spans = self._spans.of(records)
        if spans:
            self._send("/v1/traces", self._spans.traces(spans))
            if (metrics := self._spans.metrics(spans))["resourceMetrics"]:
                self._send("/v1/metrics", metrics)
        self._spans.taken()

    def close(self) -> None:
        """Nothing is kept open."""

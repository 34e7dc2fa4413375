"""Figures of the running process, out of its metrics (Prometheus text format 0.0.4), for the overview."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isnan
from typing import Final

_LINE: Final = re.compile(r"^(chatward_\w+)(\{[^}]*\})? (\S+)$", re.MULTILINE)
_TRAFFIC: Final = re.compile(r"chatward_traffic_(messages|rungs|signals)_total")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Figures:
    """``overhead``: seconds within which Chatward's own time lies for half and for 99 of 100 requests, ``None`` before
    the first; ``buckets``: how many took no longer than a bound. ``intel``: seconds since each source was fetched,
    ``None``: never. ``actors``, ``rungs`` and ``signals`` count messages by how automated they look, where that is
    watched."""

    overhead: tuple[float, float] | None = None
    in_flight: int = 0
    intel: Mapping[str, float | None] = field(default_factory=dict)
    not_kept: int = 0
    actors: Mapping[str, int] = field(default_factory=dict)
    rungs: Mapping[str, int] = field(default_factory=dict)
    signals: Mapping[str, int] = field(default_factory=dict)
    buckets: Mapping[float, float] = field(default_factory=dict)


def figures(text: str | bytes) -> Figures:
    buckets: dict[float, float] = {}
    in_flight, not_kept = 0.0, 0.0
    intel: dict[str, float | None] = {}
    traffic: dict[str, dict[str, int]] = {"actors": {}, "rungs": {}, "signals": {}}
    for name, labels, number in _LINE.findall(text.decode() if isinstance(text, bytes) else text):
        value = float(number)
        if name == "chatward_overhead_seconds_bucket":
            bound = dict(_LABEL.findall(labels)).get("le", "+Inf")
            key = inf if bound == "+Inf" else float(bound)
            buckets[key] = buckets.get(key, 0.0) + value
        elif name == "chatward_requests_in_flight":
            in_flight = value
        elif name == "chatward_replies_not_kept_total":
            not_kept += value
        elif found := _TRAFFIC.fullmatch(name):
            kind = "actors" if found[1] == "messages" else found[1]
            traffic[kind][next(iter(dict(_LABEL.findall(labels)).values()), "")] = int(value)
        elif name == "chatward_intel_age_seconds":
            intel[dict(_LABEL.findall(labels)).get("source", "")] = None if isnan(value) else value
    overhead = (quantile(buckets, 0.5), quantile(buckets, 0.99)) if buckets.get(inf) else None
    return Figures(overhead, int(in_flight), intel, int(not_kept), **traffic, buckets=buckets)


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """Below which ``share`` of all lie, evenly spread inside a bucket as Prometheus' ``histogram_quantile`` has it.
    ``buckets``: upper bound -> how many are at or below it; one of them is unbounded."""
    bounds = sorted(buckets)
    wanted = share * buckets[bounds[-1]]
    before, low = 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= wanted:
            if bound == inf or count == before:
                return low
            return low + (bound - low) * (wanted - before) / (count - before)
        before, low = count, bound
    return low

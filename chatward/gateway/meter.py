"""Counts and durations of the gateway, as Prometheus reads them.

The rule: a label's value is from a vocabulary that is fixed at start: route and channel names of the
configuration, actions, statuses, reason ids of ours, guard ids. Nothing that a caller or a bot wrote is ever a
label, and so nothing they write can grow this.

Format: Prometheus text exposition 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from math import isnan
from typing import Final

BUCKETS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper bounds in seconds; one more bucket is unbounded."""

_HELP: Final = {
    "chatward_requests_total": ("counter", "Requests answered, by what was decided and why."),
    "chatward_guard_unavailable_total": ("counter", "Times that a guard could not run."),
    "chatward_streams_total": ("counter", "Streamed replies, by how they ended."),
    "chatward_replies_not_kept_total": ("counter", "Replies that were delivered and could not be stored, by reason."),
    "chatward_overhead_seconds": ("histogram", "Chatward's own time in a request, without waiting for others."),
    "chatward_upstream_seconds": ("histogram", "Time from sending a request to a bot until its answer began."),
    "chatward_limits_refused_total": ("counter", "Times that a limit refused a request, by limit."),
    "chatward_limits_store_failures_total": ("counter", "Times that the shared store of limits did not answer."),
    "chatward_limits_undecided_total": ("counter", "Requests decided without it, as `limiter.on_failure` says."),
    "chatward_limits_store_up": ("gauge", "Whether the shared store of limits answers."),
    "chatward_traffic_messages_total": ("counter", "Messages scored, by what sent them as far as that is seen."),
    "chatward_traffic_rungs_total": ("counter", "Messages by rung of the ladder; taken in enforce mode alone."),
    "chatward_traffic_signals_total": ("counter", "Signals of automation seen, by name."),
    "chatward_behaviour_missed_total": ("counter", "Messages that were not learnt from, by why."),
    "chatward_requests_in_flight": ("gauge", "Requests being served now."),
    "chatward_intel_age_seconds": ("gauge", "Seconds since a source of intelligence was last fetched; NaN: never."),
    "chatward_siem_behind_entries": ("gauge", "Entries of the record that a receiver has not taken yet."),
    "chatward_siem_waiting_seconds": ("gauge", "Seconds that the oldest of them has waited."),
    "chatward_siem_up": ("gauge", "Whether a receiver took the last batch."),
    "chatward_advisories_age_seconds": ("gauge", "Seconds since the day of advisories, by ecosystem; NaN: none."),
    "chatward_list_age_seconds": ("gauge", "Seconds since the day of a list of `[assurance]`; NaN: it has none."),
    "chatward_model_age_seconds": ("gauge", "Seconds since the day on which a shipped model was made; NaN: unknown."),
    "chatward_patch_scan_age_seconds": ("gauge", "Seconds since the last scan for known vulnerabilities; NaN: none."),
    "chatward_patch_tasks_late": ("gauge", "Vulnerabilities past their due day, by where they were found."),
    "chatward_certificate_expiry_seconds": ("gauge", "Seconds until a configured certificate ends, by its setting."),
}

_ASSURANCE: Final = (
    ("chatward_advisories_age_seconds", "ecosystem"),
    ("chatward_list_age_seconds", "list"),
    ("chatward_model_age_seconds", "model"),
    ("chatward_patch_scan_age_seconds", "target"),
    ("chatward_patch_tasks_late", "target"),
)
_TRAFFIC: Final = (
    ("chatward_traffic_messages_total", "actor"),
    ("chatward_traffic_rungs_total", "rung"),
    ("chatward_traffic_signals_total", "signal"),
)


class Meter:
    """Counters and histograms in one process. Not locked: one event loop writes, reads see whole numbers."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str, str, int], int] = {}
        self._unavailable: dict[tuple[str, str, str], int] = {}
        self._streams: dict[tuple[str, str, str], int] = {}
        self._not_kept: dict[tuple[str], int] = {}
        self._overhead: dict[tuple[str, str], list[float]] = {}
        self._upstream: dict[tuple[str, str], list[float]] = {}
        self.in_flight: Callable[[], int] = lambda: 0
        self.intel: Callable[[], Mapping[str, float]] = dict
        """Seconds since the last success of sources of threat intelligence."""
        self.certificates: Callable[[], Mapping[str, float]] = dict
        """Seconds that certificates have left, by the setting that names their file."""
        self.assurance: Callable[[], Mapping[str, Mapping[str, float]]] = dict
        """Ages of advisories, lists, models and scans, and late tasks, by metric."""
        self.limits: Callable[[], Mapping[str, Mapping[str, float]]] = dict
        """Figures of limits by metric and limit; by the empty name where the metric has no label."""
        self.traffic: Callable[[], Mapping[str, Mapping[str, float]]] = dict
        """Figures of bot detection by metric and actor, rung or signal."""
        self.behaviour: Callable[[], Mapping[str, float]] = dict
        """Messages that nothing was learnt from, by why."""
        self.monitoring: Callable[[], Mapping[str, Mapping[str, float]]] = dict
        """Figures of receivers of the record, by metric and receiver."""

    def request(self, route: str, channel: str, action: str, reason: str, status: int, overhead: float) -> None:
        """One request was answered; ``reason`` is empty when nothing went wrong. Seconds."""
        key = (route, channel, action, reason, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        _observe(self._overhead, (route, channel), overhead)

    def upstream(self, route: str, channel: str, seconds: float) -> None:
        _observe(self._upstream, (route, channel), seconds)

    def unavailable(self, route: str, guard: str, reason: str) -> None:
        key = (route, guard, reason)
        self._unavailable[key] = self._unavailable.get(key, 0) + 1

    def stream(self, route: str, channel: str, outcome: str) -> None:
        """One streamed reply ended: ``complete``, ``blocked`` or the reason id of what ended it."""
        key = (route, channel, outcome)
        self._streams[key] = self._streams.get(key, 0) + 1

    def not_kept(self, reason: str) -> None:
        """One reply was delivered and could not be stored."""
        self._not_kept[(reason,)] = self._not_kept.get((reason,), 0) + 1

    def render(self) -> str:
        lines: list[str] = []
        limits, receivers = self.limits(), self.monitoring()
        known = self.assurance()
        traffic = self.traffic()
        for name, rows in (
            ("chatward_requests_total", _rows(self._requests, ("route", "channel", "action", "reason", "status"))),
            ("chatward_guard_unavailable_total", _rows(self._unavailable, ("route", "guard", "reason"))),
            ("chatward_streams_total", _rows(self._streams, ("route", "channel", "outcome"))),
            ("chatward_replies_not_kept_total", _rows(self._not_kept, ("reason",))),
            ("chatward_requests_in_flight", iter([("", "", float(self.in_flight()))])),
            *((name, _gauges("limit", limits.get(name, {}))) for name in _HELP if name.startswith("chatward_limits_")),
            *((name, _gauges("sink", receivers.get(name, {}))) for name in _HELP if name.startswith("chatward_siem_")),
            *((name, _gauges(label, traffic.get(name, {}))) for name, label in _TRAFFIC),
            ("chatward_behaviour_missed_total", _gauges("why", self.behaviour())),
            ("chatward_intel_age_seconds", _gauges("source", self.intel())),
            *((name, _gauges(label, known.get(name, {}))) for name, label in _ASSURANCE),
            ("chatward_certificate_expiry_seconds", _gauges("setting", self.certificates())),
            ("chatward_overhead_seconds", _histogram(self._overhead)),
            ("chatward_upstream_seconds", _histogram(self._upstream)),
        ):
            kind, text = _HELP[name]
            lines.append(f"# HELP {name} {text}")
            lines.append(f"# TYPE {name} {kind}")
            lines.extend(f"{name}{suffix}{labels} {_number(value)}" for suffix, labels, value in rows)
        return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return "NaN" if isnan(value) else f"{value:.12g}"


def _gauges(label: str, values: Mapping[str, float]) -> Iterator[tuple[str, str, float]]:
    for name, value in sorted(values.items()):
        yield "", _labels((label,), (name,)) if name else "", value


def _observe(histograms: dict[tuple[str, str], list[float]], key: tuple[str, str], seconds: float) -> None:
    """A histogram is a list: one count for each bucket, one for what is above, the sum."""
    counts = histograms.get(key)
    if counts is None:
        counts = histograms[key] = [0.0] * (len(BUCKETS) + 2)
    counts[bisect_left(BUCKETS, seconds)] += 1
    counts[-1] += seconds


def _labels(names: tuple[str, ...], values: tuple[object, ...], extra: str = "") -> str:
    pairs = [f'{name}="{_escaped(str(value))}"' for name, value in zip(names, values, strict=True)]
    if extra:
        pairs.append(extra)
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _rows(
    counts: Mapping[tuple[str, str, str], int]
    | Mapping[tuple[str, str, str, str, int], int]
    | Mapping[tuple[str], int],
    names: tuple[str, ...],
) -> Iterator[tuple[str, str, float]]:
    for key, count in sorted(counts.items(), key=str):
        yield "", _labels(names, key), float(count)


def _histogram(histograms: dict[tuple[str, str], list[float]]) -> Iterator[tuple[str, str, float]]:
    names = ("route", "channel")
    for key in sorted(histograms):
        counts = list(histograms[key])
        total = 0.0
        for bound, count in zip((*(f"{bound:g}" for bound in BUCKETS), "+Inf"), counts[:-1], strict=True):
            total += count
            yield "_bucket", _labels(names, key, f'le="{bound}"'), total
        yield "_sum", _labels(names, key), counts[-1]
        yield "_count", _labels(names, key), total

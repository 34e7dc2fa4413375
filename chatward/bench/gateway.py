"""``chatward bench gateway``: what one core of a proxy carries, side by side in one run.

The method:

1. Side by side: the scripted bot direct, nginx as a plain proxy, Chatward passing through (no guards, no record),
   ``guarded`` with all first guards (those by rule) and the record on the disk (``durability = "power"``), ``default``
   as it comes, with the models and all other guards, LiteLLM's proxy without guards. Each proxy is one worker on the
   same core, the driver (load generator and bot) has the other cores.
2. In alternation: each round measures every one in turn, in an order that moves on by one each round. Ratios are
   taken within a round; figures are medians of rounds.
3. Closed loop with 1, 16 and 64 clients on kept connections; every message is new, the system prompt is constant.
4. CPU time per request comes beside requests a second, for where the driver or other work on the machine was the
   limit, a ratio of requests a second says little. ``limited_by`` names the limit of each measurement.
5. Errors are counted. Where more than 1 in 200 answers was none, there is no figure.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatward.bench import peers
from chatward.bench.load import Job, Result, drive
from chatward.bench.processes import BenchError, Cores, Memory, Server, free_ports, memory, start
from chatward.bench.report import Progress, Report, machine, median, significant
from chatward.bench.wire import Kind

FIGURES: Final = (
    "passthrough_vs_nginx", "passthrough_vs_litellm", "guarded_vs_passthrough", "stream_vs_nginx",
    "ttft_added_ms_p50", "rss_mb",
)  # fmt: skip
CLIENTS: Final = (1, 16, 64)
WARMUP: Final = 0.3
SLOW_SECONDS: Final = 3.0
"""LiteLLM answers some tens of requests a second: a window of a second would say nothing."""
PACED_SECONDS: Final = 1.5
"""A paced stream lasts up to a third of a second: a window has to hold several."""
MAX_ERRORS: Final = 1 / 200
BUSY: Final = 0.9
_SOAK_STEPS: Final = 10
_FAR: Final = 1_000_000
"""Running numbers of two measurements are so far apart."""

_PASSTHROUGH: Final = """\
upstream = "http://127.0.0.1:{upstream}"
[server]
port = {port}
admin_port = {admin}
log_level = "warning"
[ledger]
enabled = false
[routes.default]
guards = ["none"]
"""
_DEFAULT: Final = """\
upstream = "http://127.0.0.1:{upstream}"
[server]
port = {port}
admin_port = {admin}
log_level = "warning"
[ledger]
path = "{folder}/{name}.db"
durability = "power"
"""
_FIRST: Final = (
    "text.injection", "text.pii", "text.secrets", "text.hidden", "text.leak", "links.exfiltration", "session.limits",
)  # fmt: skip
_GUARDED: Final = f"""{_DEFAULT}\
[routes.default]
detection = "rules"
guards = {list(_FIRST)}
"""
_OURS: Final = ("passthrough", "guarded", "default")
_AT_ONCE: Final = (Kind.UNTHINKING, Kind.HURRIED)
"""Bots that answer at once: for the details of the time to first token."""


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements of ``seconds`` each; ``soak``: requests for the memory figure; ``offline``:
    nothing is installed."""

    rounds: int = 3
    seconds: float = 1.0
    soak: int = 5000
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that is measured in every round."""

    kind: Kind
    clients: int


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes minutes. Raises ``BenchError``."""
    if sys.platform != "linux":
        raise BenchError("The gateway benchmark reads /proc and sets affinities: it needs Linux.")
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatward-bench-")))
        cores = Cores.of_machine()
        if not cores.fair:
            report.notes.append("One core: the driver and the proxies share it, and all ratios are drawn together.")
        field = _Field(stack, folder, cores, options, report, progress)
        field.start()
        results = field.measure()
        _figures(report, results)
        _soak(field, report)
    return report


class _Field:
    """All servers of a run, and how they are measured."""

    def __init__(
        self, stack: ExitStack, folder: Path, cores: Cores, options: Options, report: Report, progress: Progress
    ) -> None:
        self._stack = stack
        self._folder = folder
        self._cores = cores
        self._options = options
        self._report = report
        self._progress = progress
        self.servers: dict[str, Server] = {}
        self._number = 0

    def start(self) -> None:
        cores, folder = self._cores, self._folder
        up, plain, lite, *ours = free_ports(9)
        self._progress("starting the scripted bot")
        command = [sys.executable, "-m", "chatward.bench.upstream", str(up)]
        self.servers["direct"] = start(self._stack, "upstream", command, port=up, cores=cores.driver, folder=folder)
        self._peer("nginx", peers.nginx(offline=self._options.offline), peers.start_nginx, plain, up)
        self._chatward("passthrough", _PASSTHROUGH, ours[0], ours[1], up)
        self._chatward("guarded", _GUARDED, ours[2], ours[3], up)
        self._chatward("default", _DEFAULT, ours[4], ours[5], up)
        rest = memory(self.servers["guarded"].pids)
        self._report.figures["rss_mb"] = rest.rss
        self._report.details["memory"] = {
            "at_rest": rest._asdict(),
            "default_at_rest": memory(self.servers["default"].pids)._asdict(),
        }
        self._peer("litellm", peers.litellm(offline=self._options.offline), peers.start_litellm, lite, up)

    def _chatward(self, name: str, config: str, port: int, admin: int, upstream: int) -> None:
        self._progress(f"starting chatward ({name})")
        file = self._folder / f"{name}.toml"
        file.write_text(config.format(upstream=upstream, port=port, admin=admin, folder=self._folder, name=name))
        command = [sys.executable, "-m", "chatward.cli", "serve", "--config", str(file)]
        self.servers[name] = start(
            self._stack, name, command, port=port, cores=self._cores.proxy, folder=self._folder, ready="/readyz"
        )

    def _peer(self, name: str, program: peers.Program | peers.Missing, starts: peers.Start, port: int, up: int) -> None:
        self._report.peers[name] = None
        if isinstance(program, peers.Missing):
            self._report.notes.append(f"{name} is not compared: {program.reason}.")
            return
        self._progress(f"starting {name}")
        try:
            self.servers[name] = starts(
                self._stack, program, port=port, upstream=up, cores=self._cores.proxy, folder=self._folder
            )
        except BenchError as error:
            self._report.notes.append(f"{name} is not compared: {error.public}")
            return
        self._report.peers[name] = program.version

    def measure(self) -> dict[Cell, dict[str, list[Result]]]:
        """Every cell, every round, every server that takes part; in turns."""
        plan: list[tuple[Cell, list[str]]] = []
        everyone = list(self.servers)
        quick = [name for name in everyone if name != "litellm"]
        ours = [name for name in everyone if name in _OURS]
        for clients in CLIENTS:
            plan.append((Cell(Kind.PLAIN, clients), everyone))
            plan.append((Cell(Kind.FIRST, clients), quick))
        plan.extend((Cell(kind, 1), quick) for kind in _AT_ONCE)
        plan.append((Cell(Kind.PERSONAL, 16), ours))
        plan.append((Cell(Kind.PACED, 16), quick))
        plan.append((Cell(Kind.UNPACED, 16), quick))
        for name in everyone:
            self.drive(name, Cell(Kind.PLAIN, 4), requests=20)  # what is loaded at the first request is loaded now
        results: dict[Cell, dict[str, list[Result]]] = {cell: {name: [] for name in names} for cell, names in plan}
        for turn in range(self._options.rounds):
            for cell, names in plan:
                for name in _rotated(names, turn):
                    which = f"{cell.kind.value}, {cell.clients} clients, {name}"
                    self._progress(f"round {turn + 1} of {self._options.rounds}: {which}")
                    results[cell][name].append(self.drive(name, cell))
        return results

    def drive(self, name: str, cell: Cell, requests: int = 0) -> Result:
        self._number += 1
        least = SLOW_SECONDS if name == "litellm" else PACED_SECONDS if cell.kind.paced else 0.0
        seconds = max(self._options.seconds, least)
        job = Job(
            port=self.servers[name].port,
            kind=cell.kind,
            clients=cell.clients,
            seconds=seconds if not requests else 3600.0,
            warmup=WARMUP if not requests else 0.0,
            first=self._number * _FAR,
            watched={"proxy": [] if name == "direct" else self.servers[name].pids, "bot": self.servers["direct"].pids},
            requests=requests,
        )
        return drive(job, self._cores.driver)

    @property
    def driver_cores(self) -> int:
        return len(self._cores.driver)

    def guarded_memory(self) -> Memory:
        return memory(self.servers["guarded"].pids)

    @property
    def options(self) -> Options:
        return self._options

    def say(self, line: str) -> None:
        self._progress(line)


def _rotated(names: Sequence[str], by: int) -> list[str]:
    start = by % len(names)
    return [*names[start:], *names[:start]]


# --- what the numbers say ----------------------------------------------------------------------------


def _figures(report: Report, results: Mapping[Cell, Mapping[str, Sequence[Result]]]) -> None:
    figures, details = report.figures, report.details
    plain = results[Cell(Kind.PLAIN, 16)]
    paced, unpaced = results[Cell(Kind.PACED, 16)], results[Cell(Kind.UNPACED, 16)]
    figures["passthrough_vs_nginx"] = ratio(plain, "passthrough", "nginx")
    figures["passthrough_vs_litellm"] = ratio(plain, "passthrough", "litellm")
    figures["guarded_vs_passthrough"] = ratio(plain, "guarded", "passthrough")
    figures["stream_vs_nginx"] = ratio(paced, "guarded", "nginx")
    figures["ttft_added_ms_p50"] = added(results[Cell(Kind.FIRST, 1)], "guarded", "first_p50_ms")
    details["default"] = {
        "vs_passthrough": ratio(plain, "default", "passthrough"),
        "vs_litellm": ratio(plain, "default", "litellm"),
        "stream_vs_nginx": ratio(paced, "default", "nginx"),
        "ttft_added_ms_p50": added(results[Cell(Kind.FIRST, 1)], "default", "first_p50_ms"),
    }
    for kind in _AT_ONCE:
        name = f"ttft_added_{kind.name.lower()}_ms_p50"
        details[name] = added(results[Cell(kind, 1)], "guarded", "first_p50_ms")
    details["ratios"] = {
        "stream_paced_vs_nginx": figures["stream_vs_nginx"],
        "stream_unpaced_vs_nginx": ratio(unpaced, "guarded", "nginx"),
        "stream_unpaced_passthrough_vs_nginx": ratio(unpaced, "passthrough", "nginx"),
        "guarded_vs_passthrough_personal": ratio(results[Cell(Kind.PERSONAL, 16)], "guarded", "passthrough"),
        "guarded_vs_passthrough_by_clients": {
            str(clients): ratio(results[Cell(Kind.PLAIN, clients)], "guarded", "passthrough") for clients in CLIENTS
        },
        "cpu_passthrough_vs_nginx": _cpu_ratio(plain, "nginx", "passthrough"),
        "cpu_guarded_vs_passthrough": _cpu_ratio(plain, "passthrough", "guarded"),
        "cpu_stream_paced_vs_nginx": _cpu_ratio(paced, "nginx", "guarded"),
        "cpu_stream_unpaced_vs_nginx": _cpu_ratio(unpaced, "nginx", "guarded"),
    }
    for cell, by_name in results.items():
        rows = details.setdefault(cell.kind.value, {}).setdefault(str(cell.clients), {})
        for name, found in by_name.items():
            rows[name] = _row(found, by_name.get("direct", ()))
            worst = max(found, key=lambda one: one.errors)
            if worst.errors:
                where = f"{cell.kind.value}, {cell.clients} clients, {name}"
                report.notes.append(f"{worst.errors} errors in a round ({where}): {worst.error.splitlines()[0][:80]}")
    for name in ("nginx", *_OURS):
        row = details[Kind.PLAIN.value]["16"].get(name)
        if row is not None and row["limited_by"] != "proxy":
            what = "the driver" if row["limited_by"] == "driver" else "no core of its own, but waiting or other work"
            report.notes.append(f"{name} at 16 clients was limited by {what}: read its CPU time beside its ratio.")


def ratio(by_name: Mapping[str, Sequence[Result]], one: str, other: str) -> float | None:
    """Requests a second of ``one`` for each of ``other``: the median over rounds of the ratio within a round."""
    pairs = _pairs(by_name, one, other)
    return median([mine.per_second / theirs.per_second for mine, theirs in pairs if theirs.per_second])


def added(by_name: Mapping[str, Sequence[Result]], name: str, field: str) -> float | None:
    """What ``name`` adds to the direct way, in the unit of ``field``: the median over rounds."""
    return median([getattr(mine, field) - getattr(way, field) for mine, way in _pairs(by_name, name, "direct")])


def _cpu_ratio(by_name: Mapping[str, Sequence[Result]], one: str, other: str) -> float | None:
    """CPU time per request of ``one`` for that of ``other``: what the ratio of requests a second would be if CPU time
    of the proxies were the only limit."""
    pairs = _pairs(by_name, one, other)
    return median([_cpu_us(mine) / _cpu_us(theirs) for mine, theirs in pairs if _cpu_us(theirs) > 0])


def _pairs(by_name: Mapping[str, Sequence[Result]], one: str, other: str) -> list[tuple[Result, Result]]:
    """Measurements of one round, unless errors spoil one of them."""
    both = zip(by_name.get(one, ()), by_name.get(other, ()), strict=False)
    return [(mine, theirs) for mine, theirs in both if _usable(mine) and _usable(theirs)]


def _usable(result: Result) -> bool:
    return result.requests > 0 and result.errors <= MAX_ERRORS * (result.requests + result.errors)


def _cpu_us(result: Result) -> float:
    return result.cpu["proxy"] / max(result.requests, 1) * 1e6


def _row(found: Sequence[Result], direct: Sequence[Result]) -> dict[str, Any]:
    """Medians over rounds of one server in one cell; ``added`` against the direct way in the same round."""

    def middle(field: str) -> float:
        return significant(statistics.median(getattr(one, field) for one in found))

    row: dict[str, Any] = {
        "per_second": middle("per_second"),
        "p50_ms": middle("p50_ms"),
        "p99_ms": middle("p99_ms"),
        "cpu_us": significant(statistics.median(_cpu_us(one) for one in found)),
        "limited_by": _limit(found),
        "errors": sum(one.errors for one in found),
    }
    by_name = {"it": found, "direct": direct}
    fields = ["p50_ms", "p99_ms"]
    if any(one.first_p50_ms for one in found):
        row |= {"first_p50_ms": middle("first_p50_ms"), "first_p99_ms": middle("first_p99_ms")}
        fields += ["first_p50_ms", "first_p99_ms"]
    if direct and found is not direct:
        row["added"] = {field: added(by_name, "it", field) for field in fields}
    return row


def _limit(found: Sequence[Result]) -> str:
    """What was used up: the proxy's core, the driver (its processes are single-threaded), or neither, when
    clients only waited or other work took the machine."""
    proxy = statistics.median(one.cpu["proxy"] / one.seconds for one in found)
    if proxy >= BUSY:
        return "proxy"
    generator = statistics.median(one.cpu["generator"] / one.seconds for one in found)
    bot = statistics.median(one.cpu["bot"] / one.seconds for one in found)
    if max(generator, bot) >= BUSY or generator + bot >= BUSY * _driver_cores():
        return "driver"
    return "neither"


def _driver_cores() -> int:
    return len(Cores.of_machine().driver)


# --- memory ------------------------------------------------------------------------------------------


def _soak(field: _Field, report: Report) -> None:
    """Memory of the guarded worker while it serves ``soak`` requests at 16 clients, every one new."""
    wanted = field.options.soak
    if wanted <= 0:
        return
    rows = [{"requests": 0, **field.guarded_memory()._asdict()}]
    served = 0
    step = max(wanted // _SOAK_STEPS, 1)
    while served < wanted:
        field.say(f"memory: {served} of {wanted} requests")
        result = field.drive("guarded", Cell(Kind.PERSONAL, 16), requests=min(step, wanted - served))
        if not _usable(result):
            report.notes.append(f"The memory run was stopped after {served} requests: {result.error[:80]}")
            break
        served += result.requests
        rows.append({"requests": served, **field.guarded_memory()._asdict()})
    first, middle, last = rows[0], rows[len(rows) // 2], rows[-1]
    report.details["memory"] |= {
        "curve": rows,
        "growth_mb": round(last["rss"] - first["rss"], 1),
        "growth_second_half_mb": round(last["rss"] - middle["rss"], 1),
    }

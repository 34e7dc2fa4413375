"""``chatward bench revocation``: what is still accepted of somebody who was shut out a moment ago.

The method:

1. Two gateways share one folder, as two processes of one installation do. Callers (``bench.shut_out``: by a key, as a
   user, by a session, by a role) keep one connection to each of them and ask without a pause; others read a paced
   stream.
2. All of them are shut out, one transaction each, by a third process (this one). A moment *after* that is when what
   shuts somebody out has returned.
3. ``accepted_after`` counts requests that were begun after that moment and answered with 200, over both gateways and
   all rounds, and streams that brought a piece more than ``GRACE`` seconds after it.
"""

from __future__ import annotations

import http.client
import json
import math
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatward.bench.processes import Cores, free_ports, start
from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.shut_out import CONFIG, KINDS, POLICY, Callers, One
from chatward.bench.wire import PATH, Kind

FIGURES: Final = ("accepted_after",)
OF_EACH: Final = 1
"""Callers of each kind, with four connections: more would have to wait for this process to read what they get."""
GRACE: Final = 0.25
"""Seconds within which an open stream ends; it looks every 50 ms."""
_CONFIG: Final = """\
[server]
port = {port}
admin_port = {admin}
[bots.default]
upstream = "http://127.0.0.1:{upstream}"
[routes.default]
guards = ["none"]
[ledger]
path = "{folder}/chatward.db"
durability = "process"
"""
_SENT: Final = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of revocation, ``seconds`` of traffic before and after each."""

    rounds: int = 3
    seconds: float = 1.0


@dataclass
class _Seen:
    """What one caller of a kind saw: when each accepted request was begun, when a refusal came, when pieces of a stream
    did, and when the caller was shut out (``time.monotonic``)."""

    kind: str
    ended: float = math.inf
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    pieces: list[float] = field(default_factory=list)


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes a few seconds a round."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    cores = Cores.of_machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatward-bench-")))
        up, *ports = free_ports(5)
        progress("starting the scripted bot and two gateways")
        bot = [sys.executable, "-m", "chatward.bench.upstream", str(up)]
        start(stack, "upstream", bot, port=up, cores=cores.driver, folder=folder)
        (folder / "bench.cedar").write_text(POLICY)
        for number in range(2):
            file = folder / f"gateway{number}.toml"
            own = _CONFIG.format(port=ports[number], admin=ports[2 + number], upstream=up, folder=folder)
            file.write_text(own + CONFIG)
            command = [sys.executable, "-m", "chatward.cli", "serve", "--config", str(file)]
            start(
                stack,
                f"gateway{number}",
                command,
                port=ports[number],
                cores=cores.proxy,
                folder=folder,
                ready="/readyz",
            )
        callers = Callers(folder)
        seen: list[_Seen] = []
        for turn in range(options.rounds):
            progress(f"round {turn + 1} of {options.rounds}")
            seen += _round(callers, ports[:2], options.seconds)
    by_kind = {kind: _counted([one for one in seen if one.kind == kind]) for kind in KINDS}
    after = sum(found["requests_accepted_after"] + found["streams_open_after"] for found in by_kind.values())
    report.figures["accepted_after"] = float(after)
    report.details["revocation"] = {
        "first_refusal_ms_p50": median(
            [(at - one.ended) * 1000 for one in seen for at in one.refused[:1] if at > one.ended]
        ),
        **by_kind,
    }
    if not all(found["requests_accepted_before"] for found in by_kind.values()):
        report.figures["accepted_after"] = None
        report.notes.append("Of a kind nothing was accepted before either, so nothing is shown.")
    return report


def _counted(seen: list[_Seen]) -> dict[str, int]:
    return {
        "requests_accepted_before": sum(begun <= one.ended for one in seen for begun in one.accepted),
        "requests_accepted_after": sum(begun > one.ended for one in seen for begun in one.accepted),
        "streams_open_after": sum(any(at > one.ended + GRACE for at in one.pieces) for one in seen),
    }


def _round(callers: Callers, ports: list[int], seconds: float) -> list[_Seen]:
    """One round: what callers saw."""
    stop = threading.Event()
    seen: list[tuple[One, _Seen]] = []
    threads: list[threading.Thread] = []
    for one in callers.let_in(OF_EACH):
        for port in ports:
            for work in (_ask, _stream):
                seen.append((one, _Seen(one.kind)))
                given = (port, one.headers, stop, seen[-1][1])
                threads.append(threading.Thread(target=work, args=given, daemon=True))
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    for one in dict.fromkeys(one for one, _ in seen):
        one.end()
        ended = time.monotonic()
        for other, what in seen:
            if other is one:
                what.ended = ended
    time.sleep(max(seconds, 2 * GRACE))
    stop.set()
    for thread in threads:
        thread.join(10)
    return [what for _, what in seen]


def _ask(port: int, headers: dict[str, str], stop: threading.Event, seen: _Seen) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not stop.is_set():
        begun = time.monotonic()
        connection.request("POST", PATH, _body(stream=False), headers | _SENT)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            seen.accepted.append(begun)
        else:
            seen.refused.append(time.monotonic())
    connection.close()


def _stream(port: int, headers: dict[str, str], stop: threading.Event, seen: _Seen) -> None:
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        begun = time.monotonic()
        connection.request("POST", PATH, _body(stream=True), headers | _SENT)
        answer = connection.getresponse()
        if answer.status != 200:
            seen.refused.append(time.monotonic())
            answer.read()
            time.sleep(0.05)
        else:
            seen.accepted.append(begun)
            while (line := answer.readline()) and not stop.is_set():
                if line.startswith(b'data: {"id"'):
                    seen.pieces.append(time.monotonic())
        connection.close()


def _body(*, stream: bool) -> bytes:
    kind = Kind.PACED if stream else Kind.PLAIN
    messages = [{"role": "user", "content": "good morning"}]
    return json.dumps({"model": kind.value, "stream": stream, "messages": messages}).encode()

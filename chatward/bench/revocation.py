"""``chatward bench revocation``: what is still accepted of somebody who was shut out a moment ago.

The method:

1. Two gateways share one folder, as two processes of one installation do. Callers with a key each keep one connection
   to each of them and ask without a pause; others read a paced stream.
2. All keys are revoked, one transaction each, by a third process (this one). A moment *after* that is when ``revoke``
   has returned.
3. ``accepted_after`` counts requests that were begun after that moment and answered with 200, over both gateways and
   all rounds, and streams that brought a piece more than ``GRACE`` seconds after it.
"""

from __future__ import annotations

import http.client
import json
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
from chatward.bench.wire import PATH, Kind
from chatward.core.ports import Entry
from chatward.identity.key_store import KeyStore
from chatward.stores.database import Database

FIGURES: Final = ("accepted_after",)
KEYS: Final = 4
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


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of revocation, ``seconds`` of traffic before and after each."""

    rounds: int = 3
    seconds: float = 1.0


@dataclass
class _Seen:
    """What one caller saw: when each accepted request was begun, when a refusal came, when pieces of a stream did."""

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
        for number in range(2):
            file = folder / f"gateway{number}.toml"
            file.write_text(_CONFIG.format(port=ports[number], admin=ports[2 + number], upstream=up, folder=folder))
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
        entries: list[Entry] = []
        store = KeyStore(Database(folder / "chatward-identity.db"), entries.append)
        accepted, streams, asked, delays = 0, 0, 0, []
        for turn in range(options.rounds):
            progress(f"round {turn + 1} of {options.rounds}")
            seen, ended = _round(store, ports[:2], options.seconds)
            for one in seen:
                asked += len(one.accepted)
                accepted += sum(begun > ended for begun in one.accepted)
                streams += any(at > ended + GRACE for at in one.pieces)
                delays += [at - ended for at in one.refused[:1] if at > ended]
    report.figures["accepted_after"] = float(accepted + streams)
    report.details["revocation"] = {
        "requests_accepted_before": asked,
        "requests_accepted_after": accepted,
        "streams_open_after": streams,
        "first_refusal_ms_p50": median([delay * 1000 for delay in delays]),
    }
    if not asked:
        report.figures["accepted_after"] = None
        report.notes.append("Nothing was accepted before either, so nothing is shown.")
    return report


def _round(store: KeyStore, ports: list[int], seconds: float) -> tuple[list[_Seen], float]:
    """One round: what callers saw, and when all of them were shut out (``time.monotonic``)."""
    stop = threading.Event()
    seen: list[_Seen] = []
    callers: list[threading.Thread] = []
    issued = [store.create(f"bench {number}") for number in range(KEYS)]
    for one in issued:
        for port in ports:
            for streams in (False, True):
                seen.append(_Seen())
                work = _stream if streams else _ask
                callers.append(threading.Thread(target=work, args=(port, one.key, stop, seen[-1]), daemon=True))
    for caller in callers:
        caller.start()
    time.sleep(seconds)
    for one in issued:
        store.revoke(one.record.id)
    ended = time.monotonic()
    time.sleep(max(seconds, 2 * GRACE))
    stop.set()
    for caller in callers:
        caller.join(10)
    return seen, ended


def _ask(port: int, key: str, stop: threading.Event, seen: _Seen) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not stop.is_set():
        begun = time.monotonic()
        connection.request("POST", PATH, _body(stream=False), _headers(key))
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            seen.accepted.append(begun)
        else:
            seen.refused.append(time.monotonic())
    connection.close()


def _stream(port: int, key: str, stop: threading.Event, seen: _Seen) -> None:
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        begun = time.monotonic()
        connection.request("POST", PATH, _body(stream=True), _headers(key))
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


def _headers(key: str) -> dict[str, str]:
    return {"content-type": "application/json", "authorization": f"Bearer {key}"}


def _body(*, stream: bool) -> bytes:
    kind = Kind.PACED if stream else Kind.PLAIN
    messages = [{"role": "user", "content": "good morning"}]
    return json.dumps({"model": kind.value, "stream": stream, "messages": messages}).encode()

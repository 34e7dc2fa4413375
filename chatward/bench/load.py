"""The load generator: a closed loop of clients on keep-alive connections, in a process of its own.

The rule: each client sends its next request when it has read the last answer whole. Latency runs from the write of
the request to the last byte of the answer; time to first token to the first piece of text that is not empty. Only
answers with status 200 count, everything else is an error. What happens in the warm-up is not counted, and
requests that are under way at the end are let end before the connections close.

As a program: ``python -m chatward.bench.load`` reads a ``Job`` as JSON from standard input and prints a ``Result``.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec
import uvloop

from chatward.bench.processes import BenchError, cpu_seconds
from chatward.bench.wire import Kind, Requests

_TEXT: Final = re.compile(rb'"content": ?"[^"]')
_END: Final = b"\r\n0\r\n\r\n"
"""The end of a chunked body (RFC 9112 section 7.1), with the line end of the chunk before."""
_GOOD: Final = b"HTTP/1.1 200"
_LAST_ANSWERS: Final = 10.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``first``: the running number of the first message. ``watched``: groups of processes whose CPU time is taken.
    ``requests``: ends after so many, instead of after ``seconds``."""

    port: int
    kind: Kind
    clients: int
    seconds: float
    warmup: float
    first: int
    watched: dict[str, list[int]]
    requests: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds and seconds. ``cpu`` holds CPU seconds in the window, by group, and ``generator``."""

    requests: int
    errors: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    cpu: dict[str, float]
    error: str = ""


Done = Callable[[float, float, bytes], bool]
"""Takes latency, time to first token and the beginning of the answer; says whether to go on."""


class Client(asyncio.Protocol):
    """One client. Kinds of answers differ in ``data_received``."""

    def __init__(self, make: Callable[[], bytes], done: Done) -> None:
        self._make = make
        self._done = done
        self._held = b""
        self._began = 0.0
        self._transport: asyncio.Transport
        self.idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self) -> None:
        self._held = b""
        request = self._make()
        self._began = time.perf_counter()
        self._transport.write(request)

    def finish(self, first: float) -> None:
        """The answer is there; ``first`` is when its first text was."""
        now = time.perf_counter()
        if self._done(now - self._began, first - self._began if first else 0.0, self._held):
            self.send()
        elif not self.idle.done():
            self.idle.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.idle.done():
            self._done(0.0, 0.0, b"connection closed")
            self.idle.set_result(None)

    def close(self) -> None:
        self._transport.close()


class WholeClient(Client):
    """Reads answers by their length."""

    def data_received(self, data: bytes) -> None:
        self._held = held = self._held + data if self._held else data
        end = held.find(b"\r\n\r\n")
        if end < 0:
            return
        head = held[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            if held.endswith(_END):
                self.finish(0.0)
        elif len(held) >= end + 4 + int(head[at + 17 :].partition(b"\r\n")[0]):
            self.finish(0.0)


class StreamClient(Client):
    """Reads chunked streams to their end. What was read is dropped once text was seen."""

    def __init__(self, make: Callable[[], bytes], done: Done) -> None:
        super().__init__(make, done)
        self._first = 0.0
        self._tail = b""

    def send(self) -> None:
        self._first = 0.0
        self._tail = b""
        super().send()

    def data_received(self, data: bytes) -> None:
        if not self._first:
            self._held += data
            if _TEXT.search(self._held):
                self._first = time.perf_counter()
            elif not self._held.startswith(_GOOD[: len(self._held)]):
                self.finish(0.0)
                return
        self._tail = (self._tail + data)[-len(_END) :]
        if self._tail == _END:
            self._held = self._held if self._first else b"no text"
            self.finish(self._first)


class _Tally:
    """What is counted in the window."""

    def __init__(self, job: Job) -> None:
        self.latencies: list[float] = []
        self.firsts: list[float] = []
        self.errors = 0
        self.error = b""
        self.counting = False
        self.going = True
        self.enough = asyncio.Event()
        self._wanted = job.requests

    def __call__(self, latency: float, first: float, answer: bytes) -> bool:
        if not answer.startswith(_GOOD):
            self.errors += 1
            self.error = answer[:300]
            if answer == b"connection closed":
                return False
        elif self.counting:
            self.latencies.append(latency)
            if first:
                self.firsts.append(first)
            if self._wanted and len(self.latencies) >= self._wanted:
                self.going = self.counting = False
                self.enough.set()
        return self.going


async def run(job: Job) -> Result:
    """Runs one job. Raises ``OSError`` where nobody listens."""
    loop = asyncio.get_running_loop()
    make = Requests(job.kind, f"127.0.0.1:{job.port}", job.first)
    tally = _Tally(job)
    build: type[Client] = StreamClient if job.kind.streams else WholeClient
    clients: list[Client] = []
    for _ in range(job.clients):
        _, client = await loop.create_connection(lambda: build(make, tally), "127.0.0.1", job.port)
        clients.append(client)
    gc.disable()  # its pauses would be read as the proxy's
    for client in clients:
        client.send()
    await asyncio.sleep(job.warmup)
    before = _cpu(job)
    tally.counting = True
    began = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(tally.enough.wait(), job.seconds)
    seconds = time.perf_counter() - began
    tally.counting = tally.going = False
    cpu = {name: after - before[name] for name, after in _cpu(job).items()}
    await asyncio.wait([client.idle for client in clients], timeout=_LAST_ANSWERS)
    for client in clients:
        client.close()
    return _result(job, tally, seconds, cpu)


def _cpu(job: Job) -> dict[str, float]:
    used = {name: cpu_seconds(pids) for name, pids in job.watched.items()}
    return used | {"generator": time.process_time()}


def _result(job: Job, tally: _Tally, seconds: float, cpu: dict[str, float]) -> Result:
    count = len(tally.latencies)
    per_second = count / seconds
    if job.kind.paced and count:
        # Streams of one length end in step: counted in a window they come in lumps of all clients. In a closed loop
        # without pauses a client ends one stream each mean latency (Little's law).
        per_second = job.clients * count / sum(tally.latencies)
    return Result(
        requests=count,
        errors=tally.errors,
        seconds=round(seconds, 3),
        per_second=round(per_second, 2),
        p50_ms=quantile(tally.latencies, 0.5),
        p99_ms=quantile(tally.latencies, 0.99),
        first_p50_ms=quantile(tally.firsts, 0.5),
        first_p99_ms=quantile(tally.firsts, 0.99),
        cpu={name: round(used, 4) for name, used in cpu.items()},
        error=tally.error.decode("latin-1"),
    )


def quantile(seconds: Sequence[float], share: float) -> float:
    """A quantile in milliseconds (nearest rank), 0 of nothing."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000.0, 4)


def drive(job: Job, cores: frozenset[int]) -> Result:
    """Runs a job in a process of its own, held to ``cores``. Raises ``BenchError``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chatward.bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    os.sched_setaffinity(process.pid, cores)
    limit = job.warmup + job.seconds + _LAST_ANSWERS + 30.0
    try:
        said, _ = process.communicate(msgspec.json.encode(job), timeout=limit)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode:
        raise BenchError(f"the load generator ended with status {process.returncode}")
    return msgspec.json.decode(said, type=Result)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(asked))))

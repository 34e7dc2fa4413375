"""Processes under test: started, held to cores, measured from /proc, ended.

The rule: every proxy gets one core, the same one, and everything that drives it gets the others, so that one core's
worth of each is compared. A process ends with the benchmark, however that ends. CPU time and memory are those of
a process and all its children (proc(5); pages that processes share count by share in PSS).
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from chatward.core.errors import ChatwardError

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PATIENCE: Final = 10.0


class BenchError(ChatwardError):
    """A measurement that cannot be made here."""

    reason = "bench-failed"


class Memory(NamedTuple):
    """Megabytes (10**6 bytes) of a process tree: resident, and resident with shared pages divided."""

    rss: float
    pss: float


class Cores(NamedTuple):
    """Who runs where. ``fair`` is false on a machine with one core, where all share it."""

    proxy: frozenset[int]
    driver: frozenset[int]
    fair: bool

    @classmethod
    def of_machine(cls) -> Cores:
        mine = sorted(os.sched_getaffinity(0))
        if len(mine) < 2:
            return cls(frozenset(mine), frozenset(mine), False)
        return cls(frozenset(mine[-1:]), frozenset(mine[:-1]), True)


@dataclass(frozen=True)
class Server:
    """A server that answers on 127.0.0.1:``port``."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        """The process and its children."""
        return tree(self.process.pid)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def start(
    stack: ExitStack,
    name: str,
    command: Sequence[str],
    *,
    port: int,
    cores: frozenset[int],
    folder: Path,
    ready: str = "",
    seconds: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> Server:
    """Starts a server, held to ``cores``, and returns once it answers: a connection, or 200 on the path ``ready``.

    What it says goes to ``folder/name.log``. It is ended when ``stack`` is left. Raises ``BenchError``.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - commands of this benchmark
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    stack.callback(_stop, process)
    # At once, while it has one thread: threads and children inherit it.
    os.sched_setaffinity(process.pid, cores)
    server = Server(name, port, process)
    deadline = time.monotonic() + seconds
    while not _answers(port, ready):
        if process.poll() is not None:
            raise BenchError(f"{name} ended with status {process.returncode}: {_last_line(log)}")
        if time.monotonic() > deadline:
            raise BenchError(f"{name} did not answer within {seconds:.0f} s: {_last_line(log)}")
        time.sleep(0.05)
    return server


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of processes so far, user and system, to a hundredth of a second (proc(5), fields 14 and 15)."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def memory(pids: Iterable[int]) -> Memory:
    """Memory of processes now."""
    rss = pss = 0
    for pid in pids:
        try:
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {row.partition(":")[0]: row.split()[1] for row in rows[1:]}
        rss += int(sizes["Rss"])
        pss += int(sizes["Pss"])
    return Memory(round(rss * 1024 / 1e6, 1), round(pss * 1024 / 1e6, 1))


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    found = [pid]
    for parent in found:
        try:
            threads = list(Path(f"/proc/{parent}/task").iterdir())
            children = [child for thread in threads for child in (thread / "children").read_text().split()]
        except OSError:
            continue
        found.extend(map(int, children))
    return found


def _answers(port: int, path: str) -> bool:
    try:
        if not path:
            with socket.create_connection(("127.0.0.1", port), 1.0):
                return True
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    children = tree(process.pid)[1:]
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        for child in children:
            _kill(child)
        process.kill()
        process.wait()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "it said nothing")

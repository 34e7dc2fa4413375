"""Processes under test: started, measured, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatward.bench.processes import BenchError, Cores, cpu_seconds, free_ports, memory, start, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LISTEN = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); s.accept(); s.accept()"
CORES = frozenset(os.sched_getaffinity(0)) if sys.platform == "linux" else frozenset()


def test_free_ports_are_distinct() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20


def test_a_server_runs_on_its_core_until_the_stack_is_left(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    core = Cores.of_machine().proxy
    with ExitStack() as stack:
        command = [sys.executable, "-c", LISTEN, str(port)]
        server = start(stack, "listener", command, port=port, cores=core, folder=tmp_path)
        assert server.process.poll() is None
        assert os.sched_getaffinity(server.process.pid) == set(core)
        assert server.pids == [server.process.pid]
    assert server.process.poll() is not None


def test_a_server_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such model')"]
    with ExitStack() as stack, pytest.raises(BenchError, match="peer ended with status 1: no such model"):
        start(stack, "peer", command, port=free_ports(1)[0], cores=CORES, folder=tmp_path)


def test_a_server_that_never_answers_is_an_error(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with ExitStack() as stack, pytest.raises(BenchError, match="did not answer"):
        start(stack, "peer", command, port=free_ports(1)[0], cores=CORES, folder=tmp_path, seconds=0.2)


def test_cpu_time_is_of_work_and_not_of_waiting() -> None:
    before = cpu_seconds([os.getpid()])
    deadline = time.thread_time() + 0.1
    while time.thread_time() < deadline:
        pass
    assert cpu_seconds([os.getpid()]) - before >= 0.08
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as idle:
        assert cpu_seconds([idle.pid]) < cpu_seconds([os.getpid()])
        idle.communicate(b"\n")


def test_memory_counts_children_and_shared_pages_by_share() -> None:
    code = "x = bytearray(50_000_000); print('ready', flush=True); input()"
    with subprocess.Popen(
        ["/bin/sh", "-c", '"$0" -c "$1"; true', sys.executable, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        pids = tree(shell.pid)
        whole, alone = memory(pids), memory([shell.pid])
        shell.communicate(b"\n")
    assert len(pids) == 2
    assert whole.rss >= 50 + alone.rss
    assert 50 <= whole.pss <= whole.rss


def test_processes_that_are_gone_count_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert cpu_seconds([gone.pid]) == 0
    assert memory([gone.pid]) == (0, 0)


def test_the_proxy_has_a_core_to_itself_where_there_are_two() -> None:
    cores = Cores.of_machine()
    assert cores.proxy
    assert cores.driver
    assert cores.fair == (not cores.proxy & cores.driver) == (len(os.sched_getaffinity(0)) > 1)

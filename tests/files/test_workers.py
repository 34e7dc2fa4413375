"""Processes that look at files: bounded in time and memory, replaced when they die, and never taken for having seen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from chatward.core.errors import ConfigError
from chatward.files.worker import Asked, Setup
from chatward.files.workers import Failed, Worker, Workers
from chatward.guards.files.signatures import EICAR
from tests.simulators.documents import pdf, zipped

RULE = 'rule Own_Rule { strings: $a = "own marker" condition: $a }'


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker(Setup(rules=(RULE,), memory=256 * 1024 * 1024))
    yield made
    made.stop()


def _rules(worker: Worker, data: bytes) -> list[str]:
    return [finding.rule for finding in worker.ask(Asked(data, "a", ""), 20).findings]


def test_a_report_crosses_the_process(worker: Worker) -> None:
    assert "files.malware/eicar" in _rules(worker, EICAR)
    report = worker.ask(Asked(pdf("Hello"), "a.pdf", "application/pdf"), 20)
    assert (report.kind, report.text, report.failed) == ("pdf", "Hello", ())


def test_rules_of_yara_are_asked_about_every_member(worker: Worker) -> None:
    assert _rules(worker, b"an own marker here") == ["files.malware/yara-own-rule"]
    assert _rules(worker, zipped({"a": zipped({"b": b"an own marker here" * 9})})) == ["files.malware/yara-own-rule"]
    assert _rules(worker, b"nothing here") == []


def test_a_second_opinion_names_scripts(worker: Worker) -> None:
    script = (
        b"$ErrorActionPreference = 'Stop'\nGet-ChildItem C:\\ | Where-Object { $_.Length } | Remove-Item -Force\n" * 4
    )
    assert "files.type/script" in _rules(worker, script)


def test_one_that_died_is_replaced_and_its_file_is_unread(worker: Worker) -> None:
    worker.start()
    process = worker._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)  # it takes the file and says nothing
    began = time.monotonic()
    with pytest.raises(Failed) as failed:
        worker.ask(Asked(b"hello"), 0.2)
    assert failed.value.reason == "timeout"
    assert time.monotonic() - began < 5
    assert process.poll() is not None
    worker.start()
    process = worker._process
    assert process is not None
    process.kill()
    process.wait()
    assert "files.malware/eicar" in _rules(worker, EICAR)


def test_memory_is_bounded_by_the_system(worker: Worker) -> None:
    worker.start()
    process = worker._process
    assert process is not None
    limits = open(f"/proc/{process.pid}/limits").read()  # noqa: SIM115
    held = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert held["Max data size"] == str(256 * 1024 * 1024)
    assert held["Max file size"] == "0"
    assert held["Max core file size"] == "0"


def test_it_has_nothing_of_its_parents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "canary")
    made = Worker(Setup())
    made.start()
    process = made._process
    assert process is not None
    assert "canary" not in open(f"/proc/{process.pid}/environ").read()  # noqa: SIM115
    made.stop()


def test_rules_that_do_not_compile_are_told_at_the_start() -> None:
    with pytest.raises(ConfigError) as error:
        Worker(Setup(rules=("rule broken {",))).start()
    assert error.value.key == "files.rules"


async def test_who_is_closed_fails() -> None:
    workers = Workers(Setup())
    workers.close()
    with pytest.raises(Failed):
        await workers.report(Asked(b"hello"), 5)


async def test_time_that_is_spent_waiting_counts() -> None:
    workers = Workers(Setup())
    with pytest.raises(Failed) as failed:
        await workers.report(Asked(b"hello"), 0)
    assert failed.value.reason == "timeout"
    workers.close()

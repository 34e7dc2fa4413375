"""The scan that a gateway does by itself: when one is due, once at a time, and what it says on record."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from chatward import cli
from chatward.assurance.opening import opened_advisories, opened_tasks, targets
from chatward.assurance.scanning import Scan
from chatward.assurance.schedule import LOOK, due, keep_scanning, scan_now
from chatward.assurance.tasks import DAY
from chatward.commands import patches
from chatward.configuration import load
from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.ledger.reading import tail
from chatward.settings import Settings
from chatward.settings.assurance import Due
from tests.assurance.making import NOW, advisory, environment, write


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    environment(tmp_path / "venv", leaky_bot="2.0.0")
    os.utime(tmp_path / "venv", (NOW - DAY, NOW - DAY))
    text = 'upstream = "http://127.0.0.1:9"\n[assurance]\ndue.critical = 0\nbots.default.inventory = ["venv"]\n'
    return load(write(tmp_path / "chatward.toml", text)).settings


def imported(settings: Settings, at: float) -> None:
    with opened_advisories(settings) as advisories:
        advisories.take([write(Path("a.json"), advisory())], now=at)


def scanned(settings: Settings, at: float) -> None:
    with opened_tasks(settings, lambda entry: None, lambda: at) as tasks:
        for name in targets(settings):
            tasks.settle(Scan(name, 1, (), (), frozenset()), Due())


def test_a_scan_is_due_when_something_is_newer_or_time_is_up(settings: Settings) -> None:
    assert not due(settings, NOW), "there is nothing to compare with"
    imported(settings, NOW)
    assert due(settings, NOW), "nobody ever looked"
    scanned(settings, NOW + 1)
    assert not due(settings, NOW + DAY)
    assert due(settings, NOW + DAY + 1)
    imported(settings, NOW + 2)
    assert due(settings, NOW + 3), "advisories came"
    scanned(settings, NOW + 4)
    assert not due(settings, NOW + 5)
    os.utime("venv", (NOW + 6, NOW + 6))
    assert due(settings, NOW + 7), "an inventory changed"


def test_a_round_goes_on_after_what_fails(settings: Settings) -> None:
    imported(settings, NOW)
    done: list[float] = []
    slept: list[float] = []

    async def scan() -> int:
        done.append(NOW)
        if len(done) == 1:
            raise StoreError("The store cannot be read.")
        scanned(settings, NOW)
        return 1

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_scanning(settings, scan, clock=lambda: NOW, sleep=sleep))
    assert len(done) == 2, "tried again, and then nothing was due"
    assert slept == [LOOK] * 4


def test_the_process_scans_tells_what_is_late_once_and_then_nothing_is_due(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "gently", lambda: None)  # the tests' own process does not give way
    assert cli.main(["patches", "import", str(write(tmp_path / "a.json", advisory())), "--json"]) == 0
    assert asyncio.run(scan_now(tmp_path / "chatward.toml")) == 1
    for again in (["--if-due"], []):
        capsys.readouterr()
        cli.main(["patches", "scan", "--of", "default", "--json", *again])
        told = json.loads(capsys.readouterr().out)["targets"]
        assert bool(told) is (not again)
    recorded = [one for one in tail(Path(settings.ledger.path), 50) if one.event.startswith("patches:")]
    (late,) = [one for one in recorded if one.event == Event.PATCH_TASK_LATE.value]
    assert late.fields["target"] == "default"
    assert late.fields["urgency"] == "critical"
    assert [one.fields["target"] for one in recorded if one.event == Event.PATCHES_SCANNED.value] == [
        "chatward",
        "default",
        "default",
    ]

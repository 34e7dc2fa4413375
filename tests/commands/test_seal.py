"""``chatward seal``: rotating, erasing, receipts, on the files of a configuration."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main
from chatward.configuration import load
from chatward.ledger import reading
from chatward.seal.opening import opened
from tests.seal.conftest import turn


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHRASE", "correct horse battery")
    path = tmp_path / "chatward.toml"
    path.write_text(
        f'upstream = "http://127.0.0.1:9"\n[ledger]\npath = "{tmp_path}/chatward.db"\nmin_free = 1\n'
        '[seal]\npassphrase = "env:PHRASE"\n'
    )
    sealing = opened(load(path).settings, lambda entry: None)
    store = sealing.conversations()
    for subject in ("person:1", "person:2"):
        store.write("default", subject, "thread", [turn(f"text of {subject}")])
    asyncio.run(store.aclose())
    sealing.close()
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert main(["seal", *arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_keys_are_rotated_and_it_is_on_record(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = told(capsys, "status", "-c", str(config))
    assert before["tenants"] == [
        {"tenant": "default", "current": 1, "minimum": 1, "roots": [1], "keys": 6, "rotating": False}
    ]
    (done,) = told(capsys, "rotate", "-c", str(config))["rotated"]
    assert (done["version"], done["changed"], done["destroyed"]) == (2, 4, 7)
    assert told(capsys, "status", "-c", str(config))["tenants"][0]["minimum"] == 2
    events = [record.event for record in reading.tail(str(config.parent / "chatward.db"), 9)]
    assert events == ["seal:rotation:started", "seal:rotation:finished"]
    assert main(["seal", "rotate", "--tenant", "nobody", "-c", str(config)]) == 2


def test_a_subject_is_erased_and_the_receipt_verifies_elsewhere(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipts = told(capsys, "erase", "person:1", "-c", str(config))["receipts"]
    file = tmp_path / "receipt"
    file.write_text(receipts[1])
    key = str(tmp_path / "chatward-erasures.db.vkey")
    said = told(capsys, "receipt", str(file), "--key", key, "--subject", "person:1")
    assert said["ok"]
    assert said["receipt"]["rows"] == 2
    assert not told(capsys, "receipt", str(file), "--key", key, "--subject", "person:2", status=1)["ok"]
    file.write_text(receipts[1].replace('"rows":2', '"rows":9'))
    assert not told(capsys, "receipt", str(file), "--key", Path(key).read_text().strip(), status=1)["ok"]
    assert told(capsys, "status", "-c", str(config))["erased"] == 1


def test_a_new_root_key_and_the_older_one_destroyed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "root", "-c", str(config)) == {"wrapped": 1, "root": [2], "destroyed": 0}
    assert told(capsys, "root", "--forget", "-c", str(config)) == {"wrapped": 0, "root": [2], "destroyed": 1}
    assert told(capsys, "root", "--forget", "-c", str(config))["destroyed"] == 0
    assert told(capsys, "rotate", "-c", str(config))["rotated"][0]["changed"] == 4


def test_people_read_it_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seal", "status", "-c", str(config)]) == 0
    assert "default\t1\t1\t1\t6" in capsys.readouterr().out
    assert main(["seal", "rotate", "-c", str(config)]) == 0
    assert "default\t2\t4\t0\t7" in capsys.readouterr().out
    assert main(["seal", "erase", "person:2", "-c", str(config)]) == 0
    assert '"store":"conversations"' in capsys.readouterr().out

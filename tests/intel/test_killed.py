"""An import that is killed (SIGKILL) at any point: what was in force stays in force, and the next one goes on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatward.core.indicators import IndicatorKind
from chatward.intel import store
from chatward.intel.index import SNAPSHOT, Index
from chatward.intel.lifecycle import STORE
from chatward.intel.snapshot import Snapshot
from chatward.intel.store import Store
from tests.intel.killed import LIST, lifecycle, settings

ROWS = 2000
BLOCK = 50
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "4"))


def write_list(folder: Path, generation: int) -> list[str]:
    """A list of which half stays from one generation to the next."""
    values = [f"kept{n}.example.net" for n in range(ROWS // 2)]
    values += [f"new{n}.gen{generation}.example.net" for n in range(ROWS // 2)]
    random.Random(generation).shuffle(values)
    (folder / LIST).write_text("\n".join(values) + "\n")
    return values


def content(folder: Path) -> list[tuple[object, ...]]:
    kept = Store(folder / "kept" / STORE)
    try:
        return [(one.value, one.kind, one.type) for one in kept.entries()]
    finally:
        kept.close()


def begin(folder: Path) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("killed.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(folder), str(BLOCK)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_killed_at_any_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(store, "BLOCK", BLOCK)
    write_list(tmp_path, 0)
    assert lifecycle(tmp_path).update()
    before = Snapshot(tmp_path / "kept" / SNAPSHOT)
    values = write_list(tmp_path, 1)
    process = begin(tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    if seed % 4 == 3:
        _wait_for_snapshot(tmp_path, process)
    else:
        _wait_for(tmp_path, random.Random(seed).randrange(ROWS // BLOCK))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    index = Index(tmp_path / "kept", settings())
    assert index.look_up(IndicatorKind.DOMAIN, ["kept1.example.net"]), "what was in force is in force"
    assert index.snapshot is not None
    assert index.snapshot.count == before.count == ROWS, "the old snapshot or the new one, whole"
    assert lifecycle(tmp_path).update()
    again = Index(tmp_path / "kept", settings())
    assert all(again.look_up(IndicatorKind.DOMAIN, [value]) for value in values)
    assert again.status.sources["own"].rows == ROWS

    other = tmp_path / "other"
    other.mkdir()
    write_list(other, 0)
    lifecycle(other).update()
    write_list(other, 1)
    lifecycle(other).update()
    assert content(tmp_path) == content(other), "as if nothing had happened"


def _wait_for(folder: Path, blocks: int) -> None:
    """Until so many blocks are in, or it is over; looks at the store as any process may."""
    database = sqlite3.connect(f"file:{folder / 'kept' / STORE}?mode=ro", uri=True)
    try:
        for _ in range(5000):
            importing, done = database.execute("SELECT importing, done FROM sources").fetchone()
            imported = database.execute("SELECT count(*) FROM entries WHERE value LIKE '%gen1%'").fetchone()[0]
            if done >= blocks * BLOCK and (importing or imported):
                return
            time.sleep(0.001)
    finally:
        database.close()


def _wait_for_snapshot(folder: Path, process: subprocess.Popen[str]) -> None:
    """Until a snapshot is being written."""
    while process.poll() is None and not any((folder / "kept").glob(f".{SNAPSHOT}.*")):
        pass


def test_an_import_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BLOCK", BLOCK)
    write_list(tmp_path, 0)
    made = 0
    real = store._Maker.make

    class Stop(Exception):
        pass

    def make(self: store._Maker, row: object) -> object:
        nonlocal made
        made += 1
        if made == 1000:
            raise Stop
        return real(self, row)  # type: ignore[arg-type]

    monkeypatch.setattr(store._Maker, "make", make)
    with pytest.raises(Stop):
        lifecycle(tmp_path).update()
    (done,) = lifecycle(tmp_path).update() or []
    assert (done.outcome, done.rows) == ("imported", ROWS - 950)
    assert made == 1000 + ROWS - 950

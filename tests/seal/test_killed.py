"""Killed at any moment: nothing acknowledged is lost, nobody erased comes back, every job goes on.

``CRASH_ROUNDS=200`` makes as many rounds (``make crash``); without it there are eight. Round ``n`` is the same in both.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from chatward.ledger.checkpoint import Stack
from chatward.ledger.verifying import verify
from chatward.seal import envelope
from tests.ledger.conftest import keys_of
from tests.ledger.test_crashes import numbers
from tests.seal.conftest import House
from tests.seal.killed import RETENTION

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "8"))
SCRIPT = Path(__file__).with_name("killed.py")
MOMENTS = ("writing", "erasing", "rotating", "purging", "noted")


def test_killed_while_writing_rotating_erasing_purging_and_signing(tmp_path: Path) -> None:
    written: dict[str, str] = {}
    erased: set[str] = set()
    maybe: set[str] = set()
    noted: set[int] = set()
    for turn in range(ROUNDS):
        for kind, *rest in told(tmp_path, turn):
            if kind == "written":
                written[rest[0]] = " ".join(rest[1:])
            elif kind == "erasing":
                maybe.add(rest[0])
            elif kind == "erased":
                erased.add(rest[0])
            elif kind == "noted":
                noted.add(int(rest[0]))
        ledger = tmp_path / "ledger.db"
        result = verify(ledger, keys=keys_of(ledger), noted=Stack(tmp_path / "checkpoints").read()[-50:])
        assert result.ok, (turn, result)
        assert noted <= numbers(ledger), turn
    house = House(tmp_path, now=time.time(), retention=RETENTION)
    house.eraser.resume()
    house.eraser.replay()
    house.store.purge()
    found = house.texts()
    assert erased
    assert not erased & found.keys()
    for subject, text in written.items():
        assert subject in maybe or found[subject] == [text]
    assert not any(" said " in text for texts in found.values() for text in texts)
    house.rotation.run("default")
    versions: set[int] = set()
    house.fields.behind("default", lambda place, sealed: versions.add(envelope.parse(sealed).version) or False)
    assert versions == {house.keys.current("default")}
    assert house.texts() == found
    assert all(erasure.done for erasure in house.register.erasures())
    house.close()


def told(folder: Path, turn: int) -> list[list[str]]:
    """What a process said that was killed in the middle of something: a moment after it said so the n-th time."""
    chance = random.Random(turn)
    moment, times = MOMENTS[turn % len(MOMENTS)], chance.randrange(1, 4)
    child = subprocess.Popen([sys.executable, str(SCRIPT), str(folder), str(turn)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines: list[str] = []
    while times:
        line = child.stdout.readline()
        assert line, "the process before left something that this one cannot open"
        lines.append(line)
        times -= line.startswith("written" if moment == "writing" else moment)
    time.sleep(chance.random() * 0.02)  # anywhere in what comes next
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    # A line that was cut in the middle is none.
    return [line.split() for line in ("".join(lines) + rest[: rest.rfind("\n") + 1]).splitlines()]

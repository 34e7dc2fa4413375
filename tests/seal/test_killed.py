"""Killed at any moment: nothing acknowledged is lost, nobody erased comes back, every job goes on.

``CHATWARD_KILLS=200`` makes as many rounds; without it there are eight.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from chatward.seal import envelope
from tests.seal.conftest import House

ROUNDS = int(os.environ.get("CHATWARD_KILLS", "8"))
SCRIPT = Path(__file__).with_name("killed.py")


def test_killed_while_writing_rotating_and_erasing(tmp_path: Path) -> None:
    dice = random.Random(2026)
    written: dict[str, str] = {}
    erased: set[str] = set()
    maybe: set[str] = set()
    for turn in range(ROUNDS):
        for kind, subject, text in told(tmp_path, str(turn), dice.random() * 1.5):
            if kind == "written":
                written[subject] = text
            elif kind == "erasing":
                maybe.add(subject)
            elif kind == "erased":
                erased.add(subject)
    house = House(tmp_path)
    house.eraser.resume()
    house.eraser.replay()
    found = house.texts()
    assert erased
    assert not erased & found.keys()
    for subject, text in written.items():
        assert subject in maybe or found[subject] == [text]
    house.rotation.run("default")
    versions: set[int] = set()
    house.fields.behind("default", lambda place, sealed: versions.add(envelope.parse(sealed).version) or False)
    assert versions == {house.keys.current("default")}
    assert house.texts() == found
    assert all(erasure.done for erasure in house.register.erasures())
    house.close()


def told(folder: Path, seed: str, seconds: float) -> list[tuple[str, str, str]]:
    """What a process said that was killed ``seconds`` after it was ready."""
    child = subprocess.Popen([sys.executable, str(SCRIPT), str(folder), seed], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    first = child.stdout.readline()
    assert first == "ready\n", "the process before left something that this one cannot open"
    time.sleep(seconds)  # when the knife falls, not how long anything may take
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    # A line that was cut in the middle is none.
    lines = [line.split(" ", 2) for line in rest[: rest.rfind("\n") + 1].splitlines()]
    return [(line[0], line[1], line[2] if len(line) > 2 else "") for line in lines]

"""What the baselines of many entities take: ``python -m chatward.bench.entities COUNT``, one line of JSON.

A process of its own, so that nothing else is in its memory. Every entity sends one message and then all of them are
written into a file, which is when most is taken. ``mb``: what they take; ``peak_mb``: the same at the height of
writing; ``read_back_s``: seconds in which they are read back.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from chatward.behaviour.baselines import Baselines, Seen, group_of
from chatward.behaviour.rows import Rows, digest
from chatward.behaviour.store import BehaviourStore
from chatward.stores.database import Database

MANY: Final = 100_000


def measured(count: int = MANY) -> dict[str, float]:
    """The figures, from a process of its own. Raises ``CalledProcessError``."""
    command = [sys.executable, "-m", "chatward.bench.entities", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600)  # noqa: S603 - our own
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure(count: int) -> dict[str, float]:
    before = _peak_mb()
    baselines = Baselines(Rows(count))
    person = group_of("principal", "person")
    for number in range(count):
        seen = Seen(f"cw-bench-{number}", 1_700_000_000.0, False, False, number, 1, 4.0, 6.0)
        baselines.add(digest(b"bench", str(number)), person, seen)
    filled = _peak_mb()
    with tempfile.TemporaryDirectory(prefix="chatward-bench-") as folder:
        store = BehaviourStore(Database(Path(folder) / "behaviour.db"))
        store.save(baselines.rows, {})
        written = _peak_mb()
        began = time.perf_counter()
        read = store.load(Rows(count))
        took = time.perf_counter() - began
        store.database.close()
    figures = {"entities": read, "mb": filled - before, "peak_mb": written - before, "read_back_s": took}
    return {name: round(value, 2) for name, value in figures.items()}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))

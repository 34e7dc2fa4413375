"""Loads the shipped models in a process of its own and prints what that takes: one JSON object.

Milliseconds of the clock and resident megabytes (10**6 bytes), one step after the other: importing ONNX Runtime,
loading the models, and reading texts with them for the first time. ``before_mb`` is Python with numpy.
"""

from __future__ import annotations

import json
import os
import time
from typing import Final

from chatward.bench.processes import memory
from chatward.bench.texts import messages
from chatward.models import cascade
from chatward.models.runtime import onnxruntime

TEXTS: Final = 60


def main() -> None:
    """Prints the object. Raises ``ModelError``."""
    steps = [(time.perf_counter(), _resident())]
    onnxruntime()
    steps.append((time.perf_counter(), _resident()))
    models = cascade.Cascade()
    steps.append((time.perf_counter(), _resident()))
    for one in messages(TEXTS, seed=1):
        models.analyse(one.text, names=True)
    steps.append((time.perf_counter(), _resident()))
    told: dict[str, float] = {"before_mb": steps[0][1]}
    names = ("library", "models", "first_texts")
    for name, (began, before), (ended, after) in zip(names, steps, steps[1:], strict=False):
        told[f"{name}_ms"] = round((ended - began) * 1e3, 1)
        told[f"{name}_mb"] = round(after - before, 1)
    print(json.dumps(told))


def _resident() -> float:
    return memory([os.getpid()]).rss


if __name__ == "__main__":
    main()

"""What a benchmark says: figures by fixed names, who it was compared with, on what machine, and all details.

The rule: a figure that could not be measured is ``None``, and a note says why. Nothing is guessed or carried over.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Progress = Callable[[str], None]
"""Takes one line on what is being done."""


@dataclass
class Report:
    """One benchmark's outcome. ``peers``: name -> version or ``None``; ``details`` by part of the benchmark."""

    figures: dict[str, float | None]
    peers: dict[str, str | None] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def median(values: Sequence[float]) -> float | None:
    """The median of what was measured, to four digits; ``None`` of nothing."""
    return significant(statistics.median(values)) if values else None


def significant(value: float) -> float:
    """A number to four significant digits."""
    return float(f"{value:.4g}")


def machine() -> dict[str, Any]:
    """The machine, and how busy it was before anything was measured (share of all cores, over half a second)."""
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "busy_before": _busy(0.5),
    }


def _cpu_name() -> str:
    try:
        rows = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((row.partition(":")[2].strip() for row in rows if row.startswith("model name")), platform.machine())


def _busy(seconds: float) -> float | None:
    """The share of CPU time that was not idle (proc(5), /proc/stat: user nice system idle iowait ...)."""
    if sys.platform != "linux":
        return None

    def read() -> list[int]:
        return [int(ticks) for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]

    before = read()
    time.sleep(seconds)
    spent = [after - first for first, after in zip(before, read(), strict=True)]
    return round(1.0 - (spent[3] + spent[4]) / max(sum(spent), 1), 3)

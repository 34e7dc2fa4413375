"""The page on benchmarks names what there is: every benchmark, figure, option and command."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from chatward.bench import console, gateway, genuine, intel, ledger, links, policy, revocation, scan
from chatward.commands import bench

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "benchmarks.md").read_text()


MEASURED = (console, gateway, genuine, intel, ledger, links, policy, revocation, scan)
FIGURES = [name for one in MEASURED for name in one.FIGURES]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_explained(name: str) -> None:
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("name", bench.NAMES)
def test_every_benchmark_is_named(name: str) -> None:
    assert f"chatward bench {name}" in PAGE


def test_every_option_is_named_and_no_other() -> None:
    options = set(inspect.signature(bench.command).parameters) - {"name"}
    wanted = {f"--{'json' if option == 'as_json' else option}" for option in options}
    assert set(re.findall(r"`(--[a-z]+)", PAGE)) == wanted


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)`", PAGE))
    assert named == {"bench", "bench-soak"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)

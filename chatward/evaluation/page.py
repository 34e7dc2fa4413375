"""Figures in the documentation, as one evaluation wrote them.

The rule: nobody copies a figure by hand. What stands in a page between ``<!-- evaluation: NAME -->`` and
``<!-- end -->`` is the table NAME of one ``report.json``, or ``run``: when, with which files and on what it was
measured. To write it anew: ``python -m chatward.evaluation.page report.json docs/evaluation.md``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from chatward.evaluation.tables import Table

BLOCK: Final = re.compile(r"(<!-- evaluation: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_MACHINE: Final = frozenset(("cpu", "cores", "memory_gb", "system", "python", "busy_before"))
"""What is detected does not depend on these."""


def renewed(page: str, report: Mapping[str, Any]) -> str:
    """A page with its blocks as ``report`` has them. Raises ``KeyError`` for a table that was not measured."""

    def block(found: re.Match[str]) -> str:
        name = found[2]
        told = _run(report["about"]) if name == "run" else Table.of_json(name, report["tables"][name]).as_markdown(3)
        return f"{found[1]}{told.rstrip()}\n{found[3]}"

    return BLOCK.sub(block, page)


def _run(about: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in about.items() if name not in _MACHINE)


def main(report: str, *pages: str) -> None:
    """Writes the blocks of pages anew."""
    measured = orjson.loads(Path(report).read_bytes())
    for page in pages:
        path = Path(page)
        path.write_text(renewed(path.read_text("utf-8"), measured), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

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
    """A page with its blocks as ``report`` has them. Raises ``LookupError`` for a table that was not measured."""

    def block(found: re.Match[str]) -> str:
        name = found[2]
        if name != "run" and name not in report["tables"]:
            raise LookupError(f"the report has no table {name}; see `chatward evaluate --help` for what measures it")
        told = _run(report["about"]) if name == "run" else Table.of_json(name, report["tables"][name]).as_markdown(3)
        return f"{found[1]}{told.rstrip()}\n{found[3]}"

    return BLOCK.sub(block, page)


def _run(about: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in about.items() if name not in _MACHINE)


def main(report: str, *pages: str) -> int:
    """Writes the blocks of pages anew: of all, or of none where one needs what was not measured."""
    measured = orjson.loads(Path(report).read_bytes())
    made: dict[Path, str] = {}
    for page in map(Path, pages):
        try:
            made[page] = renewed(page.read_text("utf-8"), measured)
        except LookupError as error:
            print(f"error: {page}: {error}", file=sys.stderr)
            return 2
    for page, text in made.items():
        page.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m chatward.evaluation.page REPORT PAGE...")
    sys.exit(main(*sys.argv[1:]))

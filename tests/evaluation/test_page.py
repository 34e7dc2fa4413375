"""Figures in pages are those of one report."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from chatward.evaluation.attacks import ATTACKS
from chatward.evaluation.metrics import Interval
from chatward.evaluation.page import BLOCK, main, renewed
from chatward.evaluation.report import Evaluation
from chatward.evaluation.tables import Table

PEERS = Table("peers", "Peers", ("who", "recall"), [("Chatward", Interval(0.5, 0.25, 0.75))])
REPORT = Evaluation({}, [PEERS], {}, [], {"chatward": "1.0", "date": "2026-11-23", "cores": 2}).as_json()
PAGE = "Before.\n\n<!-- evaluation: run -->\n<!-- end -->\n\n<!-- evaluation: peers -->\nold\n<!-- end -->\nAfter.\n"
DONE = """\
Before.

<!-- evaluation: run -->
- chatward: 1.0
- date: 2026-11-23
<!-- end -->

<!-- evaluation: peers -->
### Peers

| who | recall |
| :-- | --: |
| Chatward | 50.0 % (25.0–75.0) |
<!-- end -->
After.
"""


def test_blocks_are_what_the_report_says_and_the_rest_stays(tmp_path: Path) -> None:
    assert renewed(PAGE, REPORT) == DONE
    (tmp_path / "report.json").write_bytes(orjson.dumps(REPORT))
    (tmp_path / "page.md").write_text(PAGE)
    for _ in range(2):
        main(str(tmp_path / "report.json"), str(tmp_path / "page.md"))
        assert (tmp_path / "page.md").read_text() == DONE


def test_what_was_not_measured_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, whole, other = (str(tmp_path / name) for name in ("report.json", "whole.md", "other.md"))
    Path(report).write_bytes(orjson.dumps(REPORT))
    Path(whole).write_text(PAGE)
    Path(other).write_text("<!-- evaluation: pii -->\n<!-- end -->")
    assert main(report, whole, other) == 2
    assert capsys.readouterr().err.startswith(f"error: {other}: the report has no table pii; ")
    assert Path(whole).read_text() == PAGE


def test_the_documentation_holds_the_tables_that_it_promises() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
    blocks = {found[2]: found[0] for found in BLOCK.finditer(page)}
    assert set(blocks) == {"run", "peers", "languages", "translations", "robustness", "pii"}
    assert "- date: 20" in blocks.pop("run")
    for name, block in blocks.items():
        assert block.count("\n| ") >= 5, name  # a header, its rule, and rows
    told = blocks["languages"]
    for lang in ("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "ru", "ar", "hi", "zh", "ja"):
        assert f"\n| {lang} | " in told, lang
    assert all(f"\n| {attack.name} | " in blocks["robustness"] for attack in ATTACKS)

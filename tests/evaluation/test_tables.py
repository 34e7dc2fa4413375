from __future__ import annotations

from chatward.evaluation.metrics import Interval
from chatward.evaluation.tables import Table

TABLE = Table(
    "sources",
    "Each source",
    ("source", "rows", "recall", "AUC", "fitted"),
    [("a|b", 3, Interval(0.5, 0.25, 0.75), 0.98765, True), ("c", 0, None, None, False)],
    note="A note.",
    shares=frozenset({"recall"}),
)


def test_json_keeps_numbers_and_says_null() -> None:
    assert TABLE.as_json() == {
        "title": "Each source",
        "note": "A note.",
        "columns": ["source", "rows", "recall", "AUC", "fitted"],
        "shares": ["recall"],
        "rows": [
            {
                "source": "a|b",
                "rows": 3,
                "recall": {"value": 0.5, "low": 0.25, "high": 0.75},
                "AUC": 0.98765,
                "fitted": True,
            },
            {"source": "c", "rows": 0, "recall": None, "AUC": None, "fitted": False},
        ],
    }


def test_markdown_reads_as_a_table() -> None:
    assert TABLE.as_markdown().splitlines() == [
        "## Each source",
        "",
        "A note.",
        "",
        "| source | rows | recall | AUC | fitted |",
        "| :-- | --: | --: | --: | --: |",
        "| a\\|b | 3 | 50.0 % (25.0–75.0) | 0.9877 | yes |",
        "| c | 0 | – | – | no |",
    ]
    shares = Table("t", "T", ("share",), [(0.125,)], shares=frozenset({"share"}))
    assert shares.as_markdown().splitlines()[-1] == "| 12.5 % |"
    assert "Nothing was measured." in Table("t", "T", ("a",), []).as_markdown()


def test_a_table_is_read_back_as_it_was_written() -> None:
    again = Table.of_json("sources", TABLE.as_json())
    assert again.as_markdown() == TABLE.as_markdown()
    assert again.as_json() == TABLE.as_json()

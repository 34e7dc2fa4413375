"""Safe Harbor's identifiers: each example is found by a rule that the table names, and the docs say the same."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from chatward import Ward
from chatward.privacy.identifiers import SAFE_HARBOR, Identifier

WITH_RULES = [one for one in SAFE_HARBOR if one.rules]


@pytest.fixture(scope="module")
def ward() -> Ward:
    return Ward()


def test_all_eighteen_are_there() -> None:
    assert "".join(one.letter for one in SAFE_HARBOR) == "ABCDEFGHIJKLMNOPQR"
    assert all(one.rules or one.limit for one in SAFE_HARBOR)


@pytest.mark.parametrize("one", WITH_RULES, ids=[one.letter for one in WITH_RULES])
def test_every_identifier_that_has_rules_is_found(ward: Ward, one: Identifier) -> None:
    found = {finding.rule for finding in ward.check(one.example).findings}
    assert any(fnmatch(rule, wanted) for rule in found for wanted in one.rules), found


def test_the_docs_have_the_same_table() -> None:
    page = (Path(__file__).parents[2] / "docs/privacy.md").read_text("utf-8")
    for one in SAFE_HARBOR:
        rules = ", ".join(f"`{rule}`" for rule in one.rules) or "none"
        assert f"| {one.letter} | {one.name} | {rules} | {one.limit or '-'} |" in page

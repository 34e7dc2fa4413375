"""The page on authorization: its policies are valid, its cases hold, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from chatward.identity.cedar import REASONS
from chatward.identity.cedar_policies import ANNOTATIONS, STEP_UPS, book, shipped
from chatward.identity.cedar_schema import ARGUMENTS, CERTIFICATE, FIELDS, PRINCIPALS, RESOURCES, RISKS
from chatward.identity.cedar_values import MAX_DEPTH, MAX_TEXT, MAX_TOTAL, MAX_VALUES
from chatward.identity.explain import OUTCOMES
from chatward.identity.policy_cases import read_cases, run_cases

PAGE = (Path(__file__).parents[2] / "docs" / "authorization.md").read_text("utf-8")


def shown(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


def test_the_cases_shown_hold_for_the_policies_shown(tmp_path: Path) -> None:
    policies = book({"default.cedar": shipped(), "page.cedar": shown("cedar")})
    path = tmp_path / "cases.jsonl"
    path.write_text(shown("jsonl"))
    results = run_cases(read_cases(path), policies)
    assert len(results) == 4
    assert all(result.passed for result in results), results


def test_every_name_is_told() -> None:
    names = [*ANNOTATIONS, *STEP_UPS, *ARGUMENTS, *CERTIFICATE, *PRINCIPALS.values(), *RESOURCES, *RISKS, *OUTCOMES]
    names += [field.name for field in FIELDS]
    assert [name for name in names if not re.search(rf"\b{re.escape(name)}\b", PAGE)] == []


def test_the_reasons_told_are_those_there_are() -> None:
    table = PAGE.partition("## Reasons")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)) == set(REASONS)


def test_the_limits_told_are_those_there_are() -> None:
    limits = (f"{MAX_DEPTH} levels", f"{MAX_VALUES} values", f"{MAX_TEXT:,} characters", f"{MAX_TOTAL // 1024} Ki")
    assert all(limit in PAGE for limit in limits)

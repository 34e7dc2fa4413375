"""The page on links names every rule, figure and number of the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

from chatward.core.brands import brands
from chatward.guards.links import extraction, model, owned, signs, urls
from chatward.models import store

PAGE = (Path(__file__).parents[3] / "docs" / "links.md").read_text("utf-8")
CARD = (store.FOLDER / "urls-card.md").read_text("utf-8")
FACTS = json.loads((store.FOLDER / "urls.json").read_text("utf-8"))
KNOWN = {
    f"{guard}/{name}": summary
    for guard, rules in ((urls.GUARD, signs.RULES), (model.GUARD, model.RULES), (owned.GUARD, owned.RULES))
    for name, summary in rules.items()
}


def test_every_rule_is_told_and_no_other() -> None:
    told = dict(re.findall(r"^\| `(links\.\w+/[a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert told == KNOWN


def test_numbers_are_the_programs() -> None:
    assert f"{extraction.WORD:,} code points at most" in PAGE
    assert f"about {round(len(brands().by_name), -1)} services" in PAGE
    assert f"from {model._SURE:g} on" in PAGE


def test_what_was_measured_is_told_as_it_was() -> None:
    measured = FACTS["measured"]
    for page in (PAGE, CARD):
        assert f"{measured['later']:,}" in page
        assert f"{measured['ordinary']:,}" in page
        for share in ("0.001", "0.01", "0.03"):
            assert f"| {float(share) * 100:g} % | {measured['curve'][share]['recall']:.2f} |" in page
        assert f"{measured['at_half']['recall_by_kind']['bare'][1]:.2f}" in page
    assert measured["at_half"]["popular_names_over"] == 0


def test_the_model_is_small() -> None:
    assert (store.FOLDER / "urls.npz").stat().st_size < 1_500_000

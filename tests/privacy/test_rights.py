"""Drafts of assessments of fundamental rights, and drafts as pages."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from chatward.cli import main
from chatward.privacy.assessing import draft
from chatward.privacy.rights import as_page, rights_draft
from tests.privacy.test_assessing import SETTINGS


def test_a_draft_has_the_six_parts_and_makes_nothing_up() -> None:
    told = rights_draft(SETTINGS, "credit")
    assert [f"27(1)({letter})" in told for letter in "abcdef"] == [True] * 6
    assert "A human decides anew: phone 17" in told
    assert "files/dpia-3.pdf" in told
    assert "Purpose: ?" in told  # no summary is configured
    assert "Complaints go to: ?" in told
    support = rights_draft(SETTINGS, "support")
    assert "A human decides anew" not in support
    assert "? none is on file" in support
    assert "health" in rights_draft(SETTINGS, "advice")
    with pytest.raises(KeyError):
        rights_draft(SETTINGS, "unused")


class Tags(HTMLParser):
    """What elements a page has, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not {"src", "href", "onclick"} & {name for name, _ in attrs}
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_shows_settings_as_text_and_loads_nothing() -> None:
    hostile = msgspec.structs.replace(SETTINGS.privacy, controller="<script>alert(1)</script>")
    settings = msgspec.structs.replace(SETTINGS, privacy=hostile)
    for text in (rights_draft(settings, "credit"), draft(settings, "credit")):
        page = as_page(text)
        tags = Tags()
        tags.feed(page)
        assert not tags.open
        assert (tags.seen.count("h1"), "script" in tags.seen) == (1, False)
        assert tags.seen.count("li") == text.count("\n- ")
        assert "&lt;script&gt;" in page


def test_the_command_drafts_both_in_both_forms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chatward.toml"
    path.write_text(
        'upstream = "http://127.0.0.1:9"\n[routes.default]\npurpose = "support"\n'
        '[privacy.purposes.support]\nlawful_basis = "contract"\n'
    )
    at = ("support", "-c", str(path))
    assert main(["privacy", "assessment", *at, "--rights"]) == 0
    assert capsys.readouterr().out.startswith("# Fundamental-rights impact assessment: support\n")
    assert main(["privacy", "assessment", *at, "--format", "html"]) == 0
    assert "<h1>Data protection impact assessment: support</h1>" in capsys.readouterr().out
    assert main(["privacy", "assessment", *at, "--rights", "--format", "html", "--json"]) == 0
    assert "<h1>Fundamental" in json.loads(capsys.readouterr().out)["draft"]

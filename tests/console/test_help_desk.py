"""The documentation as pages of the console."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatward.console.access_pages import HELP, NAVIGATION
from chatward.console.help_desk import rendered
from tests.console.conftest import GOOD
from tests.console.test_watching_matrix import Marked

DOCS = Path(__file__).parents[2] / "docs"
TOPICS = sorted(file.stem for file in DOCS.glob("*.md"))


def test_every_page_of_the_documentation_is_in_the_package() -> None:
    """As a link to the file itself, which packaging follows: there is one text."""
    folder = Path(__file__).parents[2] / "chatward/console/help"
    assert {file.name: file.resolve() for file in folder.iterdir()} == {
        f"{topic}.md": DOCS / f"{topic}.md" for topic in TOPICS
    }


def test_help_leads_nowhere_else_and_every_link_in_it_arrives() -> None:
    anchors = {}
    topics = ("index", "behaviour", "console", "traffic", "operations", "channels", "widget")
    pages = {topic: rendered(topic) for topic in topics}
    for topic, found in pages.items():
        assert found is not None
        page = Marked()
        page.feed(found[1])
        assert page.scripts == []
        assert page.handlers == []
        assert not re.search(r"<[^>]* style=", found[1]), topic
        assert all(target.startswith(("/help/", "#")) for target in page.targets), topic
        for target in page.targets:
            there, _, anchor = target.removeprefix("/help/").partition("#")
            assert not there or there in TOPICS, (topic, target)
            if anchor:
                at = there or topic
                anchors.setdefault(at, set(re.findall(r'id="([^"]+)"', (rendered(at) or ("", ""))[1])))
                assert anchor in anchors[at], (topic, target)


def test_each_page_of_the_menu_has_help_that_there_is() -> None:
    for path, *_ in NAVIGATION:
        if path != "/help":
            topic, _, anchor = HELP[path].partition("#")
            assert topic in TOPICS
            assert not anchor or f'id="{anchor}"' in (rendered(topic) or ("", ""))[1], path


@pytest.mark.parametrize("topic", ["nothing", "..%2Fconsole", "console.md", "decisions", "INDEX", "%00"])
async def test_there_is_no_other_file(house, watch, topic) -> None:
    browser = house({"eve": ["read-only"]}, watching=watch()).browser()
    await browser.sign_in("eve", GOOD)
    assert (await browser.get(f"/help/{topic}")).status_code == 404


async def test_a_page_leads_to_its_help(house, watch) -> None:
    browser = house({"eve": ["read-only"]}, watching=watch()).browser()
    await browser.sign_in("eve", GOOD)
    assert 'href="/help/ledger"' in (await browser.get("/ledger")).text
    page = await browser.get("/help/ledger")
    assert page.status_code == 200
    assert "<h1>Ledger</h1>" in page.text
    assert (await browser.get("/help")).text.count('href="/help/') > 30


def test_markup_in_a_page_stays_text(tmp_path, monkeypatch) -> None:
    from chatward.console import help_desk

    (tmp_path / "odd.md").write_text(
        "# Odd <b>\n\n<script>alert(1)</script>\n"
        "[a](javascript:alert(1)) [b](https://elsewhere.example/) ![p](x.png)\n\n"
        "| <i> | b |\n| --- | --- |\n| `</pre>` | [c](odd.md) |\n"
    )
    monkeypatch.setattr(help_desk, "_FOLDER", tmp_path)
    title, body = help_desk.rendered.__wrapped__("odd")
    page = Marked()
    page.feed(body)
    assert title == "Odd <b>"
    assert page.scripts == []
    assert page.targets == ["/help/odd"]
    assert "b (<code>https://elsewhere.example/</code>)" in body

"""The step-up page is complete in itself: nothing from elsewhere, nothing inline, everything labelled."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from chatward.console.step_up import PAGE, step_up_pages
from chatward.identity import stepup_api


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))


def test_the_link_of_a_challenge_leads_to_the_page() -> None:
    assert stepup_api.PAGE == PAGE
    assert PAGE in step_up_pages()


def test_everything_the_page_names_is_served_and_nothing_is_inline() -> None:
    pages = step_up_pages()
    reader = Reader(pages[PAGE][1].decode())
    for tag, attributes in reader.elements:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        if tag == "script":
            assert attributes["src"]
        for name in ("src", "href"):
            if name in attributes:
                assert f"/chat/{attributes[name]}" in pages
    labelled = {attributes.get("for") for tag, attributes in reader.elements if tag == "label"}
    assert {attributes["id"] for tag, attributes in reader.elements if tag == "input"} <= labelled


def test_the_scripts_make_no_markup_from_strings_and_name_no_other_place() -> None:
    for path, (kind, body) in step_up_pages().items():
        if kind.startswith("text/javascript"):
            text = body.decode()
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), (
                path
            )
            assert not re.search(r"https?:", text), path
            assert "localStorage" not in text
            assert "sessionStorage" not in text

"""The chat page is complete in itself: nothing from elsewhere, nothing inline, everything labelled."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from chatward.console.chat import CONTENT_SECURITY_POLICY, HEADERS, PAGE, pages
from chatward.core.values import Category
from chatward.education.safety import safety_pages
from chatward.settings import Chat, Settings

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Reader(HTMLParser):
    """Reads a page strictly: each element closed in order, each id once."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute stands twice in <{tag}>"
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def served() -> dict[str, tuple[str, bytes]]:
    settings = Settings(chat=Chat(title="Help desk", model="m1"))
    return {**safety_pages(settings, signed=True), **pages(settings)}


def test_the_policy_lets_in_nothing_from_elsewhere():
    directives = dict(part.strip().split(" ", 1) for part in CONTENT_SECURITY_POLICY.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["base-uri"] == directives["frame-ancestors"] == directives["form-action"] == "'none'"
    assert {directives[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
    assert directives["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY
    assert dict(HEADERS)["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert dict(HEADERS)["x-content-type-options"] == "nosniff"


def test_every_address_is_its_own(served):
    for path, (_, body) in served.items():
        text = body.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|(?<!:)//[a-z0-9-]+\.[a-z]|url\(|@import|data:", text.split("// ")[0]), path
    reader = read(served[PAGE][1])
    for tag, attributes in reader.elements:
        for name in ("src", "href"):
            if (address := attributes.get(name)) and not address.startswith("#"):
                assert f"/{address}" in served, (tag, address)


def test_nothing_is_inline(served):
    reader = read(served[PAGE][1])
    for tag, attributes in reader.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag == "script":
            assert attributes.get("src")
    assert "style" not in {tag for tag, _ in reader.elements}


def test_the_script_makes_no_markup_from_strings(served):
    script = "".join(body.decode() for kind, body in served.values() if "javascript" in kind)
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "localStorage"):
        assert way not in script


def test_ids_are_unique_and_what_refers_to_them_finds_them(served):
    reader = read(served[PAGE][1])
    assert len(reader.ids) == len(set(reader.ids))
    for _, attributes in reader.elements:
        for name in ("for", "aria-describedby", "aria-labelledby"):
            for target in (attributes.get(name) or "").split():
                assert target in reader.ids
    script = served[f"{PAGE}/chat.js"][1].decode()
    assert set(re.findall(r'element\("([a-z]+)"\)', script)) <= set(reader.ids)


def test_everything_that_can_be_hidden_has_a_name_for_people(served):
    from chatward.core.ports import RuleGuard
    from chatward.guards.catalog import catalog

    script = served[f"{PAGE}/talk.js"][1].decode()
    table = script[script.index("const NAMES") : script.index("function kindOf")]
    named = set(re.findall(r"\b([A-Z_]+): \[", table))
    entities = {
        rule.entity for guard in catalog() if isinstance(guard, RuleGuard) for rule in guard.rules if rule.entity
    }
    categories = {category.value.upper().replace("-", "_") for category in Category}
    assert (entities | categories) - named == set()


def test_the_page_says_its_language_title_and_disclosure(served):
    reader = read(served[PAGE][1])
    assert reader.elements[0] == ("html", {"lang": "en"})
    page = served[PAGE][1].decode()
    assert "<title>Help desk</title>" in page
    assert 'data-model="m1"' in page
    assert "You are talking to an AI system" in page
    labelled = {attributes["for"] for tag, attributes in reader.elements if tag == "label"}
    fields = {attributes["id"] for tag, attributes in reader.elements if tag in {"input", "textarea"}}
    assert fields == labelled


def test_what_the_configuration_says_is_text_not_markup():
    odd = '"><script>alert(1)</script>&amp;$title${x}'
    page = pages(Settings(chat=Chat(title=odd, model=odd, disclosure=odd)))[PAGE][1]
    assert [tag for tag, _ in read(page).elements].count("script") == 9
    assert page.decode().count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;$title${x}") == 4


def test_switched_off_there_is_no_page():
    assert pages(Settings(chat=Chat(enabled=False))) == {}

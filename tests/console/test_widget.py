"""The widget's script is complete in itself, small, and makes no markup from strings."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from chatward.console.widget import HEADERS, SCRIPT, widget_pages
from chatward.settings import Settings, WidgetSettings


def script(**given: object) -> str:
    settings = Settings(widget=WidgetSettings(enabled=True, origins=("https://shop.example",), **given))  # type: ignore[arg-type]
    kind, body = widget_pages(settings)[SCRIPT]
    assert kind == "text/javascript; charset=utf-8"
    return body.decode("utf-8")


def test_it_is_under_thirty_kilobytes_compressed() -> None:
    assert len(gzip.compress(script().encode(), 9)) < 30_000


def test_switched_off_there_is_none() -> None:
    assert widget_pages(Settings()) == {}


@pytest.mark.parametrize(
    "way",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "localStorage", "cookie",
     ".style.", "setHTML", "createContextualFragment", "DOMParser", "import(", "javascript:", "onclick", "srcdoc"],
)  # fmt: skip
def test_it_has_no_way_from_text_to_markup_or_code(way: str) -> None:
    code = "\n".join(line for line in script().splitlines() if not line.lstrip().startswith("//"))
    assert way not in code


def test_it_names_no_other_place() -> None:
    code = "\n".join(line.partition("//")[0] for line in script().splitlines())
    assert not re.search(r"https?:/[^\\]|@import|\burl\(", code)


def test_what_the_settings_say_is_data() -> None:
    odd = '"</script><script>alert(1)</script>\u2028\\ ${x} `'
    text = script(title=odd, disclosure=odd, model=odd)
    line = next(line for line in text.splitlines() if line.startswith("const SETTINGS = "))
    assert json.loads(line.removeprefix("const SETTINGS = ").removesuffix(";")) == {
        "title": odd, "disclosure": odd, "model": odd,
    }  # fmt: skip
    assert line.isascii()
    assert "${" not in line.replace("${x}", "")


def test_its_names_are_its_own() -> None:
    lines = script().splitlines()
    assert lines[0] == "(() => {"
    assert lines[-1] == "})();"
    assert re.findall(r"\bwindow\.\w+ ?=[^=]|globalThis", script()) == []


def test_every_page_may_load_it_and_none_may_frame_it() -> None:
    told = dict(HEADERS)
    assert told["cross-origin-resource-policy"] == "cross-origin"
    assert "frame-ancestors 'none'" in told["content-security-policy"]
    assert told["x-content-type-options"] == "nosniff"


def test_what_the_page_about_it_names_is_what_there_is() -> None:
    page = (Path(__file__).parents[2] / "docs/widget.md").read_text("utf-8")
    code = script()
    attributes = set(re.findall(r'this\.(?:get|has)Attribute\("(\w+)"\)', code))
    rows = re.findall(r"^\| (`[a-z].*?) \|", page, re.MULTILINE)
    assert attributes | {"theme"} == {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    style = next(line for line in code.splitlines() if line.startswith("const STYLE = "))
    assert set(re.findall(r"var\((--chatward-[a-z-]+)", style)) == set(re.findall(r"`(--chatward-[a-z-]+)`", page))
    assert set(re.findall(r'this\.#tell\("(\w+)"\)', code)) == set(re.findall(r"`chatward-(\w+)`", page))
    assert "data-launcher" in page
    assert 'hasAttribute("data-launcher")' in code
    assert re.search(r"^authorization = null;$", code, re.MULTILINE)

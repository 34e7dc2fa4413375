"""The widget's script is complete in itself, small, and makes no markup from strings."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from chatward.console.widget import FRAME, HEADERS, SCRIPT, widget_headers, widget_pages
from chatward.settings import Settings, WidgetSettings
from chatward.settings.traffic import TrafficSettings


def script(traffic: bool = False, **given: object) -> str:
    widget = WidgetSettings(enabled=True, origins=("https://shop.example",), **given)  # type: ignore[arg-type]
    settings = Settings(widget=widget, traffic=TrafficSettings(enabled=traffic))
    kind, body = widget_pages(settings)[SCRIPT]
    assert kind == "text/javascript; charset=utf-8"
    return body.decode("utf-8")


def test_it_is_under_thirty_kilobytes_compressed_with_all_that_can_be_in_it() -> None:
    whole = script(traffic=True, attachments=True, frame="https://chat.example", title="A title " * 5)
    assert len(gzip.compress(whole.encode(), 9)) < 30_000
    assert not re.search(r"(?m)^\s*(//|/\*)", whole)  # what only its readers need is left out


def test_the_frame_is_for_the_listed_pages_alone_and_only_where_it_is_wanted() -> None:
    origins = ("https://shop.example", "https://blog.example")
    off = Settings(widget=WidgetSettings(enabled=True, origins=origins))
    on = Settings(widget=WidgetSettings(enabled=True, origins=origins, frame="https://chat.example", title="<b>&"))
    assert set(widget_pages(off)) == set(widget_headers(off)) == {SCRIPT}
    assert set(widget_pages(on)) == set(widget_headers(on)) == {SCRIPT, FRAME, f"{FRAME}.css"}
    policy = dict(widget_headers(on)[FRAME])["content-security-policy"]
    assert policy.endswith("frame-ancestors https://shop.example https://blog.example")
    assert "unsafe" not in policy
    assert "x-frame-options" not in dict(widget_headers(on)[FRAME])
    assert b"<title>&lt;b&gt;&amp;</title>" in widget_pages(on)[FRAME][1]


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

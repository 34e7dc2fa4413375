"""Markdown of bots as the widget shows it: whatever is written, nothing but a few elements comes of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import BROWSING, watched

pytestmark = BROWSING

SCRIPT = Path(__file__).parents[2] / "chatward/console/static/markdown.js"
SHOWN = """(texts) => texts.map((text) => {
  const box = document.createElement("div");
  box.append(...ChatwardMarkdown.blocks(text));
  return box.innerHTML;
})"""
STREAMED = """async ([text, sizes]) => {
  const box = document.createElement("div");
  const view = new ChatwardMarkdown.View(box);
  const between = [];
  for (let at = 0, turn = 0; at < text.length; turn += 1) {
    const size = sizes[turn % sizes.length];
    view.add(text.slice(at, at + size));
    at += size;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    between.push(box.textContent.length);
  }
  const before = box.innerHTML;
  view.end();
  return [before, box.innerHTML, between];
}"""
ALLOWED = {
    "a": {"href", "target", "rel"}, "bdi": set(), "blockquote": set(), "br": set(), "code": set(), "del": set(),
    "div": {"class", "tabindex"}, "em": set(), "hr": set(), "li": set(), "ol": {"start"}, "p": {"class"},
    "pre": {"tabindex"}, "span": {"class"}, "strong": set(), "table": set(), "tbody": set(), "td": set(),
    "th": {"scope"}, "thead": set(), "tr": set(), "ul": set(),
}  # fmt: skip
FOUND = """(texts) => texts.map((text) => {
  const box = document.createElement("div");
  box.append(...ChatwardMarkdown.blocks(text));
  return Array.from(box.querySelectorAll("*"), (one) =>
    [one.localName, Array.from(one.attributes, (each) => each.name), one.href ?? ""]);
})"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with watched(browser) as opened:
        opened.add_script_tag(content=SCRIPT.read_text("utf-8"))
        yield opened


def shown(page: Any, text: str) -> str:
    (found,) = page.evaluate(SHOWN, [text])
    return str(found)


def link(href: str, text: str, host: str = "") -> str:
    """How a link is written. ``host``: what is said of where it leads."""
    said = f'<span class="host"> (<bdi>{host}</bdi>)</span>' if host else ""
    return f'<a href="{href}" target="_blank" rel="noopener noreferrer nofollow ugc"><bdi>{text}</bdi>{said}</a>'


TABLE = (
    '<div class="table" tabindex="0"><table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
    "<tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>"
)
EVIL = "<img src=x onerror=alert(1)>"
HARMLESS = "Image: &lt;img src=x onerror=alert(1)&gt;"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain & <i>text</i>", "<p>plain &amp; &lt;i&gt;text&lt;/i&gt;</p>"),
        ("two\nlines", "<p>two<br>lines</p>"),
        ("a\n\nb", "<p>a</p><p>b</p>"),
        ("**b** *i* ~~d~~", "<p><strong>b</strong> <em>i</em> <del>d</del></p>"),
        ("__b__ _i_", "<p><strong>b</strong> <em>i</em></p>"),
        ("***both*** *a **b** c*", "<p><strong><em>both</em></strong> <em>a <strong>b</strong> c</em></p>"),
        ("2 * 3 * 4, snake_case_name, ** not **", "<p>2 * 3 * 4, snake_case_name, ** not **</p>"),
        ("`a*b*` ``x`y``", "<p><code>a*b*</code> <code>x`y</code></p>"),
        (r"\*no\* \<b\>", "<p>*no* &lt;b&gt;</p>"),
        ("## Title ##", '<p class="heading"><strong>Title</strong></p>'),
        ("- a\n- b\n  1. c", "<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n\n- b\n\nafter", "<ul><li>a</li><li>b</li></ul><p>after</p>"),
        ("> a\n> b", "<blockquote><p>a<br>b</p></blockquote>"),
        ("---", "<hr>"),
        ("```js\na < b\n\nc\n```\nd", '<pre tabindex="0"><code>a &lt; b\n\nc</code></pre><p>d</p>'),
        ("```\nopen", '<pre tabindex="0"><code>open</code></pre>'),
        ("a | b\n--|--\n1 | 2", TABLE),
        ("https://a.example/x.", f"<p>{link('https://a.example/x', 'https://a.example/x')}.</p>"),
        ("<https://a.example/>", f"<p>{link('https://a.example/', 'https://a.example/')}</p>"),
        ("[x](javascript:alert(1)) [x](JaVaScRiPt:y) [x](data:text/html,y)", "<p>x x x</p>"),
        ("[x](vbscript:z) [x](/own) [x](//evil.example)", "<p>x x x</p>"),
        ('[a](https://b.example "title")', f"<p>{link('https://b.example/', 'a', 'b.example')}</p>"),
        ("[a](mailto:x@b.example)", f"<p>{link('mailto:x@b.example', 'a', 'x@b.example')}</p>"),
        (f"![{EVIL}](https://b.example/i.png)", f"<p>{link('https://b.example/i.png', HARMLESS, 'b.example')}</p>"),
    ],
)  # fmt: skip
def test_how_it_reads(page: Any, text: str, html: str) -> None:
    assert shown(page, text) == html


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[https://bank.example/login](https://evil.example/)", "evil.example"),
        ("[bank.example](https://evil.example/bank.example)", "evil.example"),
        ("https://bank.example@evil.example/", "evil.example"),
        ("https://bank.example:x@evil.example/", "evil.example"),
        ("[b\u202eelpmaxe.knab](https://evil.example)", "evil.example"),
        ("[look](https://b\u0430nk.example/)", "xn--bnk-6cd.example"),
        ("[look](https://0x7f.1/)", "127.0.0.1"),
        ("[https://bank.example](https://bank.example.evil.example/)", "bank.example.evil.example"),
        ("[https://bank.example.evil](https://bank.example/)", "bank.example"),
        ("[ht\u200btps://bank.example](https:\\\\evil.example)", "evil.example"),
    ],
)
def test_where_a_link_really_leads_is_said(page: Any, text: str, host: str) -> None:
    assert f'<span class="host"> (<bdi>{host}</bdi>)</span>' in shown(page, text)


@pytest.mark.parametrize(
    "text", ["https://a.example/b", "[https://a.example](https://a.example/)", "[a.example](https://a.example)"]
)
def test_a_link_whose_text_says_it_is_not_repeated(page: Any, text: str) -> None:
    assert 'class="host"' not in shown(page, text)


def written(seed: int) -> str:
    """A text made of what markdown is made of."""
    pick = random.Random(seed)
    parts = [
        "*", "**", "_", "__", "~~", "`", "```", "\n", "\n\n", "- ", "1. ", "> ", "# ", "|", "---", "[", "](", ")", "(",
        "!", "<", ">", "\\", " ", "a", "word", "https://x.example/", "javascript:", "<script>", EVIL, "&lt;", '"', "'",
        "\u202e", "é", "\U0001f600", "    ", "a | b\n--|--\n1 | 2\n",
    ]  # fmt: skip
    return "".join(pick.choice(parts) for _ in range(pick.randrange(1, 60)))


def test_nothing_but_these_elements_comes_of_it(page: Any) -> None:
    texts = [written(seed) for seed in range(400)]
    for text, found in zip(texts, page.evaluate(FOUND, texts), strict=True):
        for name, attributes, href in found:
            assert set(attributes) <= ALLOWED[name], text
            assert not href or href.startswith(("https://", "http://", "mailto:")), text


def test_how_it_streams_in_does_not_matter(page: Any) -> None:
    for seed in range(12):
        pick = random.Random(seed)
        text = "\n\n".join(written(seed * 10 + part) for part in range(4))
        sizes = [pick.randrange(5, 60) for _ in range(5)]
        _, after, _ = page.evaluate(STREAMED, [text, sizes])
        assert after == shown(page, text)
    text = "One **bold**.\n\nTwo.\n\n1. a\n\n2. b\n\n```\nx\n\ny\n```\n\nEnd."
    before, after, lengths = page.evaluate(STREAMED, [text, [5]])
    assert before == after == shown(page, text)
    assert len(lengths) > 5

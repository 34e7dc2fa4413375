"""Links as they are written, where they stand in the original, and that splitting a text changes nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatward.core.values import PartKind
from chatward.guards.links.extraction import WORD, Link, LinkReader, links_in
from chatward.guards.links.written import Form


def one(text: str, kind: PartKind = PartKind.TEXT) -> Link:
    (link,) = links_in(text, kind)
    return link


@pytest.mark.parametrize(
    ("text", "url", "form"),
    [
        ("see https://example.com/a.", "https://example.com/a", Form.URL),
        ("(https://example.com/a_(b)).", "https://example.com/a_(b)", Form.URL),
        ("<https://example.com/a>", "https://example.com/a", Form.URL),
        ('"https://example.com/a",', "https://example.com/a", Form.URL),
        ("https://example.com/a?b=c&d=e#f!", "https://example.com/a?b=c&d=e#f", Form.URL),
        ("http:example.com", "http:example.com", Form.URL),
        ("//example.com/x", "//example.com/x", Form.URL),
        ("example.com/path", "https://example.com/path", Form.BARE),
        ("www.example.com", "https://www.example.com", Form.BARE),
        ("Example.COM:8080/x", "https://Example.COM:8080/x", Form.BARE),
        ("93.184.215.14/x", "http://93.184.215.14/x", Form.BARE),
        ("localhost:3000/x", "http://localhost:3000/x", Form.BARE),
        ("https://example.com，还有", "https://example.com", Form.URL),
        ("请访问https://example.com即可。", "https://example.com", Form.URL),
        ("请访问example.com吧", "https://example.com", Form.BARE),
        ("hxxp://example[.]com/x", "http://example.com/x", Form.DEFANGED),
        ("example(dot)com", "https://example.com", Form.DEFANGED),
        ("ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｃｏｍ／ａ", "https://example.com/a", Form.URL),
        ("[x](https://example.com/a)", "https://example.com/a", Form.MARKUP),
        ("[x](<https://example.com/a>)", "https://example.com/a", Form.MARKUP),
        ("![x](//example.com/a)", "//example.com/a", Form.MARKUP),
        ("<img src=https://example.com/a.png>", "https://example.com/a.png", Form.MARKUP),
        ("<a href='https://example.com/?a=1&amp;b=2'>", "https://example.com/?a=1&b=2", Form.MARKUP),
    ],
)
def test_forms(text: str, url: str, form: Form) -> None:
    link = one(text)
    assert (link.url, link.form) == (url, form)
    start, end = link.span
    assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("[two words](https://example.com)", "two words"),
        ("[a [b] c](https://example.com)", "a [b] c"),
        ("[seen]: https://example.com", "seen"),
        ("[seen here][1] and\n[1]: https://example.com", "seen here"),
        ("![alt](https://example.com)", "alt"),
        ("https://example.com", ""),
    ],
)
def test_labels(text: str, label: str) -> None:
    assert one(text).label == label


def test_spans_point_at_the_original() -> None:
    text = "α https://example.com/a, β pay\u200bpal.example.org γ hxxp://example[.]org."
    assert [text[slice(*link.span)] for link in links_in(text)] == [
        "https://example.com/a",
        "pay\u200bpal.example.org",
        "hxxp://example[.]org.",
    ]


def test_tool_arguments_are_read_as_they_will_be() -> None:
    text = r'{"url":"https:\/\/example.com\/a","note":"see http:\u002f\u002fexample.org now"}'
    first, second = links_in(text, PartKind.JSON)
    assert (first.url, first.whole) == ("https://example.com/a", True)
    assert (second.url, second.whole) == ("http://example.org", False)
    assert text[slice(*first.span)] == r"https:\/\/example.com\/a"


@pytest.mark.parametrize(
    "text",
    ["", "no link", "a.b", "it.is so", "x@example.com", "1.2.3", "http://", "f(x).y", "a . b", "...", "://", "[a](b)"],
)
def test_no_links(text: str) -> None:
    assert [link for link in links_in(text) if link.sure] == []


def test_a_url_without_an_end_is_told_by_its_beginning() -> None:
    links = links_in("https://example.com/" + "a" * 5000)
    assert links[0].url.startswith("https://example.com/")
    assert links[0].cut
    assert not any(link.url.startswith("https://a") for link in links[1:])


PIECES = st.sampled_from(
    [
        *(
            "https://",
            "http:\\\\",
            "example",
            ".",
            "com",
            "/a",
            "?b=",
            "@",
            " ",
            "\n",
            "[",
            "](",
            ")",
            "]:",
            "<a href=",
        ),
        *(
            "'",
            '"',
            ">",
            "</a>",
            "hxxp",
            "[.]",
            " dot ",
            "paypal",
            "。",
            "，",
            "例え",
            "\u200b",
            "％",
            "．",
            "x" * 70,
            "\\u002e",
        ),
        *("www.", "javascript:", "data:text/html,", "127.0.0.1", "0x7f", ":80", "&#46;", "%2e", "l", "1", "é", "а"),
    ]
)


def streamed(text: str, cuts: list[int], kind: PartKind) -> list[Link]:
    reader = LinkReader(kind)
    found: list[Link] = []
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        before = reader.settled
        new = reader.feed(text[start:end], end == len(text))
        assert all(link.span[0] >= before for link in new), "a link began where nothing more was to begin"
        assert before <= reader.settled <= end
        found += new
    if len(edges) == 1:
        found += reader.feed("", True)
    return found


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PIECES, max_size=24).map("".join), st.lists(st.integers(0, 2000), max_size=8), st.sampled_from(PartKind)
)
@example("https://example.com/a b", [3, 8, 21], PartKind.TEXT)
@example("中" * 100 + "example[.]com ", list(range(114)), PartKind.TEXT)
@example("open paypal [dot] com [dot] example [dot] org now", list(range(49)), PartKind.TEXT)
@example('<a href="https://example.\norg/x">paypal.com</a>', list(range(48)), PartKind.TEXT)
def test_splitting_a_text_changes_nothing(text: str, cuts: list[int], kind: PartKind) -> None:
    assert streamed(text, cuts, kind) == list(links_in(text, kind))


@pytest.mark.parametrize(
    "filler", ["a", "a.", "中", "https://", "[.]", "(", "](", "x@", "\\", "%2e", "例。", "<a href='"]
)
def test_long_words_split_the_same_way(filler: str) -> None:
    text = f"https://example.com/{filler * (3 * WORD // len(filler))} https://example.org"
    whole = list(links_in(text))
    for size in (1, 7, 1000, 1024, 1025):
        assert streamed(text, list(range(0, len(text), size)), PartKind.TEXT) == whole
    assert whole[-1].url == "https://example.org"


def test_ordinary_text_flows() -> None:
    reader = LinkReader()
    reader.feed("Thank you for your message. We will answer soon and ", False)
    assert reader.settled >= 50
    reader.feed("今天天气很好" * 40, False)
    assert reader.settled >= 50 + 240 - 80

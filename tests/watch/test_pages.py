"""Pages are read in linear time, whoever wrote them; copies of ours are told from other pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chatward.console
from chatward.watch.likeness import Seen, likeness
from chatward.watch.markup import End, Tag, tokens
from chatward.watch.pages import Form, overlap, read, sketch

CHAT = (Path(chatward.console.__file__).parent / "static" / "chat.html").read_bytes()
STORY = " ".join(f"word{number} about parcels and where they are" for number in range(60))
OURS = f"""<!doctype html><html><head><title>Parcelway chat</title><link rel="icon" href="/i.svg">
<script src="/chat/talk.js" defer></script></head><body class="a"><header><h1>Parcelway</h1><nav><a href="/a">A</a>
<a href="/b">B</a></nav></header><main id="m"><ol id="log"><li>one</li></ol><form action="/ask" id="f">
<label for="t">Q</label><textarea id="t" rows="2"></textarea><button type="submit">Send</button></form></main>
<p>{STORY}</p></body></html>""".encode()
OTHER = (
    b"<html><head><title>Garden club</title></head><body><table><tr><td>"
    + b"</td><td>".join(b"roses %d bloom in spring near the lake" % number for number in range(40))
    + b"</td></tr></table><ul>" + b"<li><b>x</b><i>y</i></li>" * 3 + b"</ul></body></html>"
)  # fmt: skip
HERE = "https://chat.parcelway.com/chat"
THERE = "https://parcelway-login.com/"
OWN = Seen(read(OURS, HERE), "icon", {"https://chat.parcelway.com/chat/talk.js": "digest"})


def test_tokens() -> None:
    page = "<!doctype html><P Class='a b' id=x hidden id=y>A &amp; B<br/><!-- <b> --></p >"
    page += "<script>if (a<b) '</p>'</script>c<3"
    assert list(tokens(page)) == [
        Tag("p", {"class": "a b", "id": "x", "hidden": ""}), "A & B", Tag("br", {}), End("p"),
        Tag("script", {}, "if (a<b) '</p>'"), End("script"), "c", "<", "3",
    ]  # fmt: skip


UNENDED = (
    "<!--",
    "<!x",
    "<a ",
    "<a a='",
    "<",
    "</",
    "<a",
    "<?",
    "<script>",
    "<title></title",
    '<a b="',
    "<a b=",
    "&#",
    "</x ",
)


@pytest.mark.parametrize("piece", UNENDED)
def test_what_never_ends_ends_the_page(piece: str) -> None:
    assert len(list(tokens(piece * 20_000))) <= 40_001


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="<>/!-'\"= abi&;#?[]\n\x00\ud800é", max_size=60))
def test_any_text_is_a_page(text: str) -> None:
    page = read(text.encode("utf-8", "surrogatepass"), THERE)
    assert page.host == "parcelway-login.com"


def test_what_a_page_asks_for_and_whom_it_tells() -> None:
    page = read(
        b"""<title> Sign&nbsp;in \x07</title><base href="https://cdn.example/x/"><link rel="shortcut icon" href="i.ico">
        <form action="//thief.example/go"><input type=password><input autocomplete="cc-number"></form>
        <input autocomplete="one-time-code"><script src="s.js"></script><script src="javascript:1"></script>
        <chatward-chat></chatward-chat>""",
        THERE,
        "text/html; charset=nonsense",
    )
    assert page.title == "Sign in"
    assert page.icon == "https://cdn.example/x/i.ico"
    assert page.scripts == ("https://cdn.example/x/s.js",)
    assert Form("thief.example", "password") in page.forms
    assert Form("thief.example", "card") in page.forms
    assert {form.asks for form in page.forms} == {"password", "card", "code"}
    assert page.widget


def test_a_sketch_tells_how_much_two_sets_overlap() -> None:
    one, other = sketch(map(str, range(1000))), sketch(map(str, range(500, 1500)))
    assert one is not None
    assert other is not None
    assert overlap(one, other) == pytest.approx(1 / 3, abs=0.12)
    assert overlap(one, one) == 1.0
    assert np.array_equal(one, sketch(map(str, reversed(range(1000)))))
    assert sketch(["a"] * 100) is None


def test_a_copy_is_like_ours_and_another_page_is_not() -> None:
    copy = OURS.replace(b"Send", b"Go").replace(b"word7 ", b"other ") + b"<!-- saved from -->"
    assert likeness(Seen(read(copy, THERE), "icon"), [OWN]).score > 0.9
    assert likeness(Seen(read(copy, THERE)), [OWN]).score > 0.7
    assert likeness(Seen(read(OTHER, THERE), "leaf"), [OWN]).score < 0.15


def test_the_shipped_chat_page_is_known_again_under_another_title() -> None:
    filled = CHAT.replace(b"$title", b"Parcelway").replace(b"$disclosure", b"An AI answers.")
    own = Seen(read(filled, HERE), "icon")
    copy = Seen(read(CHAT.replace(b"$title", b"Parce1way Help").replace(b"$disclosure", b"We answer."), THERE), "icon")
    found = likeness(copy, [own])
    assert found.score > 0.7
    assert found.parts["structure"] > 0.9
    assert likeness(Seen(read(OTHER, THERE)), [own]).score < 0.15


def test_the_page_most_like_counts() -> None:
    found = likeness(Seen(read(OURS, THERE), "icon"), [Seen(read(OTHER, "garden.html")), OWN])
    assert (found.of, found.score) == (HERE, 1.0)


def test_a_script_of_ours_served_by_somebody_else() -> None:
    page = read(b"<title>x</title><script src=c.js></script>", THERE)
    seen = Seen(page, "", {f"{THERE}c.js": "digest"})
    assert likeness(seen, [OWN]).score == 0.9
    assert "our-script" in likeness(seen, [], scripts=["digest"]).reasons
    assert likeness(seen, [], scripts=["another"]).score == 0.0


def test_a_page_that_loads_our_widget_from_us() -> None:
    page = read(b"<script src='https://chat.parcelway.com/widget.js'></script><chatward-chat></chatward-chat>", THERE)
    found = likeness(Seen(page), [], hosts=["parcelway.com"])
    assert (found.score, found.reasons) == (0.5, ("loads-ours", "widget"))
    near = read(b"<script src='https://notparcelway.com/widget.js'></script>", THERE)
    assert likeness(Seen(near), [], hosts=["parcelway.com"]).score == 0.0


def test_asking_for_secrets_counts_only_on_a_page_like_ours() -> None:
    asks = b"<form action=https://thief.example/><input type=password></form>"
    copy = likeness(Seen(read(OURS + asks, THERE)), [OWN])
    assert "asks-password" in copy.reasons
    assert copy.score > likeness(Seen(read(OURS, THERE)), [OWN]).score
    assert "asks-password" not in likeness(Seen(read(OTHER + asks, THERE)), [OWN]).reasons

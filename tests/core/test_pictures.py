"""Images in a growing text: found whole, taken out and put back, however the text comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.pictures import Pictures, pictures

BODY = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4=="
URL = f"data:image/png;base64,{BODY}"
OTHER = f"DATA:image/webp;name=a;base64,{BODY[:40]}%3D"
PARTS = (URL, OTHER, "d", "data:", "data:image/p", "...", ")", " and ", "\U000f0000")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"![a]({URL})", [URL]),
        (f'<img src="{OTHER}">', [OTHER]),
        (f"[1]: {URL}\n", [URL]),
        (f"{URL} {OTHER} ", [URL, OTHER]),
        (f"data:image/data:image/x;{URL}'", [URL]),
        (f"data:image/svg+xml;base64,{BODY} ", []),
        (f"data:text/html;base64,{BODY} ", []),
        (f"{URL}...", []),
        (f"{URL}…", []),
        ("data:image/png;base64,iVBORw0KGgo= ", []),
        ("data:image/png, the type of images", []),
    ],
)
def test_what_is_an_image(text: str, found: list[str]) -> None:
    assert list(pictures(text, ended=False)) == found


def test_the_end_of_a_text_is_that_of_an_image_where_the_text_is_whole() -> None:
    assert list(pictures(URL, ended=False)) == []
    assert list(pictures(URL, ended=True)) == [URL]


@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=8),
    size=st.integers(1, 40),
    slow=st.booleans(),
)
def test_however_a_text_comes_readers_see_no_image_and_the_same_goes_out(
    parts: list[str], size: int, slow: bool
) -> None:
    def run(pieces: list[str], *, slow: bool) -> tuple[str, list[str]]:
        asked: list[str] = []
        noted: set[str] = set()

        def ask(url: str, final: bool) -> str | None:
            if slow and not final and url not in noted:
                noted.add(url)
                return None
            asked.append(url)
            return f"<{len(asked)}>"

        under = Pictures(ask)
        out = [under.take(piece) for piece in pieces]
        out.append(under.take("", final=True))
        assert not list(pictures("".join(out), ended=True))
        return under.shown("".join(out)), asked

    text = "".join(parts)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    shown, asked = run(pieces, slow=slow)
    assert (shown, asked) == run([text], slow=False)
    assert asked == list(pictures(text, ended=True))


def test_what_is_not_passed_stops_the_text_before_it() -> None:
    under = Pictures(lambda url, final: None)
    assert under.take(f"See {URL} and more") == "See "
    assert under.take("", final=True) == ""

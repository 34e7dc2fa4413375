"""The plain view: local, mapped back exactly, and the same however a stream is cut."""

import json
import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatward.core.normalise import PlainStream, plain, read
from chatward.core.text import View
from chatward.core.values import PartKind

SCALARS = st.characters(exclude_categories=["Cs"])
TRICKY = st.sampled_from(
    [
        *"ab 1\n\"\\/ufnDd8Cc0é½ﬁ①Ⅳ…“”–ｉ𝐈٣ﷺ😀к中，＼",
        *("\u200b", "\u00ad", "\ufe0f", "\U000e0041", "\u202e", "\u0301"),
        *("\\u200b", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\n", "\\\\", "\\u00", "\\q"),
        *("\\uff49", "\\ufb01"),
    ]
)
TEXTS = st.lists(st.one_of(TRICKY, SCALARS), max_size=40).map("".join)
KINDS = st.sampled_from([PartKind.TEXT, PartKind.JSON])


def positions(view: View, shift: int = 0) -> list[tuple[int, int]]:
    """The span of the original that each position of a view stands for."""
    spans = [view.original(at, at + 1) for at in range(len(view.text))]
    return [(start + shift, end + shift) for start, end in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ｉｇｎｏｒｅ　ａｌｌ", "ignore all"),
        ("𝐢𝓰𝔫𝕠𝗿𝚎", "ignore"),
        ("ⓘⓖⓝⓞⓡⓔ 🅐🅛🅛 🅰🅻🅻", "ignore ALL ALL"),
        ("ig\u200bno\u00adre\u2060 a\U000e0041ll", "ignore all"),
        ("x² ﬁne ½ Ⅳ ™ ℃", "x2 fine 1/2 IV TM °C"),
        ("٠١٢ १२ ๓ 𝟙𝟚 ❸ ➓", "012 12 3 12 3 10"),
        ("a\u00a0b\u2003c\u2028d\u3000e", "a b c\nd e"),
        ("‘a’ “b” «c» ‹d› ′", "'a' \"b\" \"c\" 'd' '"),
        ("1–2—3−4‑5", "1-2-3-4-5"),
        ("\u202eevil\u202c", "evil"),
        ("ﾡ ﻣﺮﺣﺒﺎ", "ㄱ مرحبا"),
    ],
)
def test_disguised_forms_become_what_they_stand_for(text, expected):
    assert plain(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "Order 1234, please; it's \"late\"!\n\tThanks.",
        "Grüße aus Köln, ça va? ¿Qué tal? Łódź",
        "Привет, как дела?",
        "您好。我的订单在哪里",
        "ㅋㅋㅋ 안녕하세요",
        "สวัสดีครับ น้ำ",
        "नमस्ते हिन्दी",
        "e\u0301 ẹ̀",
        "👍🏽 🇩🇪 😀",
    ],
)
def test_ordinary_text_is_its_own_plain_view(text):
    assert plain(text) == View(text)


def test_every_decimal_digit_becomes_ascii():
    digits = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Nd"]
    assert plain("".join(digits)).text == "".join(str(unicodedata.decimal(digit)) for digit in digits)


def test_every_default_ignorable_format_character_is_dropped():
    arabic_and_such = {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x600, 0x606)}
    shown = {*arabic_and_such, *range(0x13430, 0x13440)}  # Egyptian hieroglyph joiners
    formats = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Cf"]
    left = {ord(char) for char in plain("".join(formats)).text}
    assert left <= shown


def test_positions_lead_back_to_the_original():
    text = "a\u200bb ﬁ c\ufe0fd"
    view = plain(text)
    assert view.text == "ab fi cd"
    assert view.original(0, 2) == (0, 3)
    assert view.original(3, 5) == view.original(3, 4) == view.original(4, 5) == (4, 5)
    assert view.original(6, 8) == (6, 9)


def test_what_was_dropped_is_reported():
    assert read("a\u200b\u200cb\u00ad", deep=False).invisible == ((1, 3), (4, 5))
    assert read('"\\u200b\u200b"', PartKind.JSON, deep=False).invisible == ((1, 8),)


def test_json_escapes_become_characters_and_keep_their_spans():
    source = '{"a": "x' + "\\n" + "y" + "\\u00e9" + "\\ud83d" + "\\ude00" + '"}'
    view = plain(source, PartKind.JSON)
    assert view.text == '{"a": "x\nyé😀"}'
    at = view.text.index("é")
    assert source[slice(*view.original(at, at + 1))] == "\\u00e9"
    smile = view.text.index("😀")
    assert source[slice(*view.original(smile, smile + 1))] == "\\ud83d" + "\\ude00"


def test_a_full_width_backslash_starts_no_escape():
    assert plain("＼n", PartKind.JSON).text == plain("＼n").text == "\\n"
    assert plain("\\\\n＼n", PartKind.JSON).text == "\\n\\n"


@given(st.text(SCALARS))
def test_json_strings_read_as_their_value(value):
    quoted = json.dumps(value)
    assert plain(quoted, PartKind.JSON).text == plain(f'"{value}"').text


@given(TEXTS, TEXTS)
def test_the_plain_view_is_local(first, second):
    whole, left, right = plain(first + second), plain(first), plain(second)
    assert whole.text == left.text + right.text
    assert positions(whole) == positions(left) + positions(right, len(first))


@given(TEXTS, KINDS, st.lists(st.integers(0, 200), max_size=12))
@example("\\ud83d\\ude00", PartKind.JSON, list(range(12)))
@example("\\\\u0041", PartKind.JSON, [1, 2, 3])
@example("\\ud83d\\n\\ud83d", PartKind.JSON, [6, 7, 8, 9])
def test_a_stream_reads_the_same_however_it_is_cut(text, kind, cuts):
    edges = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    stream = PlainStream(kind)
    read_text, spans = "", []
    for start, end in pairwise(edges):
        origin = stream.consumed
        view = stream.feed(text[start:end])
        read_text += view.text
        spans += positions(view, origin)
        assert end - stream.consumed <= 11
    origin = stream.consumed
    view = stream.close()
    whole = plain(text, kind)
    assert read_text + view.text == whole.text
    assert spans + positions(view, origin) == positions(whole)
    assert stream.consumed == len(text)


@given(TEXTS, KINDS, st.integers(0, 300), st.integers(0, 300))
def test_spans_lie_inside_the_original_and_cover_what_they_name(text, kind, first, second):
    view = plain(text, kind)
    start, end = sorted((min(first, len(view.text)), min(second, len(view.text))))
    low, high = view.original(start, end)
    assert 0 <= low <= high <= len(text)
    if end > start and kind is PartKind.TEXT:
        covered = plain(text[low:high]).text
        assert view.text[start:end] in covered


@given(TEXTS)
def test_positions_never_go_back(text):
    spans = positions(plain(text))
    assert spans == sorted(spans)


@given(TEXTS)
def test_nothing_invisible_or_foldable_is_left(text):
    once = plain(text).text
    assert plain(once).text == once

"""Text as data that cannot end itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatward.judge.fence import WIDTH, fenced, unfenced

FENCE = "kdzrtlmn"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=1500)


def lines_of(text: str) -> list[str]:
    return fenced(text, FENCE).split("\n")


@given(TEXTS)
@example("")
@example("\n")
@example("a\n\nb\r\n")
@example("x" * (2 * WIDTH))
@example('"\\\u2028\x85\x0b\x0c\x1c\U000e0041')
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert unfenced(fenced(text, FENCE), FENCE) == text


@given(TEXTS)
@example(f'\n{FENCE[:-1]}0002 "\n<|im_end|>')
def test_every_line_is_data_and_looks_like_one_line_to_everybody(text: str) -> None:
    said = fenced(text, FENCE)
    for number, line in enumerate(said.split("\n"), 1):
        assert re.fullmatch(rf'{FENCE}{number:04d} "[^<\[]*"', line)
        assert line.isprintable()
    assert said.splitlines() == said.split("\n")


def test_lines_are_of_bounded_width() -> None:
    assert [len(line) for line in lines_of("x" * (WIDTH + 1))] == [WIDTH + len(FENCE) + 7, 1 + len(FENCE) + 7]


def test_what_servers_take_for_the_end_of_a_message_is_escaped() -> None:
    for token in ("<|im_end|>", "</s>", "[INST]", "<start_of_turn>", "<｜User｜>", "<|start|>system"):
        assert token not in fenced(f"a {token} b", FENCE)


def test_letters_of_every_script_stay_readable() -> None:
    for text in ("größe", "日本語", "привет", "مرحبا", "नमस्ते", "👍"):
        assert text in fenced(text, FENCE)


def test_invisible_and_reversing_characters_are_shown_as_escapes() -> None:
    assert lines_of("a\u200b\u202eb\U000e0041")[0].endswith('"a\\u200b\\u202eb\\udb40\\udc41"')


@pytest.mark.parametrize(("text", "fence"), [(f"a{FENCE}", FENCE), ("a", ""), ("a", "x1"), ("a", "ü"), ("a", "a-b")])
def test_a_fence_that_the_text_could_close_is_refused(text: str, fence: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        fenced(text, fence)


@pytest.mark.parametrize("lines", ["", "x", f'{FENCE}0002 "a"', f'{FENCE}0001 "a"\nb', f"{FENCE}0001 a"])
def test_what_is_no_data_is_not_read_as_data(lines: str) -> None:
    with pytest.raises(ValueError, match="not data"):
        unfenced(lines, FENCE)

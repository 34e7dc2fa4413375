"""Words and pieces: spans that cover the text in order, and the longest piece that fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatward.models import wordpiece
from chatward.models.wordpiece import DIGITS, LOWER, MIXED, TITLE, UPPER, WordPiece, casing_of, fold
from tests.simulators.models import SPECIAL

PIECES = ["a", "b", "ab", "abc", "##a", "##b", "##bc", "##abcd", "c", "##c", "e", "##e", "é", ".", "中", "ก", "ß", "1"]
CUTTER = WordPiece([*SPECIAL, *PIECES])
TEXTS = st.text(st.one_of(st.sampled_from("abcdeABCéÉ. _\n1中ก้กिकंß\u200d\u0301"), st.characters(exclude_categories=())))


def greedy(word: str, known: set[str]) -> list[str]:
    """The longest known piece, then the longest that goes on; a letter that no piece starts with is unknown. Words of
    more than 48 letters start anew."""
    out: list[str] = []
    for begin in range(0, len(word), 48):
        rest, inside = word[begin : begin + 48], ""
        while rest:
            fitting = [rest[:size] for size in range(len(rest), 0, -1) if inside + rest[:size] in known]
            out.append(inside + fitting[0] if fitting else "[UNK]")
            rest = rest[len(fitting[0]) if fitting else 1 :]
            inside = "##"
    return out or ["[UNK]"]


@given(TEXTS)
def test_words_lie_in_the_text_in_order_and_leave_out_only_blanks(text: str) -> None:
    end = 0
    for start, stop in CUTTER(text).spans:
        assert end <= start < stop <= len(text)
        assert not text[end:start].strip()
        assert not any(letter.isspace() for letter in text[start:stop])
        end = stop
    assert not text[end:].strip()


@given(TEXTS)
@example("abcdabcdab" * 12)
@example("\u0301")
def test_each_word_is_its_longest_pieces(text: str) -> None:
    tokens = CUTTER(text)
    assert len(tokens.ids) == len(tokens.words) == len(tokens.casing)
    assert sorted(set(tokens.words)) == list(range(len(tokens.spans)))
    assert tokens.words == sorted(tokens.words)
    for place, (start, end) in enumerate(tokens.spans):
        mine = [i for i, word in enumerate(tokens.words) if word == place]
        assert [CUTTER.vocabulary[tokens.ids[i]] for i in mine] == greedy(fold(text[start:end]), set(PIECES))
        assert {tokens.casing[i] for i in mine} == {casing_of(text[start:end])}


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_english_is_cut_like_any_text(text: str) -> None:
    """There is a shorter way for ASCII, which must not show."""
    alone, beside = CUTTER(text), CUTTER(text + "\né")
    assert alone.spans == beside.spans[:-1]
    assert alone.ids == beside.ids[:-1]


@given(TEXTS, st.integers(0, 12))
def test_a_limit_takes_the_beginning(text: str, limit: int) -> None:
    whole, part = CUTTER(text), CUTTER(text, limit=limit)
    assert (part.ids, part.words, part.casing) == (whole.ids[:limit], whole.words[:limit], whole.casing[:limit])
    assert part.spans == whole.spans[: len(part.spans)]


@given(st.lists(st.sampled_from(["ab", "abc", "é", "cab", "bca"]), max_size=30))
def test_what_is_remembered_does_not_show(words: list[str]) -> None:
    text = " ".join(words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wordpiece, "_CACHE", 2)
        small = WordPiece(CUTTER.vocabulary)
        assert [small(text).ids for _ in range(2)] == [CUTTER(text).ids] * 2
        assert len(small._known) <= 2


def test_a_word_without_end_is_cut_as_far_as_it_is_wanted_and_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    cutter = WordPiece([*SPECIAL, *PIECES])
    split, cut = cutter._split, list[int]()

    def counted(word: str) -> list[int]:
        cut.append(len(word))
        return split(word)

    monkeypatch.setattr(cutter, "_split", counted)
    assert cutter("ab " + "ab" * 500_000, limit=100).ids == cutter("ab " + "ab" * 200).ids[:100]
    assert sum(cut) < 1000
    assert max(map(len, cutter._known)) <= 48


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop", ["don", "'", "t", "stop"]),
        ("中文 ok", ["中", "文", "ok"]),
        ("カナkana", ["カ", "ナ", "kana"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("snake_case", ["snake", "_", "case"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("a\u200db", ["a\u200db"]),
    ],
)
def test_what_a_word_is(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in CUTTER(text).spans] == words


@pytest.mark.parametrize(
    ("word", "plain"),
    [
        ("ÉCOLE", "ecole"),
        ("Straße", "straße"),
        ("ЙОД", "иод"),
        ("Ώρα", "ωρα"),
        ("हिन्दी", "हिन्दी"),
        ("İstanbul", "istanbul"),
    ],
)
def test_fold(word: str, plain: str) -> None:
    assert fold(word) == plain


@given(st.text(min_size=1))
def test_folding_twice_changes_nothing(word: str) -> None:
    assert fold(fold(word)) == fold(word)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("anna", LOWER), ("Anna", TITLE), ("A", TITLE), ("NASA", UPPER), ("iPhone", MIXED), ("2024", DIGITS),
        ("B12", DIGITS), ("中", LOWER), (".", LOWER), ("Ёлка", TITLE),
    ],
)  # fmt: skip
def test_casing(word: str, kind: int) -> None:
    assert casing_of(word) == kind


def test_a_vocabulary_file(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join(CUTTER.vocabulary), encoding="utf-8")
    loaded = WordPiece.load(path)
    assert loaded.vocabulary == CUTTER.vocabulary
    assert len(loaded) == len(SPECIAL) + len(PIECES)
    with pytest.raises(KeyError):
        WordPiece(PIECES)  # without the framing tokens

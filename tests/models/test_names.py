"""The small net for personal data: what it computes, where it asks the encoder, and what the shipped one finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.models import names
from chatward.models.encoder import ROOM
from chatward.models.entities import first_pieces
from chatward.models.heads import TAGS
from chatward.models.names import AROUND, NameTagger, doubtful, doubts
from chatward.models.shipped import shipped
from chatward.models.wordpiece import CASINGS, Tokens

TOKENS = 9
RNG = np.random.default_rng(7)


def drawn(*shape: int, scale: float = 0.1) -> np.ndarray:
    return RNG.normal(0, scale, shape).astype(np.float16).astype(np.float32)


TAGGER = NameTagger(
    RNG.integers(-31, 32, (TOKENS, names.DIMENSIONS), dtype=np.int8),
    abs(drawn(TOKENS)),
    drawn(CASINGS, names.CASING),
    drawn(2 * names.DIMENSIONS + names.CASING, names.WIDTH),
    drawn(names.WIDTH),
    drawn(len(names.APART), 3 * names.WIDTH, names.WIDTH, scale=0.05),
    drawn(len(names.APART), names.WIDTH),
    drawn(names.WIDTH, len(TAGS)),
    drawn(len(TAGS)),
)
WORDS = st.lists(
    st.tuples(st.lists(st.integers(0, TOKENS - 1), min_size=1, max_size=4), st.integers(0, CASINGS - 1)),
    min_size=1,
    max_size=24,
)


def tokens_of(words: list[tuple[list[int], int]]) -> Tokens:
    """Words as (pieces, casing)."""
    ids = [piece for pieces, _ in words for piece in pieces]
    places = [place for place, (pieces, _) in enumerate(words) for _ in pieces]
    casing = [one for pieces, one in words for _ in pieces]
    return Tokens(ids, places, casing, [(4 * place, 4 * place + 3) for place in range(len(words))])


def slow(words: list[tuple[list[int], int]]) -> list[list[float]]:
    """The same, word by word."""

    def piece(token: int) -> np.ndarray:
        return np.asarray(TAGGER.table[token] * TAGGER.table_scales[token])

    layer = []
    for pieces, casing in words:
        seen = np.concatenate([piece(pieces[0]), sum(map(piece, pieces)), TAGGER.casing[casing]])
        layer.append(np.maximum(seen @ TAGGER.enter + TAGGER.enter_bias, 0))
    nothing = np.zeros(names.WIDTH)
    for apart, weights, bias in zip(names.APART, TAGGER.inner, TAGGER.inner_bias, strict=True):
        count = len(layer)

        def at(place: int, layer: list[np.ndarray] = layer, count: int = count) -> np.ndarray:
            return layer[place] if 0 <= place < count else nothing

        layer = [
            at(place)
            + np.maximum(np.concatenate([at(place - apart), at(place), at(place + apart)]) @ weights + bias, 0)
            for place in range(count)
        ]
    logits = [row @ TAGGER.out + TAGGER.out_bias for row in layer]
    return [(np.exp(row - row.max()) / np.exp(row - row.max()).sum()).tolist() for row in logits]


@given(WORDS)
def test_words_are_seen_with_those_beside_them(words: list[tuple[list[int], int]]) -> None:
    assert TAGGER.probabilities(tokens_of(words)).tolist() == [pytest.approx(row, abs=1e-3) for row in slow(words)]


@given(WORDS, st.integers(1, 9))
def test_a_long_text_is_read_in_parts_that_do_not_show(words: list[tuple[list[int], int]], stride: int) -> None:
    whole = TAGGER.probabilities(tokens_of(words))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_STRIDE", stride)
        assert TAGGER.probabilities(tokens_of(words)) == pytest.approx(whole, abs=1e-5)


def test_a_text_of_nothing_has_no_words() -> None:
    assert TAGGER.probabilities(Tokens([], [], [], [])).shape == (0, len(TAGS))


def test_a_file_holds_it_in_half_the_bits(tmp_path: Path) -> None:
    TAGGER.save(tmp_path / "names.npz")
    loaded, tokens = NameTagger.load(tmp_path / "names.npz"), tokens_of([([1, 2], 0), ([3], 1)])
    assert loaded.probabilities(tokens).tolist() == TAGGER.probabilities(tokens).tolist()
    with np.load(tmp_path / "names.npz") as stored:
        assert {stored[name].dtype.name for name in stored} == {"int8", "float16"}


# --- where it doubts


def test_doubt_is_about_kinds_not_about_where_they_begin() -> None:
    rows = np.zeros((3, len(TAGS)), dtype=np.float32)
    rows[0, [1, 2]] = 0.5, 0.45  # begins or goes on, a person all the same
    rows[0, 0] = 0.05
    rows[1, [0, 1]] = 0.6, 0.4
    rows[2, 0] = 1.0
    assert doubts(rows).tolist() == pytest.approx([0.05, 0.4, 0.0], abs=1e-6)


@given(WORDS, st.integers(1, 40), st.data())
def test_every_doubtful_word_is_read_with_what_is_around_it(
    words: list[tuple[list[int], int]], times: int, data: st.DataObject
) -> None:
    tokens = tokens_of(words * times)
    unsure = data.draw(st.sets(st.integers(0, len(tokens.spans) - 1), max_size=8))
    tags = np.zeros((len(tokens.spans), len(TAGS)), dtype=np.float32)
    tags[:, 0] = 1.0
    tags[list(unsure), :2] = 0.5
    found = doubtful(tags, tokens, 0.5, untrusted=True)
    assert bool(found) == bool(unsure)
    assert all(0 < window.end - window.start <= ROOM and window.untrusted for window in found)
    for word in unsure:
        at, count = int(first_pieces(tokens)[word]), len(tokens.ids)
        around = range(max(at - AROUND, 0), min(at + AROUND + 1, count))
        assert any(window.start <= around[0] and around[-1] < window.end for window in found)
    assert [window.start for window in found] == sorted({window.start for window in found})


# --- the shipped one


def found(text: str) -> dict[str, str]:
    return {text[one.start : one.end]: one.label for one in shipped().names(text) if one.confidence >= 0.5}


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("my name is anna kowalska and i want my money back", "anna kowalska", "PERSON"),
        ("Can Oluwaseun Adebayo-Fitzgerald collect the parcel for me?", "Oluwaseun Adebayo-Fitzgerald", "PERSON"),
        ("Bitte liefern Sie an Jürgen Großkopf, Lindenweg 7, 79098 Freiburg.", "Jürgen Großkopf", "PERSON"),
        (
            "Bitte liefern Sie an Jürgen Großkopf, Lindenweg 7, 79098 Freiburg.",
            "Lindenweg 7, 79098 Freiburg",
            "ADDRESS",
        ),
        ("我叫王小明，住在北京市朝阳区建国路88号", "北京市朝阳区建国路88号", "ADDRESS"),
        ("मेरा नाम राजेश शर्मा है", "राजेश शर्मा", "PERSON"),
    ],
)
def test_names_are_found(text: str, name: str, label: str) -> None:
    assert found(text).get(name) == label


def test_what_names_nobody_is_hardly_read_again() -> None:
    ordinary = (
        "Hi, where is my order? It should have been here by now.",
        "How do I change the delivery address of my parcel?",
        "My invoice shows the wrong amount, can you check it please?",
        "Thanks, that solved it!",
        "The app crashes when I open the settings page.",
        "I forgot my password and the reset mail does not arrive.",
        "Is breakfast included in the room price?",
        "Wie kann ich mein Passwort zurücksetzen?",
        "¿Cuánto tarda el envío?",
        "Je voudrais annuler ma commande.",
        "请问什么时候发货？",
        "Как отменить подписку?",
    )
    made = shipped()
    assert sum(bool(made._doubtful(made._reading(text, untrusted=False))) for text in ordinary) <= len(ordinary) // 4
    assert not any(label in ("PERSON", "ADDRESS") for text in ordinary for label in found(text).values())


def test_the_shipped_one_knows_every_token() -> None:
    made = shipped()
    assert made._names is not None
    assert len(made._names.table) == len(made.cutter)

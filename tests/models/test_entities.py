"""Tag logits to spans, against a decoder that goes word by word."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatward.models.encoder import windows
from chatward.models.entities import Entity, entities, word_probabilities
from chatward.models.heads import ENTITIES, TAGS
from chatward.models.wordpiece import Tokens

Floats = NDArray[np.float32]
PLACES = {tag: place for place, tag in enumerate(TAGS)}


def tokens_of(pieces: list[int]) -> Tokens:
    """A text whose word ``i`` has ``pieces[i]`` pieces; words are three letters apart by blanks."""
    words = [word for word, count in enumerate(pieces) for _ in range(count)]
    return Tokens([9] * len(words), words, [0] * len(words), [(4 * i, 4 * i + 3) for i in range(len(pieces))])


def slow(probabilities: Floats, tokens: Tokens) -> list[Entity]:
    """Word by word: the likeliest kind (either mark) where it is likelier than outside; *begins* starts a new one."""
    out: list[tuple[str, list[int], list[float]]] = []
    open_ = False
    for word, row in enumerate(probabilities.tolist()):
        by_kind = {name: row[PLACES[f"B-{name}"]] + row[PLACES[f"I-{name}"]] for name in ENTITIES}
        name = max(by_kind, key=by_kind.__getitem__)
        if by_kind[name] <= row[0]:
            open_ = False
            continue
        goes_on = open_ and out[-1][0] == name and row[PLACES[f"I-{name}"]] >= row[PLACES[f"B-{name}"]]
        if goes_on:
            out[-1][1].append(word)
            out[-1][2].append(by_kind[name])
        else:
            out.append((name, [word], [by_kind[name]]))
        open_ = True
    return [
        Entity(tokens.spans[words[0]][0], tokens.spans[words[-1]][1], name, sum(sure) / len(sure))
        for name, words, sure in out
    ]


@st.composite
def distributions(draw: st.DrawFn) -> Floats:
    """Probabilities by word; a few tags far likelier than the rest, so that spans happen."""
    count = draw(st.integers(1, 14))
    chosen = draw(
        st.lists(
            st.sampled_from(["O", "B-PERSON", "I-PERSON", "B-DATE", "I-DATE", "I-AGE"]), min_size=count, max_size=count
        )
    )
    seed = draw(st.integers(0, 1 << 30))
    logits = np.random.default_rng(seed).standard_normal((count, len(TAGS)))
    for word, tag in enumerate(chosen):
        logits[word, PLACES[tag]] += draw(st.sampled_from([0.0, 2.0, 6.0]))
    shifted = np.exp(logits)
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


@given(distributions())
def test_spans_are_those_of_the_slow_decoder(probabilities: Floats) -> None:
    tokens = tokens_of([1] * len(probabilities))
    found, expected = list(entities(probabilities, tokens)), slow(probabilities, tokens)
    assert [(e.start, e.end, e.label) for e in found] == [(e.start, e.end, e.label) for e in expected]
    for one, other in zip(found, expected, strict=True):
        assert abs(one.confidence - other.confidence) < 1e-5
        assert 0 < one.confidence <= 1 + 1e-6


@given(distributions())
def test_spans_lie_in_order_and_apart(probabilities: Floats) -> None:
    end = -1
    for entity in entities(probabilities, tokens_of([1] * len(probabilities))):
        assert end < entity.start < entity.end
        end = entity.end


def logits_of(tags: list[str], strength: float = 9.0) -> Floats:
    out = np.zeros((len(tags), len(TAGS)), dtype=np.float32)
    for place, tag in enumerate(tags):
        out[place, PLACES[tag]] = strength
    return out


def decoded(pieces: list[tuple[int, Floats]], tokens: Tokens) -> list[tuple[int, int, str]]:
    return [(e.start, e.end, e.label) for e in entities(word_probabilities(pieces, tokens), tokens)]


def test_a_words_first_piece_answers_for_it() -> None:
    tokens = tokens_of([3, 1])
    assert decoded([(0, logits_of(["B-PERSON", "O", "O", "I-PERSON"]))], tokens) == [(0, 7, "PERSON")]
    assert decoded([(0, logits_of(["O", "B-PERSON", "B-PERSON", "O"]))], tokens) == []


def test_two_of_a_kind_side_by_side_are_two() -> None:
    tokens = tokens_of([1, 1, 1])
    assert decoded([(0, logits_of(["B-PERSON", "B-PERSON", "I-PERSON"]))], tokens) == [
        (0, 3, "PERSON"),
        (4, 11, "PERSON"),
    ]


def test_an_inside_without_a_begin_is_one_all_the_same() -> None:
    assert decoded([(0, logits_of(["I-DATE", "O"]))], tokens_of([1, 1])) == [(0, 3, "DATE")]


def test_words_that_no_window_holds_are_outside() -> None:
    tokens = tokens_of([1] * 6)
    assert decoded([(3, logits_of(["B-AGE", "O", "O"]))], tokens) == [(12, 15, "AGE")]
    assert decoded([], tokens) == []


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 30), st.data())
def test_where_windows_overlap_the_one_that_sees_more_answers(some: list[int], times: int, data: st.DataObject) -> None:
    """Each window says another thing about all of its tokens, so what a word got tells who answered."""
    pieces = some * times
    tokens = tokens_of(pieces)
    found = windows(tokens, untrusted=False)
    tags = ["B-PERSON", "B-DATE", "B-AGE", "B-ORG", "B-HEALTH", "B-LOCATION", "B-ADDRESS"]
    answers = [
        (window.start, logits_of([tags[number % len(tags)]] * (window.end - window.start)))
        for number, window in enumerate(found)
    ]
    probabilities = word_probabilities(data.draw(st.permutations(answers)), tokens)
    for word in range(len(pieces)):
        first = tokens.words.index(word)
        margins = [
            min(first - window.start, window.end - 1 - first) if window.start <= first < window.end else -1
            for window in found
        ]
        best = [tags[number % len(tags)] for number, margin in enumerate(margins) if margin == max(margins)]
        assert TAGS[int(probabilities[word].argmax())] in best


def test_a_word_cut_by_a_windows_start_is_left_to_the_window_before() -> None:
    tokens = tokens_of([1, 3, 1])
    second = (2, logits_of(["B-PERSON", "B-PERSON", "B-PERSON"]))  # starts inside word 1
    assert decoded([second], tokens) == [(8, 11, "PERSON")]

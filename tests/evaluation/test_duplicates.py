"""What the fast way finds is held against the definition: exact Jaccard over token pairs, and shared runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.evaluation.duplicates import groups, normalise, shingles_of, split, twins

words = st.sampled_from(
    ["card", "lost", "when", "does", "my", "new", "arrive", "please", "order", "cancel", "the", "a", "i"]
)
sentences = st.lists(words, min_size=1, max_size=12).map(" ".join)


def similarity(one: str, other: str) -> float:
    first, second = shingles_of(one), shingles_of(other)
    return len(first & second) / len(first | second)


def shares_run(one: str, other: str, run: int) -> bool:
    def runs(text: str) -> set[tuple[str, ...]]:
        tokens = normalise(text).split()
        windows = {tuple(tokens[at : at + run]) for at in range(len(tokens) - run + 1)}
        return {w for w in windows if 2 * sum(a == b for a, b in pairwise(w)) < run}

    return bool(runs(one) & runs(other))


def related(one: str, other: str, threshold: float, run: int) -> bool:
    return normalise(one) == normalise(other) or similarity(one, other) >= threshold or shares_run(one, other, run)


def closed(texts: Sequence[str], threshold: float, run: int) -> list[int]:
    """Groups by the slow way: every pair, closed under chains."""
    found = list(range(len(texts)))
    for row, text in enumerate(texts):
        for earlier in range(row):
            if related(text, texts[earlier], threshold, run):
                low, high = sorted((found[row], found[earlier]))
                found = [low if one == high else one for one in found]
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(sentences, max_size=7))
def test_groups_are_those_of_the_definition(texts: list[str]) -> None:
    """Seven texts at most, so that every pair of a bucket is compared; similar pairs near the threshold may be
    missed, so only what stays the same for a slightly higher threshold is demanded."""
    found = groups(texts, threshold=0.6, run=6).tolist()
    least, most = closed(texts, 0.8, 6), closed(texts, 0.6, 6)
    for one in range(len(texts)):
        for other in range(one):
            if least[one] == least[other]:
                assert found[one] == found[other]
            if found[one] == found[other]:
                assert most[one] == most[other]
    assert all(number <= index and found[number] == number for index, number in enumerate(found))


@settings(max_examples=150, deadline=None)
@given(st.lists(sentences, max_size=6), st.lists(sentences, max_size=6))
def test_twins_are_those_of_the_definition(train: list[str], test: list[str]) -> None:
    for text, found in zip(test, twins(train, test, run=6), strict=True):
        if any(related(text, one, 0.8, 6) for one in train):
            assert found
        if found:
            assert any(related(text, one, 0.6, 6) for one in train)


@settings(max_examples=50, deadline=None)
@given(st.lists(sentences, min_size=1, max_size=30))
def test_no_test_row_has_a_twin_in_training_after_a_split(texts: list[str]) -> None:
    ids = groups(texts)
    parts = split(ids, {"train": 0.7, "test": 0.3})
    train = [text for text, part in zip(texts, parts, strict=True) if part == "train"]
    test = [text for text, part in zip(texts, parts, strict=True) if part == "test"]
    assert not twins(train, test, threshold=1, run=0).any()
    assert set(ids[parts == "train"]).isdisjoint(ids[parts == "test"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my ORDER?!", "where  is my order"),
        ("ｆｕｌｌ ｗｉｄｔｈ letters", "full width letters"),
        ("zero\u200bwidth joins words", "zerowidth joins words"),
        ("how do i cancel the order i made on monday", "how do I cancel the order I made on Monday please"),
        ("请帮我取消昨天下的订单,谢谢你", "请帮我取消昨天下的订单,谢谢"),
        ("ฉันต้องการยกเลิกคำสั่งซื้อของฉัน", "ฉันต้องการยกเลิกคำสั่งซื้อของฉันครับ"),
        ("मुझे अपना ऑर्डर आज ही रद्द करना है", "मुझे अपना ऑर्डर आज ही रद्द करना है जी"),
    ],
)
def test_twins_that_a_reader_would_call_twins(one: str, other: str) -> None:
    assert twins([one, "something else altogether"], [other]).tolist() == [True]
    assert groups([one, other]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cancel my order", "where is my order"),
        ("请帮我取消昨天下的订单", "我想知道退款什么时候到账"),
        (
            "@user @user @user @user @user @user @user is anybody there now",
            "@user @user @user @user @user @user @user so what do you think",
        ),
        ("!!!", "???"),
        ("", "?"),
    ],
)
def test_texts_that_are_no_twins(one: str, other: str) -> None:
    assert not twins([one], [other], run=7).any()
    assert groups([one, other], run=7).tolist() == [0, 1]


def test_a_template_inside_a_longer_text_is_found_by_its_run_only() -> None:
    template = "the quick brown fox jumps over the lazy dog and then it runs away"
    longer = f"{' '.join(f'word{n}' for n in range(80))} {template} {' '.join(f'more{n}' for n in range(80))}"
    assert twins([template], [longer]).all()
    assert not twins([template], [longer], run=0).any()


def test_a_run_does_not_cross_from_one_text_to_the_next() -> None:
    first, second = "a b c d e f", "g h i j k l"
    assert groups([first, second, "x d e f g h i y"], run=6).tolist() == [0, 1, 2]


def test_large_buckets_are_one_group_and_chains_are_closed() -> None:
    base = [f"word{n}" for n in range(40)]
    texts = [" ".join([*base[:at], "changed", *base[at + 1 :]]) for at in range(40)]
    assert set(groups(texts, run=0)) == {0}
    assert twins(texts[:39], texts[39:], run=0).all()


def test_nothing_depends_on_order_or_on_the_other_side() -> None:
    texts = [f"i want to {verb} the {thing}" for verb in ("see", "sell") for thing in ("car", "house", "boat")]
    assert len(set(groups(texts))) == len(set(groups(texts[::-1])))
    assert twins([], texts).tolist() == [False] * 6
    assert twins(texts, []).tolist() == []
    assert groups([]).tolist() == []


def test_split_sizes_come_near_to_the_shares_and_repeat() -> None:
    ids = np.arange(1000) // 3
    parts = split(ids, {"train": 8, "dev": 1, "test": 1}, seed=3)
    assert abs(int((parts == "train").sum()) - 800) <= 3
    assert abs(int((parts == "test").sum()) - 100) <= 3
    assert parts.tolist() == split(ids, {"train": 8, "dev": 1, "test": 1}, seed=3).tolist()
    assert parts.tolist() != split(ids, {"train": 8, "dev": 1, "test": 1}, seed=4).tolist()


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": 1.5}, {"run": 1}, {"run": -3}])
def test_wrong_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"threshold|run"):
        groups(["a"], **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shares"):
        split(np.arange(3), {})

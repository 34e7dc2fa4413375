"""Tier 1: the sum of its two halves, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatward.models import ngrams
from chatward.models.heads import HEADS
from chatward.models.tier1 import DIMENSIONS, HIDDEN, TOKENS, Tier1

_TOKENS = 40


def some() -> Tier1:
    rng = np.random.default_rng(7)

    def drawn(spread: float, *shape: int) -> NDArray[np.float32]:
        """Numbers that 16 bits hold: files do."""
        return (rng.standard_normal(shape) * spread).astype(np.float16).astype(np.float32)

    return Tier1(
        rng.integers(-127, 128, (ngrams.BUCKETS, len(HEADS)), dtype=np.int8),
        abs(drawn(0.02, len(HEADS))),
        rng.integers(-127, 128, (_TOKENS, DIMENSIONS), dtype=np.int8),
        abs(drawn(0.02, _TOKENS)),
        drawn(0.1, 2 * DIMENSIONS, HIDDEN),
        drawn(1.0, HIDDEN),
        drawn(0.1, HIDDEN, len(HEADS)),
        drawn(1.0, len(HEADS)),
    )


MODEL = some()


def slow(text: str, ids: list[int]) -> list[float]:
    """In 64-bit numbers, one at a time."""
    answer = [float(value) for value in MODEL.bias]
    rows = ngrams.rows(text).tolist()
    for head in range(len(HEADS)):
        answer[head] += (
            sum(int(MODEL.grams[row, head]) for row in rows) * float(MODEL.gram_scales[head]) / len(rows) ** 0.5
        )
    if ids:
        seen = ids[:TOKENS]
        vectors = [[float(v) * float(MODEL.table_scales[i]) for v in MODEL.table[i]] for i in seen]
        columns = list(zip(*vectors, strict=True))
        pooled = [sum(column) / len(seen) for column in columns] + [max(column) for column in columns]
        hidden = np.maximum(np.array(pooled) @ MODEL.inner.astype(float) + MODEL.inner_bias, 0.0)
        for head in range(len(HEADS)):
            answer[head] += float(hidden @ MODEL.outer[:, head].astype(float))
    return answer


@given(st.text(max_size=40), st.lists(st.integers(0, _TOKENS - 1), max_size=6))
def test_the_halves_add_up(text: str, ids: list[int]) -> None:
    assert MODEL.logits(text, ids).tolist() == pytest.approx(slow(text, ids), rel=1e-3, abs=1e-2)


def test_tokens_beyond_the_first_are_not_read() -> None:
    ids = [1, 2, 3, 4] * (TOKENS // 4)
    assert MODEL.logits("x", [*ids, 9, 10]).tolist() == MODEL.logits("x", ids).tolist()
    assert MODEL.logits("x", [9, *ids]).tolist() != MODEL.logits("x", ids).tolist()


def test_asking_leaves_the_weights_alone() -> None:
    before = MODEL.bias.copy()
    MODEL.logits("some text", [1, 2])
    assert (MODEL.bias == before).all()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "tier1.npz")
    loaded = Tier1.load(tmp_path / "tier1.npz")
    for name in Tier1.__slots__:
        assert getattr(loaded, name).dtype == getattr(MODEL, name).dtype
        assert (getattr(loaded, name) == getattr(MODEL, name)).all()


class Planted:
    """Unpickling it would raise."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('a pickle was run')",))


def test_a_file_with_a_pickle_is_refused(tmp_path: Path) -> None:
    arrays = {name: getattr(MODEL, name) for name in Tier1.__slots__}
    path = tmp_path / "tier1.npz"
    np.savez(path, **{**arrays, "bias": np.array([Planted()], dtype=object)})
    with pytest.raises(ValueError, match="allow_pickle"):
        Tier1.load(path)


def test_a_file_that_lacks_an_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tier1.npz"
    np.savez(path, bias=MODEL.bias)
    with pytest.raises(KeyError):
        Tier1.load(path)

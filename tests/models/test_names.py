"""The gate before the search for names: what it computes, and what the shipped one lets pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.models import names
from chatward.models.names import NameGate
from chatward.models.shipped import shipped
from chatward.models.wordpiece import CASINGS

TOKENS = 9
RNG = np.random.default_rng(7)
INPUTS = names.DIMENSIONS + names.CASING


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.3, shape).astype(np.float32)


GATE = NameGate(
    RNG.integers(-127, 128, (TOKENS, names.DIMENSIONS), dtype=np.int8),
    abs(drawn(TOKENS)) * 0.02,
    drawn(CASINGS, names.CASING),
    drawn(names.FIRST * INPUTS, names.HIDDEN),
    drawn(names.HIDDEN),
    drawn(names.SECOND * names.HIDDEN, names.HIDDEN),
    drawn(names.HIDDEN),
    drawn(names.HIDDEN),
    drawn(1),
)


def slow(ids: list[int], casing: list[int]) -> list[float]:
    """The same, token by token."""
    count = len(ids)

    def seen(at: int) -> np.ndarray:
        if not 0 <= at < count:
            return np.zeros(INPUTS)
        return np.concatenate([GATE.table[ids[at]] * GATE.table_scales[ids[at]], GATE.casing[casing[at]]])

    def inner(at: int) -> np.ndarray:
        if not 0 <= at < count:
            return np.zeros(names.HIDDEN)
        around = np.concatenate([seen(at + step) for step in (-2, -1, 0, 1, 2)])
        return np.asarray(np.maximum(around @ GATE.first + GATE.first_bias, 0))

    found = []
    for at in range(count):
        around = np.concatenate([inner(at + step) for step in (-1, 0, 1)])
        hidden = inner(at) + np.maximum(around @ GATE.second + GATE.second_bias, 0)
        found.append(float(hidden @ GATE.out + GATE.out_bias[0]))
    return found


@given(st.lists(st.tuples(st.integers(0, TOKENS - 1), st.integers(0, CASINGS - 1)), min_size=1, max_size=12))
def test_two_convolutions(tokens: list[tuple[int, int]]) -> None:
    ids, casing = [one for one, _ in tokens], [other for _, other in tokens]
    assert GATE.logits(ids, casing).tolist() == pytest.approx(slow(ids, casing), rel=1e-3, abs=1e-3)


def test_a_file_holds_it(tmp_path: Path) -> None:
    GATE.save(tmp_path / "names.npz")
    loaded = NameGate.load(tmp_path / "names.npz")
    assert loaded.logits([1, 2, 3], [0, 1, 0]).tolist() == GATE.logits([1, 2, 3], [0, 1, 0]).tolist()


def passes(text: str) -> bool:
    made = shipped()
    tokens = made.cutter(text)
    assert made._names is not None
    return bool(made._names.logits(tokens.ids, tokens.casing).max() >= made._named)


@pytest.mark.parametrize(
    "text",
    [
        "my name is anna kowalska and i want my money back",  # in lower case
        "Can Oluwaseun Adebayo-Fitzgerald collect the parcel for me?",
        "Bitte liefern Sie an Jürgen Großkopf, Lindenweg 7, 79098 Freiburg.",
        "أنا محمد العتيبي وأسكن في شارع الملك فهد",
        "我叫王小明，住在北京市朝阳区建国路88号",
        "मेरा नाम राजेश शर्मा है",
        "Patientin Öztürk hat seit gestern Fieber.",
    ],
)
def test_texts_with_names_pass(text: str) -> None:
    assert passes(text)


def test_most_of_what_names_nobody_is_not_read_for_names() -> None:
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
    assert sum(map(passes, ordinary)) <= len(ordinary) // 3


def test_the_shipped_one_knows_every_token() -> None:
    made = shipped()
    assert made._names is not None
    assert len(made._names.table) == len(made.cutter)

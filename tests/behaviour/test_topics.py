"""Topics by the shipped models: near for the same subject in other words, far for another one."""

from __future__ import annotations

import numpy as np
import pytest

from chatward.behaviour.rows import TOPICS
from chatward.behaviour.topics import MOST_READ, EmbeddedTopics
from chatward.models.shipped import shipped

TRAVEL = (
    "My train to the coast is late again. Can you book me on the next one?",
    "Please change the reservation of my flight and tell me about the connection.",
    "Is there a cheaper ticket for the bus on Sunday morning?",
)
MONEY = (
    "The bank charged me interest on my credit card twice this month.",
    "How do I transfer money from savings to pay the loan?",
    "My account balance is wrong after the last payment.",
)


@pytest.fixture(scope="module")
def topics() -> EmbeddedTopics:
    return EmbeddedTopics(b"k" * 32, shipped)


def mean_angle(ones: tuple[str, ...], others: tuple[str, ...], topics: EmbeddedTopics) -> float:
    pairs = [(topics(one), topics(other)) for one in ones for other in others if one != other]
    return float(np.mean([float(a @ b) for a, b in pairs if a is not None and b is not None]))


def test_the_same_subject_is_nearer_than_another(topics: EmbeddedTopics) -> None:
    """None of these texts share the words that tell: a bag of words could not know."""
    across = mean_angle(TRAVEL, MONEY, topics)
    assert mean_angle(TRAVEL, TRAVEL, topics) > across + 0.1
    assert mean_angle(MONEY, MONEY, topics) > across + 0.1


def test_of_length_one_and_the_same_each_time(topics: EmbeddedTopics) -> None:
    found = topics(TRAVEL[0])
    assert found is not None
    assert found.shape == (TOPICS,)
    assert np.linalg.norm(found) == pytest.approx(1.0)
    again = topics(TRAVEL[0])
    assert again is not None
    assert (again == found).all()


@pytest.mark.parametrize("text", ["", "ok", "yes please"])
def test_too_little_tells_nothing(topics: EmbeddedTopics, text: str) -> None:
    assert topics(text) is None


def test_what_is_stored_depends_on_the_key(topics: EmbeddedTopics) -> None:
    mine, theirs = topics(TRAVEL[0]), EmbeddedTopics(b"other" * 8, shipped)(TRAVEL[0])
    assert mine is not None
    assert theirs is not None
    assert abs(float(mine @ theirs)) < 0.9


def test_a_long_text_is_read_from_its_beginning(topics: EmbeddedTopics) -> None:
    long = (TRAVEL[0] + " ") * 200
    one, other = topics(long), topics(long[:MOST_READ])
    assert one is not None
    assert other is not None
    assert (one == other).all()

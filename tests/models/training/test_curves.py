"""The curve that links are judged by."""

from __future__ import annotations

import numpy as np

from chatward.models.training.curves import Feed, threshold
from chatward.models.urls import KINDS


def test_a_share_of_ordinary_links_is_over_the_border_at_most() -> None:
    scores = np.arange(1000, dtype=np.float32)
    for share, over in ((1e-3, 1), (1e-2, 10), (0.0, 0)):
        assert (scores > threshold(scores, share)).sum() == over


def test_recall_is_told_of_all_of_the_newest_and_of_what_letters_can_tell() -> None:
    bare, deep = KINDS.index("bare"), KINDS.index("deep")
    feed = Feed(
        np.array([0.9, 0.2, 0.9, 0.2], np.float32),
        np.array([deep, bare, deep, deep]),
        np.array([True, True, False, False]),
        np.array([False, False, False, True]),
    )
    ordinary = np.array([0.5] * 1000, np.float32)
    assert feed.curve(ordinary)["0.001"] == {"recall": 0.5, "recall_2025": 0.5, "recall_decidable": 1.0}
    assert feed.curve(ordinary[:0]) == {}

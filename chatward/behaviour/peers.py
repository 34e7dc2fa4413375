"""Peer groups: what is usual for entities of one form and kind, and what is extreme among them.

A group lends its baseline to entities that have none yet (``weight``), and its tails to all: how far from its own
baseline an entity of this form may be is learnt from all of them, feature by feature (``extremes``), and what mixtures
of features there are (``half_space``). O(1) a window. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.behaviour.extremes import Extremes
from chatward.behaviour.half_space import HalfSpaceTrees
from chatward.behaviour.quantiles import Quantile
from chatward.behaviour.rows import HOURS
from chatward.behaviour.values import FEATURES

Floats = NDArray[np.float64]
BEFORE: Final = 5.0
"""Standard deviations that are extreme as long as a group's tails are not known."""
LEAST: Final = 4.0
"""What is below is never extreme, whatever the tails say."""
SLOWEST: Final = 1 / 5000
MOST: Final = 12.0
"""What is above is extreme, whatever the tails say: few windows can make a tail look endless."""
ODD_FROM: Final = 0.5
"""Scores of half-space trees below this are never odd."""
_SPREAD: Final = 3.0
PRIOR: Final = 10.0
"""Windows that what is presumed of a group weighs, before anything is known of it."""
_OF_ONE: Final = (1.1, 0.05, 0.05, 0.7, 0.3, 4.0, 7.0, 0.5, 0.0), (0.6, 0.1, 0.1, 0.2, 0.2, 2.0, 4.0, 0.1, 4.0)
_OF_MANY: Final = (4.0, 1.0, 1.0, 3.0, 0.3, 4.0, 7.0, 0.5, 0.0), (4.0, 2.0, 2.0, 4.0, 0.2, 2.0, 4.0, 0.1, 4.0)
"""Means and variances of the features, by which a new installation begins: of a person, key or address block, and of
what many share (bot, tenant), of whose size nothing can be presumed."""


class Peers:
    """One group. ``risk``: the share of windows in which a feature is extreme by chance; ``many``: whether its entities
    are what many share."""

    def __init__(self, risk: float, *, many: bool = False) -> None:
        size = len(FEATURES)
        self.weight = PRIOR
        mean, variance = _OF_MANY if many else _OF_ONE
        self.mean: Floats = np.array(mean)
        self.variance: Floats = np.array(variance)
        self.visits: Floats = np.zeros(HOURS)
        self.tails = [Extremes(risk) for _ in range(size)]
        self.oddness = Extremes(risk)
        self.trees = HalfSpaceTrees(size)
        self.usual = [Quantile(0.5) for _ in range(size)]
        """Medians of the features among the group, for people who read an alert."""

    @property
    def thresholds(self) -> Floats:
        return np.array([min(max(tail.threshold, LEAST), MOST) if tail.ready else BEFORE for tail in self.tails])

    def learn(self, values: Floats, known: NDArray[np.bool_], hour: int) -> None:
        """One window of one entity: ``known`` says which features it had."""
        rate = max(1 / (self.weight + 1), SLOWEST)
        off = np.where(known, values - self.mean, 0.0)
        self.mean += rate * off
        self.variance += rate * np.where(known, off * off - self.variance, 0.0)
        self.weight += 1
        self.visits[hour] += 1
        if self.weight % 1000 == 0:
            self.visits *= 0.9
        for at in np.flatnonzero(known).tolist():
            self.usual[at].add(float(values[at]))

    def extreme(self, scores: Floats, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which scores of a window are extreme; the others are learnt."""
        found = np.zeros(scores.size, np.bool_)
        for at in np.flatnonzero(known).tolist():
            score, tail = float(scores[at]), self.tails[at]
            if score > MOST:
                found[at] = True
            else:
                found[at] = (tail.add(score) and score > LEAST) or (not tail.ready and score > BEFORE)
        return found

    def odd(self, scores: Floats) -> bool:
        """Whether a mixture of scores is unlike all others; else it is learnt."""
        point = np.clip(scores / (2 * _SPREAD) + 0.5, 0.0, 1.0)
        ready = self.trees.ready
        lonely = self.trees.add(point)
        return ready and self.oddness.add(lonely) and lonely > ODD_FROM

    def surprise(self, visits: Floats, hour: int) -> float:
        """Bits of surprise that somebody with these visits by hour of the week, eight of whose are their peers', is
        here at ``hour``. Neighbouring hours count by half."""
        of_peers = (self.visits + 1 / HOURS) / (self.visits.sum() + 1)
        near = np.array([hour - 1, hour, (hour + 1) % HOURS])
        weights = np.array([0.25, 0.5, 0.25])
        share = float(((visits[near] + 8 * of_peers[near]) * weights).sum() / (visits.sum() + 8))
        return float(-np.log2(max(share * HOURS, 1e-6)))

    def state(self) -> dict[str, Any]:
        """Plain data, for ``restore``."""
        return {
            "weight": self.weight,
            "mean": self.mean.tolist(),
            "variance": self.variance.tolist(),
            "visits": self.visits.tolist(),
            "tails": [tail.state() for tail in self.tails],
            "oddness": self.oddness.state(),
            "usual": [one.state for one in self.usual],
            "masses": [
                self.trees.reference.astype(np.float32).tobytes(),
                self.trees.latest.astype(np.float32).tobytes(),
            ],
            "counted": self.trees.seen,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.weight = state["weight"]
        self.mean, self.variance = np.array(state["mean"]), np.array(state["variance"])
        self.visits = np.array(state["visits"])
        for tail, kept in zip([*self.tails, self.oddness], [*state["tails"], state["oddness"]], strict=True):
            tail.restore(kept)
        self.usual = [Quantile.of(kept) for kept in state["usual"]]
        shape = self.trees.reference.shape
        reference, latest = (np.frombuffer(kept, np.float32).reshape(shape) for kept in state["masses"])
        self.trees.reference, self.trees.latest = reference.astype(np.float64), latest.astype(np.float64)
        self.trees.seen = state["counted"]

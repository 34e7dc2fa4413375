"""How lonely a point is: streaming half-space trees (Tan, Ting, Liu: Fast Anomaly Detection for Streaming Data, IJCAI
2011).

The rules of the paper:

1. A tree halves a work range around the unit cube at random dimensions, before any point was seen: per dimension a
   random centre ``s`` in 0..1 and the range ``s`` ± 2 * max(s, 1 - s) (algorithm 1).
2. A point adds one to the mass of every node on its way down, in the window under way. After ``window`` points the
   masses become those that scores are read from, and counting begins anew.
3. The score of a point in a tree is mass * 2**depth of the node where it ends: the first whose mass is below
   ``SIZE`` * window, or a leaf. Low is lonely. ``score`` here turns that around: 0 where all points are, 1 where none.

All trees go down together, one step of arrays for each depth. Fixed memory, O(trees * depth) a point. Points are arrays
with values in 0..1. No I/O; the randomness is that of ``seed``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZE: Final = 0.1
Floats = NDArray[np.float64]


class HalfSpaceTrees:
    """``trees`` trees of ``depth`` over points of ``dimensions`` values."""

    def __init__(self, dimensions: int, *, trees: int = 25, depth: int = 8, window: int = 250, seed: int = 1) -> None:
        random = np.random.default_rng(seed)
        nodes = 2 ** (depth + 1) - 1
        inner = 2**depth - 1
        self.depth, self.window, self.seen = depth, window, 0
        centre = random.random((trees, dimensions))
        reach = 2 * np.maximum(centre, 1 - centre)
        low = np.zeros((trees, nodes, dimensions))
        high = np.zeros((trees, nodes, dimensions))
        low[:, 0], high[:, 0] = centre - reach, centre + reach
        self._split = random.integers(0, dimensions, (trees, inner))
        self._at = np.zeros((trees, inner))
        each = np.arange(trees)
        for node in range(inner):
            axis = self._split[:, node]
            middle = (low[each, node, axis] + high[each, node, axis]) / 2
            self._at[:, node] = middle
            for child in (2 * node + 1, 2 * node + 2):
                low[:, child], high[:, child] = low[:, node], high[:, node]
            high[each, 2 * node + 1, axis] = middle
            low[each, 2 * node + 2, axis] = middle
        self._each = each
        self.reference = np.zeros((trees, nodes))
        self.latest = np.zeros((trees, nodes))
        self._levels = np.arange(depth + 1)
        self._most = float(window) * 2**depth

    @property
    def ready(self) -> bool:
        """Whether there is a window that scores are read from."""
        return self.seen >= self.window

    def _ways(self, point: Floats) -> NDArray[np.intp]:
        """The nodes of each tree from the root to the leaf, [trees, depth + 1]."""
        each = self._each
        node = np.zeros(each.size, np.intp)
        ways = np.zeros((each.size, self.depth + 1), np.intp)
        for level in range(self.depth):
            right = point[self._split[each, node]] >= self._at[each, node]
            node = 2 * node + 1 + right
            ways[:, level + 1] = node
        return ways

    def mass(self, point: Floats) -> float:
        """The paper's score, summed over the trees: low is lonely."""
        return self._mass(self._ways(point))

    def _mass(self, ways: NDArray[np.intp]) -> float:
        masses = self.reference[self._each[:, None], ways]
        small = masses < SIZE * self.window
        small[:, -1] = True
        level = small.argmax(axis=1)
        return float((masses[self._each, level] * 2.0**level).sum())

    def add(self, point: Floats) -> float:
        """Counts a point; its ``score`` before."""
        ways = self._ways(point)
        score = self._scored(self._mass(ways))
        self.latest[self._each[:, None], ways] += 1
        self.seen += 1
        if self.seen % self.window == 0:
            self.reference, self.latest = self.latest, self.reference
            self.latest[:] = 0
        return score

    def score(self, point: Floats) -> float:
        """0..1; 1 is lonely. 0 before there is anything to compare with."""
        return self._scored(self.mass(point))

    def _scored(self, mass: float) -> float:
        if not self.ready:
            return 0.0
        # The most is when every point of a window ends in one leaf of each tree.
        return 1.0 - float(np.log1p(mass / self._each.size) / np.log1p(self._most))

"""What is extreme for a stream whose distribution nobody knows: thresholds by extreme-value theory.

Siffer, Fouque, Termier, Largouet: Anomaly Detection in Streams with Extreme Value Theory (KDD 2017). The excesses of
values above a high quantile follow a generalised Pareto distribution (Pickands, Balkema, de Haan), whatever the values
do. So the value that is exceeded with probability ``risk`` is known, though no such value was ever seen. The rules:

1. What is above that value is extreme, and teaches nothing: an attack does not become the new normal.
2. Between the high quantile and it, a value is an ordinary peak: it is learnt. Below, it is counted.
3. ``Drifting`` (DSPOT) looks at values less their moving mean.

The fit is by Grimshaw's reduction (Technometrics 35(2), 1993): the likelihood of two parameters is one of their ratio,
here looked for on a grid and refined. A bounded number of peaks is kept, the newest, so a stream may change. O(1) a
value but for a fit, which is done at every peak at first and then at every ``FITS``-th. No I/O, no clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PEAKS: Final = 200
FITS: Final = 8
FEW: Final = 50
CAUTION: Final = 1.5
_GRID: Final = 48
_LEAST: Final = 10
"""Peaks below which excesses are taken as exponential: a shape cannot be told from so few."""


def fitted(excesses: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of the generalised Pareto distribution most likely to give these excesses (positive)."""
    mean, most = float(excesses.mean()), float(excesses.max())
    if excesses.size < _LEAST or most <= 0 or float(excesses.min()) == most:
        return 0.0, max(mean, 1e-9)
    # x is shape / scale; all 1 + x * excess must be positive.
    low, high = -(1 - 1e-3) / most, 2 * (mean - float(excesses.min())) / max(mean * float(excesses.min()), 1e-12)
    high = min(high, 20.0 / mean)
    best = (_likelihood(np.array([1e-9 / mean]), excesses)[0], 1e-9 / mean)
    for _ in range(3):
        places = np.linspace(low, high, _GRID)
        places = places[np.abs(places) * mean > 1e-9]
        likely = _likelihood(places, excesses)
        at = int(likely.argmax())
        if likely[at] > best[0]:
            best = (float(likely[at]), float(places[at]))
        step = (high - low) / (_GRID - 1)
        low, high = max(low, best[1] - step), min(high, best[1] + step)
    shape = float(np.log1p(best[1] * excesses).mean())
    if abs(shape) < 1e-6:
        return 0.0, mean
    return shape, shape / best[1]


def _likelihood(places: NDArray[np.float64], excesses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-likelihood a value by shape / scale. A shape below -1/2 is no regular maximum and is not taken."""
    shape = np.log1p(np.outer(places, excesses)).mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        likely = -np.log(shape / places) - shape - 1
    return np.where(shape < -0.5, -np.inf, np.nan_to_num(likely, nan=-np.inf))


class Extremes:
    """SPOT for the upper tail: ``add`` a value, and hear whether it is extreme. ``risk``: probability of what is
    extreme; ``level``: the quantile above which values are peaks; ``first``: values before anything is said."""

    __slots__ = (
        "_before",
        "_fits",
        "count",
        "first",
        "level",
        "peak_count",
        "peaks",
        "risk",
        "scale",
        "shape",
        "start",
    )

    def __init__(self, risk: float = 1e-4, level: float = 0.98, first: int = 400) -> None:
        self.risk, self.level, self.first = risk, level, first
        self._before: list[float] = []
        self.peaks: deque[float] = deque(maxlen=PEAKS)
        self.count = self.peak_count = self._fits = 0
        self.start = self.shape = 0.0
        self.scale = 1.0

    @property
    def ready(self) -> bool:
        return self.count >= self.first

    @property
    def threshold(self) -> float:
        """What is exceeded with probability ``risk``; infinite before ``ready``."""
        if not self.ready:
            return math.inf
        share = self.risk * self.count / max(self.peak_count, 1)
        if share >= 1:
            return self.start
        if abs(self.shape) < 1e-6:
            beyond = -self.scale * math.log(share)
        else:
            beyond = float(self.scale / self.shape * (share**-self.shape - 1))
        # A fit to few peaks may be too low, and what is called extreme by it would never correct it.
        return self.start + beyond * (CAUTION if self.peak_count < FEW else 1.0)

    def tail(self, value: float) -> float:
        """The probability of more than ``value``; above ``start`` only, else 1 less ``level`` and more. 1 before
        ``ready``."""
        if not self.ready or value <= self.start:
            return 1.0
        share = self.peak_count / self.count
        over = (value - self.start) / self.scale
        if abs(self.shape) < 1e-6:
            return share * math.exp(-min(over, 700.0))
        inner = 1 + self.shape * over
        return float(share * inner ** (-1 / self.shape)) if inner > 0 else 0.0

    def add(self, value: float) -> bool:
        """One value; whether it is extreme."""
        if not self.ready:
            self._before.append(value)
            self.count += 1
            if self.ready:
                self._begin()
            return False
        if value > self.threshold:
            return True
        self.count += 1
        if value > self.start:
            self.peak_count += 1
            self.peaks.append(value - self.start)
            self._fits += 1
            if len(self.peaks) < PEAKS // 4 or self._fits % FITS == 0:
                self._fit()
        return False

    def _begin(self) -> None:
        first = np.sort(np.array(self._before))
        self._before = []
        self.start = float(first[min(int(self.level * first.size), first.size - 1)])
        over = first[first > self.start] - self.start
        self.peaks.extend(over.tolist())
        self.peak_count = max(over.size, 1)
        self._fit()

    def _fit(self) -> None:
        if self.peaks:
            self.shape, self.scale = fitted(np.fromiter(self.peaks, np.float64, len(self.peaks)))
        else:
            self.shape, self.scale = 0.0, max(abs(self.start) * 0.1, 1e-3)

    def state(self) -> dict[str, Any]:
        """Plain data, for ``restore``."""
        kept = {name: getattr(self, name) for name in ("count", "peak_count", "start", "shape", "scale")}
        return {**kept, "before": list(self._before), "peaks": list(self.peaks)}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name in ("count", "peak_count", "start", "shape", "scale"):
            setattr(self, name, state[name])
        self._before, self.peaks = list(state["before"]), deque(state["peaks"], PEAKS)


class Drifting:
    """DSPOT: the same for values less the mean of the ``depth`` before, of which extreme ones are none."""

    __slots__ = ("_newest", "extremes")

    def __init__(self, depth: int = 50, risk: float = 1e-4, level: float = 0.98, first: int = 400) -> None:
        self._newest: deque[float] = deque(maxlen=depth)
        self.extremes = Extremes(risk, level, first)

    def add(self, value: float) -> bool:
        newest = self._newest
        if len(newest) < (newest.maxlen or 0):
            newest.append(value)
            return False
        extreme = self.extremes.add(value - sum(newest) / len(newest))
        if not extreme:
            newest.append(value)
        return extreme

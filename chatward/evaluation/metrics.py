"""How well scores tell attacks from the rest, and spans from text: the definitions behind every figure.

The rules: a text is flagged where ``score >= threshold``. A threshold is never chosen on what it is then measured on:
``threshold_at`` takes the harmless scores of one set, ``rate_at`` measures on another. Nothing measured is ``None``,
not 0. Ties count as they fall: AUC gives a tie half, curves step over all equal scores at once.

Sources: T. Fawcett, An introduction to ROC analysis (2006); A. Martin et al., The DET curve (1997); M. Pakdaman Naeini
et al., expected calibration error (2015); B. Efron, bootstrap percentile intervals (1979), over groups where rows of
one group are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Span = tuple[int, int, str]
"""Start and end (exclusive, code points) and entity of a stretch of text."""

ROUNDS: Final = 1000
_PROBIT_LIMIT: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a ROC curve, from nothing flagged to everything: ``thresholds`` fall, both rates rise (0 to 1)."""

    thresholds: Floats
    false_alarms: Floats
    recall: Floats


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a reliability diagram: scores in [low, high) (the last bin includes 1), means ``None`` if empty."""

    low: float
    high: float
    count: int
    score: float | None
    positive: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Matches:
    """Counts of spans of one entity: ``right`` of ``found`` are matched, ``caught`` of ``gold`` are found."""

    right: int = 0
    found: int = 0
    caught: int = 0
    gold: int = 0

    @property
    def precision(self) -> float | None:
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        return self.caught / self.gold if self.gold else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean; ``None`` where there was nothing to find, 0 where nothing of it was found."""
        if not self.gold:
            return None
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def __add__(self, other: Matches) -> Matches:
        return Matches(
            self.right + other.right, self.found + other.found, self.caught + other.caught, self.gold + other.gold
        )


def roc(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """The ROC curve, a point for each distinct score. Raises ``ValueError`` unless both classes are there."""
    values, positive = _both(scores, labels)
    order = np.argsort(-values, kind="stable")
    values, positive = values[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    hits = np.cumsum(positive)[last]
    alarms = last + 1 - hits
    return Curve(
        np.concatenate(([np.inf], values[last])),
        np.concatenate(([0.0], alarms / alarms[-1])),
        np.concatenate(([0.0], hits / hits[-1])),
    )


def auc(scores: ArrayLike, labels: ArrayLike) -> float:
    """The chance that an attack scores above a harmless text, ties half. Raises as ``roc`` does."""
    curve = roc(scores, labels)
    return float(np.trapezoid(curve.recall, curve.false_alarms))


def det(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """False alarm rates and miss rates, in probits as the DET plot's axes are. Raises as ``roc`` does."""
    curve = roc(scores, labels)
    return probit(curve.false_alarms), probit(1 - curve.recall)


def probit(rates: ArrayLike) -> Floats:
    """Quantiles of the normal distribution; rates are kept a millionth away from 0 and 1."""
    inner = np.clip(np.asarray(rates, dtype=np.float64), _PROBIT_LIMIT, 1 - _PROBIT_LIMIT)
    quantile = NormalDist().inv_cdf
    return np.array([quantile(rate) for rate in inner.reshape(-1).tolist()], dtype=np.float64).reshape(inner.shape)


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """The sum over distinct scores of precision times the gain in recall. Raises as ``roc`` does."""
    values, positive = _both(scores, labels)
    order = np.argsort(-values, kind="stable")
    values, positive = values[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    hits = np.cumsum(positive)[last]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (last + 1)) / hits[-1])


def threshold_at(harmless: ArrayLike, rate: float) -> float:
    """The least threshold that flags at most ``rate`` of these harmless scores: minus infinity where all may be.

    Raises ``ValueError`` for no scores or a rate outside [0, 1].
    """
    values = np.sort(_floats(harmless))[::-1]
    if not len(values) or not 0 <= rate <= 1:
        raise ValueError("a threshold needs harmless scores and a rate between 0 and 1")
    allowed = int(np.floor(rate * len(values) + 1e-9))
    return float("-inf") if allowed >= len(values) else float(np.nextafter(values[allowed], np.inf))


def rate_at(scores: ArrayLike, threshold: float) -> float | None:
    """The share flagged: recall of attacks, false alarms of the rest; ``None`` of nothing."""
    values = _floats(scores)
    return float(np.mean(values >= threshold)) if len(values) else None


def reliability(scores: ArrayLike, labels: ArrayLike, *, bins: int = 15) -> tuple[Bin, ...]:
    """Bins of equal width over [0, 1]. Raises ``ValueError`` for scores outside it."""
    values, positive = _pair(scores, labels)
    if len(values) and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError("calibration is a property of scores between 0 and 1")
    edges = np.linspace(0, 1, bins + 1)
    slot = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        inside = slot == number
        count = int(inside.sum())
        means = (float(values[inside].mean()), float(positive[inside].mean())) if count else (None, None)
        found.append(Bin(float(edges[number]), float(edges[number + 1]), count, *means))
    return tuple(found)


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: the mean gap between score and share of positives, by count; ``None`` of nothing."""
    total = sum(one.count for one in bins)
    gaps = sum(
        one.count * abs(one.score - one.positive) for one in bins if one.score is not None and one.positive is not None
    )
    return gaps / total if total else None


def brier(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """The mean squared difference between score and label; ``None`` of nothing."""
    values, positive = _pair(scores, labels)
    return float(np.mean((values - positive) ** 2)) if len(values) else None


def interval(
    statistic: Callable[..., float | None],
    *columns: ArrayLike,
    groups: ArrayLike | None = None,
    rounds: int = ROUNDS,
    level: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """``statistic(*columns)`` with a bootstrap percentile interval over rows, or over whole ``groups`` of rows.

    Samples on which the statistic is not defined are left out. ``None`` where it is not defined on the columns.
    """
    arrays = [np.asarray(column) for column in columns]
    whole = _value(statistic, arrays)
    if whole is None:
        return None
    chance = np.random.default_rng(seed)
    members = _members(groups, len(arrays[0]))
    values = []
    for _ in range(rounds):
        drawn = chance.integers(len(members), size=len(members))
        rows = drawn if groups is None else np.concatenate([members[one] for one in drawn])
        value = _value(statistic, [array[rows] for array in arrays])
        if value is not None:
            values.append(value)
    if not values:
        return Interval(whole, whole, whole)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(whole, float(low), float(high))


def share_interval(hits: ArrayLike, *, level: float = 0.95) -> Interval | None:
    """The share of hits with its score interval (E. B. Wilson, 1927), which does not vanish where a bootstrap's would:
    no hit among eight is not certainty."""
    values = np.asarray(hits, dtype=np.bool_)
    count = len(values)
    if not count:
        return None
    share = float(values.mean())
    width = NormalDist().inv_cdf((1 + level) / 2) ** 2 / count
    middle = (share + width / 2) / (1 + width)
    reach = (share * (1 - share) * width + width**2 / 4) ** 0.5 / (1 + width)
    return Interval(share, min(max(middle - reach, 0.0), share), max(min(middle + reach, 1.0), share))


def span_matches(
    gold: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], *, overlap: bool = False
) -> Mapping[str, Matches]:
    """Matches by entity over texts. Exact: same start, end and entity. ``overlap``: a character in common and the
    same entity. Doubles within a text count once. Raises ``ValueError`` for lists of different length."""
    if len(gold) != len(found):
        raise ValueError("gold and found are lists of one length, a text each")
    totals: dict[str, Matches] = {}
    for truth, guess in zip(gold, found, strict=True):
        wanted, given = set(truth), set(guess)
        for entity in sorted({span[2] for span in wanted | given}):
            mine = [span for span in wanted if span[2] == entity]
            theirs = [span for span in given if span[2] == entity]
            counts = Matches(_matched(theirs, mine, overlap), len(theirs), _matched(mine, theirs, overlap), len(mine))
            totals[entity] = totals.get(entity, Matches()) + counts
    return totals


def _matched(spans: Sequence[Span], others: Sequence[Span], overlap: bool) -> int:
    if not overlap:
        return len(set(spans) & set(others))
    return sum(any(start < end_ and start_ < end for start_, end_, _ in others) for start, end, _ in spans)


def _floats(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if np.isnan(array).any():
        raise ValueError("a score is missing (NaN): leave its row out, and say so")
    return array


def _pair(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values, positive = _floats(scores), np.asarray(labels, dtype=np.bool_)
    if values.shape != positive.shape:
        raise ValueError("as many labels as scores are needed")
    return values, positive


def _both(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values, positive = _pair(scores, labels)
    if not positive.any() or positive.all():
        raise ValueError("attacks and harmless texts are both needed")
    return values, positive


def _value(statistic: Callable[..., float | None], arrays: Sequence[NDArray[Any]]) -> float | None:
    """What the statistic says; ``None`` where it is not defined on these rows."""
    try:
        return statistic(*arrays)
    except ValueError:
        return None


def _members(groups: ArrayLike | None, count: int) -> Sequence[NDArray[np.int64]]:
    if groups is None:
        return [np.empty(0, np.int64)] * count
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    order = np.argsort(member, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(member[order])) + 1)

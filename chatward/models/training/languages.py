"""What each language pays at the one border, and what borders of their own would bring.

The rule: all languages share a border (docs/decisions/0007). Whether that is still right is measured at every training,
on held-back phrases: half of the patterns move each language's border to where its own harmless texts lie, the other
half says how many more attacks that finds at the same false alarms; then the halves change places. Rows of one pattern
are no independent rows, so the interval draws patterns (a cluster bootstrap). The language is the one that the phrases
were written in: telling it from the text can only do worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.models.training import corpora

Floats = NDArray[np.float64]

ORDINARY: Final = ("chat", "request")
ALIKE: Final = ("trigger", "scam_benign", "abuse_benign", "pii", "pii_benign")
ATTACKS: Final = ("direct", "extraction", "jailbreak")
_ALARMS: Final = (0.01, 0.02, 0.03, 0.04, 0.05)
"""False alarms, among ordinary texts and look-alikes together, at which recall is compared."""
_HIGH: Final = (0.9, 0.97)
"""Quantiles of harmless texts that say where a language lies: those next to the border, and not the last few texts."""
_WEIGHT: Final = 200
"""Texts of a language that move its border half of the way; fewer move it less."""
_DRAWS: Final = 200


@dataclass(frozen=True, slots=True)
class Held:
    """A held-back text: how far it lies above the common border for ``attack``, in logits."""

    lang: str
    kind: str
    group: str
    margin: float


def examples(*, seed: int = 0) -> list[corpora.Example]:
    """The held-back phrases that are ordinary, look-alikes or attacks: the first two are those of
    ``calibrate.calibration_texts``."""
    wanted = {f"phrases/{kind}" for kind in (*ORDINARY, *ALIKE, *ATTACKS)}
    return [row for row in corpora.phrase_examples(seed=seed + 1) if row.held and row.source in wanted]


def held(found: Sequence[corpora.Example], margins: Mapping[str, float]) -> list[Held]:
    """Examples with what ``margins`` says of their texts."""
    return [Held(row.lang, row.source.partition("/")[2], row.group, margins[row.text]) for row in found]


def by_language(rows: Sequence[Held]) -> dict[str, dict[str, list[float]]]:
    """For each language the number of ordinary texts, look-alikes and attacks, and the share of each at or above the
    border."""
    found: dict[str, dict[str, list[float]]] = {}
    for lang in sorted({row.lang for row in rows}):
        found[lang] = {}
        for name, kinds in (("ordinary", ORDINARY), ("look-alikes", ALIKE), ("attacks", ATTACKS)):
            above = [row.margin >= 0 for row in rows if row.lang == lang and row.kind in kinds]
            found[lang][name] = [len(above), round(sum(above) / len(above), 4) if above else 0.0]
    return found


def shifts(rows: Sequence[Held]) -> dict[str, float]:
    """How far each language's harmless texts lie above those of all languages, in logits: what its own border would be
    moved by."""
    languages = sorted({row.lang for row in rows})
    moved = dict.fromkeys(languages, 0.0)
    parts = [{lang: _margins(rows, kinds, lang) for lang in languages} for kinds in (ORDINARY, ALIKE)]
    for lang in languages:
        apart: list[float] = []
        for part in parts:
            if part[lang].size:
                everything = np.concatenate(list(part.values()))
                apart += list(np.quantile(part[lang], _HIGH) - np.quantile(everything, _HIGH))
        count = sum(part[lang].size for part in parts)
        moved[lang] = float(np.mean(apart)) * count / (count + _WEIGHT) if apart else 0.0
    return moved


def gain(rows: Sequence[Held], *, seed: int = 0) -> dict[str, Any]:
    """Mean recall over ``_ALARMS`` at the common border and at borders of each language's own, and the difference with
    its 95 % interval. Empty where a half has no harmless texts or no attacks."""
    halves = [[row for row in rows if _half(row.group) == half] for half in (0, 1)]
    parts: list[tuple[Floats, Floats, NDArray[np.bool_], list[str]]] = []
    for fitted, measured in (halves, halves[::-1]):
        moved = shifts(fitted)
        common = np.array([row.margin for row in measured])
        own = common - np.array([moved.get(row.lang, 0.0) for row in measured])
        bad = np.array([row.kind in ATTACKS for row in measured], dtype=bool)
        if not bad.any() or bad.all():
            return {}
        parts.append((common, own, bad, [row.group for row in measured]))
    before = float(np.mean([recall(common[~bad], common[bad]) for common, _, bad, _ in parts]))
    after = float(np.mean([recall(own[~bad], own[bad]) for _, own, bad, _ in parts]))
    rng = np.random.default_rng(seed)
    drawn = np.mean([_drawn(*part, rng) for part in parts], axis=0)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {
        "common": round(before, 4),
        "own": round(after, 4),
        "difference": round(after - before, 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
    }


def recall(harmless: Floats, bad: Floats) -> float:
    """Mean share of ``bad`` that lies above the borders at which ``_ALARMS`` of ``harmless`` do."""
    borders = np.quantile(harmless, [1 - share for share in _ALARMS], method="higher")
    return float(np.mean([(bad > border).mean() for border in borders]))


def _drawn(
    common: Floats, own: Floats, bad: NDArray[np.bool_], groups: Sequence[str], rng: np.random.Generator
) -> list[float]:
    """Differences in recall when patterns are drawn anew."""
    names, inverse = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(inverse == place) for place in range(len(names))]
    found: list[float] = []
    while len(found) < _DRAWS:
        rows = np.concatenate([members[place] for place in rng.integers(0, len(names), len(names))])
        chosen = bad[rows]
        if chosen.any() and not chosen.all():
            one, other = common[rows], own[rows]
            found.append(recall(other[~chosen], other[chosen]) - recall(one[~chosen], one[chosen]))
    return found


def _half(group: str) -> int:
    return blake2b(group.encode(), digest_size=1).digest()[0] % 2


def _margins(rows: Sequence[Held], kinds: Sequence[str], lang: str) -> Floats:
    return np.array([row.margin for row in rows if row.lang == lang and row.kind in kinds])

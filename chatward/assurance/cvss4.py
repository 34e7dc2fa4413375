"""The base score (CVSS-B) of a CVSS 4.0 vector.

The rules (CVSS v4.0 Specification Document, FIRST 2023, sections 7 and 8.2):

1. Base metrics alone are scored, as for 3.x: threat and environment in a vector are those of whoever wrote it. They
   are taken as the specification says for what is not defined (``E:A``, requirements ``H``), supplemental ones never
   count.
2. Each group of metrics (EQ) has a level; the levels together are a *macrovector*, whose score stands in a table of the
   specification. From it is taken, in the mean over the groups, the part of the way to the next lower macrovector that
   the vector is below the worst one of its own.

The numbers are those of FIRST's calculator (``cvss_lookup.js``, BSD-2-Clause); of its 270 macrovectors, base metrics
reach the 60 that are here.
"""

from __future__ import annotations

import math
from typing import Final

PREFIX: Final = "CVSS:4.0/"
_BASE: Final = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}
"""Values from the worst on: a value's place is its distance in steps."""
_OTHERS: Final = {
    "E": "XAPU",
    **dict.fromkeys(("CR", "IR", "AR"), "XHML"),
    **{f"M{name}": f"X{values}" for name, values in _BASE.items()},
    **dict.fromkeys(("MSI", "MSA"), "XSHLN"),
    "S": "XNP",
    "AU": "XNY",
    "R": "XAUI",
    "V": "XDC",
    "RE": "XLMH",
}
_URGENCY: Final = ("X", "Clear", "Green", "Amber", "Red")
# By EQ1 and EQ2; within, EQ3 and EQ6 (00, 01, 10, 11, 21), each with EQ4 at 1 and at 2. EQ5 is 0.
_SCORES: Final = {
    "00": (10.0, 9.3, 9.6, 9.0, 9.3, 8.8, 9.2, 8.0, 7.9, 6.9),
    "01": (9.5, 9.2, 9.1, 8.1, 9.2, 8.4, 8.2, 7.0, 7.1, 6.3),
    "10": (9.4, 8.7, 8.9, 7.5, 8.6, 7.2, 7.6, 5.7, 6.5, 5.3),
    "11": (9.0, 7.7, 7.7, 6.6, 7.4, 6.1, 5.9, 5.2, 5.8, 2.3),
    "20": (8.6, 7.0, 7.4, 5.4, 7.2, 5.3, 5.7, 3.6, 4.7, 2.4),
    "21": (7.3, 5.4, 5.5, 4.3, 6.1, 4.6, 5.1, 1.8, 2.4, 1.0),
}
_IMPACTS: Final = ("00", "01", "10", "11", "21")
# The worst vectors of each level, and how many steps there are in it (section 8.2, tables of EQ1 to EQ4).
_WORST1: Final = (("NNN",), ("ANN", "NLN", "NNP"), ("PNN", "ALP"))
_STEPS1: Final = (1, 4, 5)
_WORST2: Final = (("LN",), ("HN", "LP"))
_STEPS2: Final = (1, 2)
_WORST3: Final = (("HHH",), ("LHH", "HLH"), ("LLL",))
_STEPS3: Final = (7, 8, 10)
_WORST4: Final = {1: ("HHH",), 2: ("LLL",)}
_STEPS4: Final = {1: 5, 2: 4}


def base_score(vector: str) -> float | None:
    """From 0 to 10; ``None`` for what is no whole vector of 4.0."""
    metrics = _parsed(vector)
    if metrics is None:
        return None
    where, how = _of(metrics, "AV", "PR", "UI"), _of(metrics, "AC", "AT")
    lost, beyond = _of(metrics, "VC", "VI", "VA"), _of(metrics, "SC", "SI", "SA")
    if lost + beyond == "NNNNNN":
        return 0.0
    eq1 = 0 if where == "NNN" else 1 if "N" in where and where[0] != "P" else 2
    eq2 = int(how != "LN")
    eq3 = 0 if lost[:2] == "HH" else 1 if "H" in lost else 2
    eq4 = 1 if "H" in beyond else 2
    own = _score(eq1, eq2, f"{eq3}{int(eq3 == 2)}", eq4)
    below3 = {0: ("01", "10"), 1: ("11",), 2: ()}[eq3]
    groups = (
        (_score(eq1 + 1, eq2, f"{eq3}{int(eq3 == 2)}", eq4), _below(where, _WORST1[eq1], "AV PR UI"), _STEPS1[eq1]),
        (_score(eq1, eq2 + 1, f"{eq3}{int(eq3 == 2)}", eq4), _below(how, _WORST2[eq2], "AC AT"), _STEPS2[eq2]),
        (
            max((_score(eq1, eq2, one, eq4) for one in below3), default=math.nan),
            _below(lost, _WORST3[eq3], "VC VI VA"),
            _STEPS3[eq3],
        ),
        (
            _score(eq1, eq2, f"{eq3}{int(eq3 == 2)}", eq4 + 1),
            _below(beyond, _WORST4[eq4], "SC SI SA"),
            _STEPS4[eq4],
        ),
    )
    # EQ5 has a lower level always, and a vector without E is at the worst of its own: one more, with nothing to take.
    taken = [0.0, *((own - lower) * steps / of for lower, steps, of in groups if not math.isnan(lower))]
    return _rounded(min(max(own - sum(taken) / len(taken), 0.0), 10.0))


def _parsed(vector: str) -> dict[str, str] | None:
    if not vector.startswith(PREFIX):
        return None
    metrics: dict[str, str] = {}
    for part in vector[len(PREFIX) :].split("/"):
        name, _, value = part.partition(":")
        known = _URGENCY if name == "U" else tuple(_BASE.get(name) or _OTHERS.get(name, ""))
        if value not in known or name in metrics:
            return None
        metrics[name] = value
    return metrics if metrics.keys() >= _BASE.keys() else None


def _of(metrics: dict[str, str], *names: str) -> str:
    return "".join(metrics[name] for name in names)


def _score(eq1: int, eq2: int, impact: str, eq4: int) -> float:
    """``nan`` where there is no such macrovector."""
    row = _SCORES.get(f"{eq1}{eq2}")
    return row[2 * _IMPACTS.index(impact) + eq4 - 1] if row is not None and eq4 in _STEPS4 else math.nan


def _below(values: str, worst: tuple[str, ...], names: str) -> int:
    """Steps from the first of the worst vectors that is not less bad in any metric."""
    orders = [_BASE[name] for name in names.split()]
    for one in worst:
        steps = [order.index(value) - order.index(at) for order, value, at in zip(orders, values, one, strict=True)]
        if min(steps) >= 0:
            return sum(steps)
    raise AssertionError("every vector is below a worst one of its level")


def _rounded(value: float) -> float:
    """To one decimal, halves up, without the errors of binary fractions."""
    return math.floor(value * 10 + 0.5 + 1e-5) / 10

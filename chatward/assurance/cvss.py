"""The base score of a CVSS vector (3.0, 3.1, and 4.0 by ``cvss4``), and its rating.

Formulas and weights: CVSS v3.1 Specification Document (FIRST, 2019), sections 7.1, 7.4, Appendix A (*Roundup*). The
score of 3.0 differs in the rounding alone. Ratings: section 5, and section 6 of 4.0, which is the same.
"""

from __future__ import annotations

from typing import Final

from chatward.assurance import cvss4

_WEIGHTS: Final = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES: Final = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_PREFIXES: Final = ("CVSS:3.0/", "CVSS:3.1/")
SEVERITIES: Final = ("critical", "high", "medium", "low", "none", "unknown")
"""From the worst on; unknown is treated as high where something is due."""


def base_score(vector: str) -> float | None:
    """From 0 to 10; ``None`` for what is no whole vector, which is not zero."""
    if vector.startswith(cvss4.PREFIX):
        return cvss4.base_score(vector)
    if not vector.startswith(_PREFIXES):
        return None
    metrics: dict[str, str] = {}
    for part in vector[len(_PREFIXES[0]) :].split("/"):
        name, colon, value = part.partition(":")
        if not colon or name in metrics:
            return None
        metrics[name] = value
    try:
        weight = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
        scope = metrics["S"]
        privileges = _PRIVILEGES[scope][metrics["PR"]]
    except KeyError:
        return None
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = scope == "C"
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _roundup(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _roundup(value: float) -> float:
    """Up to one decimal, without the errors of binary fractions (Appendix A)."""
    whole = round(value * 100_000)
    return whole / 100_000.0 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10.0


def rating(score: float) -> str:
    """The qualitative severity rating scale."""
    for least, word in ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low")):
        if score >= least:
            return word
    return "none"

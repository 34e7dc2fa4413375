"""Small plots as SVG text: ROC, DET and reliability.

The rules: an SVG stands alone (no script, no font, no link), has a title that says what it shows, tells its lines apart
by dash as well as by colour, and reads on a light and on a dark page. A line is drawn with at most ``_POINTS`` of the
points that were measured, and with no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from chatward.evaluation.metrics import Bin, Curve, Floats, probit

_WIDTH: Final = 420
_HEIGHT: Final = 360
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 34, 22, 48
_POINTS: Final = 400
_COLOURS: Final = ("#0a6fb8", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0f766e", "#be123c", "#475569")
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4", "4 2 1 2", "3 6")
_DET_TICKS: Final = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Line:
    """A named line; ``across`` and ``up`` in the plot's own units."""

    name: str
    across: Floats
    up: Floats


@dataclass(frozen=True, slots=True)
class _Axes:
    low: tuple[float, float]
    high: tuple[float, float]

    def at(self, across: float, up: float) -> tuple[float, float]:
        wide = (across - self.low[0]) / (self.high[0] - self.low[0])
        tall = (up - self.low[1]) / (self.high[1] - self.low[1])
        return (
            _LEFT + min(max(wide, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - min(max(tall, 0.0), 1.0) * (_HEIGHT - _TOP - _BOTTOM),
        )


def roc_plot(curves: Sequence[tuple[str, Curve]], title: str) -> str:
    """Recall over false alarms; false alarms on a logarithmic axis from 0.0001, where guards are used."""
    axes = _Axes((-4.0, 0.0), (0.0, 1.0))
    lines = [Line(name, np.log10(np.maximum(one.false_alarms, 1e-4)), one.recall) for name, one in curves]
    across = [(float(power), f"{100 * 10.0**power:g} %") for power in range(-4, 1)]
    up = [(share / 5, f"{share * 20} %") for share in range(6)]
    return _plot(axes, lines, title, ("false alarms", "recall"), across, up)


def det_plot(curves: Sequence[tuple[str, Curve]], title: str) -> str:
    """Misses over false alarms, both in probits: a straight line for normal scores."""
    low, high = (float(value) for value in probit([0.0005, 0.95]))
    ticks = [(float(probit(rate)), f"{100 * rate:g} %") for rate in _DET_TICKS]
    lines = [Line(name, probit(one.false_alarms), probit(1 - one.recall)) for name, one in curves]
    return _plot(_Axes((low, low), (high, high)), lines, title, ("false alarms", "misses"), ticks, ticks)


def reliability_plot(sets: Sequence[tuple[str, Sequence[Bin]]], title: str) -> str:
    """The share of attacks over the score; on the diagonal a score is a probability."""
    lines = [Line("calibrated", np.array([0.0, 1.0]), np.array([0.0, 1.0]))]
    for name, bins in sets:
        filled = [(one.score, one.positive) for one in bins if one.score is not None and one.positive is not None]
        points = np.array(filled, dtype=np.float64).reshape(-1, 2)
        lines.append(Line(name, points[:, 0], points[:, 1]))
    ticks = [(share / 5, f"{share / 5:g}") for share in range(6)]
    return _plot(_Axes((0.0, 0.0), (1.0, 1.0)), lines, title, ("score", "share of attacks"), ticks, ticks, marks=True)


def thinned(across: Floats, up: Floats, most: int = _POINTS) -> tuple[Floats, Floats]:
    """At most ``most`` points of a line, its ends among them, spread evenly along its length."""
    if len(across) <= most:
        return across, up
    steps = np.abs(np.diff(across)) / (np.ptp(across) or 1) + np.abs(np.diff(up)) / (np.ptp(up) or 1)
    length = np.concatenate(([0.0], np.cumsum(steps)))
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], most - 1)))
    kept = np.union1d(np.minimum(kept, len(across) - 1), [0, len(across) - 1])
    return across[kept], up[kept]


def _plot(
    axes: _Axes,
    lines: Sequence[Line],
    title: str,
    names: tuple[str, str],
    across: Sequence[tuple[float, str]],
    up: Sequence[tuple[float, str]],
    *,
    marks: bool = False,
) -> str:
    legend = 18 * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + legend}" width="{_WIDTH}" '
        f'height="{_HEIGHT + legend}" role="img" font-family="sans-serif" font-size="12" fill="#64748b">',
        f"<title>{escape(title)}</title>",
        _text(_LEFT, 20, title, "start", bold=True),
        *_grid(axes, across, vertical=True),
        *_grid(axes, up, vertical=False),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, names[0], "middle"),
        f'<g transform="translate(14 {(_TOP + _HEIGHT - _BOTTOM) / 2:g}) rotate(-90)">',
        f"{_text(0, 0, names[1], 'middle')}</g>",
    ]
    for number, line in enumerate(lines):
        style = _style(number)
        points = [axes.at(float(x), float(y)) for x, y in zip(*thinned(line.across, line.up), strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" {style}/>')
        if marks:
            colour = _COLOURS[number % len(_COLOURS)]
            parts.extend(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in points)
        at = _HEIGHT + 18 * number
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + 30}" y1="{at}" y2="{at}" {style}/>')
        parts.append(_text(_LEFT + 38, at + 4, line.name, "start"))
    return "\n".join([*parts, "</svg>", ""])


def _grid(axes: _Axes, ticks: Sequence[tuple[float, str]], *, vertical: bool) -> list[str]:
    parts = []
    for value, name in ticks:
        first = axes.at(value, axes.low[1]) if vertical else axes.at(axes.low[0], value)
        last = axes.at(value, axes.high[1]) if vertical else axes.at(axes.high[0], value)
        path = f"M{first[0]:.1f} {first[1]:.1f}L{last[0]:.1f} {last[1]:.1f}"
        parts.append(f'<path d="{path}" stroke="#94a3b8" opacity="0.4"/>')
        place = (first[0], first[1] + 16, name, "middle") if vertical else (first[0] - 6, first[1] + 4, name, "end")
        parts.append(_text(*place))
    return parts


def _style(number: int) -> str:
    dash = _DASHES[number % len(_DASHES)]
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{_COLOURS[number % len(_COLOURS)]}" stroke-width="2"{dashes}'


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'

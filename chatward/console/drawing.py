"""Charts as places and sizes, which a template writes as SVG: no script, and every figure is text as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 960
HEIGHT: Final = 180
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a bar. ``kind`` is its class in the style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    blocks: Sequence[Block]
    marks: Sequence[tuple[float, str]]
    """Heights with their numbers."""
    width: int = WIDTH
    height: int = HEIGHT


def stacked(steps: Sequence[Mapping[str, int]], kinds: Sequence[str]) -> Chart:
    """A bar for each step, its kinds upon each other in their order, the first at the bottom."""
    most = max((sum(step[kind] for kind in kinds) for step in steps), default=0)
    top = round_up(most)
    wide = WIDTH / max(len(steps), 1)
    blocks = []
    for place, step in enumerate(steps):
        y = float(HEIGHT)
        for kind in kinds:
            high = step[kind] / top * HEIGHT
            if high:
                y -= high
                blocks.append(
                    Block(round(place * wide, 1), round(y, 1), round(wide - _GAP, 1), round(max(high, 1.0), 1), kind)
                )
    return Chart(blocks, [(0.0, f"{top:,}"), (HEIGHT / 2, f"{top / 2:,.4g}" if top < 10_000 else f"{top // 2:,}")])


def round_up(most: int) -> int:
    """The next of 1, 2, 4, 5, 10, 20 ... so that half of it is easy to read."""
    unit = 1
    while True:
        for step in (1, 2, 4, 5):
            if most <= step * unit:
                return step * unit
        unit *= 10

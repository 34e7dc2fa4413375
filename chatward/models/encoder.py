"""Tier 2: the shipped encoder on ONNX Runtime. Windows of tokens in, text logits and tag logits out.

Most windows that tier 1 is unsure about are ordinary. Of some of them a net over the states of the second layer can
tell (early exit; Xin et al. 2020), and the layers above are not run.

One thread a session and no spinning: the gateway's other work goes on beside it, and a process may fork after loading.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatward.models.heads import HEADS
from chatward.models.runtime import onnxruntime
from chatward.models.wordpiece import Tokens, WordPiece

WINDOW: Final = 128
"""Tokens of one window, the three that frame it included."""
ROOM: Final = WINDOW - 3
STEP: Final = 96
"""Tokens from one window's start to the next: neighbours share the rest."""
NARROW_ROOM: Final = 45
NARROW_STEP: Final = 30
"""The same of narrow windows."""
FEW: Final = 96
"""Tokens of a text that is read in narrow windows alone: a wide one would say little more of it and take as long."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a tokenised text: its tokens from ``start``, at most ``room``."""

    tokens: Tokens
    start: int
    untrusted: bool
    room: int = ROOM

    @property
    def end(self) -> int:
        return min(self.start + self.room, len(self.tokens.ids))

    def span(self) -> tuple[int, int]:
        """The window in code points of the text."""
        words, spans = self.tokens.words, self.tokens.spans
        return spans[words[self.start]][0], spans[words[self.end - 1]][1]


def windows(tokens: Tokens, *, untrusted: bool) -> list[Window]:
    """The windows of a text, in order; none of an empty one. What people write is read in narrow windows, and in wide
    ones as well where it is long: an attack among ordinary sentences is lost in a wide one, a long one's meaning in a
    narrow one."""
    count = len(tokens.ids)
    if untrusted or count <= NARROW_ROOM:
        return wide_windows(tokens, untrusted=untrusted)
    narrow = _cut(tokens, NARROW_ROOM, NARROW_STEP, untrusted)
    return narrow if count <= FEW else wide_windows(tokens, untrusted=untrusted) + narrow


def wide_windows(tokens: Tokens, *, untrusted: bool) -> list[Window]:
    """The fewest windows that hold every token of a text, in order."""
    return _cut(tokens, ROOM, STEP, untrusted) if tokens.ids else []


def enough_tokens(count: int, *, untrusted: bool) -> int:
    """Tokens enough for more windows than ``count``: what reads no more windows need not cut more of a text."""
    step = STEP if untrusted else 1 / (1 / STEP + 1 / NARROW_STEP)
    return ROOM + 1 + math.ceil(count * step)


def _cut(tokens: Tokens, room: int, step: int, untrusted: bool) -> list[Window]:
    count = len(tokens.ids)
    last = max(count - room, 0)
    starts = dict.fromkeys(min(start, last) for start in range(0, last + step, step))
    return [Window(tokens, start, untrusted, room) for start in starts]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A window, tier 1's logits of it, and whether tags are wanted. Equal to itself alone: answers are kept by it."""

    window: Window
    first: Floats
    tags: bool


class Answer(NamedTuple):
    """Text logits [heads] of a window, and its tag logits [tokens of the window, tags] if they were wanted. ``early``:
    the logits are those of the early net, because what the upper layers say does not matter."""

    logits: Floats
    tags: Floats | None
    early: bool


class Encoder:
    """The loaded model. It may be called from any thread, one call at a time per session is fastest. ``borders``: how
    much a window must matter to be read to the end, of a person's text and of an untrusted one."""

    def __init__(self, path: Path, cutter: WordPiece, borders: tuple[float, float] = (-math.inf, -math.inf)) -> None:
        runtime = onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        # The file is fused as it should be; the runtime's own fusions would take a slower kind of addition.
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session: Any = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._cutter = cutter
        self._borders = borders

    def run(self, given: Sequence[Window]) -> list[tuple[Floats, Floats]]:
        """For each window, read to the end: text logits [heads] and tag logits [tokens of the window, tags].

        Windows are read one by one. The int8 encoder scales its activations by the whole batch, so that in a batch a
        text's logits would depend on its neighbours (by up to 1.9), and two cores gain nothing from batches.
        """
        return [self._whole(window) for window in given]

    def read(self, given: Sequence[Asked]) -> list[Answer]:
        """The same, of windows that the upper layers are not run for where it surely does not matter. Whether one is
        read ``early`` depends on it alone; its tags are there only where they are wanted."""
        return [self._answer(asked) for asked in given]

    def _whole(self, window: Window) -> tuple[Floats, Floats]:
        logits, tags = self._session.run(["logits", "tags"], self._inputs(window, _NOTHING, -math.inf))
        return logits[0], tags[0, 2:-1]

    def _answer(self, asked: Asked) -> Answer:
        border = self._borders[asked.window.untrusted]
        inputs = self._inputs(asked.window, asked.first, -math.inf if asked.tags else border)
        early, logits, tags = self._session.run(["early", "logits", "tags"], inputs)
        if early[0, -1] > border:
            return Answer(logits[0], tags[0, 2:-1] if asked.tags else None, early=False)
        return Answer(early[0, :-1], tags[0, 2:-1] if asked.tags else None, early=True)

    def early(self, window: Window, first: Floats) -> tuple[Floats, float]:
        """What the early net is shown of a window, and how much the window matters to it."""
        seen, early = self._session.run(["seen", "early"], self._inputs(window, first, math.inf))
        return seen[0], float(early[0, -1])

    def _inputs(self, window: Window, first: Floats, border: float) -> dict[str, NDArray[Any]]:
        cutter, count = self._cutter, window.end - window.start
        ids = np.empty((1, count + 3), dtype=np.int64)
        casing = np.zeros((1, count + 3), dtype=np.int64)
        ids[0, 0] = cutter.cls
        ids[0, 1] = cutter.untrusted if window.untrusted else cutter.trusted
        ids[0, 2:-1] = window.tokens.ids[window.start : window.end]
        ids[0, -1] = cutter.sep
        casing[0, 2:-1] = window.tokens.casing[window.start : window.end]
        return {"ids": ids, "casing": casing, "tier1": first[None], "border": np.array(border, dtype=np.float32)}


_NOTHING: Final = np.zeros(len(HEADS), dtype=np.float32)

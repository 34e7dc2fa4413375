"""The encoder's early exit: what its net is fitted on, and how much a window must matter to be read to the end.

The rules:

1. A window matters where a head that is asked says more of it than ``MATTERS``, both tiers together, and the text is
   not known to be clean of that. So what the upper layers would raise for nothing may stop early.
2. The net learns from windows that tier 1 is unsure about, or nearly: examples of the mixture, and phrases of every
   language among ordinary sentences of theirs, which is what messages are and corpora are not.
3. The border lies where ``LOST`` of the attacks, scams and abuse would be lost, on phrases that were held back.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.models.cascade import Calibration, asked_heads
from chatward.models.encoder import Encoder, Window, windows
from chatward.models.heads import HEADS, INDEX
from chatward.models.tier1 import Tier1
from chatward.models.training import corpora
from chatward.models.training.corpora import Example
from chatward.models.wordpiece import WordPiece

Floats = NDArray[np.float32]

MATTERS: Final[Mapping[str, float]] = {"attack": 0.03, "indirect": 0.03, "toxic": 0.27}
"""Score from which what a head says may matter; 0.03 of ``attack`` is what 1 % of support chat exceeds, and insults are
only noted."""
_MATTERS_ELSE: Final = 0.12
LOST: Final = (0.0005, 0.002)
"""Share that may be lost of what the whole cascade scores 0.5 and more, and of what it scores above ``MATTERS``."""
_NEARLY: Final = 1.0
"""Logits below tier 1's border at which a window is still learnt from."""
_MOST: Final = 5  # windows of one text
_SPEAK: Final[Mapping[str, tuple[str, ...]]] = {
    "direct": ("attack",),
    "extraction": ("attack",),
    "jailbreak": ("attack",),
    "indirect": ("indirect",),
    "scam": ("scam",),
    "abuse": ("toxic", "hate", "sexual", "self-harm", "violence", "illegal"),
}
"""Kinds of phrases of which something may be lost, and the heads that speak of them."""
_AROUND: Final = ("chat", "chat", "request", "pii_benign", "trigger")
_TIMES: Final = (1, 1, 2, 3, 4, 6)  # sentences that a phrase is put among


@dataclass(frozen=True, slots=True)
class Rows:
    """Windows to learn from: what the net is shown [windows, features] in float16, the encoder's text logits [windows,
    heads], whether each matters, and whether it counts (0.5 and more)."""

    seen: NDArray[np.float16]
    logits: Floats
    matters: NDArray[np.bool_]
    counts: NDArray[np.bool_]


def among(seed: int, *, held: bool) -> Iterator[tuple[Example, Example]]:
    """Phrases of every language, held back or not: alone, and among ordinary ones."""
    rng = random.Random(seed)
    by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
    found: list[Example] = []
    for example in corpora.phrase_examples(seed=seed):
        if example.held == held:
            kind = example.source.rpartition("/")[2]
            by_kind[example.lang, kind].append(example.text)
            found.append(example)
    rng.shuffle(found)
    for example in found:
        kinds = ("document",) if example.untrusted else _AROUND
        pools = [pool for kind in kinds if (pool := by_kind.get((example.lang, kind)))]
        if not pools:
            continue
        more = [rng.choice(rng.choice(pools)) for _ in range(rng.choice(_TIMES))]
        at = rng.randrange(len(more) + 1)
        glue = "\n" if example.untrusted else " "
        text = glue.join([*more[:at], example.text, *more[at:]])
        yield example, _moved(example, text)


def _moved(example: Example, text: str) -> Example:
    return Example(
        text, example.targets, f"{example.source}+", lang=example.lang, untrusted=example.untrusted, held=example.held
    )


def taught(
    examples: Sequence[Example],
    tier1: Tier1,
    encoder: Encoder,
    cutter: WordPiece,
    calibration: Calibration,
    *,
    seed: int = 0,
) -> Rows:
    """What the whole encoder says of windows that tier 1 is unsure about, or nearly."""
    rng = random.Random(seed)
    seen: list[NDArray[np.float16]] = []
    logits: list[Floats] = []
    matters: list[bool] = []
    counts: list[bool] = []
    for example in examples:
        found = windows(cutter(example.text), untrusted=example.untrusted)
        heads = [head for head in asked_heads(example.untrusted) if example.targets.get(head) != 0]
        for window in rng.sample(found, _MOST) if len(found) > _MOST else found:
            first = _first(example.text, window, tier1)
            if not _unsure(first, example.untrusted, calibration, _NEARLY):
                continue
            second = encoder.run([window])[0][0]
            said = _margins(first, second, calibration)
            seen.append(encoder.early(window, first)[0].astype(np.float16))
            logits.append(second)
            matters.append(any(said[head][1] > 0 for head in heads))
            counts.append(any(said[head][0] > 0 for head in heads))
    return Rows(np.array(seen, np.float16), np.array(logits, np.float32), np.array(matters), np.array(counts))


def borders(
    tier1: Tier1, encoder: Encoder, cutter: WordPiece, calibration: Calibration, *, seed: int = 0
) -> dict[str, Any]:
    """How much a window must matter to be read to the end, by where its text comes from; for ``calibration.json``.
    Documents always are: so few of them stop early that it is not worth what is lost."""
    counting: list[float] = []
    more: list[float] = []
    for alone, inside in among(seed, held=True):
        heads = _SPEAK.get(alone.source.rpartition("/")[2])
        if heads is None or alone.untrusted:
            continue
        for example in (alone, inside):
            found = _weights(example, heads, tier1, encoder, cutter, calibration)
            counting.extend(found[0])
            if example is alone:  # among others, what matters may be the others
                more.extend(found[1])
    lowest = [
        float(np.quantile(one, share, method="lower")) for one, share in zip((counting, more), LOST, strict=True) if one
    ]
    border = float(np.nextafter(np.float32(min(lowest)), np.float32(-np.inf))) if lowest else _NEVER
    return {"user": border, "untrusted": _NEVER, "lost": list(LOST)}


_NEVER: Final = -1e30


def _weights(
    example: Example,
    heads: Sequence[str],
    tier1: Tier1,
    encoder: Encoder,
    cutter: WordPiece,
    calibration: Calibration,
) -> tuple[list[float], list[float]]:
    """Of one text: how much its heaviest window matters to the early net, of those that count, and of those that
    matter; nothing where there is none."""
    counting: list[float] = []
    more: list[float] = []
    for window in windows(cutter(example.text), untrusted=example.untrusted):
        first = _first(example.text, window, tier1)
        if not _unsure(first, example.untrusted, calibration, 0.0):
            continue
        said = _margins(first, encoder.run([window])[0][0], calibration)
        if any(said[head][1] > 0 for head in heads):
            weight = encoder.early(window, first)[1]
            more.append(weight)
            if any(said[head][0] > 0 for head in heads):
                counting.append(weight)
    return [max(counting)] if counting else [], [max(more)] if more else []


def _first(text: str, window: Window, tier1: Tier1) -> Floats:
    start, end = window.span()
    return tier1.logits(text[start:end], window.tokens.ids[window.start : window.end])


def _unsure(first: Floats, untrusted: bool, calibration: Calibration, nearly: float) -> bool:
    return any(first[INDEX[head]] > _logit(calibration.borders[head][0]) - nearly for head in asked_heads(untrusted))


def _margins(first: Floats, second: Floats, calibration: Calibration) -> dict[str, tuple[float, float]]:
    """By head: how far both tiers' logit lies above the one of 0.5, and above the one of ``MATTERS``."""
    found = {}
    for place, head in enumerate(HEADS):
        a, b, c = calibration.both[head]
        logit = a * float(first[place]) + b * float(second[place]) + c
        found[head] = logit, logit - _logit(MATTERS.get(head, _MATTERS_ELSE))
    return found


def _logit(p: float) -> float:
    return float(np.log(p / (1 - p)))

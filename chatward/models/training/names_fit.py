"""Fitting the gate before the encoder's search for names: it learns what the encoder finds.

The rule: its examples are what the encoder says of texts (distillation; Hinton et al. 2015), so that it knows names
that no corpus marks, and everyday chat that names nobody. The word embeddings begin as the encoder's own, cut to their
main directions, so that names which were never seen lie beside those that were.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from chatward.models.encoder import Encoder
from chatward.models.names import CASING, DIMENSIONS, FIRST, HIDDEN, SECOND, NameGate
from chatward.models.training import corpora
from chatward.models.training.calibrate import found_names
from chatward.models.training.corpora import Example, Tagged
from chatward.models.wordpiece import CASINGS, WordPiece

_COMPOSED: Final = ("ordered", "briefed", "inserted", "redirected", "suffixed", "tasked")
"""Sources that are made of other sources' texts."""
_MOST: Final = 2500
"""Texts of one corpus; written phrases are all taken."""
_LONGEST: Final = 900
_BATCH: Final = 64
_RATE: Final = 3e-3
_UNKNOWN: Final = 0.06
"""Share of tokens that are hidden while learning, so that their neighbours tell as well."""
_FOUND: Final = 3.0
"""What a token that is part of a name weighs against others."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A text's tokens and casing, and how sure it is that each is personal data: 1 where it would be treated, 0.5 where
    it would be noted."""

    ids: list[int]
    casing: list[int]
    sure: np.ndarray


class Net(nn.Module):
    """ids, casing, mask [batch, tokens] -> logits [batch, tokens]."""

    def __init__(self, words: Tensor) -> None:
        """``words`` [tokens, any]: embeddings to begin with."""
        super().__init__()
        centred = words - words.mean(0)
        _, _, directions = torch.linalg.svd(centred, full_matrices=False)
        start = centred @ directions[:DIMENSIONS].T
        start = functional.pad(start / start.std() * 0.5, (0, DIMENSIONS - start.shape[1]))
        self.table = nn.Embedding.from_pretrained(start, freeze=False)
        self.casing = nn.Embedding(CASINGS, CASING)
        self.first = nn.Conv1d(DIMENSIONS + CASING, HIDDEN, FIRST, padding=FIRST // 2)
        self.second = nn.Conv1d(HIDDEN, HIDDEN, SECOND, padding=SECOND // 2)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, ids: Tensor, casing: Tensor, mask: Tensor) -> Tensor:
        seen = mask.unsqueeze(1)  # what lies beyond a text's end is zero in every layer
        x = torch.cat([self.table(ids), self.casing(casing)], dim=-1).transpose(1, 2) * seen
        x = functional.relu(self.first(x)) * seen
        x = x + functional.relu(self.second(x))
        return cast(Tensor, self.out(x.transpose(1, 2)).squeeze(-1))


def texts(examples: Sequence[Example], tagged: Sequence[Tagged], rng: random.Random) -> list[str]:
    """Texts to learn from: those of every source that are not kept back for the border."""
    by_source: dict[str, list[str]] = defaultdict(list)
    everything: Sequence[Example | Tagged] = [*examples, *tagged]
    for one in everything:
        source = one.source
        if "+" in source or source in _COMPOSED or one.held or len(one.text) > _LONGEST or not one.text.strip():
            continue
        if not corpora.set_aside(one.text):
            by_source[source].append(one.text)
    chosen: list[str] = []
    for source, found in sorted(by_source.items()):
        few = source in corpora.ABUSE
        most = len(found) if source.startswith("phrases") else _MOST // 10 if few else _MOST
        chosen.extend(rng.sample(found, min(most, len(found))))
    return list(dict.fromkeys(chosen))


def taught(chosen: Sequence[str], encoder: Encoder, cutter: WordPiece) -> list[Taught]:
    """What the encoder says of texts."""
    made: list[Taught] = []
    for text in chosen:
        tokens, names = found_names(text, encoder, cutter)
        sure = np.zeros(len(tokens.ids), dtype=np.float32)
        for name, treated in names:
            for place, word in enumerate(tokens.words):
                start, end = tokens.spans[word]
                if start < name.end and name.start < end:
                    sure[place] = max(sure[place], 1.0 if treated else 0.5)
        if tokens.ids:
            made.append(Taught(tokens.ids, tokens.casing, sure))
    return made


def fit(
    rows: Sequence[Taught],
    words: Tensor,
    cutter: WordPiece,
    *,
    epochs: int = 6,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> NameGate:
    """Fits the net and returns rounded weights. ``words`` [tokens, any] are embeddings to begin with."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    net = Net(words)
    table = [net.table.weight]
    rest = [weights for name, weights in net.named_parameters() if name != "table.weight"]
    optimizer = torch.optim.AdamW(
        [{"params": table, "lr": 2e-3, "weight_decay": 0.0}, {"params": rest, "lr": _RATE, "weight_decay": 1e-2}]
    )
    steps = epochs * math.ceil(len(rows) / _BATCH)
    falling = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(0.03, 0.5 * (1 + math.cos(math.pi * step / steps)))
    )
    for epoch in range(epochs):
        order = sorted(rows, key=lambda row: len(row.ids) + rng.random() * 8)
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        rng.shuffle(batches)
        total = 0.0
        for batch in batches:
            ids, casing, sure, mask = _padded(batch, cutter.pad)
            ids = torch.where(torch.rand(ids.shape) < _UNKNOWN, torch.tensor(cutter.unknown), ids)
            loss = _loss(net(ids, casing, mask), sure, mask)
            torch.autograd.backward(loss)
            optimizer.step()
            falling.step()
            optimizer.zero_grad(set_to_none=True)
            total += loss.item()
        report(f"names, epoch {epoch + 1}/{epochs}: loss {total / max(1, len(batches)):.4f}")
    return rounded(net.eval())


def _loss(logits: Tensor, sure: Tensor, mask: Tensor) -> Tensor:
    """Of each token, and of each text's loudest, by which it passes."""
    each = functional.binary_cross_entropy_with_logits(logits, sure, reduction="none", pos_weight=torch.tensor(_FOUND))
    loudest = (logits + (mask - 1) * 1e4).max(1).values
    whole = functional.binary_cross_entropy_with_logits(loudest, sure.max(1).values)
    return (each * mask).sum() / mask.sum() + 0.5 * whole


def _padded(batch: Sequence[Taught], pad: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    size = (len(batch), max(len(row.ids) for row in batch))
    ids, casing = torch.full(size, pad), torch.zeros(size, dtype=torch.long)
    sure, mask = torch.zeros(size), torch.zeros(size)
    for place, row in enumerate(batch):
        count = len(row.ids)
        ids[place, :count] = torch.tensor(row.ids)
        casing[place, :count] = torch.tensor(row.casing)
        sure[place, :count] = torch.from_numpy(row.sure)
        mask[place, :count] = 1.0
    return ids, casing, sure, mask


def rounded(net: Net) -> NameGate:
    """The net's weights; those of words in 8 bits."""
    table = net.table.weight.detach().numpy()
    scales = np.maximum(np.abs(table).max(1), 1e-9) / 127

    def places(convolution: nn.Conv1d) -> np.ndarray:  # [outputs, inputs, places] -> [places x inputs, outputs]
        weight = convolution.weight.detach().numpy()
        return np.asarray(weight.transpose(2, 1, 0).reshape(-1, weight.shape[0]))

    def bias(layer: nn.Conv1d | nn.Linear) -> np.ndarray:
        assert layer.bias is not None
        return np.asarray(layer.bias.detach().numpy())

    return NameGate(
        np.round(table / scales[:, None]).astype(np.int8),
        scales.astype(np.float32),
        net.casing.weight.detach().numpy().copy(),
        places(net.first),
        bias(net.first),
        places(net.second),
        bias(net.second),
        net.out.weight.detach().numpy()[0].copy(),
        bias(net.out)[:1],
    )

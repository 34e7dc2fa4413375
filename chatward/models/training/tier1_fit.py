"""Fitting tier 1 in PyTorch: both halves at once, then rounded to 8 bits."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from chatward.models import ngrams
from chatward.models.heads import HEADS
from chatward.models.tier1 import DIMENSIONS, HIDDEN, TOKENS, Tier1
from chatward.models.training.corpora import Example
from chatward.models.wordpiece import WordPiece


class Net(nn.Module):
    """Sums of n-gram rows and a small net over pooled static embeddings."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.grams = nn.EmbeddingBag(ngrams.BUCKETS, len(HEADS), mode="sum", sparse=True)
        nn.init.zeros_(self.grams.weight)
        self.table = nn.Embedding.from_pretrained(table, freeze=False, sparse=True)
        self.inner = nn.Linear(2 * DIMENSIONS, HIDDEN)
        self.outer = nn.Linear(HIDDEN, len(HEADS))

    def forward(self, rows: Tensor, starts: Tensor, counts: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        linear = self.grams(rows, starts) / counts.clamp(min=1).sqrt().unsqueeze(1)
        vectors = self.table(ids)
        seen = mask.unsqueeze(-1)
        mean = (vectors * seen).sum(1) / seen.sum(1).clamp(min=1)
        most = (vectors + (seen - 1) * 1e4).max(1).values.clamp(min=-1e3)
        static = self.outer(functional.relu(self.inner(torch.cat([mean, most], dim=-1))))
        if self.training:  # each half learns to do without the other, now and then
            keep = torch.rand(2, len(linear), 1)
            linear = linear * (keep[0] > 0.15) * 1.0
            static = static * (keep[1] > 0.15) * 1.0
        return cast(Tensor, linear + static)


def static_table(vocabulary: Sequence[str], weights: Path, tokenizer: Path) -> Tensor:
    """Start values of the static embeddings: each token's mean over the pieces of a published table
    (wordllama, l2_supercat, MIT), cut to ``DIMENSIONS``."""
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    published = next(iter(load_file(str(weights)).values())).float()[:, :DIMENSIONS]
    cutter = Tokenizer.from_file(str(tokenizer))
    published = published / published.norm(dim=1).mean()
    spoken = [token.removeprefix("##") for token in vocabulary]
    rows = [cutter.encode(token, add_special_tokens=False).ids for token in spoken]
    mean = published.mean(0)
    return torch.stack([published[ids].mean(0) if ids else mean for ids in rows])


def fit(
    examples: Sequence[Example],
    cutter: WordPiece,
    table: Tensor,
    *,
    epochs: int = 4,
    batch: int = 256,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> Tier1:
    """Fits both halves and returns rounded weights."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    net = Net(table.clone())
    rows = [ngrams.rows(_part(example)) for example in examples]
    ids = [np.asarray(cutter(_part(example), limit=TOKENS).ids or [cutter.unknown]) for example in examples]
    targets = np.array([[example.targets.get(head, 0.0) for head in HEADS] for example in examples], dtype=np.float32)
    weights = np.array(
        [[example.weight if head in example.targets else 0.0 for head in HEADS] for example in examples], np.float32
    )
    sparse = torch.optim.SparseAdam([net.grams.weight], lr=0.02)
    tables = torch.optim.SparseAdam([net.table.weight], lr=0.002)
    dense = torch.optim.AdamW([*net.inner.parameters(), *net.outer.parameters()], lr=0.002, weight_decay=0.01)
    optimizers: list[Any] = [sparse, tables, dense]
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    steps = epochs * math.ceil(len(examples) / batch)
    step, running = 0, 0.0
    for epoch in range(epochs):
        order = sorted(range(len(examples)), key=lambda place: len(ids[place]) + rng.random() * 12)
        starts = list(range(0, len(order), batch))
        rng.shuffle(starts)
        for start in starts:
            chosen = order[start : start + batch]
            factor = max(0.03, 0.5 * (1 + math.cos(math.pi * step / steps)))
            for optimizer, peak in zip(optimizers, peaks, strict=True):
                optimizer.param_groups[0]["lr"] = peak * factor
            logits = net(*_tensors([rows[i] for i in chosen], [ids[i] for i in chosen]))
            soft = torch.from_numpy(targets[chosen]) * 0.98 + 0.01
            weight = torch.from_numpy(weights[chosen])
            losses = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
            loss = (losses * weight).sum() / weight.sum().clamp(min=1)
            torch.autograd.backward(loss + 2e-6 * (net.outer.weight**2).sum())
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            running = loss.item() if not step else 0.99 * running + 0.01 * loss.item()
            step += 1
        report(f"tier 1, epoch {epoch + 1}/{epochs}: loss {running:.4f}")
    return rounded(net.eval())


def _part(example: Example) -> str:
    """What of a text tier 1 is shown: around its focus where it is long."""
    text = example.text
    if len(text) <= ngrams.LONGEST:
        return text
    start = max(0, example.focus[0] - ngrams.LONGEST // 2) if example.focus else 0
    return text[start : start + ngrams.LONGEST]


def _tensors(rows: Sequence[np.ndarray], ids: Sequence[np.ndarray]) -> tuple[Tensor, ...]:
    counts = np.array([len(row) for row in rows])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    length = max(len(row) for row in ids)
    padded = np.zeros((len(ids), length), dtype=np.int64)
    mask = np.zeros((len(ids), length), dtype=np.float32)
    for place, row in enumerate(ids):
        padded[place, : len(row)] = row
        mask[place, : len(row)] = 1
    joined = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    return (
        torch.from_numpy(joined),
        torch.from_numpy(starts),
        torch.from_numpy(counts.astype(np.float32)),
        torch.from_numpy(padded),
        torch.from_numpy(mask),
    )


def rounded(net: Net) -> Tier1:
    """The net's weights in 8 bits."""
    grams = net.grams.weight.detach().numpy()
    gram_scales = np.maximum(np.abs(grams).max(0), 1e-9) / 127
    table = net.table.weight.detach().numpy()
    table_scales = np.maximum(np.abs(table).max(1), 1e-9) / 127
    return Tier1(
        np.round(grams / gram_scales).astype(np.int8),
        gram_scales.astype(np.float32),
        np.round(table / table_scales[:, None]).astype(np.int8),
        table_scales.astype(np.float32),
        net.inner.weight.detach().numpy().T.copy(),
        net.inner.bias.detach().numpy().copy(),
        net.outer.weight.detach().numpy().T.copy(),
        net.outer.bias.detach().numpy().copy(),
    )

"""The small net of the encoder's early exit, fitted in PyTorch while the encoder stays as it is.

One hidden layer over the pooled states of an early layer and tier 1's logits. It answers what the whole encoder's
text logits are (squared error) and how likely the window matters (``exits``); what counts weighs three times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from chatward.models.training.exits import Floats, Rows
from chatward.models.training.export import EXIT

_BATCH: Final = 256
_RATE: Final = 2e-3
_FORGOTTEN: Final = 0.3
"""Share of the features that a step does without."""
_LOGITS: Final = 0.05
"""What the logits' error counts beside whether a window matters."""


def fit(
    rows: Rows, *, epochs: int = 8, seed: int = 0, report: Callable[[str], None] = lambda line: None
) -> tuple[Floats, Floats, Floats, Floats]:
    """The net's weights as ``export.put_exit`` takes them."""
    torch.manual_seed(seed)
    middle = rows.seen.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = rows.seen.std(axis=0, dtype=np.float64).astype(np.float32) + 1e-3
    seen, goal = torch.from_numpy(rows.seen), torch.from_numpy(rows.logits)
    matters = torch.from_numpy(rows.matters.astype(np.float32))
    weight = torch.from_numpy(1.0 + 2.0 * rows.counts.astype(np.float32))
    net = nn.Sequential(nn.Linear(rows.seen.shape[1], EXIT), nn.ReLU(), nn.Linear(EXIT, goal.shape[1] + 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=0.02)
    batches = -(-len(seen) // _BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=epochs * batches + 1, pct_start=0.1)
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(seen)).split(_BATCH):
            shown = (seen[chosen].float() - torch.from_numpy(middle)) / torch.from_numpy(spread)
            said = net(shown * (torch.rand_like(shown) > _FORGOTTEN))
            each = functional.binary_cross_entropy_with_logits(said[:, -1], matters[chosen], reduction="none")
            loss = (each * weight[chosen]).mean() + _LOGITS * ((said[:, :-1] - goal[chosen]) ** 2).sum(1).mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            rates.step()
            total += loss.item()
        report(f"early exit, epoch {epoch + 1}/{epochs}: loss {total / max(1, batches):.4f}")
    inner, inner_bias, outer, outer_bias = (weights.detach().numpy() for weights in net.parameters())
    scaled = (inner / spread).T.astype(np.float16).astype(np.float32)  # as they will be stored
    return scaled, inner_bias - middle @ scaled, outer.T.copy(), outer_bias

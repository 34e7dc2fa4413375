"""Fitting the small net that finds personal data: it learns what the encoder finds, and what corpora mark.

The rule: its examples are what the encoder says of texts (distillation; Hinton et al. 2015), so that it knows names
that no corpus marks, and everyday chat that names nobody; where a source marks personal data, its marks count more than
half. Names also stand in sentences of other languages and in lower case, so that their surroundings tell as much as
their spelling. The word embeddings begin as the encoder's own, cut to their main directions: a token that no example
holds moves with those beside it.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from chatward.models.encoder import Encoder
from chatward.models.entities import first_pieces
from chatward.models.heads import ENTITIES, TAGS
from chatward.models.names import APART, CASING, DIMENSIONS, REACH, WIDTH, NameTagger
from chatward.models.training import corpora
from chatward.models.training.calibrate import whole_tags
from chatward.models.training.corpora import Example, Tagged
from chatward.models.wordpiece import CASINGS, Tokens, WordPiece

_COMPOSED: Final = ("ordered", "briefed", "inserted", "redirected", "suffixed", "tasked")
"""Sources that are made of other sources' texts."""
_MOST: Final = 2500
"""Texts of one corpus; written phrases are all taken."""
_LONGEST: Final = 900
_MOVED: Final = ("PERSON", "ADDRESS", "LOCATION", "ORG")
"""What is put into other sentences."""
_SWAPPED, _LOWERED, _PLAIN = 0.5, 0.15, 0.5
"""Shares: of sentences in which names are changed, of texts that are also seen in lower case, and of texts without
personal data that are seen at all."""
_MARKED: Final = 0.6
"""What a corpus' marks count beside the encoder's answer."""
_KINDS_FROM: Final = 0.3
"""A kind that the encoder thinks less likely is none: of texts unlike those it learnt tags from, it says a little of
everything."""
_BATCH: Final = 2000
"""Words."""
_RATE, _WORDS_RATE = 2e-3, 1.5e-3
_UNKNOWN: Final = 0.05
"""Share of tokens that are hidden while learning, so that their neighbours tell as well."""
_STEPS: Final = 24
"""Embeddings are rounded to so many steps on either side of zero; the file packs well."""

Matrix = np.ndarray


@dataclass(frozen=True, slots=True)
class Taught:
    """A text's tokens, where its words begin among them, and by word casing and probabilities of tags [words, tags]."""

    ids: Matrix
    starts: Matrix
    casing: Matrix
    tags: Matrix


class Net(nn.Module):
    """A batch -> tag logits [words, tags]."""

    def __init__(self, words: Tensor) -> None:
        """``words`` [tokens, any]: embeddings to begin with."""
        super().__init__()
        centred = words - words.mean(0)
        self.base: Tensor
        self.register_buffer("base", centred / centred.std())
        _, _, directions = torch.linalg.svd(self.base[:: max(1, len(words) // 10_000)], full_matrices=False)
        start = functional.pad(directions[:DIMENSIONS].T, (0, max(0, DIMENSIONS - len(directions))))
        self.cut = nn.Parameter(start / math.sqrt(2))
        self.moved = nn.Embedding(len(words), DIMENSIONS, sparse=True)
        nn.init.zeros_(self.moved.weight)
        self.casing = nn.Embedding(CASINGS, CASING)
        self.enter = nn.Linear(2 * DIMENSIONS + CASING, WIDTH)
        self.inner = nn.ModuleList(nn.Linear(3 * WIDTH, WIDTH) for _ in APART)
        self.out = nn.Linear(WIDTH, len(TAGS))

    def forward(self, batch: Batch) -> Tensor:
        pieces = self.base[batch.ids] @ self.cut + self.moved(batch.ids)
        whole = pieces.new_zeros(len(batch.mask), DIMENSIONS).index_add(0, batch.words, pieces)
        seen = batch.mask.unsqueeze(1)  # what lies between texts is zero in every layer
        x = torch.cat([pieces[batch.starts] * seen, whole, self.casing(batch.casing)], dim=1)
        x = functional.relu(self.enter(x)) * seen
        for layer, apart in zip(self.inner, APART, strict=True):
            edge = x.new_zeros(apart, x.shape[1])
            before, after = torch.cat([edge, x[:-apart]]), torch.cat([x[apart:], edge])
            x = x + functional.relu(layer(torch.cat([before, x, after], dim=1))) * seen
        return cast(Tensor, self.out(functional.dropout(x, 0.1, self.training)))


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts one after another, with ``REACH`` words of nothing before each. ``words[i]`` is the word of token ``i``;
    by word: ``starts``, ``casing``, ``mask`` (0 for nothing) and ``tags``."""

    ids: Tensor
    words: Tensor
    starts: Tensor
    casing: Tensor
    mask: Tensor
    tags: Tensor

    @classmethod
    def of(cls, rows: Sequence[Taught]) -> Batch:
        words: list[Matrix] = []
        by_word: tuple[list[Matrix], ...] = ([], [], [], [])
        count = tokens = 0
        for row in rows:
            count += REACH
            begins = np.zeros(len(row.ids), dtype=np.int64)
            begins[row.starts[1:]] = 1
            words.append(begins.cumsum() + count)
            here = (row.starts + tokens, row.casing, np.ones(len(row.starts), dtype=np.float32), row.tags)
            for all_of_them, its in zip(by_word, here, strict=True):
                all_of_them += [np.zeros((REACH, *its.shape[1:]), dtype=its.dtype), its]
            count += len(row.starts)
            tokens += len(row.ids)
        arrays = (np.concatenate([row.ids for row in rows]), np.concatenate(words), *map(np.concatenate, by_word))
        return cls(*map(torch.from_numpy, arrays))


# --- examples


def texts(examples: Sequence[Example], tagged: Sequence[Tagged], rng: random.Random) -> list[Tagged]:
    """Texts to learn from: of every source those that are not kept back for the border, and of those with marks some
    with other names. A text of which no source says anything is known for nothing."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for one in examples:
        composed = "+" in one.source or one.source in _COMPOSED
        if not (
            composed or one.held or len(one.text) > _LONGEST or not one.text.strip() or corpora.set_aside(one.text)
        ):
            by_source[one.source].append(one.text)
    chosen: list[Tagged] = []
    for source, found in sorted(by_source.items()):
        most = len(found) if source.startswith("phrases") else _MOST // 10 if source in corpora.ABUSE else _MOST
        chosen.extend(Tagged(text, (), source, known=frozenset()) for text in rng.sample(found, min(most, len(found))))
    marked = [row for row in tagged if not row.held and row.text.strip() and not corpora.set_aside(row.text)]
    chosen = [*dict.fromkeys(chosen), *marked, *_swapped(marked, rng)]
    lowered = [
        replace(row, text=row.text.lower())
        for row in chosen
        if rng.random() < _LOWERED and len(row.text.lower()) == len(row.text)
    ]
    return chosen + lowered


def _swapped(rows: Sequence[Tagged], rng: random.Random) -> Iterator[Tagged]:
    """Written sentences with names of any source and language in place of their own."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for start, end, label in row.spans:
            found[label].add(row.text[start:end])
    names = {label: sorted(found[label]) for label in _MOVED}
    for row in rows:
        if not row.source.startswith("phrases") or not row.spans or rng.random() >= _SWAPPED:
            continue
        text, spans, at = "", list[tuple[int, int, str]](), 0
        for start, end, label in sorted(row.spans):
            name = rng.choice(names[label]) if label in names and rng.random() < 0.8 else row.text[start:end]
            text += row.text[at:start] + name
            spans.append((len(text) - len(name), len(text), label))
            at = end
        yield replace(row, text=text + row.text[at:], spans=tuple(spans))


def taught(chosen: Sequence[Tagged], encoder: Encoder, cutter: WordPiece) -> list[Taught]:
    """What the encoder says of texts, and what their marks say."""
    made: list[Taught] = []
    for row in chosen:
        tokens = cutter(row.text)
        if not tokens.ids:
            continue
        tags = surely(whole_tags(tokens, encoder))
        if row.known:
            tags = _MARKED * marked(row, tokens, tags) + (1 - _MARKED) * tags
        starts = first_pieces(tokens)
        casing = np.asarray(tokens.casing)[starts]
        made.append(Taught(np.asarray(tokens.ids), starts, casing, tags.astype(np.float32)))
    return made


def surely(tags: Matrix) -> Matrix:
    """Probabilities of tags with what is said of unlikely kinds given to *outside*."""
    kept = np.repeat(tags[:, 1::2] + tags[:, 2::2] >= _KINDS_FROM, 2, axis=1) * tags[:, 1:]
    return np.asarray(np.concatenate([1 - kept.sum(axis=1, keepdims=True), kept], axis=1))


def marked(row: Tagged, tokens: Tokens, tags: Matrix) -> Matrix:
    """Probabilities of tags by a text's marks. A word without one is none of what its source knows; among the rest,
    ``tags`` decide."""
    unknown = np.array([tag == "O" or tag[2:] not in row.known for tag in TAGS])
    found: Matrix = tags * unknown
    found /= np.maximum(found.sum(axis=1, keepdims=True), 1e-6)
    found[:, 0] += 1 - found.sum(axis=1)
    for start, end, label in row.spans:
        words = [word for word, (begin, stop) in enumerate(tokens.spans) if start < stop and begin < end]
        for word in words:
            found[word] = 0.0
            found[word, 1 + 2 * ENTITIES.index(label) + (word > words[0])] = 1.0
    return found


# --- fitting


def fit(
    rows: Sequence[Taught],
    words: Tensor,
    cutter: WordPiece,
    *,
    epochs: int = 6,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> NameTagger:
    """Fits the net and returns rounded weights. ``words`` [tokens, any] are embeddings to begin with."""
    torch.manual_seed(seed)
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    rows = [row for row in rows if row.tags[:, 0].min() < 1 - _KINDS_FROM or rng.random() < _PLAIN]
    net = Net(words)
    rest = [weights for name, weights in net.named_parameters() if name != "moved.weight"]
    optimizers: tuple[torch.optim.Optimizer, ...] = (
        torch.optim.SparseAdam([net.moved.weight], lr=_WORDS_RATE, betas=(0.9, 0.98)),
        torch.optim.AdamW(rest, lr=_RATE, betas=(0.9, 0.98), weight_decay=1e-2),
    )
    plan = [batch for _ in range(epochs) for batch in _batches(rows, rng)]

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / 100) * max(0.02, 0.5 * (1 + math.cos(math.pi * step / len(plan))))

    falling = [torch.optim.lr_scheduler.LambdaLR(optimizer, rate) for optimizer in optimizers]
    total = 0.0
    for step, chosen in enumerate(plan):
        batch = Batch.of(chosen)
        hidden = torch.from_numpy(noise.random(len(batch.ids)) < _UNKNOWN)
        batch = replace(batch, ids=torch.where(hidden, torch.tensor(cutter.unknown), batch.ids))
        loss = -(batch.tags * functional.log_softmax(net(batch), dim=1)).sum() / batch.mask.sum()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(rest, 1.0)
        for optimizer, schedule in zip(optimizers, falling, strict=True):
            optimizer.step()
            schedule.step()
        net.zero_grad(set_to_none=True)
        total += loss.item()
        if (step + 1) % 500 == 0 or step + 1 == len(plan):
            report(f"names: {step + 1} of {len(plan)} batches, loss {total / (step % 500 + 1):.4f}")
            total = 0.0
    return rounded(net.eval())


def _batches(rows: Sequence[Taught], rng: random.Random) -> Iterator[list[Taught]]:
    """All rows in batches of about ``_BATCH`` words, in any order."""
    batch: list[Taught] = []
    count = 0
    for row in rng.sample(rows, len(rows)):
        batch.append(row)
        count += len(row.starts) + REACH
        if count >= _BATCH:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def rounded(net: Net) -> NameTagger:
    """The net's weights: those of words in ``_STEPS``, the rest in 16 bits."""
    with torch.no_grad():
        table = (net.base @ net.cut + net.moved.weight).numpy()
        scales = np.maximum(np.abs(table).max(axis=1), 1e-6) / _STEPS
        layers = [cast(nn.Linear, layer) for layer in net.inner]
        weights = (
            scales,
            net.casing.weight.numpy(),
            net.enter.weight.T.numpy(),
            net.enter.bias.numpy(),
            np.stack([layer.weight.T.numpy() for layer in layers]),
            np.stack([layer.bias.numpy() for layer in layers]),
            net.out.weight.T.numpy(),
            net.out.bias.numpy(),
        )
    steps = np.round(table / scales[:, None]).astype(np.int8)
    return NameTagger(steps, *(array.astype(np.float16).astype(np.float32) for array in weights))

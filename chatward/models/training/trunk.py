"""The encoder of tier 2: a small BERT (MiniLM-L6; Wang et al. 2020) with text heads and an entity head, fitted in
PyTorch.

One forward pass answers both what a window of text is (``heads.HEADS``) and which words are personal data
(``heads.TAGS``). The segment input carries casing. Training alternates batches of texts and of tagged texts;
targets that a source does not speak about are masked out, and *outside* only means "none of the entities that this
source labels".
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from chatward.models.heads import ENTITIES, HEADS, TAGS
from chatward.models.training.corpora import Example, Tagged
from chatward.models.training.vocabulary import origins
from chatward.models.wordpiece import CASINGS, WordPiece

WINDOW: Final = 128
_HIDDEN, _LAYERS, _ATTENTION, _INNER = 384, 6, 12, 1536
_POOLED: Final = 256
_NAMED: Final = 999  # tokens below are no words


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(_HIDDEN, _HIDDEN)
        self.key = nn.Linear(_HIDDEN, _HIDDEN)
        self.value = nn.Linear(_HIDDEN, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, _HIDDEN)
        self.norm = nn.LayerNorm(_HIDDEN, eps=1e-12)
        self.inner = nn.Linear(_HIDDEN, _INNER)
        self.outer = nn.Linear(_INNER, _HIDDEN)
        self.norm2 = nn.LayerNorm(_HIDDEN, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = x.shape

        def split(t: Tensor) -> Tensor:
            return t.view(batch, length, _ATTENTION, _HIDDEN // _ATTENTION).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(_HIDDEN // _ATTENTION) + mask, dim=-1)
        mixed = weights @ v
        mixed = mixed.transpose(1, 2).reshape(batch, length, _HIDDEN)
        x = self.norm(x + self.out(mixed))
        return cast(Tensor, self.norm2(x + self.outer(functional.gelu(self.inner(x)))))


class Trunk(nn.Module):
    """ids, casing, mask [batch, tokens] -> text logits [batch, heads], tag logits [batch, tokens, tags]."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.words = nn.Embedding(tokens, _HIDDEN, sparse=True)
        self.positions = nn.Embedding(WINDOW, _HIDDEN)
        self.casings = nn.Embedding(CASINGS, _HIDDEN)
        self.norm = nn.LayerNorm(_HIDDEN, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(_LAYERS))
        self.pool = nn.Linear(3 * _HIDDEN, _POOLED)
        self.heads = nn.Linear(_POOLED, len(HEADS))
        self.tags = nn.Linear(_HIDDEN, len(TAGS))

    def forward(self, ids: Tensor, casing: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.arange(ids.shape[1], device=ids.device).unsqueeze(0)
        x = self.norm(self.words(ids) + self.positions(places) + self.casings(casing))
        seen = mask.to(x.dtype)
        inside = cast(Layer, self.layers[0]).query.weight.dtype
        x = x.to(inside)
        away = ((1.0 - seen) * -10000.0)[:, None, None, :].to(inside)
        for layer in self.layers:
            x = layer(x, away)
        x = x.to(self.pool.weight.dtype)
        weights = seen.unsqueeze(-1)
        mean = (x * weights).sum(1) / weights.sum(1)
        most = (x + (weights - 1.0) * 10000.0).max(1).values
        pooled = functional.gelu(self.pool(torch.cat([x[:, 0], mean, most], dim=-1)))
        pooled = functional.dropout(pooled, 0.1, self.training)
        return self.heads(pooled), self.tags(x)


def from_base(folder: Path, vocabulary: Sequence[str]) -> Trunk:
    """A trunk with the weights of a MiniLM-L6 (``model.safetensors``, ``vocab.txt``) and new heads."""
    weights = load_file(str(folder / "model.safetensors"))
    base = (folder / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
    trunk = Trunk(len(vocabulary))
    words = weights["embeddings.word_embeddings.weight"]
    added = [words[list(ids)].mean(0) for ids in origins(base, vocabulary)]
    state: dict[str, Tensor] = {
        "words.weight": torch.cat([words, torch.stack(added)]) if added else words,
        "positions.weight": weights["embeddings.position_embeddings.weight"][:WINDOW],
        "casings.weight": weights["embeddings.token_type_embeddings.weight"][:1].repeat(CASINGS, 1),
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    names = {
        "attention.self.query": "query",
        "attention.self.key": "key",
        "attention.self.value": "value",
        "attention.output.dense": "out",
        "attention.output.LayerNorm": "norm",
        "intermediate.dense": "inner",
        "output.dense": "outer",
        "output.LayerNorm": "norm2",
    }
    for layer in range(_LAYERS):
        for theirs, ours in names.items():
            for kind in ("weight", "bias"):
                state[f"layers.{layer}.{ours}.{kind}"] = weights[f"encoder.layer.{layer}.{theirs}.{kind}"]
    missing, unexpected = trunk.load_state_dict(state, strict=False)
    if unexpected or any(not name.startswith(("pool.", "heads.", "tags.")) for name in missing):
        raise ValueError(f"the base model does not fit: {missing} {unexpected}")
    return trunk


# --- batches


@dataclass(slots=True)
class Item:
    """A tokenised training example: a window of at most ``WINDOW`` tokens with targets of either task."""

    ids: list[int]
    casing: list[int]
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    tags: list[int] | None = None
    known: frozenset[str] = frozenset()


def text_item(example: Example, cutter: WordPiece, rng: random.Random) -> Item:
    """A window of a text: around its focus, else at its start or anywhere."""
    tokens = cutter(example.text)
    room = WINDOW - 3
    start = 0
    if len(tokens.ids) > room:
        if example.focus is not None:
            first = next((i for i, w in enumerate(tokens.words) if tokens.spans[w][1] > example.focus[0]), 0)
            start = max(0, min(first - rng.randrange(0, room // 2), len(tokens.ids) - room))
        elif rng.random() < 0.5:
            start = rng.randrange(0, len(tokens.ids) - room)
    role = cutter.untrusted if example.untrusted else cutter.trusted
    ids = [cutter.cls, role, *tokens.ids[start : start + room], cutter.sep]
    casing = [0, 0, *tokens.casing[start : start + room], 0]
    targets = np.array([example.targets.get(head, 0.0) for head in HEADS], dtype=np.float32)
    weights = np.array([example.weight if head in example.targets else 0.0 for head in HEADS], dtype=np.float32)
    return Item(ids, casing, targets, weights)


def tagged_item(tagged: Tagged, cutter: WordPiece) -> Item:
    """A tagged text's first window. Pieces after a word's first carry no tag (-1)."""
    tokens = cutter(tagged.text, limit=WINDOW - 3)
    tags: list[int] = []
    last = -1
    for word in tokens.words:
        if word == last:
            tags.append(-1)
            continue
        last = word
        start, end = tokens.spans[word]
        tag = 0
        for s, e, label in tagged.spans:
            if s < end and start < e:
                begins = (
                    not any(s < other_end and other_start >= s for other_start, other_end in (tokens.spans[word - 1],))
                    if word
                    else True
                )
                tag = 1 + 2 * ENTITIES.index(label) + (0 if begins else 1)
                break
        tags.append(tag)
    ids = [cutter.cls, cutter.trusted, *tokens.ids, cutter.sep]
    return Item(ids, [0, 0, *tokens.casing, 0], tags=[-1, -1, *tags, -1], known=tagged.known)


def batches(items: Sequence[Item], tokens: int, rng: random.Random) -> list[list[Item]]:
    """Items of like length in batches of about ``tokens`` tokens, shuffled."""
    order = sorted(range(len(items)), key=lambda i: len(items[i].ids) + rng.random() * 6)
    found: list[list[Item]] = []
    batch: list[Item] = []
    for place in order:
        item = items[place]
        if batch and len(item.ids) * (len(batch) + 1) > tokens:
            found.append(batch)
            batch = []
        batch.append(item)
    if batch:
        found.append(batch)
    rng.shuffle(found)
    return found


def padded(batch: Sequence[Item], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """ids, casing and mask of a batch."""
    length = max(len(item.ids) for item in batch)
    ids = torch.full((len(batch), length), pad, dtype=torch.long)
    casing = torch.zeros((len(batch), length), dtype=torch.long)
    mask = torch.zeros((len(batch), length), dtype=torch.long)
    for row, item in enumerate(batch):
        n = len(item.ids)
        ids[row, :n] = torch.tensor(item.ids)
        casing[row, :n] = torch.tensor(item.casing)
        mask[row, :n] = 1
    return ids, casing, mask


# --- losses


def text_loss(logits: Tensor, batch: Sequence[Item], head_weights: Tensor) -> Tensor:
    """Weighted binary cross-entropy over the heads that the batch's sources speak about; targets softened by 0.02."""
    targets = torch.from_numpy(np.stack([cast(Any, item.targets) for item in batch]))
    weights = torch.from_numpy(np.stack([cast(Any, item.weights) for item in batch])) * head_weights
    soft = targets * 0.96 + 0.02
    losses = functional.binary_cross_entropy_with_logits(logits.float(), soft, reduction="none")
    return (losses * weights).sum() / weights.sum().clamp(min=1.0)


def tag_loss(logits: Tensor, batch: Sequence[Item]) -> Tensor:
    """Cross-entropy, where *outside* stands for all tags of entities that the source does not label."""
    length = logits.shape[1]
    goal = torch.full((len(batch), length), -1, dtype=torch.long)
    allowed = torch.zeros((len(batch), len(TAGS)), dtype=torch.bool)
    for row, item in enumerate(batch):
        tags = cast(list[int], item.tags)
        goal[row, : len(tags)] = torch.tensor(tags)
        for place, entity in enumerate(ENTITIES):
            if entity not in item.known:
                allowed[row, 1 + 2 * place : 3 + 2 * place] = True
    logp = functional.log_softmax(logits.float(), dim=-1)
    outside = torch.logsumexp(
        torch.where(allowed[:, None, :] | (torch.arange(len(TAGS)) == 0), logp, torch.tensor(-1e4)), dim=-1
    )
    exact = logp.gather(-1, goal.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    losses = -torch.where(goal == 0, outside, exact)
    seen = (goal >= 0).float() * torch.where(goal > 0, 2.0, 1.0)
    return (losses * seen).sum() / seen.sum().clamp(min=1.0)


class _Optimizers:
    """AdamW over 32-bit copies of the layers, which compute in bfloat16; Adam over the rows of the word table that a
    batch has touched."""

    def __init__(self, trunk: Trunk, rate: float) -> None:
        trunk.layers.to(torch.bfloat16)
        self._trunk = trunk
        self._pairs: list[tuple[nn.Parameter, nn.Parameter]] = []
        groups = []
        for name, parameter in trunk.named_parameters():
            if name == "words.weight":
                continue
            scale = 0.85**_LAYERS
            held = parameter
            if name.startswith("layers."):
                scale = 0.85 ** (_LAYERS - 1 - int(name.split(".")[1]))
                held = nn.Parameter(parameter.detach().float().clone())
                self._pairs.append((parameter, held))
            elif name.startswith(("pool.", "heads.", "tags.")):
                scale = 8.0
            elif name.startswith("casings"):
                scale *= 4.0
            groups.append({"params": [held], "lr": rate * scale, "top": rate * scale})
        self._dense = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
        self._words = torch.optim.SparseAdam([trunk.words.weight], lr=rate)
        self._words.param_groups[0]["top"] = rate

    def set(self, factor: float) -> None:
        """The share of the peak rates that the next step takes."""
        for group in (*self._dense.param_groups, *self._words.param_groups):
            group["lr"] = group["top"] * factor

    @torch.no_grad()
    def step(self) -> None:
        for parameter, held in self._pairs:
            held.grad = cast(Tensor, parameter.grad).float()
            parameter.grad = None
        nn.utils.clip_grad_norm_([p for group in self._dense.param_groups for p in group["params"]], 1.0)
        self._dense.step()
        self._words.step()
        self._dense.zero_grad(set_to_none=True)
        self._words.zero_grad(set_to_none=True)
        for parameter, held in self._pairs:
            parameter.copy_(held)

    @torch.no_grad()
    def finish(self) -> None:
        """Back to 32 bits."""
        self._trunk.layers.float()
        names = dict(self._trunk.named_parameters())
        places = [name for name in names if name.startswith("layers.")]
        for name, (_, held) in zip(places, self._pairs, strict=True):
            names[name].copy_(held)


# --- fitting

Report = Callable[[str], None]


def fit(
    trunk: Trunk,
    examples: Sequence[Example],
    tagged: Sequence[Tagged],
    cutter: WordPiece,
    *,
    epochs: float = 2.0,
    rate: float = 1e-4,
    tokens: int = 3072,
    seed: int = 0,
    report: Report = lambda line: None,
    save: Path | None = None,
    seconds: float = math.inf,
) -> None:
    """Fits the trunk in place, on a graphics processor where there is one. ``rate`` is the top layer's peak learning
    rate; lower layers learn slower. With ``seconds``, the schedule is fitted to the time there is (then a run is no
    longer the same on every machine)."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trunk.train().to(device)
    optimizers = _Optimizers(trunk, rate)
    head_weights = torch.ones(len(HEADS))
    head_weights[0] = 2.0
    plan: list[list[Item]] = []
    for _ in range(math.ceil(epochs)):
        texts = [text_item(example, cutter, rng) for example in examples]
        plan.extend(batches([*texts], tokens, rng))
        plan.extend(batches([tagged_item(row, cutter) for row in tagged], tokens, rng))
    rng.shuffle(plan)
    plan = plan[: int(len(plan) * epochs / math.ceil(epochs))]
    began = time.monotonic()
    running = {"text": 0.0, "tag": 0.0}
    for step, batch in enumerate(plan):
        elapsed = (time.monotonic() - began) / seconds
        done = max(step / len(plan), elapsed)
        if done >= 1.0:
            break
        factor = min(1.0, (step + 1) / 150) * max(0.02, 0.5 * (1 + math.cos(math.pi * done)))
        optimizers.set(factor)
        ids, casing, mask = padded(batch, cutter.pad)
        is_text = batch[0].targets is not None
        if is_text:  # in place of dropout, which costs more than the layers on a CPU
            forgotten = (torch.rand(ids.shape) < 0.06) & (ids >= _NAMED)
            ids = torch.where(forgotten, cutter.unknown, ids)
        logits, tags = trunk(ids.to(device), casing.to(device), mask.to(device))
        loss = text_loss(logits.cpu(), batch, head_weights) if is_text else tag_loss(tags.cpu(), batch)
        torch.autograd.backward(loss)
        optimizers.step()
        key = "text" if is_text else "tag"
        running[key] = loss.item() if not running[key] else 0.98 * running[key] + 0.02 * loss.item()
        if step % 100 == 0:
            spent = time.monotonic() - began
            report(f"step {step}/{len(plan)} text {running['text']:.4f} tag {running['tag']:.4f} {spent:.0f} s")
            if save is not None and step % 500 == 0:
                torch.save(trunk.state_dict(), save)
    optimizers.finish()
    trunk.eval().cpu()
    if save is not None:
        torch.save(trunk.state_dict(), save)


@torch.no_grad()
def scores(trunk: Trunk, texts: Sequence[str], cutter: WordPiece, *, untrusted: bool = False) -> np.ndarray:
    """Text logits of each text's first window: [texts, heads]. For mining, not for serving."""
    rng = random.Random(0)
    items = [text_item(Example(text, {}, "", untrusted=untrusted), cutter, rng) for text in texts]
    order = sorted(range(len(items)), key=lambda place: len(items[place].ids))
    found = np.zeros((len(items), len(HEADS)), dtype=np.float32)
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        ids, casing, mask = padded([items[place] for place in chosen], cutter.pad)
        logits, _ = trunk(ids, casing, mask)
        found[chosen] = logits.float().numpy()
    return found


# --- export


def export(trunk: Trunk, path: Path) -> None:
    """The trunk as ONNX with weights of 8 bits per channel; activations are quantised at run time."""
    from chatward.models.training import export as graph

    trunk.eval()
    weights = {name: values.float().numpy() for name, values in trunk.state_dict().items()}
    graph.write(weights, path, layers=_LAYERS, attention=_ATTENTION)

"""Models for tests: files so small that their answers can be worked out by hand, and a cascade that does as it is told.

``write_files`` makes a folder that the real loaders read. Tier 1 answers ``TIER1``, the encoder ``TIER2`` for the words
of ``SAYS`` and ``base`` for all others; ONNX is written byte by byte, because no package that writes it is installed
where the checks run. ``Scripted`` stands in for a ``Cascade`` and keeps count of what it is asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from chatward.models import names, ngrams
from chatward.models.cascade import Analysis
from chatward.models.entities import Entity
from chatward.models.heads import HEADS, INDEX, TAGS
from chatward.models.names import NameGate
from chatward.models.store import write_manifest
from chatward.models.tier1 import DIMENSIONS, HIDDEN, Tier1
from chatward.models.wordpiece import CASINGS, CLS, PAD, SEP, TRUSTED, UNK, UNTRUSTED

SPECIAL: Final = (PAD, UNK, CLS, SEP, TRUSTED, UNTRUSTED)
WORDS: Final = (
    "plain",
    "odd",
    "evil",
    "sly",
    "grim",
    "lure",
    "anna",
    "smith",
    "berlin",
    "de",
    "##ri",
    "##ved",
    "a",
    "##a",
)
VOCABULARY: Final = (*SPECIAL, *WORDS, ".", ",", "中")
BASE: Final = -6.0
"""A logit of both tiers for a text that says nothing."""

TIER1: Final[Mapping[str, Mapping[str, float]]] = {
    "odd": {"attack": 6.0, "indirect": 6.0},  # 0.5: unsure
    "sly": {"attack": 5.0, "indirect": 5.0},
    "evil": {"attack": 12.0, "direct": 12.0, "indirect": 12.0},  # sure
    "grim": {"self-harm": 12.0},
    "lure": {"scam": 6.0},
}
"""What a word adds to tier 1's logits; the largest of a window's words counts."""
TIER2: Final[Mapping[str, Mapping[str, float]]] = {
    "sly": {"attack": 14.0, "jailbreak": 14.0, "indirect": 14.0},
    "evil": {"attack": 12.0, "direct": 12.0, "indirect": 12.0},
    "lure": {"scam": 12.0},
}
"""What a word adds to the encoder's logits; a window's words add up."""
TAGGED: Final = {"anna": "B-PERSON", "smith": "I-PERSON", "berlin": "B-LOCATION"}
TAG_LOGIT: Final = 5.0
TITLED: Final = 0.5
"""What the casing class ``TITLE`` adds to the logit of *outside*."""


def write_files(folder: Path, *, version: str = "tiny") -> Path:
    """All files of a model folder, with their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocabulary.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    tier1().save(folder / "tier1.npz")
    (folder / "encoder.onnx").write_bytes(encoder())
    gate().save(folder / "names.npz")
    rows = {head: {"low": 0.047, "high": 0.953, "alone": [1.0, 0.0], "both": [0.25, 0.75, 0.0]} for head in HEADS}
    (folder / "calibration.json").write_text(json.dumps({"heads": rows, "names": {"border": 0.0}}), encoding="utf-8")
    write_manifest(folder, version)
    return folder


def tier1() -> Tier1:
    """Hidden unit ``h`` is the largest of the words' values for head ``h``; the n-grams say nothing."""
    table = np.zeros((len(VOCABULARY), DIMENSIONS), dtype=np.int8)
    for word, values in TIER1.items():
        for head, value in values.items():
            table[VOCABULARY.index(word), INDEX[head]] = round(value * 10)
    inner = np.zeros((2 * DIMENSIONS, HIDDEN), dtype=np.float32)
    outer = np.zeros((HIDDEN, len(HEADS)), dtype=np.float32)
    for place in range(len(HEADS)):
        inner[DIMENSIONS + place, place] = 1.0
        outer[place, place] = 1.0
    return Tier1(
        np.zeros((ngrams.BUCKETS, len(HEADS)), dtype=np.int8),
        np.ones(len(HEADS), dtype=np.float32),
        table,
        np.full(len(VOCABULARY), 0.1, dtype=np.float32),
        inner,
        np.zeros(HIDDEN, dtype=np.float32),
        outer,
        np.full(len(HEADS), BASE, dtype=np.float32),
    )


def gate() -> NameGate:
    """Passes words of ``TAGGED``: hidden unit 0 is the first value of their embedding, two for them and none else."""
    table = np.zeros((len(VOCABULARY), names.DIMENSIONS), dtype=np.int8)
    for word in TAGGED:
        table[VOCABULARY.index(word), 0] = 2
    inputs = names.DIMENSIONS + names.CASING
    first = np.zeros((names.FIRST * inputs, names.HIDDEN), dtype=np.float32)
    first[names.FIRST // 2 * inputs, 0] = 1.0
    out = np.zeros(names.HIDDEN, dtype=np.float32)
    out[0] = 1.0
    nothing = np.zeros(names.HIDDEN, dtype=np.float32)
    return NameGate(
        table,
        np.ones(len(VOCABULARY), dtype=np.float32),
        np.zeros((CASINGS, names.CASING), dtype=np.float32),
        first,
        nothing,
        np.zeros((names.SECOND * names.HIDDEN, names.HIDDEN), dtype=np.float32),
        nothing,
        out,
        np.array([-1.0], dtype=np.float32),
    )


def head_rows() -> np.ndarray:
    """[tokens, heads]: what each token adds to the encoder's text logits."""
    rows = np.zeros((len(VOCABULARY), len(HEADS)), dtype=np.float32)
    rows[VOCABULARY.index(CLS)] = BASE
    for word, values in TIER2.items():
        for head, value in values.items():
            rows[VOCABULARY.index(word), INDEX[head]] = value
    return rows


def tag_rows() -> np.ndarray:
    """[tokens, tags]: each token's tag logits."""
    rows = np.zeros((len(VOCABULARY), len(TAGS)), dtype=np.float32)
    rows[:, 0] = TAG_LOGIT
    for word, tag in TAGGED.items():
        rows[VOCABULARY.index(word), 0] = 0.0
        rows[VOCABULARY.index(word), TAGS.index(tag)] = TAG_LOGIT
    return rows


def casing_rows() -> np.ndarray:
    """[classes, tags]: what casing adds to tag logits."""
    rows = np.zeros((CASINGS, len(TAGS)), dtype=np.float32)
    rows[1, 0] = TITLED
    return rows


# --- ONNX by hand: Protocol Buffers' wire format, with the field numbers of onnx.proto (IR version 8, opset 12)


def encoder() -> bytes:
    """logits = the sum over ids of ``head_rows``; tags = ``tag_rows`` of ids + ``casing_rows`` of casing."""
    graph = b"".join(
        (
            _node("Gather", ("heads", "ids"), "picked"),
            _node("ReduceSum", ("picked",), "logits", _ints("axes", (1,)), _int("keepdims", 0)),
            _node("Gather", ("tag_rows", "ids"), "by_id"),
            _node("Gather", ("casing_rows", "casing"), "by_casing"),
            _node("Add", ("by_id", "by_casing"), "tags"),
            _message(2, b"tiny"),
            _tensor("heads", head_rows()),
            _tensor("tag_rows", tag_rows()),
            _tensor("casing_rows", casing_rows()),
            *(_message(11, _value(name, 7, ("batch", "tokens"))) for name in ("ids", "casing")),
            _message(12, _value("logits", 1, ("batch", len(HEADS)))),
            _message(12, _value("tags", 1, ("batch", "tokens", len(TAGS)))),
        )
    )
    return _varint(1, 8) + _message(7, graph) + _message(8, _message(1, b"") + _varint(2, 12))


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _varint(place: int, value: int) -> bytes:
    return _number(place << 3) + _number(value)


def _message(place: int, content: bytes) -> bytes:
    return _number(place << 3 | 2) + _number(len(content)) + content


def _node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    named = b"".join(_message(1, name.encode()) for name in inputs)
    return _message(1, named + _message(2, output.encode()) + _message(4, kind.encode()) + b"".join(attributes))


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _message(5, _message(1, name.encode()) + b"".join(_varint(8, value) for value in values) + _varint(20, 7))


def _int(name: str, value: int) -> bytes:
    return _message(5, _message(1, name.encode()) + _varint(3, value) + _varint(20, 2))


def _tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(_varint(1, size) for size in values.shape)
    return _message(5, dims + _varint(2, 1) + _message(8, name.encode()) + _message(9, values.tobytes()))


def _value(name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    dims = b"".join(
        _message(1, _message(2, size.encode()) if isinstance(size, str) else _varint(1, size)) for size in shape
    )
    tensor = _varint(1, kind) + _message(2, dims)
    return _message(1, name.encode()) + _message(2, _message(1, tensor))


# --- a cascade that does as it is told


@dataclass
class Scripted:
    """A cascade by words: ``scores`` by word and head, ``entities`` by word (label, confidence). ``asked`` are the
    texts it was asked about; ``reads`` counts those that nobody had prepared. ``failure`` is raised instead of any
    answer, ``stuck`` preparations never end."""

    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    entities: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    failure: Exception | None = None
    stuck: bool = False
    asked: list[tuple[str, bool, bool]] = field(default_factory=list)
    reads: int = 0
    prepared: set[tuple[str, bool]] = field(default_factory=set)

    def __call__(self) -> Any:
        """The loader that guards take."""
        return self

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis:
        self.asked.append((text, untrusted, names))
        if self.failure is not None:
            raise self.failure
        if (text, untrusted) not in self.prepared:
            self.reads += 1
        scores, where = dict.fromkeys(HEADS, 0.0), {}
        for word, said in self.scores.items():
            at = text.find(word)
            for head, score in said.items():
                if at >= 0 and score > scores[head]:
                    scores[head], where[head] = score, (at, at + len(word))
        found = [(text.find(word), word, *said) for word, said in self.entities.items() if names and word in text]
        entities = tuple(Entity(at, at + len(word), label, sure) for at, word, label, sure in sorted(found))
        return Analysis(scores, where, entities)

    def prepare(self, text: str, *, untrusted: bool = False, names: bool = False) -> Sequence[Awaitable[None]]:
        if self.failure is not None:
            raise self.failure
        if (text, untrusted) in self.prepared:
            return ()

        async def wait() -> None:
            await asyncio.sleep(3600 if self.stuck else 0)
            self.prepared.add((text, untrusted))

        return (wait(),)

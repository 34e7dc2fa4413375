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
from chatward.models.names import NameTagger
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
    "dull",
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
DULL: Final = "dull"
"""A word without which a window is read to the end."""
EARLY: Final = 0.25
"""The border of the early net's weight: a window weighs half more, and one less for each ``DULL``."""
EARLY_LOGIT: Final = 2.0
"""What the early net says for every head."""
TAGGED: Final = {"anna": "B-PERSON", "smith": "I-PERSON", "berlin": "B-LOCATION"}
KNOWN: Final = {"berlin": "B-LOCATION"}
"""What the small net is sure of; of the other words of ``TAGGED`` it knows nothing."""
TAG_LOGIT: Final = 5.0
TITLED: Final = 0.5
"""What the casing class ``TITLE`` adds to the logit of *outside*."""


def write_files(folder: Path, *, version: str = "tiny") -> Path:
    """All files of a model folder, with their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocabulary.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    tier1().save(folder / "tier1.npz")
    (folder / "encoder.onnx").write_bytes(encoder())
    tagger().save(folder / "names.npz")
    rows = {head: {"low": 0.047, "high": 0.953, "alone": [1.0, 0.0], "both": [0.25, 0.75, 0.0]} for head in HEADS}
    calibration = {"heads": rows, "names": {"doubt": 0.4}, "exit": {"user": EARLY, "untrusted": EARLY}}
    (folder / "calibration.json").write_text(json.dumps(calibration), encoding="utf-8")
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


def tagger() -> NameTagger:
    """Hidden unit 0 speaks for the words of ``TAGGED``, and takes what makes all others *outside*; unit 1 for those of
    ``KNOWN``."""
    table = np.zeros((len(VOCABULARY), names.DIMENSIONS), dtype=np.int8)
    for word in TAGGED:
        table[VOCABULARY.index(word), 0] = 1
    enter = np.zeros((2 * names.DIMENSIONS + names.CASING, names.WIDTH), dtype=np.float32)
    enter[0, 0] = enter[1, 1] = 1.0
    out = np.zeros((names.WIDTH, len(TAGS)), dtype=np.float32)
    out[0, 0] = -20.0
    for word, tag in KNOWN.items():
        table[VOCABULARY.index(word), 1] = 1
        out[1, TAGS.index(tag)] = 20.0
    layers = len(names.APART)
    return NameTagger(
        table,
        np.ones(len(VOCABULARY), dtype=np.float32),
        np.zeros((CASINGS, names.CASING), dtype=np.float32),
        enter,
        np.zeros(names.WIDTH, dtype=np.float32),
        np.zeros((layers, 3 * names.WIDTH, names.WIDTH), dtype=np.float32),
        np.zeros((layers, names.WIDTH), dtype=np.float32),
        out,
        np.array([20.0, *[0.0] * (len(TAGS) - 1)], dtype=np.float32),
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


def early_rows() -> np.ndarray:
    """[tokens, heads + 1]: what each token adds to the early net's answer."""
    rows = np.zeros((len(VOCABULARY), len(HEADS) + 1), dtype=np.float32)
    rows[VOCABULARY.index(CLS)] = EARLY_LOGIT
    rows[VOCABULARY.index(CLS), -1] = EARLY + 0.5
    rows[VOCABULARY.index(DULL), -1] = -1.0
    return rows


def encoder() -> bytes:
    """logits = the sum over ids of ``head_rows``; tags = ``tag_rows`` of ids + ``casing_rows`` of casing; early = the
    sum of ``early_rows``. Logits and tags are empty where early's last value is not above the border."""
    reads = (
        _node("Gather", ("heads", "ids"), "picked"),
        _node("ReduceSum", ("picked",), "logits", _ints("axes", (1,)), _int("keepdims", 0)),
        _node("Gather", ("tag_rows", "ids"), "by_id"),
        _node("Gather", ("casing_rows", "casing"), "by_casing"),
        _node("Add", ("by_id", "by_casing"), "tags"),
    )
    nothing = (
        _node("Constant", (), "logits", _value_of(np.zeros((0, len(HEADS)), np.float32))),
        _node("Constant", (), "tags", _value_of(np.zeros((0, 0, len(TAGS)), np.float32))),
    )
    shapes = (("logits", ("batch", len(HEADS))), ("tags", ("batch", "tokens", len(TAGS))))
    ends = tuple(_message(12, _value(name, 1, shape)) for name, shape in shapes)
    graph = b"".join(
        (
            _node("Gather", ("early_rows", "ids"), "dull"),
            _node("ReduceSum", ("dull",), "summed", _ints("axes", (1,)), _int("keepdims", 0)),
            _node("Mul", ("tier1", "nought"), "ignored"),
            _node("ReduceSum", ("ignored",), "zero", _ints("axes", (1,)), _int("keepdims", 1)),
            _node("Add", ("summed", "zero"), "early"),
            _node("Gather", ("early", "last"), "weight", _int("axis", 1)),
            _node("Squeeze", ("weight",), "heavy"),
            _node("Greater", ("heavy", "border"), "matters"),
            _node("Identity", ("tier1",), "seen"),
            _node(
                "If",
                ("matters",),
                ("logits", "tags"),
                _graph_of("then_branch", (*reads, _message(2, b"reads"), *ends)),
                _graph_of("else_branch", (*nothing, _message(2, b"nothing"), *ends)),
            ),
            _message(2, b"tiny"),
            _tensor("heads", head_rows()),
            _tensor("tag_rows", tag_rows()),
            _tensor("casing_rows", casing_rows()),
            _tensor("early_rows", early_rows()),
            _tensor("nought", np.zeros((), np.float32)),
            _tensor("last", np.array(len(HEADS), np.int64)),
            *(_message(11, _value(name, 7, ("batch", "tokens"))) for name in ("ids", "casing")),
            _message(11, _value("tier1", 1, ("batch", len(HEADS)))),
            _message(11, _value("border", 1, ())),
            *ends,
            _message(12, _value("early", 1, ("batch", len(HEADS) + 1))),
            _message(12, _value("seen", 1, ("batch", len(HEADS)))),
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


def _node(kind: str, inputs: Sequence[str], outputs: str | Sequence[str], *attributes: bytes) -> bytes:
    named = b"".join(_message(1, name.encode()) for name in inputs)
    given = b"".join(_message(2, name.encode()) for name in ((outputs,) if isinstance(outputs, str) else outputs))
    return _message(1, named + given + _message(4, kind.encode()) + b"".join(attributes))


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _message(5, _message(1, name.encode()) + b"".join(_varint(8, value) for value in values) + _varint(20, 7))


def _int(name: str, value: int) -> bytes:
    return _message(5, _message(1, name.encode()) + _varint(3, value) + _varint(20, 2))


def _graph_of(name: str, content: Sequence[bytes]) -> bytes:
    return _message(5, _message(1, name.encode()) + _message(6, b"".join(content)) + _varint(20, 5))


def _tensor(name: str, values: np.ndarray) -> bytes:
    return _message(5, _tensor_proto(name, values))


def _value_of(values: np.ndarray) -> bytes:
    return _message(5, _message(1, b"value") + _message(5, _tensor_proto("", values)) + _varint(20, 4))


def _tensor_proto(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(_varint(1, size) for size in values.shape)
    kind = 7 if values.dtype == np.int64 else 1
    return dims + _varint(2, kind) + _message(8, name.encode()) + _message(9, values.tobytes())


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

    def names(self, text: str, *, untrusted: bool = False) -> tuple[Entity, ...]:
        return self.analyse(text, untrusted=untrusted, names=True).entities

    def prepare(
        self, text: str, *, untrusted: bool = False, scores: bool = True, names: bool = False
    ) -> Sequence[Awaitable[None]]:
        if self.failure is not None:
            raise self.failure
        if (text, untrusted) in self.prepared:
            return ()

        async def wait() -> None:
            await asyncio.sleep(3600 if self.stuck else 0)
            self.prepared.add((text, untrusted))

        return (wait(),)

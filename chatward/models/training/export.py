"""The fitted trunk as an ONNX file for one window at a time, in 8 bits.

The graph is written by hand rather than traced: query, key and value are one product, attention is one node (ONNX
Runtime's ``MultiHeadAttention``), there is no mask since windows come alone, and the product's bias and the
quantisation of activations are part of each product (``DynamicQuantizeMatMul``). It answers as the traced graph with
``quantize_dynamic`` does, in about three quarters of the time.

After ``EARLY`` layers a small net (``exit_fit``) says what the whole would answer, and how much a window matters. Where
that is no more than the input ``border``, the layers above are not run (``If``), and ``logits`` and ``tags`` are empty.

Weights: int8, symmetric, a scale a column; of the early net float16. Word vectors: uint8, one scale. Activations are
quantised at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]

_RUNTIME: Final = "com.microsoft"
_OPSET: Final = 17
_EPSILON: Final = 1e-12
EARLY: Final = 2
"""Layers below the early net."""
EXIT: Final = 32
"""Hidden units of the early net."""
_EXIT: Final = ("exit.inner", "exit.inner.bias", "exit.outer", "exit.outer.bias")


class _Graph:
    """Nodes and constants as they are added; every method gives the name of what it adds."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def product(self, x: str, name: str, weight: Array, bias: Array, output: str = "") -> str:
        """``x @ weight + bias``; ``weight`` is [in, out]."""
        values, scale = by_column(weight)
        inputs = [
            x,
            self.constant(name, values),
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero", np.zeros(len(scale), dtype=np.int8)),
            self.constant(f"{name}.bias", bias.astype(np.float32)),
        ]
        return self.node("DynamicQuantizeMatMul", inputs, output or f"{name}.out", domain=_RUNTIME)

    def norm(self, x: str, name: str, weight: Array, bias: Array) -> str:
        inputs = [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node("LayerNormalization", inputs, f"{name}.out", axis=-1, epsilon=_EPSILON)

    def gelu(self, x: str) -> str:
        return self.node("Gelu", [x], f"{x}.gelu", domain=_RUNTIME)

    def add(self, one: str, other: str, output: str) -> str:
        return self.node("Add", [one, other], output)


def by_column(weight: Array) -> tuple[Array, Array]:
    """A matrix [in, out] in int8 with a scale a column."""
    most = np.abs(weight).max(axis=0).astype(np.float32)
    scale = np.where(most > 0, most * 2 / 254, 1.0).astype(np.float32)
    return np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), scale


def whole(table: Array) -> tuple[Array, Array, Array]:
    """A table in uint8 with one scale and the value that stands for zero."""
    low, high = min(float(table.min()), 0.0), max(float(table.max()), 0.0)
    scale = np.float32((high - low) / 255 or 1.0)
    zero = np.uint8(np.rint(-low / scale))
    return np.clip(np.rint(table / scale) + zero, 0, 255).astype(np.uint8), np.array(scale), np.array(zero)


def write(weights: Mapping[str, Array], path: Path, *, layers: int, attention: int) -> None:
    """``weights``: the trunk's state by name, matrices as PyTorch keeps them [out, in]. ``attention``: heads of it. The
    early net is empty until ``put_exit`` puts one in."""
    heads, tags = len(weights["heads.bias"]), len(weights["tags.bias"])
    graph = _Graph()
    x = _embedded(graph, weights)
    for layer in range(EARLY):
        x = _layer(graph, weights, f"layers.{layer}", x, attention)
    _early(graph, x, len(weights["norm.bias"]), heads)
    upper = _Graph()
    for layer in range(EARLY, layers):
        x = _layer(upper, weights, f"layers.{layer}", x, attention)
    _answers(upper, weights, x)
    shapes = {"logits": ["batch", heads], "tags": ["batch", "tokens", tags]}
    ends = [_floats(name, shape) for name, shape in shapes.items()]
    nothing = {"logits": np.zeros((0, heads), np.float32), "tags": np.zeros((0, 0, tags), np.float32)}
    graph.nodes.append(
        helper.make_node(
            "If",
            ["matters"],
            list(nothing),
            then_branch=helper.make_graph(upper.nodes, "upper", [], ends, upper.constants),
            else_branch=helper.make_graph(
                [
                    helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))
                    for name, value in nothing.items()
                ],
                "nothing",
                [],
                [_floats(name, list(value.shape)) for name, value in nothing.items()],
            ),
        )
    )
    starts = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("ids", "casing")]
    starts += [_floats("tier1", ["batch", heads]), _floats("border", [])]
    ends += [_floats("early", ["batch", heads + 1]), _floats("seen", ["batch", "features"])]
    made = helper.make_graph(graph.nodes, "encoder", starts, ends, graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_RUNTIME, 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=8), str(path))


def put_exit(path: Path, weights: Sequence[Array]) -> None:
    """Puts the early net into a file: [features, hidden], [hidden], [hidden, heads + 1], [heads + 1]. The last column
    is how much a window matters, the others are the whole's text logits."""
    model = onnx.load(str(path))
    given = dict(zip(_EXIT, weights, strict=True))
    for constant in model.graph.initializer:
        if constant.name in given:
            constant.CopyFrom(numpy_helper.from_array(given[constant.name].astype(np.float16), constant.name))
    onnx.save(model, str(path))


def _floats(name: str, shape: list[Any]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _embedded(graph: _Graph, weights: Mapping[str, Array]) -> str:
    words, scale, zero = whole(weights["words.weight"])
    picked = graph.node("Gather", [graph.constant("words", words), "ids"], "picked")
    inputs = [picked, graph.constant("words.scale", scale), graph.constant("words.zero", zero)]
    word = graph.node("DequantizeLinear", inputs, "word")
    graph.constant("nought", np.array([0], dtype=np.int64))
    graph.constant("one", np.array([1], dtype=np.int64))
    graph.node("Shape", ["ids"], "count", start=1, end=2)
    positions = graph.constant("positions", weights["positions.weight"])
    place = graph.node("Slice", [positions, "nought", "count", "nought"], "place")
    casing = graph.node("Gather", [graph.constant("casings", weights["casings.weight"]), "casing"], "written")
    summed = graph.add(graph.add(word, place, "placed"), casing, "embedded")
    return graph.norm(summed, "norm", weights["norm.weight"], weights["norm.bias"])


def _layer(graph: _Graph, weights: Mapping[str, Array], name: str, x: str, attention: int) -> str:
    def joined(kind: str, axis: int) -> Array:
        return np.concatenate([weights[f"{name}.{part}.{kind}"] for part in ("query", "key", "value")], axis=axis)

    def linear(x: str, part: str) -> str:
        return graph.product(x, f"{name}.{part}", weights[f"{name}.{part}.weight"].T, weights[f"{name}.{part}.bias"])

    def norm(x: str, part: str) -> str:
        return graph.norm(x, f"{name}.{part}", weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"])

    three = graph.product(x, f"{name}.qkv", joined("weight", 0).T, joined("bias", 0))
    parts = [f"{name}.{part}.out" for part in ("query", "key", "value")]
    graph.nodes.append(helper.make_node("Split", [three], parts, axis=-1))
    mixed = graph.node("MultiHeadAttention", parts, f"{name}.mixed", domain=_RUNTIME, num_heads=attention)
    x = norm(graph.add(x, linear(mixed, "out"), f"{name}.attended"), "norm")
    inner = graph.gelu(linear(x, "inner"))
    return norm(graph.add(x, linear(inner, "outer"), f"{name}.passed"), "norm2")


def _pooled(graph: _Graph, x: str, prefix: str = "") -> list[str]:
    """The first token's state, the mean and the maximum of all."""
    start = graph.node("Slice", [x, "nought", "one", "one"], f"{prefix}start")
    return [
        graph.node("Squeeze", [start, "one"], f"{prefix}first"),
        graph.node("ReduceMean", [x], f"{prefix}mean", axes=[1], keepdims=0),
        graph.node("ReduceMax", [x], f"{prefix}most", axes=[1], keepdims=0),
    ]


def _early(graph: _Graph, x: str, width: int, heads: int) -> None:
    """What is said of a window here, and whether that shall do. The net is the one of ``exit_fit``."""
    seen = graph.node("Concat", [*_pooled(graph, x, "early."), "tier1"], "seen", axis=-1)
    sizes = ((3 * width + heads, EXIT), (EXIT,), (EXIT, heads + 1), (heads + 1,))
    for name, size in zip(_EXIT, sizes, strict=True):
        graph.node("Cast", [graph.constant(name, np.zeros(size, np.float16))], f"{name}.f", to=TensorProto.FLOAT)
    weighed = graph.node("MatMul", [seen, "exit.inner.f"], "exit.weighed")
    inner = graph.node("Relu", [graph.add(weighed, "exit.inner.bias.f", "exit.added")], "exit.hidden")
    graph.add(graph.node("MatMul", [inner, "exit.outer.f"], "exit.summed"), "exit.outer.bias.f", "early")
    place = graph.constant("last", np.array(heads, dtype=np.int64))
    weight = graph.node("Gather", ["early", place], "weight", axis=1)
    graph.node("Greater", [graph.node("Squeeze", [weight], "weight.one"), "border"], "matters")


def _answers(graph: _Graph, weights: Mapping[str, Array], x: str) -> None:
    joined = graph.node("Concat", _pooled(graph, x), "joined", axis=-1)
    pooled = graph.gelu(graph.product(joined, "pool", weights["pool.weight"].T, weights["pool.bias"]))
    graph.product(pooled, "heads", weights["heads.weight"].T, weights["heads.bias"], "logits")
    graph.product(x, "tags.product", weights["tags.weight"].T, weights["tags.bias"], "tags")

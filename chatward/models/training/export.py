"""The fitted trunk as an ONNX file for one window at a time, in 8 bits.

The graph is written by hand rather than traced: query, key and value are one product, attention is one node (ONNX
Runtime's ``MultiHeadAttention``), there is no mask since windows come alone, and the product's bias and the
quantisation of activations are part of each product (``DynamicQuantizeMatMul``). It answers as the traced graph with
``quantize_dynamic`` does, in about three quarters of the time.

Weights: int8, symmetric, a scale a column. Word vectors: uint8, one scale. Activations are quantised at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """``weights``: the trunk's state by name, matrices as PyTorch keeps them [out, in]. ``attention``: heads of it."""
    graph = _Graph()
    x = _embedded(graph, weights)
    for layer in range(layers):
        x = _layer(graph, weights, f"layers.{layer}", x, attention)
    _answers(graph, weights, x)
    ends = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(weights["heads.bias"])]),
        helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["batch", "tokens", len(weights["tags.bias"])]),
    ]
    starts = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("ids", "casing")]
    made = helper.make_graph(graph.nodes, "encoder", starts, ends, graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_RUNTIME, 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=8), str(path))


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


def _answers(graph: _Graph, weights: Mapping[str, Array], x: str) -> None:
    start = graph.node("Slice", [x, "nought", "one", "one"], "start")
    first = graph.node("Squeeze", [start, "one"], "first")
    mean = graph.node("ReduceMean", [x], "mean", axes=[1], keepdims=0)
    most = graph.node("ReduceMax", [x], "most", axes=[1], keepdims=0)
    joined = graph.node("Concat", [first, mean, most], "joined", axis=-1)
    pooled = graph.gelu(graph.product(joined, "pool", weights["pool.weight"].T, weights["pool.bias"]))
    graph.product(pooled, "heads", weights["heads.weight"].T, weights["heads.bias"], "logits")
    graph.product(x, "tags.product", weights["tags.weight"].T, weights["tags.bias"], "tags")

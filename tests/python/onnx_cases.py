"""Every operator the importer knows, in the forms that its versions gave it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from onnx_models import LATEST, ints, node, whole


@dataclass
class Case:
    """A model of a few nodes. `ulps` is 0 where whole numbers make the result exact."""

    name: str
    nodes: list[NodeProto]
    shapes: dict[str, tuple[int, ...]]
    constants: dict[str, Any] = field(default_factory=dict)
    opset: int = LATEST
    outputs: tuple[str, ...] = ("y",)
    ulps: int = 0


def one(
    name: str, op: str, shapes: Any, constants: Any = None, opset: int = LATEST,
    outputs: str = "y", inputs: str = "", ulps: int = 0, **attributes: Any,
) -> Case:
    """A single node that reads the inputs, then the constants, in order."""
    if not isinstance(shapes, dict):
        shapes = {"x": shapes}
    constants = constants or {}
    made = node(op, inputs or " ".join([*shapes, *constants]), outputs, **attributes)
    names = tuple(n for n in outputs.split() if n != "-")
    return Case(name, [made], shapes, constants, opset, names, ulps)


W1 = whole(4, 3, 3, seed=1)
W2 = whole(4, 3, 3, 2, seed=2)
B = whole(4, seed=3)
IMAGE = (2, 3, 7, 8)
PAIR = {"x": (2, 3, 4), "b": (3, 1)}

CONV = [
    one("conv-2d", "Conv", IMAGE, {"w": W2, "b": B}),
    one("conv-1d", "Conv", (2, 3, 9), {"w": W1, "b": B}, kernel_shape=[3], strides=[2],
        pads=[1, 2]),
    one("conv-no-bias", "Conv", IMAGE, {"w": W2}, opset=7, strides=[2, 1], pads=[1, 0, 2, 1]),
    one("conv-dilated", "Conv", IMAGE, {"w": W2}, dilations=[2, 3], opset=11),
    one("conv-groups", "Conv", (1, 4, 5, 5), {"w": whole(6, 2, 3, 3)}, group=2),
    one("conv-depthwise", "Conv", (1, 4, 5, 5), {"w": whole(4, 1, 3, 3), "b": B}, group=4),
    *(
        one(f"conv-{pad.lower()}", "Conv", IMAGE, {"w": W2}, auto_pad=pad, strides=[2, 3])
        for pad in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    ),
    one("conv-weights-fed", "Conv", {"x": IMAGE, "w": (4, 3, 3, 2)}),
]  # fmt: skip

MATRICES = [
    one("matmul", "MatMul", {"x": (3, 5), "w": (5, 4)}),
    one("matmul-batch", "MatMul", {"x": (2, 1, 3, 5), "w": (4, 5, 2)}, opset=9),
    one("matmul-vector", "MatMul", (2, 3, 5), {"w": whole(5)}, opset=7),
    one("gemm", "Gemm", (3, 5), {"w": whole(5, 4), "b": B}),
    one("gemm-factors", "Gemm", (5, 3), {"w": whole(4, 5), "c": whole(3, 1)}, opset=7,
        alpha=0.5, beta=2.0, transA=1, transB=1),
    one("gemm-no-c", "Gemm", (3, 5), {"w": whole(5, 4)}, opset=11),
    one("gemm-omitted-c", "Gemm", (3, 5), {"w": whole(5, 4)}, inputs="x w -", opset=13),
]  # fmt: skip

ELEMENTWISE = [
    *(one(f"{op.lower()}-7", op, PAIR, opset=7) for op in ("Add", "Sub", "Mul")),
    *(one(f"{op.lower()}-14", op, PAIR, opset=14) for op in ("Add", "Sub", "Mul")),
    one("div-7", "Div", (2, 3), {"c": np.float32([[2, 4, -8]])}, opset=7),
    one("add-scalar", "Add", (2, 3), {"c": np.float32(2)}),
    one("add-scalars", "Add", {"x": (), "b": ()}),
    one("add-itself", "Add", (2, 3), inputs="x x"),
    one("sigmoid", "Sigmoid", (3, 4), ulps=4),
    one("tanh", "Tanh", (3, 4), opset=7, ulps=4),
    one("relu", "Relu", (3, 4), opset=7),
    one("clip-6", "Clip", (3, 4), opset=7, min=-2.0, max=3.0),
    one("clip-6-open", "Clip", (3, 4), opset=10, max=3.0),
    one("clip-11", "Clip", (3, 4), {"a": np.float32(-2), "b": np.float32(3)}, opset=11),
    one("clip-13", "Clip", (3, 4), {"b": np.float32(3)}, inputs="x - b"),
    one("clip-crossed", "Clip", (3, 4), {"a": np.float32(3), "b": np.float32(-2)}),
    one("softmax-13", "Softmax", (2, 3, 4), axis=1, ulps=4),
    one("softmax-13-last", "Softmax", (2, 3, 4), ulps=4),
    one("softmax-1", "Softmax", (2, 3), opset=7, ulps=4),
    one("softmax-11-last", "Softmax", (2, 3, 4), opset=12, axis=-1, ulps=4),
    one("batchnorm-15", "BatchNormalization", IMAGE, {
        "s": np.float32([1, 2, -1]), "o": np.float32([0, 1, 2]), "m": np.float32([1, 0, -1]),
        "v": np.float32([4, 1, 16])}, epsilon=0.0),
    one("batchnorm-14", "BatchNormalization", (2, 3), {
        "s": np.float32([1, 2, -1]), "o": np.float32([0, 1, 2]), "m": np.float32([1, 0, -1]),
        "v": np.float32([4, 1, 16])}, opset=14, ulps=16),
    one("identity", "Identity", (2, 3)),
    one("dropout-7", "Dropout", (2, 3), opset=7, ratio=0.5),
    one("dropout-13", "Dropout", (2, 3), {"r": np.float32(0.5), "t": np.array(False)}, opset=13),
    one("dropout-22", "Dropout", (2, 3), outputs="y -"),
]  # fmt: skip

POOLS = [
    one("average", "AveragePool", IMAGE, kernel_shape=[2, 4], opset=7),
    one("average-1d", "AveragePool", (2, 3, 9), kernel_shape=[4], strides=[2]),
    one("average-pads", "AveragePool", IMAGE, kernel_shape=[2, 2], pads=[1, 0, 1, 1]),
    one("average-count-pads", "AveragePool", IMAGE, kernel_shape=[2, 2], pads=[1, 1, 1, 1],
        count_include_pad=1),
    one("average-ceil", "AveragePool", (1, 2, 4, 4), kernel_shape=[3, 3], strides=[2, 2],
        ceil_mode=1),
    one("average-dilated", "AveragePool", IMAGE, kernel_shape=[2, 2], dilations=[2, 3]),
    one("max", "MaxPool", IMAGE, kernel_shape=[3, 3], opset=8),
    one("max-1d", "MaxPool", (2, 3, 9), kernel_shape=[3], strides=[2], pads=[1, 1]),
    one("max-ceil", "MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    one("max-dilated", "MaxPool", IMAGE, kernel_shape=[2, 2], dilations=[3, 2]),
    one("max-no-indices", "MaxPool", IMAGE, outputs="y -", kernel_shape=[2, 2], storage_order=1),
    *(
        one(f"max-{pad.lower()}", "MaxPool", IMAGE, auto_pad=pad, kernel_shape=[3, 2],
            strides=[2, 2])
        for pad in ("VALID", "SAME_UPPER")
    ),
    one("global-average", "GlobalAveragePool", (2, 3, 4, 4)),
    one("global-average-1d", "GlobalAveragePool", (2, 3, 8), opset=7),
]  # fmt: skip

MOVES = [
    one("split-2", "Split", (6, 2), opset=7, outputs="a b", split=[1, 5]),
    one("split-2-equal", "Split", (2, 6), opset=11, outputs="a b c", axis=1),
    one("split-13", "Split", (6, 2), {"s": ints(2, 0, 4)}, outputs="a b c", opset=13),
    one("split-18", "Split", (7, 2), outputs="a b c", num_outputs=3),
    one("split-unused", "Split", (7, 2), outputs="a - c", num_outputs=3),
    one("concat", "Concat", {"a": (2, 3), "b": (2, 1)}, {"c": whole(2, 2)}, axis=-1),
    one("slice-1", "Slice", (5, 6), opset=7, starts=[1, -3], ends=[9, -1]),
    one("slice-1-axes", "Slice", (5, 6), opset=9, axes=[1], starts=[-20], ends=[2**63 - 1]),
    one("slice-10", "Slice", (5, 6), {"s": ints(1), "e": ints(4), "a": ints(-1)}, opset=10),
    one("slice-steps", "Slice", (5, 6), {
        "s": ints(-1, 5), "e": ints(-(2**63), 0), "a": ints(0, 1), "t": ints(-2, -3)}),
    one("slice-int32", "Slice", (5, 6), {"s": np.int32([1]), "e": np.int32([3])}),
    one("slice-empty", "Slice", (5, 6), {"s": ints(4), "e": ints(1)}),
    one("reshape", "Reshape", (2, 3, 4), {"s": ints(0, -1)}, opset=7),
    one("reshape-allowzero", "Reshape", (0, 3), {"s": ints(3, 0)}, allowzero=1),
    one("reshape-scalar", "Reshape", (1, 1), {"s": ints()}),
    one("transpose", "Transpose", (2, 3, 4)),
    one("transpose-perm", "Transpose", (2, 3, 4), opset=7, perm=[1, 2, 0]),
    one("squeeze-1", "Squeeze", (1, 3, 1), opset=7, axes=[2]),
    one("squeeze-1-all", "Squeeze", (1, 3, 1), opset=11),
    one("squeeze-13", "Squeeze", (1, 3, 1), {"a": ints(-1, 0)}),
    one("squeeze-none", "Squeeze", (2, 3)),
    one("unsqueeze-1", "Unsqueeze", (2, 3), opset=7, axes=[0, 3]),
    one("unsqueeze-13", "Unsqueeze", (2, 3), {"a": ints(-1, 1)}),
    one("flatten", "Flatten", (2, 3, 4), opset=7),
    one("flatten-0", "Flatten", (2, 3, 4), axis=0),
    one("flatten-last", "Flatten", (2, 3, 4), axis=3),
    one("flatten-negative", "Flatten", (2, 3, 4), opset=11, axis=-1),
]  # fmt: skip


def constant_forms() -> list[Case]:
    """Constant nodes with each of their attributes."""
    tensor = numpy_helper.from_array(whole(2, 3))
    listed = helper.make_tensor("", 1, [2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])  # float_data
    add = node("Add", "x c", "y")
    shape = node("Reshape", "x c", "y")
    x = {"x": (2, 3)}
    return [
        Case("constant-tensor", [node("Constant", "", "c", value=tensor), add], x, opset=7),
        Case("constant-listed", [node("Constant", "", "c", value=listed), add], x),
        Case("constant-float", [node("Constant", "", "c", value_float=2.5), add], x),
        Case("constant-floats", [node("Constant", "", "c", value_floats=[1.0, 2.0, 3.0]), add], x),
        Case("constant-ints", [node("Constant", "", "c", value_ints=[3, -1]), shape], x),
        Case("constant-identity", [
            node("Constant", "", "a", value_ints=[6]), node("Identity", "a", "b"),
            node("Identity", "b", "c"), shape], x),
        Case("constant-int", [
            node("Constant", "", "c", value_int=1), node("Unsqueeze", "x c", "y")], x),
        Case("constant-output", [node("Constant", "", "y", value=tensor)], {}),
        Case("initializer-output", [node("Relu", "x", "z")], x, {"y": whole(2)},
             outputs=("y", "z")),
        Case("identity-output", [node("Identity", "c", "y")], {}, {"c": whole(2)}),
    ]  # fmt: skip


CASES = [*CONV, *MATRICES, *ELEMENTWISE, *POOLS, *MOVES, *constant_forms()]

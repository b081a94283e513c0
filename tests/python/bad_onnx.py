"""Models that must be refused: each with the words of the refusal that name the culprit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnx_models import LATEST, ints, model, node, whole

Edit = Callable[[onnx.ModelProto], Any]


@dataclass
class Bad:
    """A model, and what its refusal says (a regular expression)."""

    name: str
    proto: onnx.ModelProto
    says: str


def sound() -> onnx.ModelProto:
    """x -> MatMul with w -> Add with b -> Relu -> y."""
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b", "a"), node("Relu", "a", "y")]
    nodes[0].name, nodes[1].name = "first", "second"
    return model(nodes, {"x": [2, 4]}, constants={"w": whole(4, 3), "b": whole(3)})


def edited(name: str, edit: Edit, says: str) -> Bad:
    """The sound model after an edit."""
    proto = sound()
    edit(proto)
    return Bad(name, proto, says)


def single(
    name: str, says: str, op: str, inputs: str = "x", outputs: str = "y",
    shape: tuple[int, ...] = (1, 2, 5, 5), constants: Any = None, opset: int = LATEST,
    fed: Any = None, **attributes: Any,
) -> Bad:
    """A model of one node. Nothing is inferred from it: the node may be impossible."""
    made = node(op, inputs, outputs, **attributes)
    made.name = "culprit"
    names = outputs.split() if op == "Split" else [outputs.split()[0]]
    seeds = [f"seed{i}" for i in range(len(names))]
    relu = [node("Relu", "x", seed) for seed in seeds]
    proto = model(relu, {"x": shape, **(fed or {})}, seeds, constants, opset)
    del proto.graph.node[:], proto.graph.value_info[:]
    proto.graph.node.append(made)
    for value, wanted in zip(proto.graph.output, names, strict=True):
        value.name = wanted
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()
    return Bad(name, proto, says)


def tensor(proto: onnx.ModelProto, index: int = 0) -> TensorProto:
    """An initializer."""
    return proto.graph.initializer[index]


def _set(message: Any, **fields: Any) -> None:
    for name, value in fields.items():
        current = getattr(message, name)
        if isinstance(value, list):
            del current[:]
            current.extend(value)
        else:
            setattr(message, name, value)


def _as_floats(proto: onnx.ModelProto, values: int) -> None:
    tensor(proto).ClearField("raw_data")
    tensor(proto).float_data.extend([1.0] * values)


def _raw(proto: onnx.ModelProto, old: bytes, new: bytes) -> None:
    """Bytes that no API would write."""
    data = proto.SerializeToString()
    assert old in data
    proto.Clear()
    proto.ParseFromString(data.replace(old, new))


def _cycle(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].input[0] = "a"


CLAIM = r'initializer "w": expected'

MALFORMED = [
    edited("no-ir-version", lambda p: p.ClearField("ir_version"), "ir_version"),
    edited("no-graph", lambda p: p.ClearField("graph"), "not an ONNX file"),
    edited("no-opset", lambda p: p.ClearField("opset_import"), "opset_import: .* got none"),
    edited("two-opsets", lambda p: p.opset_import.add(version=7), "opset_import: expected one"),
    edited("opset-zero", lambda p: _set(p.opset_import[0], version=0), "1 or more, got 0"),
    edited("empty-graph", lambda p: p.graph.Clear(), "at least one node"),
    edited("no-nodes", lambda p: p.graph.ClearField("node"), "at least one node"),
    edited("no-outputs", lambda p: p.graph.ClearField("output"), "at least one output"),
    edited("node-without-output", lambda p: p.graph.node[1].ClearField("output"),
           r'node "second" \(Add\): expected at least one output'),
    edited("output-twice", lambda p: p.graph.output.append(p.graph.output[0]), 'output "y"'),
    edited("output-unmade", lambda p: _set(p.graph.output[0], name="z"), 'output "z"'),
    edited("output-untyped", lambda p: p.graph.output[0].ClearField("type"), 'output "y"'),
    edited("input-twice", lambda p: p.graph.input.append(p.graph.input[0]), 'input "x"'),
    edited("input-unnamed", lambda p: p.graph.input.add(), 'input ""'),
    edited("input-untyped", lambda p: p.graph.input[0].ClearField("type"), 'input "x"'),
    edited("input-shapeless",
           lambda p: p.graph.input[0].type.tensor_type.ClearField("shape"), "expected a shape"),
    edited("input-type-unknown",
           lambda p: _set(p.graph.input[0].type.tensor_type, elem_type=99), "unknown type 99"),
    edited("input-negative",
           lambda p: _set(p.graph.input[0].type.tensor_type.shape.dim[0], dim_value=-3), "got -3"),
    edited("input-huge",
           lambda p: _set(p.graph.input[0].type.tensor_type.shape.dim[0], dim_value=2**62),
           'input "x": expected at most'),
    edited("initializer-unnamed", lambda p: tensor(p).ClearField("name"), "expected a name"),
    edited("initializer-twice",
           lambda p: p.graph.initializer.append(tensor(p)), 'initializer "w": .* got two'),
    edited("initializer-missing", lambda p: p.graph.initializer.pop(0),
           r'node "first" \(MatMul\): input "w": .* nothing makes'),
    edited("initializer-is-output", lambda p: _set(tensor(p, 1), name="y"),
           r'node "y" \(Relu\): output "y"'),
    edited("made-twice", lambda p: _set(p.graph.node[1], output=["m"]),
           r'node "second" \(Add\): output "m": .*node "first"'),
    edited("undefined-input", lambda p: _set(p.graph.node[2], input=["nowhere"]),
           r'node "y" \(Relu\): input "nowhere"'),
    edited("unsorted", lambda p: _set(p.graph, node=list(p.graph.node)[::-1]),
           r'node "y" \(Relu\): input "a": .*sort the nodes'),
    edited("cycle", _cycle, r'node "first" \(MatMul\): input "a": .*cycle'),
    edited("own-input", lambda p: _set(p.graph.node[1], input=["a", "b"]),
           r'node "second" \(Add\): input "a": .*own result'),
    edited("dims-too-large", lambda p: _set(tensor(p), dims=[4, 4]), CLAIM + " 64 bytes"),
    edited("dims-too-small", lambda p: _set(tensor(p), dims=[3]), CLAIM + " 12 bytes"),
    edited("dims-2-gib", lambda p: _set(tensor(p), dims=[1 << 29]), CLAIM + " 2147483648 bytes"),
    edited("dims-wrap-64", lambda p: _set(tensor(p), dims=[2**32, 2**32]), CLAIM + " at most"),
    edited("dims-wrap-to-size", lambda p: _set(tensor(p), dims=[2**62 + 3, 4]), CLAIM + " at most"),
    edited("dims-zero-times-huge", lambda p: _set(tensor(p), dims=[0, 2**62]), CLAIM + " at most"),
    edited("dims-zero", lambda p: _set(tensor(p), dims=[0, 4]), CLAIM + " 0 bytes"),
    edited("dims-negative", lambda p: _set(tensor(p), dims=[-4, -3]), CLAIM + r" .*got \[\?, \?\]"),
    edited("type-undefined", lambda p: _set(tensor(p), data_type=0), CLAIM + " an element type"),
    edited("type-unknown", lambda p: _set(tensor(p), data_type=1234), "unknown type 1234"),
    edited("no-data", lambda p: tensor(p).ClearField("raw_data"), CLAIM + " 12 values .* got 0"),
    edited("data-twice", lambda p: tensor(p).float_data.append(1.0), "raw_data alone"),
    edited("data-short", lambda p: _as_floats(p, 11), CLAIM + " 12 values .* got 11"),
    edited("data-in-the-wrong-field",
           lambda p: _set(tensor(p), raw_data=b"") or tensor(p).ClearField("raw_data")
           or tensor(p).int64_data.extend([1] * 12), "in float_data, got int64_data"),
    edited("declared-otherwise", lambda p: p.graph.input.append(
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 4])), "as declared"),
    edited("shapes-do-not-fit", lambda p: _set(tensor(p), dims=[3, 4]), "checker"),
    edited("attribute-unknown",
           lambda p: p.graph.node[2].attribute.append(helper.make_attribute("odd", 1)), "odd"),
    edited("attribute-twice", lambda p: p.graph.node[2].attribute.extend(
        [helper.make_attribute("odd", 1)] * 2), r'node "y" \(Relu\): .*twice'),
    edited("attribute-of-a-function", lambda p: p.graph.node[2].attribute.add(
        name="axis", ref_attr_name="outer"), "function's attribute"),
    edited("too-many-inputs", lambda p: _set(p.graph.node[2], input=["a", "b"]), "checker"),
    edited("too-few-inputs", lambda p: _set(p.graph.node[1], input=["m"]), "checker"),
    edited("input-omitted", lambda p: _set(p.graph.node[1], input=["", "b"]), "checker|input 0"),
    edited("node-name-not-utf8", lambda p: _raw(p, b"second", b"\xff\xfecond"), "UTF-8"),
    edited("op-not-utf8", lambda p: _raw(p, b"MatMul", b"\xc3\x28tMul"), "UTF-8"),
    edited("tensor-not-utf8", lambda p: _set(p.graph.node[2], name="n" * 8)
           or _raw(p, b"n" * 8, b"\x80" * 8), "UTF-8"),
    edited("name-too-long", lambda p: _set(p.graph.node[0], name="n" * 70000), "at most 65536"),
    single("kernel-short", "kernel_shape", "MaxPool", kernel_shape=[2]),
    single("kernel-long", "kernel_shape", "AveragePool",
           kernel_shape=[2, 2, 2]),
    single("kernel-zero", "kernel_shape|checker", "MaxPool", kernel_shape=[0, 2]),
    single("kernel-negative", "kernel_shape|checker", "MaxPool", kernel_shape=[-1, 2]),
    single("kernel-huge", "kernel_shape|checker", "MaxPool", kernel_shape=[2**62, 2]),
    single("kernel-missing", "kernel_shape", "MaxPool"),
    single("strides-short", "strides|checker", "MaxPool", kernel_shape=[2, 2], strides=[1]),
    single("strides-zero", "strides|checker", "MaxPool", kernel_shape=[2, 2], strides=[0, 1]),
    single("dilations-short", "dilations|checker", "MaxPool", kernel_shape=[2, 2], dilations=[1]),
    single("pads-short", "pads|checker", "MaxPool", kernel_shape=[2, 2], pads=[1, 1, 1]),
    single("pads-negative", "pads|checker", "MaxPool", kernel_shape=[2, 2], pads=[-1, 0, 0, 0]),
    single("pads-beside-auto-pad", "pads", "MaxPool", kernel_shape=[2, 2], pads=[1] * 4,
           auto_pad="SAME_UPPER"),
    single("auto-pad-unknown", "auto_pad|checker", "MaxPool", kernel_shape=[2, 2],
           auto_pad="MIRROR"),
    single("ceil-mode-2", "ceil_mode: expected 0 or 1", "MaxPool", kernel_shape=[2, 2],
           ceil_mode=2),
    single("window-too-large", "culprit.*reaches 9", "MaxPool", kernel_shape=[9, 9]),
    single("weights-of-other-rank", "culprit|checker", "Conv", "x w", constants={"w": whole(2, 2)}),
    single("kernel-not-the-weights'", "kernel_shape", "Conv", "x w",
           constants={"w": whole(4, 2, 3, 3)}, kernel_shape=[3, 2]),
    single("group-zero", "group", "Conv", "x w", constants={"w": whole(4, 2, 3, 3)}, group=0),
    single("group-misfit", "group", "Conv", "x w", constants={"w": whole(4, 2, 3, 3)}, group=3),
    single("bias-misfit", "bias", "Conv", "x w b",
           constants={"w": whole(4, 2, 3, 3), "b": whole(3)}),
    single("perm-repeats", "perm|checker", "Transpose", perm=[0, 1, 1, 2]),
    single("perm-short", "perm|checker", "Transpose", perm=[1, 0]),
    single("axis-outside", "axis|checker", "Softmax", axis=4),
    single("concat-without-axis", "axis", "Concat", "x x"),
    single("concat-axis-outside", "axis|checker", "Concat", "x x", axis=-5),
    single("flatten-axis-outside", "axis|checker", "Flatten", axis=5),
    single("split-sums-wrong", "split|checker", "Split", "x s", "a b", constants={"s": ints(2, 2)},
           axis=2),
    single("split-negative", "split|checker", "Split", "x s", "a b",
           constants={"s": ints(-1, 6)}, axis=2),
    single("split-counts-wrong", "split|checker", "Split", "x s", "a b", constants={"s": ints(5)},
           axis=2),
    single("split-uneven-13", "split|checker", "Split", outputs="a b", opset=13, axis=2),
    single("split-both", "split|checker", "Split", "x s", "a b", constants={"s": ints(2, 3)},
           axis=2, num_outputs=2),
    single("slice-lengths", "starts|checker", "Slice", "x s e",
           constants={"s": ints(0, 1), "e": ints(1)}),
    single("slice-axes-repeat", "axes|checker", "Slice", "x s e a",
           constants={"s": ints(0, 1), "e": ints(1, 2), "a": ints(1, -3)}),
    single("slice-step-zero", "steps|checker", "Slice", "x s e a t",
           constants={"s": ints(0), "e": ints(1), "a": ints(1), "t": ints(0)}),
    single("slice-axis-outside", "ax[ei]s|checker", "Slice", "x s e a",
           constants={"s": ints(0), "e": ints(1), "a": ints(7)}),
    single("reshape-minus-2", "shape|checker", "Reshape", "x s", constants={"s": ints(-2, 5)}),
    single("reshape-two-open", "shape|checker", "Reshape", "x s", constants={"s": ints(-1, -1)}),
    single("reshape-0-beyond", "shape|checker", "Reshape", "x s",
           constants={"s": ints(1, 2, 5, 5, 0)}),
    single("reshape-float-shape", "culprit|checker", "Reshape", "x s", constants={"s": whole(2)}),
    single("reshape-shape-of-rank-2", "culprit|checker", "Reshape", "x s",
           constants={"s": np.ones((2, 2), np.int64)}),
    single("reshape-misfit", "culprit|checker", "Reshape", "x s", constants={"s": ints(7, 7)}),
    single("squeeze-of-5", "culprit|checker", "Squeeze", "x s", constants={"s": ints(2)}),
    single("unsqueeze-repeats", "axes|checker", "Unsqueeze", "x s", constants={"s": ints(0, 0)}),
    single("unsqueeze-outside", "ax[ei]s|checker", "Unsqueeze", "x s", constants={"s": ints(9)}),
    single("gemm-of-rank-4", "culprit|checker", "Gemm", "x x"),
    single("transpose-flag-7", "transA: expected 0 or 1", "Gemm", "x w", shape=(3, 3),
           constants={"w": whole(3, 3)}, transA=7),
    single("clip-of-a-list", "culprit|checker", "Clip", "x s", constants={"s": whole(2)}),
    single("constant-without-value", "culprit", "Constant", ""),
    single("constant-of-two-values", "culprit", "Constant", "", value_int=1, value_float=1.0),
    single("batchnorm-misfit", "culprit|checker", "BatchNormalization", "x s s s s",
           constants={"s": whole(3)}),
]  # fmt: skip

HALF = np.float16([[1, 2, 3]] * 4)


def _weights(array: Any) -> Edit:
    return lambda p: tensor(p).CopyFrom(numpy_helper.from_array(np.asarray(array), "w"))


def _control_flow(proto: onnx.ModelProto) -> None:
    body = helper.make_graph([node("Relu", "a", "r")], "body", [], [])
    proto.graph.node[2].attribute.append(helper.make_attribute("then_branch", body))


UNSUPPORTED = [
    edited("ir-version-of-tomorrow", lambda p: _set(p, ir_version=99), "IR version 99: .*update"),
    edited("opset-of-tomorrow",
           lambda p: _set(p.opset_import[0], version=LATEST + 1), f"opset {LATEST + 1}: "),
    edited("op-of-no-list", lambda p: _set(p.graph.node[1], op_type="Einsum"),
           r'node "second" \(Einsum\): expected an operator of the supported list.*rewrite'),
    edited("op-of-nobody", lambda p: _set(p.graph.node[1], op_type="Fo\no"), r"\(Fo\\u000ao\)"),
    edited("custom-domain", lambda p: _set(p.graph.node[1], domain="com.acme"), "com.acme"),
    edited("function", lambda p: p.functions.add(name="f"), "inline"),
    edited("training", lambda p: p.training_info.add(), "training"),
    edited("control-flow", _control_flow, r'node "y" \(Relu\): .*then_branch'),
    edited("sparse", lambda p: p.graph.sparse_initializer.add(), "sparse"),
    edited("rank-17", lambda p: _set(tensor(p), dims=[1] * 17), "16 axes"),
    edited("half-weights", _weights(HALF), r'node "first" .*"w", got float16; convert'),
    edited("double-weights", _weights(HALF.astype(float)), r'node "first" .*"w", got float64'),
    edited("integer-weights", _weights(HALF.astype(int)), "got int64"),
    edited("string-weights", _weights(np.full((4, 3), "s", object)), "got string"),
    edited("half-input",
           lambda p: _set(p.graph.input[0].type.tensor_type, elem_type=10), '"x": .* got float16'),
    edited("integer-output",
           lambda p: _set(p.graph.output[0].type.tensor_type, elem_type=7), '"y": .* got int64'),
    edited("sequence-input", lambda p: p.graph.input[0].type.sequence_type.elem_type.SetInParent(),
           "sequence_type"),
    single("add-of-opset-6", "version_converter", "Add", "x x", opset=6),
    single("indices", "indices", "MaxPool", outputs="y i", kernel_shape=[2, 2]),
    single("pool-3d", "one and two dimensions", "MaxPool", shape=(1, 1, 4, 4, 4),
           kernel_shape=[2, 2, 2]),
    single("pads-as-wide-as-the-window", "reach 2", "MaxPool", kernel_shape=[2, 2], pads=[2] * 4),
    single("valid-with-ceil", "VALID", "MaxPool", kernel_shape=[2, 2], auto_pad="VALID",
           ceil_mode=1),
    single("softmax-that-flattens", r'node "culprit" \(Softmax\): opset 12', "Softmax", opset=12),
    single("batchnorm-training", "training_mode", "BatchNormalization", "x s s s s",
           "y m v", constants={"s": whole(2)}, training_mode=1),
    single("batchnorm-per-element", "spatial", "BatchNormalization", "x s s s s",
           constants={"s": whole(2)}, opset=7, spatial=0),
    single("dropout-mask", "mask", "Dropout", outputs="y m", opset=10),
    single("dropout-training", "training_mode", "Dropout", "x r t",
           constants={"r": np.float32(0.5), "t": np.array(True)}),
    single("constant-string", "culprit", "Constant", "", value_string="s"),
    single("clip-bound-fed", r'input 1 \(min\): expected a constant, got "b"', "Clip", "x b",
           fed={"b": ()}),
    single("step-beyond-31-bits", "steps", "Slice", "x s e a t",
           constants={"s": ints(0), "e": ints(1), "a": ints(1), "t": ints(2**40)}),
]  # fmt: skip


def _computed_shape() -> onnx.ModelProto:
    nodes = [node("Relu", "x", "r"), node("Reshape", "x r", "y")]
    nodes[1].name = "late"
    proto = model([nodes[0]], {"x": [4]}, ("r",))
    proto.graph.node.append(nodes[1])
    return proto


def _open_extent(op: str, outputs: str, opset: int) -> onnx.ModelProto:
    proto = model([node("Relu", "x", "r")], {"x": ["n", 1]}, ("r",), opset=opset)
    proto.graph.node.append(node(op, "r", outputs))
    return proto


UNSUPPORTED += [
    Bad("computed-shape", _computed_shape(), r'"late" .*input 1: .*"r".*fold'),
    Bad("equal-parts-of-an-open-extent", _open_extent("Split", "a b", 13), "open extent"),
    Bad("squeeze-of-an-open-extent", _open_extent("Squeeze", "y", 13), "give the axes"),
]

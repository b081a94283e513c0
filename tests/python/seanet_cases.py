"""The single-operator models of a speech network: computes each by the primitives of a court."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from integer_court import Codes, Court, Window
from integer_layers import Output, Term, add, convolution
from tflite_file import Model, Operator, Tensor, read_model

HERE = Path(__file__).parents[1] / "data" / "tflm-seanet"
SHARED = Path(os.environ.get("QSIM_SHARED", Path(__file__).parents[3] / "shared"))
ORIGIN = SHARED / "data" / "tflm-seanet"
ROOT = ORIGIN if ORIGIN.is_dir() else HERE

RAILS = -32768, 32767
LEFT_SHIFT = 15  # of the terms of a sum of int16 codes


@dataclass(frozen=True)
class Case:
    """A model, the values of its inputs, and its output."""

    name: str
    model: Model
    inputs: list[Codes]
    expected: Codes

    @property
    def operator(self) -> Operator:
        (operator,) = self.model.operators
        return operator

    def value(self, tensor: Tensor | None) -> np.ndarray[Any, Any]:
        """What a tensor holds: a constant, or an input of the model."""
        assert tensor is not None
        if tensor.data is not None:
            return tensor.data
        return self.inputs[next(i for i, t in enumerate(self.model.inputs) if t is tensor)]


def table(name: str) -> list[dict[str, str]]:
    """Lines of a file of comma separated values."""
    with (ROOT / name).open(newline="") as file:
        return list(csv.DictReader(file))


def names() -> list[str]:
    """Cases whose model is here, in the order of `schemes.csv`."""
    listed = [line["case"] for line in table("schemes.csv")]
    return [name for name in listed if (ROOT / f"{name}.tflite").is_file()]


@cache
def read(name: str) -> Case:
    """A case by name: its operator's folder and its own name."""
    model = read_model(ROOT / f"{name}.tflite")
    with np.load(ROOT / f"{name}.npz", allow_pickle=False) as archive:
        inputs = [archive[f"input{i}"] for i in range(len(model.inputs))]
        return Case(name, model, inputs, archive["golden"])


def run(case: Case, court: Court) -> Codes:
    """The output of a case."""
    return DRIVERS[case.operator.name](case, court)


def _output(case: Case, multiplier: Any, shift: Any, *, wide: bool = False) -> Output:
    assert case.operator.options.get("activation", "NONE") == "NONE"
    zero = case.operator.outputs[0].zero_point
    return Output(multiplier, shift, zero, *RAILS, np.int16, wide)


def _operand(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor


def _window(
    case: Case, size: tuple[int, int], wide: tuple[int, int], narrow: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Strides, dilations and padding of a filter that takes `wide` to `narrow` extents."""
    options = case.operator.options
    stride = options["stride_h"], options["stride_w"]
    dilation = options.get("dilation_h", 1), options.get("dilation_w", 1)
    top, left = (
        max((n - 1) * s + (k - 1) * d + 1 - w, 0) // 2
        for n, s, k, d, w in zip(narrow, stride, size, dilation, wide, strict=True)
    )
    pad = (top, left) if options["padding"] == "SAME" else (0, 0)
    return stride, dilation, pad


def _extents(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[1], shape[2]


def _channel_factors(case: Case, court: Court, image: Tensor, weights: Tensor) -> Any:
    """Mantissas and exponents per output channel: s_in * s_w / s_out in binary64."""
    assert not weights.zero_points.any()
    assert weights.axis == 0
    out = case.operator.outputs[0].scale
    pairs = [court.quantize_multiplier(image.scale * w / out) for w in weights.scales.tolist()]
    return np.array(pairs, np.int32).T


def _convolution(case: Case, court: Court) -> Codes:
    image, weights, bias = (_operand(t) for t in case.operator.inputs)
    result = case.operator.outputs[0].shape
    size = _extents(weights.shape)
    stride, dilation, pad = _window(case, size, _extents(image.shape), _extents(result))
    window = Window(size, stride, pad, _extents(result), dilation)
    return convolution(
        court, case.value(image), case.value(weights), case.value(bias), window, image.zero_point,
        _output(case, *_channel_factors(case, court, image, weights), wide=True))


def _transposed_convolution(case: Case, court: Court) -> Codes:
    shape, weights, image, bias = (_operand(t) for t in case.operator.inputs)
    result = tuple(case.value(shape).tolist())
    size = _extents(weights.shape)
    stride, dilation, pad = _window(case, size, _extents(result), _extents(image.shape))
    window = Window(size, stride, pad, _extents(result), dilation)
    return convolution(
        court, case.value(image), case.value(weights), case.value(bias), window, image.zero_point,
        _output(case, *_channel_factors(case, court, image, weights), wide=True), transposed=True)


def _sum(case: Case, court: Court) -> Codes:
    """ADD and SUB: terms in units of twice the larger scale, 2**15 steps each."""
    lhs, rhs = (_operand(t) for t in case.operator.inputs)
    twice = 2 * max(lhs.scale, rhs.scale)
    terms = [
        Term(case.value(t), t.zero_point, *court.quantize_multiplier(t.scale / twice))
        for t in (lhs, rhs)
    ]
    factor = twice / ((1 << LEFT_SHIFT) * case.operator.outputs[0].scale)
    output = _output(case, *court.quantize_multiplier(factor))
    return add(court, *terms, LEFT_SHIFT, output, 1 if case.operator.name == "ADD" else -1)


def _leaky_relu(case: Case, court: Court) -> Codes:
    """Two factors by sign; their real values are binary32 results."""
    (source,) = (_operand(t) for t in case.operator.inputs)
    scale, out = np.float32(source.scale), np.float32(case.operator.outputs[0].scale)
    alpha = np.float32(case.operator.options["alpha"])
    values = case.value(source).astype(np.int32) - source.zero_point
    positive, negative = (
        _output(case, *court.quantize_multiplier(float(factor))).codes(court, values)
        for factor in (scale / out, scale * alpha / out)
    )
    return np.where(values >= 0, positive, negative)


def _quantize(case: Case, court: Court) -> Codes:
    (source,) = (_operand(t) for t in case.operator.inputs)
    values = case.value(source) - source.zero_point
    factor = source.scale / case.operator.outputs[0].scale
    return _output(case, *court.quantize_multiplier(factor)).codes(court, values)


def _pad(case: Case, court: Court) -> Codes:
    image, pads = (_operand(t) for t in case.operator.inputs)
    before, after = case.value(pads).T.tolist()
    return court.pad(case.value(image), before, after, case.operator.outputs[0].zero_point)


def _strided_slice(case: Case, court: Court) -> Codes:
    image, begin, end, strides = (case.value(t) for t in case.operator.inputs)
    options = case.operator.options
    unread = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask", "offset")
    assert not any(options[name] for name in unread)
    slices = [
        slice(None if options["begin_mask"] >> axis & 1 else b,
              None if options["end_mask"] >> axis & 1 else e, s)
        for axis, (b, e, s) in enumerate(
            zip(begin.tolist(), end.tolist(), strides.tolist(), strict=True))
    ]
    return court.strided_slice(image, slices)


DRIVERS: dict[str, Callable[[Case, Court], Codes]] = {
    "ADD": _sum,
    "CONV_2D": _convolution,
    "LEAKY_RELU": _leaky_relu,
    "PAD": _pad,
    "QUANTIZE": _quantize,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _sum,
    "TRANSPOSE_CONV": _transposed_convolution,
}

"""The CMSIS-NN kernel cases: reads them and computes each by the primitives of a court."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cmsis_recurrent import lstm, svdf
from integer_court import Codes, Court, Window
from integer_layers import Output, Term, add, convolution, depthwise, limited

HERE = Path(__file__).parents[1] / "data" / "cmsis-nn"
SHARED = Path(os.environ.get("QSIM_SHARED", Path(__file__).parents[3] / "shared"))
ORIGIN = SHARED / "data" / "cmsis-nn"
ROOT = ORIGIN if ORIGIN.is_dir() else HERE


@dataclass(frozen=True)
class Case:
    """Arrays and settings by name; a network has one case per layer instead, in order."""

    family: str
    name: str
    arrays: dict[str, np.ndarray[Any, Any]]
    settings: dict[str, int]
    layers: list[Case] = field(default_factory=list)

    def __getitem__(self, name: str) -> int:
        return self.settings[name]

    def pair(self, pattern: str, *names: str) -> tuple[int, int]:
        """The settings `pattern` has for height (y) and width (x)."""
        first, second = (self.settings[pattern.format(name)] for name in names or ("y", "x"))
        return first, second

    @property
    def expected(self) -> Codes:
        return self.arrays["output_ref"]


@dataclass(frozen=True)
class Row:
    """What `schemes.csv` says of a case: its arithmetic and how many codes others change."""

    family: str
    name: str
    arithmetic: str
    elements: int
    differ: dict[str, int]  # by scheme: two_roundings, one_rounding, int64; none where plain


def rows() -> list[Row]:
    """Every case, in the order of the file."""
    with (ROOT / "schemes.csv").open(newline="") as file:
        return [
            Row(
                line["file"].removesuffix(".npz"), line["case"], line["arithmetic"],
                int(line["elements"]),
                {k.removeprefix("differ_"): int(v) for k, v in line.items()
                 if k.startswith("differ_") and v},
            )
            for line in csv.DictReader(file)
        ]


@cache
def read(family: str) -> dict[str, Case]:
    """The cases of one archive by name."""
    archive = np.load(ROOT / f"{family}.npz", allow_pickle=False)
    parts: dict[str, dict[str, Any]] = {}
    for path in archive.files:
        name, _, leaf = path.rpartition("/")
        parts.setdefault(name, {})[leaf] = archive[path]
    made = {name: _case(family, name, values) for name, values in parts.items()}
    for name in [n for n in made if "/" in n]:
        made[name.split("/")[0]].layers.append(made.pop(name))
    for case in made.values():
        case.layers.sort(key=lambda layer: int(layer.name.split("/layer_")[1].split("_")[0]))
    return made


def _case(family: str, name: str, values: dict[str, np.ndarray[Any, Any]]) -> Case:
    arrays = {k: v for k, v in values.items() if v.shape != ()}
    return Case(family, name, arrays, {k: int(v) for k, v in values.items() if v.shape == ()})


@cache
def tables() -> dict[str, np.ndarray[Any, Any]]:
    """The look-up tables of softmax-16 and of the LSTM."""
    archive = np.load(ROOT / "tables.npz", allow_pickle=False)
    return {name: archive[name] for name in archive.files}


def run(case: Case, court: Court) -> Codes:
    """The output of a case, flat as recorded."""
    result = DRIVERS[case.family](case, court)
    return result.ravel()


def _limits(case: Case) -> tuple[int, int]:
    prefix = "out_activation" if "out_activation_min" in case.settings else "activation"
    return case[f"{prefix}_min"], case[f"{prefix}_max"]


def _output(case: Case, dtype: Any) -> Output:
    arrays, settings = case.arrays, case.settings
    multiplier = arrays["output_mult"] if "output_mult" in arrays else settings["output_multiplier"]
    shift = arrays["output_shift"] if "output_shift" in arrays else settings["output_shift"]
    bias = arrays.get("biases")
    wide = dtype == np.int16 and (bias is None or bias.dtype == np.int64)
    return Output(multiplier, shift, case["output_offset"], *_limits(case), dtype, wide)


def _window(case: Case) -> Window:
    return Window(
        case.pair("filter_{}"), case.pair("stride_{}"), case.pair("pad_{}"),
        case.pair("output_{}", "h", "w"), case.pair("dilation_{}"))


def _image(case: Case, codes: Codes) -> Codes:
    return codes.reshape(case["input_batches"], case["input_h"], case["input_w"], -1)


def unpack_int4(packed: Codes, count: int) -> Codes:
    """Two signed values per byte, the low nibble first."""
    raw = packed.view(np.uint8)
    nibbles = np.stack([raw & 15, raw >> 4], axis=1).ravel()[:count].astype(np.int8)
    return nibbles - 16 * (nibbles > 7).astype(np.int8)


def _weights(case: Case, *shape: int) -> Codes:
    stored, count = case.arrays["weights"], int(np.prod(shape))
    if case.family.endswith("_s4"):
        assert stored.size == (count + 1) // 2
        stored = unpack_int4(stored, count)
    return stored.reshape(shape)


def _convolve(case: Case, court: Court, codes: Codes | None = None) -> Codes:
    image = _image(case, case.arrays["input"] if codes is None else codes)
    depth = case.settings.get("filter_ch", image.shape[3])
    weights = _weights(case, case["out_ch"], *case.pair("filter_{}"), depth)
    return convolution(
        court, image, weights, case.arrays.get("biases"), _window(case), -case["input_offset"],
        _output(case, image.dtype), transposed=case.family.startswith("transpose"))


def _depthwise(case: Case, court: Court, codes: Codes | None = None) -> Codes:
    image = _image(case, case.arrays["input"] if codes is None else codes)
    weights = _weights(case, 1, *case.pair("filter_{}"), case["out_ch"])
    return depthwise(
        court, image, weights, case.arrays.get("biases"), _window(case), -case["input_offset"],
        _output(case, image.dtype))


def _fully_connected(case: Case, court: Court, codes: Codes | None = None) -> Codes:
    lhs = case.arrays["input"] if codes is None else codes
    lhs = lhs.reshape(case["input_batches"], -1)
    outputs = case["out_ch"] if codes is None else case.arrays["biases"].size
    weights = _weights(case, outputs, lhs.shape[1])
    output = _output(case, lhs.dtype)
    acc = court.accumulate(
        lhs, weights.T, -case["input_offset"], -case.settings.get("filter_offset", 0),
        case.arrays.get("biases"), wide=output.wide)
    return output.codes(court, acc)


def _batch_matmul(case: Case, court: Court) -> Codes:
    sides = []
    for side, adjoint in (("lhs", "adj_x"), ("rhs", "adj_y")):
        shape = [case[f"{side}_{axis}"] for axis in ("batch", "height", "rows", "cols")]
        stored = case.arrays[side].reshape(shape)
        sides.append(stored.swapaxes(2, 3) if case[adjoint] else stored)
    lead = case["output_batch"], case["output_height"]
    lhs, rhs = (np.broadcast_to(s, (*lead, *s.shape[2:])) for s in sides)
    output = _output(case, lhs.dtype)
    products = [
        output.codes(court, court.accumulate(
            lhs[i], rhs[i], -case["lhs_offset"], -case["rhs_offset"], wide=output.wide))
        for i in np.ndindex(lead)
    ]
    return np.stack(products)


def _pool_window(case: Case) -> Window:
    pad = "padding_{}" if "padding_h" in case.settings else "pad_{}"
    return Window(*(case.pair(p, "h", "w") for p in ("filter_{}", "stride_{}", pad, "output_{}")))


def _pooled(case: Case, court: Court) -> Codes:
    shape = [case[f"input_{axis}"] for axis in ("n", "h", "w", "c")]
    assert case["batch_size"] == shape[0]
    image = case.arrays["input"].reshape(shape)
    pool = court.average_pool if case.family == "avgpool" else court.max_pool
    return limited(pool(image, _pool_window(case)), *_limits(case), image.dtype)


def _sum(case: Case, court: Court) -> Codes:
    lhs, rhs = (
        Term(case.arrays[f"input_{i}"], -case[f"input{i}_offset"], case[f"input{i}_mult"],
             case[f"input{i}_shift"])
        for i in (1, 2)
    )
    output = Output(case["output_mult"], case["output_shift"], case["output_offset"],
                    *_limits(case), lhs.codes.dtype)
    return add(court, lhs, rhs, case["left_shift"], output)


def _extreme(case: Case, court: Court) -> Codes:
    lhs, rhs = (
        case.arrays[f"input_{i}"].reshape(
            [case[f"{axis}_{i}"] for axis in ("batch", "height", "width", "channel")])
        for i in (1, 2)
    )
    return (court.maximum if case.name.startswith("maximum") else court.minimum)(lhs, rhs)


def _pad(case: Case, court: Court) -> Codes:
    axes = ("n", "h", "w", "c")
    image = case.arrays["input"].reshape([case[f"input_{a}"] for a in axes])
    before, after = ([case[f"{side}_pad_{a}"] for a in axes] for side in ("pre", "post"))
    return court.pad(image, before, after, case["pad_value"])


def _transpose(case: Case, court: Court) -> Codes:
    rank = case["perm_size"]
    permutation, shape, wanted = (
        case.arrays[name].tolist()[:rank] for name in ("perm", "in_dim", "out_dim"))
    result = court.transpose(case.arrays["input"].reshape(shape), permutation)
    assert list(result.shape) == wanted
    return result


def _softmax(case: Case, court: Court, codes: Codes | None = None) -> Codes:
    values = case.arrays["input"] if codes is None else codes
    prefix = "input_" if codes is None else ""
    shift = case["input_left_shift" if codes is None else "shift"]
    rows_of_codes = values.reshape(case["num_rows"], case["row_size"])
    return court.softmax(rows_of_codes, case[f"{prefix}mult"], shift, case["diff_min"])


def _average_layer(case: Case, court: Court, codes: Codes) -> Codes:
    image = _image(case, codes)
    return limited(court.average_pool(image, _pool_window(case)), *_limits(case), image.dtype)


def _network(case: Case, court: Court) -> Codes:
    codes = case.arrays["input"]
    for layer in case.layers:
        kind = layer.name.split("/layer_")[1].split("_", 1)[1]
        codes = LAYERS[kind](layer, court, codes)
    return codes


LAYERS: dict[str, Callable[[Case, Court, Codes], Codes]] = {
    "average_pool_2d": _average_layer,
    "conv_2d": _convolve,
    "depthwise_conv_2d": _depthwise,
    "fully_connected": _fully_connected,
    "softmax": _softmax,
}

DRIVERS: dict[str, Callable[[Case, Court], Codes]] = {
    "avgpool": _pooled,
    "batch_matmul_s16": _batch_matmul,
    "batch_matmul_s8": _batch_matmul,
    "convolve_s16": _convolve,
    "convolve_s4": _convolve,
    "convolve_s8": _convolve,
    "depthwise_conv_s16": _depthwise,
    "depthwise_conv_s4": _depthwise,
    "depthwise_conv_s8": _depthwise,
    "ds_cnn_s8": _network,
    "elementwise": _sum,
    "fully_connected_s16": _fully_connected,
    "fully_connected_s4": _fully_connected,
    "fully_connected_s8": _fully_connected,
    "lstm": lambda case, court: lstm(case, court, tables()["sigmoid_table_uint16"]),
    "maximum_minimum_s8": _extreme,
    "maxpool": _pooled,
    "pad_s8": _pad,
    "softmax": _softmax,
    "svdf": svdf,
    "transpose_conv_s8": _convolve,
    "transpose_s8": _transpose,
}

#!/usr/bin/env python3
"""Runs a set of quantised PyTorch operators on one of its engines: one thread.

Usage: torch_run.py SET OUT --kernels fbgemm|qnnpack|onednn|x86

Writes `outputs.npz` and `run.json` into OUT. Needs numpy and torch only.
"""

from __future__ import annotations

import argparse
import ctypes
import platform
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from live_cases import Array, Case, Operand, read_cases, write_run

quantized: Any = torch.ops.quantized
TYPE = {"u8": torch.quint8, "s8": torch.qint8, "i32": torch.qint32}


def tensor_of(operand: Operand) -> torch.Tensor:
    """The operand as the engine stores it; its integers are given, not computed from reals."""
    raw = torch.from_numpy(np.array(operand.array))
    if operand.quant is None:
        return raw
    scales, zeros = operand.quant.scale, operand.quant.zero_point
    if len(scales) == 1:
        made = torch._make_per_tensor_quantized_tensor(raw, float(scales[0]), int(zeros[0]))
    else:
        per = (torch.tensor(scales, dtype=torch.double), torch.tensor(zeros, dtype=torch.long))
        made = torch._make_per_channel_quantized_tensor(raw, *per, operand.quant.axis)
    assert made.dtype == TYPE[operand.dtype]
    return made


def compute(case: Case) -> Any:
    """The case's output tensor, quantised or real."""
    x, *rest = [tensor_of(i) if i else None for i in case.inputs]
    how, result = case.attributes, case.outputs["y"]
    to = (float(result.quant.scale[0]), int(result.quant.zero_point[0])) if result.quant else ()
    relu = "_relu" if how.get("relu") else ""
    if case.op in ("add", "mul"):
        return getattr(quantized, case.op + relu)(x, rest[0], *to)
    if case.op == "linear":
        return getattr(quantized, "linear" + relu)(x, quantized.linear_prepack(*rest), *to)
    if case.op == "linear_dynamic":
        return quantized.linear_dynamic(x, quantized.linear_prepack(*rest), how["reduce_range"])
    if case.op == "conv2d":
        window = [how[k] for k in ("stride", "padding", "dilation", "groups")]
        packed = quantized.conv2d_prepack(*rest, *window)
        return getattr(quantized, "conv2d" + relu)(x, packed, *to)
    return UNARY[case.op](x, case, *to)


def per_channel(x: Any, case: Case, *_: Any) -> torch.Tensor:
    quant = case.outputs["y"].quant
    assert quant is not None
    scales = torch.tensor([float(s) for s in quant.scale], dtype=torch.double)
    zeros = torch.tensor(quant.zero_point, dtype=torch.long)
    return torch.quantize_per_channel(x, scales, zeros, quant.axis, TYPE[case.outputs["y"].dtype])


class FbgemmParameters(ctypes.Structure):
    """fbgemm::TensorQuantizationParams, fbgemm/QuantUtilsAvx2.h."""

    _fields_ = (("scale", ctypes.c_float), ("zero", ctypes.c_int32), ("bits", ctypes.c_int))


def fbgemm_quantize(x: torch.Tensor, case: Case, scale: float, zero: int) -> torch.Tensor:
    """fbgemm::Quantize<T, false>: the zero point joins the integer. The wheel exports it."""
    dtype, letter = {"u8": (torch.uint8, "h"), "s8": (torch.int8, "a")}[case.outputs["y"].dtype]
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
    name = f"_ZN6fbgemm8QuantizeI{letter}Lb0EEEvPKfPT_lRKNS_24TensorQuantizationParamsEii"
    try:
        function = library[name]
    except AttributeError as error:
        raise RuntimeError(str(error)) from None
    y = torch.empty_like(x, dtype=dtype)
    function.restype = None
    function(
        ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr()), ctypes.c_int64(x.numel()),
        ctypes.byref(FbgemmParameters(scale, zero, 8)), ctypes.c_int(0), ctypes.c_int(1),
    )  # fmt: skip
    return y


UNARY: dict[str, Callable[..., torch.Tensor]] = {
    "quantize_per_tensor": lambda x, c, s, z: torch.quantize_per_tensor(
        x, s, z, TYPE[c.outputs["y"].dtype]
    ),
    "quantize_per_channel": per_channel,
    "fbgemm_quantize": fbgemm_quantize,
    "max_pool2d": lambda x, c, *_: torch.nn.functional.max_pool2d(x, **c.attributes),
    "avg_pool2d": lambda x, c, *_: torch.nn.functional.avg_pool2d(x, **c.attributes),
    "leaky_relu": lambda x, c, *to: quantized.leaky_relu(
        x, c.attributes["negative_slope"], False, *to
    ),
    "sigmoid": lambda x, _, *to: quantized.sigmoid(x, *to),
    "tanh": lambda x, *_: torch.tanh(x),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kernels", choices=["fbgemm", "qnnpack", "onednn", "x86"], required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the wheel calls its own quantised tensors deprecated
    torch.set_num_threads(1)
    torch.backends.quantized.engine = options.kernels
    outputs: dict[str, Array] = {}
    refused: dict[str, str] = {}
    for case in read_cases(options.set):
        try:
            y = compute(case)
        except (RuntimeError, ValueError) as error:
            refused[case.id] = str(error)
            continue
        outputs[f"{case.id}/y"] = (y.int_repr() if y.is_quantized else y).contiguous().numpy()
    about = {
        "engine": "PyTorch", "version": torch.__version__, "machine": platform.machine(),
        "kernels": options.kernels, "refused": refused,
    }  # fmt: skip
    write_run(options.out, about, outputs)
    print(f"{len(outputs)} outputs, {len(refused)} cases refused")


if __name__ == "__main__":
    main()

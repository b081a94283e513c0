"""Bit-exact simulation of quantized inference arithmetic.

    >>> import qsim
    >>> print(qsim.profiles["mnn-2.9.0.arm64.neon"].evidence)
    emulated
"""

from __future__ import annotations

from qsim import ops, passes
from qsim._core import (
    BadFile,
    Calibration,
    Graph,
    NotSupported,
    Profile,
    Trace,
    __version__,
    build_info,
    kernels,
)
from qsim.calibration import calibrate, quantize_model
from qsim.catalogue import profiles
from qsim.comparison import Comparison, compare
from qsim.identification import identify
from qsim.loading import load
from qsim.nonfinite import NonfiniteReport, trace_nonfinite
from qsim.operations import Operation, operation
from qsim.operators import (
    add,
    average_pool,
    conv2d,
    dequantize,
    dynamic_quantize,
    gemm,
    global_average_pool,
    leaky_relu,
    lut,
    max_pool,
    mul,
    pool,
    quantize,
    requantize,
    softmax,
    subtract,
)
from qsim.probing import Probe, probe
from qsim.runtime import run
from qsim.saturation import saturation_report
from qsim.selftest import selftest

__all__ = [
    "BadFile",
    "Calibration",
    "Comparison",
    "Graph",
    "NonfiniteReport",
    "NotSupported",
    "Operation",
    "Probe",
    "Profile",
    "Trace",
    "__version__",
    "add",
    "average_pool",
    "build_info",
    "calibrate",
    "compare",
    "conv2d",
    "dequantize",
    "dynamic_quantize",
    "gemm",
    "global_average_pool",
    "identify",
    "kernels",
    "leaky_relu",
    "load",
    "lut",
    "max_pool",
    "mul",
    "operation",
    "ops",
    "passes",
    "pool",
    "probe",
    "profiles",
    "quantize",
    "quantize_model",
    "requantize",
    "run",
    "saturation_report",
    "selftest",
    "softmax",
    "subtract",
    "trace_nonfinite",
]

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
from qsim.loading import load
from qsim.nonfinite import NonfiniteReport, trace_nonfinite
from qsim.operation import operation
from qsim.operators import conv2d, gemm, requantize
from qsim.runtime import run
from qsim.selftest import selftest

__all__ = [
    "BadFile",
    "Calibration",
    "Comparison",
    "Graph",
    "NonfiniteReport",
    "NotSupported",
    "Profile",
    "Trace",
    "__version__",
    "build_info",
    "calibrate",
    "compare",
    "conv2d",
    "gemm",
    "kernels",
    "load",
    "operation",
    "ops",
    "passes",
    "profiles",
    "quantize_model",
    "requantize",
    "run",
    "selftest",
    "trace_nonfinite",
]

"""A check of the installed package that needs no test tool and no data file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qsim import _core, oracle
from qsim._core import Profile
from qsim.catalogue import profiles

SEED = 20240603


@dataclass(frozen=True)
class Check:
    """One thing that was tried."""

    name: str
    passed: bool
    words: str
    skipped: bool = False


def _convolution(profile: Profile, rng: np.random.Generator) -> Check:
    """A padded 3x3 convolution of five pixels' remainder, against the slow twin."""
    x = rng.integers(-128, 128, (1, 10, 5, 3), dtype=np.int8)
    w = rng.integers(-127, 128, (5, 10, 3, 3), dtype=np.int8)
    alpha = rng.uniform(0.001, 0.01, 5).astype(np.float32)
    bias = rng.normal(0, 1, 5).astype(np.float32)
    q = np.array([[0.05, 3, -127, 127], [0.3, -20, -128, 127]], np.float32)
    codes, _, fused, unspecified = _core.ops.conv2d(profile, x, w, alpha, bias, q, pad=(1, 1))
    read, written = (oracle.QInfo.of(row.tolist()) for row in q)
    slow = oracle.conv2d(
        oracle.nest(profile.fields()),
        x,
        w,
        alpha.tolist(),
        bias.tolist(),
        read,
        written,
        oracle.ConvOptions(pad=(1, 1)),
    )
    known = ~unspecified.reshape(-1)
    wrong = int(np.count_nonzero((codes.reshape(-1) != np.array(slow.codes.data))[known]))
    wrong += int(np.count_nonzero(fused != np.array(slow.fused.bias)))
    return Check(profile.name, wrong == 0, f"{wrong} of {codes.size + fused.size} values differ")


def _kernel(name: str, runs_here: bool, rng: np.random.Generator) -> Check:
    """A product of odd extents by a native kernel, against the chain that it obeys."""
    if not runs_here:
        return Check(name, True, "cannot run on this processor, left out", skipped=True)
    lhs = rng.integers(-128, 128, (7, 131), dtype=np.int8)
    rhs = rng.integers(-128, 128, (131, 19), dtype=np.int8)
    wrong = int(
        np.count_nonzero(_core.kernel_gemm(name, lhs, rhs) != _core.chain_gemm(name, lhs, rhs))
    )
    return Check(name, wrong == 0, f"{wrong} of {7 * 19} sums differ")


def selftest() -> list[Check]:
    """Hold every profile to the slow twin and every native kernel to its chain; about 2 s."""
    rng = np.random.default_rng(SEED)
    checks = [_convolution(profiles[name], rng) for name in profiles]
    for kernel in _core.kernels():
        if kernel["op"].startswith("gemm"):
            checks.append(_kernel(kernel["name"], kernel["runs_here"], rng))
    return checks

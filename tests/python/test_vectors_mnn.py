"""Single operations equal what MNN 2.9.0 computed, on every recorded target, bit for bit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import qsim
from mnn_vectors import PROFILES, Vectors, mismatches
from qsim import ops

VECTORS = Vectors()
COUNTS: Counter[tuple[str, str]] = Counter()


def check(case: dict[str, Any], result: str, target: str, got: np.ndarray) -> None:
    """Compare one result with what `target` produced, if that is known."""
    want = VECTORS.equal_to(case, result, target)
    if want is None:
        return
    wrong = mismatches(got.reshape(want.shape), want)
    assert wrong == 0, f"{case['id']} {target} {result}: {wrong} of {want.size} differ"
    COUNTS[case["family"], target] += want.size


def targets(case: dict[str, Any]) -> list[str]:
    """Every target with any known result."""
    return sorted({t for result in case["outputs"] for t in VECTORS.known_targets(case, result)})


def network_input(case: dict[str, Any], profile: qsim.Profile, q: np.ndarray) -> np.ndarray:
    """The codes an operation reads: recorded, or cast from the recorded float input."""
    codes = VECTORS.input(case, "xq")
    if codes is not None:
        return codes
    x = VECTORS.input(case, "x")
    assert x is not None
    return ops.quantize_info(profile, x, q[0])


def ids(family: str, *operations: str) -> list[Any]:
    """The cases of a family as pytest parameters."""
    return [
        pytest.param(c, id=c["id"])
        for c in VECTORS.cases(family)
        if not operations or c["params"]["op"] in operations
    ]


@pytest.mark.parametrize("case", ids("A") + ids("B"))
def test_convolutions_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    q = VECTORS.input(case, "q").reshape(2, 4)
    shape = (p["batch"], p["in_channels"], p["in_h"], p["in_w"])
    for target in targets(case):
        profile = qsim.profiles[PROFILES[target]]
        arm = target.startswith("arm")
        codes = network_input(case, profile, q).reshape(shape)
        check(case, "xq", target, codes)
        y, scale, bias, _ = ops.conv2d(
            profile,
            codes,
            VECTORS.input(case, "w"),
            VECTORS.input(case, "alpha"),
            VECTORS.input(case, "bias"),
            q,
            stride=p["stride"],
            pad=p["pad"],
            dilation=p["dilation"],
            depthwise=p["op"] == "depthwise_conv_int8",
            relu=p["relu"],
            overflow_aware=p["method"] == "OVERFLOW_AWARE" if arm else p["nbits"] <= 7,
        )
        check(case, "S", target, scale)
        check(case, "B", target, bias)
        check(case, "y", target, y)


@pytest.mark.parametrize("case", ids("C", "float_to_int8_to_float"))
def test_explicit_casts_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    x, m, s = (VECTORS.input(case, k) for k in ("x", "m", "s"))
    low, high = p["clamp"]
    for target in targets(case):
        profile = qsim.profiles[PROFILES[target]]
        q = np.empty(x.shape, np.int8)
        y = np.empty(x.shape, np.float32)
        if m.size == 1:
            q[...] = ops.quantize(profile, x, m.item(), p["zero"], low, high)
            y[...] = ops.dequantize(profile, q, s.reshape(-1)[0].item(), p["zero_dequant"])
        else:
            scales = np.broadcast_to(s, m.shape).flat
            for c, (mc, sc) in enumerate(zip(m.flat, scales, strict=True)):
                q[:, c] = ops.quantize(profile, x[:, c].copy(), mc.item(), p["zero"], low, high)
                y[:, c] = ops.dequantize(profile, q[:, c].copy(), sc.item(), p["zero_dequant"])
        check(case, "q", target, q)
        check(case, "y", target, y)


@pytest.mark.parametrize("case", ids("C", "runtime_cast_round_trip"))
def test_casts_between_operators_equal_the_engine(case: dict[str, Any]) -> None:
    x, info = VECTORS.input(case, "x"), VECTORS.input(case, "q").reshape(-1, 4)
    for target in targets(case):
        profile = qsim.profiles[PROFILES[target]]
        q = ops.quantize_info(profile, x, info[0])
        check(case, "q", target, q)
        check(case, "qp", target, q)  # a 1x1 maximum keeps every code
        check(case, "y", target, ops.dequantize_info(profile, q, info[-1]))


@pytest.mark.parametrize("case", ids("D", "max_pool_int8", "avg_pool_int8"))
def test_pools_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    codes = VECTORS.input(case, "xq").reshape(p["batch"], p["in_channels"], p["in_h"], p["in_w"])
    kind = "max" if p["op"] == "max_pool_int8" else "average"
    for target in targets(case):
        profile = qsim.profiles[PROFILES[target]]
        y = ops.pool2d_geometry(
            profile,
            kind,
            codes,
            kernel=p["kernel"],
            stride=p["stride"],
            pad=p["pad"],
            ceil_mode=p["ceil_mode"],
            is_global=p["is_global"],
        )
        check(case, "y", target, y)


@pytest.mark.parametrize("case", [c for c in ids("D") if "binary" in c.values[0]["params"]["op"]])
def test_binary_operations_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    a, b = VECTORS.input(case, "xq"), VECTORS.input(case, "x2q")
    for target in targets(case):
        profile = qsim.profiles[PROFILES[target]]
        y, unspecified = ops.binary(
            profile,
            p["op"].removeprefix("binary_int8_"),
            a,
            b,
            VECTORS.input(case, "q").reshape(3, 4),
            relu=case["id"].endswith(".relu"),
            packed=p["layout"] != "linear",
        )
        want = VECTORS.equal_to(case, "y", target)
        if want is None:
            continue
        written = want.size
        if p["layout"] == "linear":
            assert int(np.count_nonzero(~unspecified)) == written
        check(case, "y", target, y.reshape(-1)[:written])


@pytest.mark.parametrize("target", list(PROFILES))
def test_every_target_was_compared(target: str) -> None:
    """Guards the suite itself: a skipped family would pass in silence."""
    if not COUNTS:
        pytest.skip("runs after the vector tests of this module")
    for family, floor in (("A", 19000), ("B", 9000), ("C", 12000), ("D", 12000)):
        assert COUNTS[family, target] > floor, f"{family} {target}: {COUNTS[family, target]} values"

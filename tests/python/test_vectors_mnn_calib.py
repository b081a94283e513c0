"""Quantizers equal what MNN 2.9.0 computed on both calibration hosts, bit for bit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import qsim
from mnn_vectors import Vectors, mismatches
from qsim import ops
from qsim._core import calib

VECTORS = Vectors()
COUNTS: Counter[tuple[str, str, str]] = Counter()  # family, host, result
# Recorded host -> (its rule, the profile whose float functions ran the training graph).
HOSTS = {
    "calib-x86-64": ("x64", "mnn-2.9.0.x64.avx512vnni"),
    "calib-arm64": ("ieee", "mnn-2.9.0.arm64.neon"),
}
Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


def cases(operation: str) -> list[Any]:
    """The cases of an operation as pytest parameters."""
    return [pytest.param(c, id=c["id"]) for c in VECTORS.cases("F", operation)]


def check(case: dict[str, Any], result: str, host: str, got: Any) -> None:
    """Compare one result with the record of `host`; every result must be recorded."""
    want = VECTORS.expected(case, result, host)
    assert want is not None, f"{case['id']} {host} {result}: not recorded"
    wrong = mismatches(np.asarray(got).reshape(want.shape), want)
    assert wrong == 0, f"{case['id']} {host} {result}: {wrong} of {want.size} differ"
    COUNTS[case["family"], host, result] += want.size


# --- moving average -------------------------------------------------------------------------------


class Layer:
    """A convolution in training: quantized by each batch's own range, ranges averaged."""

    def __init__(self, host: str, case: dict[str, Any]) -> None:
        rule, profile = HOSTS[host]
        p = case["params"]
        self.rule = calib.ema_rule(rule, weight_bits=p["weight_bits"])
        self.profile = qsim.profiles[profile]
        self.relu = bool(p.get("fused_relu", False))
        weights, bias = VECTORS.input(case, "w"), VECTORS.input(case, "b")
        assert weights is not None
        assert bias is not None
        self.bias = bias
        self.pad = weights.shape[-1] // 2 if weights.ndim == 4 else 0
        weights = weights.reshape(*weights.shape, *[1] * (4 - weights.ndim))
        self.codes, self.alpha = calib.quantize_weights(self.rule, weights)
        self.weights = calib.fake_weights(self.rule, self.codes, self.alpha)
        self.running: dict[str, Floats | None] = {"in": None, "out": None}

    def observe(self, end: str, x: Floats) -> Floats:
        """The fake-quantized tensor; its range joins the running one."""
        seen = calib.observe(self.rule, x)
        self.running[end] = calib.update(self.rule, self.running[end], seen["nominal"])
        return calib.fake_quantize(self.rule, x, seen["grid"])

    def step(self, x: Floats) -> Floats:
        """One training batch: the layer's output, then a sigmoid."""
        x4 = x.reshape(*x.shape, *[1] * (4 - x.ndim))
        y = calib.float_convolution(
            self.profile,
            self.observe("in", x4),
            self.weights,
            self.bias,
            pad=self.pad,
            relu=self.relu,
        )
        return ops.unary(self.profile, "sigmoid", self.observe("out", y))


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.parametrize("case", cases("ema_quantizer"))
def test_the_moving_average_quantizer_equals_the_engine(case: dict[str, Any], host: str) -> None:
    assert case["params"]["update"] == "MOVING_AVERAGE"
    layer = Layer(host, case)
    batches = VECTORS.input(case, "x")
    assert batches is not None
    rows: dict[str, list[Any]] = {
        "running": [],
        "step_out": [],
        "stored_in_sz": [],
        "stored_out_sz": [],
        "cast_in_m": [],
        "cast_out_s": [],
        "describes": [],
    }
    for x in batches:
        rows["step_out"].append(layer.step(x))
        low_high = [layer.running["in"], layer.running["out"]]
        rows["running"].append(np.concatenate(low_high))
        s = calib.stored(layer.rule, *low_high)
        rows["describes"].append([s["in_describe"], s["out_describe"]])
        rows["stored_in_sz"].append([s["scale_in"], s["in_describe"][1]])
        rows["stored_out_sz"].append([s["scale_out"], s["out_describe"][1]])
        rows["cast_in_m"].append(s["cast_in_multiplier"])
        rows["cast_out_s"].append(s["cast_out_scale"])
    for result, values in rows.items():
        check(case, result, host, np.asarray(values, np.float32))
    check(case, "wq", host, layer.codes)
    check(case, "alpha", host, layer.alpha)


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"]) for c in VECTORS.cases("E")])
def test_stored_parameters_of_whole_models_follow_from_their_ranges(
    case: dict[str, Any], host: str
) -> None:
    """Per convolution in the engine's own order; 0 is the only scale that drops the packed form."""
    running = VECTORS.expected(case, "running", host)
    assert running is not None
    rule = calib.ema_rule(HOSTS[host][0])
    scales, zeros, forms, codes, alphas = [], [], [], [], []
    for name, ranges in zip(case["params"]["quantized_convs"], running[-1], strict=True):
        s = calib.stored(rule, ranges[:2], ranges[2:])
        first, hidden = ("w_i", "w_h") if "gru" in case["id"] else ("w_x", "w_h")
        weights = VECTORS.input(case, first if name.startswith("gi") else hidden)
        q, alpha = calib.quantize_weights(rule, weights)
        scales.append([s["scale_in"], s["scale_out"]])
        zeros.append([8, s["in_describe"][1], s["out_describe"][1], -127, 127, 0])
        forms.append([-127, 0, 0] if s["fake_info"] else [0, 4, q.size])
        codes.append(q.ravel())
        alphas.append(alpha)
    check(case, "scale_in_out", host, np.asarray(scales, np.float32))
    check(case, "stored_scale_in_out", host, np.asarray(scales, np.float32))
    check(case, "sym", host, np.asarray(zeros, np.int32))
    check(case, "stored_amin_type_len", host, np.asarray(forms, np.int32))
    check(case, "wq", host, np.concatenate(codes))
    check(case, "alpha", host, np.concatenate(alphas))


BATCHES = [np.float32([-1, 2]), np.zeros(2, np.float32), np.float32([-1, 2])]


def running_after(batches: list[Floats], *, host: str, guarded: bool = False) -> Floats:
    """The running range after some batches of one tensor."""
    rule = calib.ema_rule(host, guarded=guarded)
    running = None
    for x in batches:
        seen = calib.observe(rule, x)
        if not seen["guarded"]:
            running = calib.update(rule, running, seen["nominal"])
    assert running is not None
    return running


def test_one_zero_batch_spoils_an_ieee_running_range_for_good() -> None:
    assert np.isnan(running_after(BATCHES, host="ieee")).all()


def test_an_x64_running_range_restarts_after_a_zero_batch() -> None:
    got = running_after(BATCHES, host="x64")
    np.testing.assert_array_equal(got, running_after(BATCHES[:1], host="x64"))


@pytest.mark.parametrize("host", ["x64", "ieee"])
def test_a_guarded_rule_leaves_a_zero_batch_out(host: str) -> None:
    got = running_after(BATCHES, host=host, guarded=True)
    want = running_after([BATCHES[0], BATCHES[2]], host=host)
    np.testing.assert_array_equal(got, want)


def test_arrays_of_another_dtype_are_refused() -> None:
    with pytest.raises(TypeError, match="x: expected float32, got float64"):
        calib.observe(calib.ema_rule("x64"), np.zeros(3))


# --- statistics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("kl_threshold"))
def test_kl_thresholds_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    x = VECTORS.input(case, "x")
    assert x is not None
    seen, _, nonfinite = calib.value_range(x)
    counts, interval, _ = calib.histogram(x, seen, bins=p["bins"])
    bin_, scale, zero = calib.threshold(
        counts,
        interval,
        method="kl" if p["method"] == "KL" else "maximum",
        plane=x.shape[-1] * x.shape[-2],
        limit=int(p["clamp"]),
    )
    assert nonfinite == 0
    for host in HOSTS:
        for result, got in {
            "hist": counts,
            "interval": interval,
            "threshold": bin_,
            "scale": scale,
            "zero": zero,
            "range": seen,
        }.items():
            want = VECTORS.expected(case, result, host)
            assert want is not None
            check(case, result, host, np.asarray(got).astype(want.dtype))


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.parametrize("case", cases("admm_scale"))
def test_feature_scales_by_admm_equal_the_engine(case: dict[str, Any], host: str) -> None:
    x = VECTORS.input(case, "x")
    limit = int(case["params"]["clamp"])
    check(case, "scale", host, calib.admm_scale(HOSTS[host][0], x, limit=limit))
    check(case, "zero", host, np.int32(0))  # symmetric by definition


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.parametrize("method", ["maximum", "admm"])
@pytest.mark.parametrize("case", cases("weight_quantizers"))
def test_weight_codes_equal_the_engine(case: dict[str, Any], method: str, host: str) -> None:
    weights = VECTORS.input(case, "w")
    limit = int(case["params"]["clamp"])
    codes, scale = calib.weight_codes(HOSTS[host][0], weights, method=method, limit=limit)
    name = {"maximum": "max", "admm": "admm"}[method]
    want = VECTORS.expected(case, f"{name}_q", host)
    assert want is not None
    check(case, f"{name}_q", host, codes.astype(want.dtype))
    check(case, f"{name}_scale", host, scale)


@pytest.mark.parametrize("host", list(HOSTS))
def test_every_recorded_value_was_compared(host: str) -> None:
    """Guards the suite itself: a result that no test reads would pass in silence."""
    if not COUNTS:
        pytest.skip("runs after the vector tests of this module")
    recorded: Counter[str] = Counter()
    for case in VECTORS.cases("F"):
        for result in case["outputs"]:
            want = VECTORS.expected(case, result, host)
            recorded[result] += 0 if want is None else want.size
    compared = {r: n for (family, h, r), n in COUNTS.items() if (family, h) == ("F", host)}
    assert recorded == Counter(compared)

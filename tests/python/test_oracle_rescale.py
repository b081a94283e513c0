"""The oracle gives the examples of docs/arithmetic.md on rescaling: (A.23)."""

from __future__ import annotations

from typing import Any

import pytest

import qsim
from qsim import oracle
from qsim.oracle import f32, rescale
from qsim.oracle.rescale import Limits

Row = dict[str, Any]


def row(name: str) -> Row:
    return oracle.nest(qsim.profiles[name].fields())


AVX2, NEON = row("ort-1.30.x64.avx2"), row("ort-1.30.arm64.neon")
WASM = row("ort-1.30.wasm.simd")
TFLITE, RUY_ARM = row("tflite.ref.x64"), row("tflite.ruy.arm64")
NAN, INF, BIG = 0x7FC00000, 0x7F800000, f32.bits(3e9)


def requantized(r: Row, acc: int, scales: tuple[float, ...], zero: int, code: str = "s8") -> int:
    """The code under a row of an accumulator with three scales, given as numbers."""
    return by_rule(r["requant"], acc, scales, zero, code, mode=r["float_mode"])


def by_rule(
    rule: Row,
    acc: int,
    scales: tuple[float, ...],
    zero: int = 0,
    code: str = "s8",
    *,
    mode: f32.Mode = f32.IEEE,
    bias: float | None = None,
    per_channel: bool = False,
) -> int:
    x, w, y = map(f32.bits, scales)
    real_bias = None if bias is None else f32.bits(bias)
    return rescale.requantize(
        rule, mode, acc, x, w, y, zero, Limits.of(code), per_channel=per_channel, bias=real_bias
    )


def test_requantize_a23() -> None:
    # fl(fl(0.1*0.1)/0.1) is above 0.1: 5 times it is above a half. The binary64 factor is not.
    tenth = (0.1, 0.1, 0.1)
    wide = {**WASM, "requant": {**WASM["requant"], "factor": "f64"}}
    assert [requantized(r, 5, tenth, 0) for r in (WASM, wide)] == [1, 0]
    # A tie is broken before the zero point joins.
    assert [requantized(r, 1, (0.5, 1, 1), 1) for r in (AVX2, NEON, WASM)] == [1, 1, 1]
    # Binary32 loses the last bit of a large accumulator, and with it what is above a tie.
    assert [requantized(r, 2**24 + 1, (1, 1, 2.0**25), 0) for r in (AVX2, TFLITE)] == [0, 1]
    # NaN is the lowest code, or the zero point.
    nan = (float("nan"), 1, 1)
    assert [requantized(r, 5, nan, 7) for r in (AVX2, NEON, WASM)] == [-128, 7, 7]
    assert [requantized(r, 5, (1, 1, 0), 7) for r in (AVX2, NEON, WASM)] == [127, 127, 127]
    for odd in (nan, (1, 1, 0), (float("inf"), 0, 1), (0, 1, 0), (float("nan"), 1, 0), (1, -1, 0)):
        with pytest.raises(ValueError, match="finite"):
            requantized(TFLITE, 5, odd, 7)
        assert requantized(wide, 5, odd, 7) == requantized(WASM, 5, odd, 7), odd
    with pytest.raises(NotImplementedError, match="no rescaling"):
        requantized({**AVX2, "requant": {**AVX2["requant"], "scheme": "none"}}, 5, tenth, 0)


def scaled(acc: int, m: int, e: int, **changes: Any) -> int:
    return rescale.rescale(acc, m, e, {**TFLITE["requant"]["fixed"], **changes})


def test_fixed_point_a23() -> None:
    half, once = 1 << 30, {"single_rounding": True, "shift": "half_up"}
    # 1/4: twice rounded, 1 becomes 1; once rounded, 0.
    assert [scaled(x, half, -1) for x in (1, -6)] == [1, -2]
    assert [scaled(x, half, -1, shift="half_up") for x in (1, -6)] == [1, -1]
    assert [scaled(x, half, -1, **once) for x in (1, -6)] == [0, -1]
    assert [scaled(x, half, -1, multiply="floor") for x in (1, -5)] == [0, -2]
    # The factor 1 - 2^-31 is cut to 15 bits: 32767/32768, not 1.
    assert [scaled(x, 2**31 - 1, 0, **once, bits=b) for x, b in ((40000, 32), (40000, 16))] == [
        40000, 39999,
    ]  # fmt: skip
    assert [scaled(2**30, half, 2, left=rule) for rule in ("wrap", "saturate")] == [0, half]
    wide = TFLITE["requant16"]["fixed"]
    assert rescale.rescale(2**40, half, -9, wide) == 2**30  # an int64 accumulator


def test_multipliers_a23() -> None:
    def parts(factor: float, **changes: Any) -> tuple[int, int]:
        return rescale.quantize_multiplier(factor, {**TFLITE["requant"]["fixed"], **changes})

    tie = 0.5 + 2.0**-32
    assert parts(tie) == ((1 << 30) + 1, 0)
    assert parts(tie, multiplier="f64_half_down") == (1 << 30, 0)
    assert parts(1 / 3, multiplier="f32_exact")[0] == 0xAAAAAB << 7
    assert parts(1 / 3)[0] == 1431655765
    assert (parts(1 - 2.0**-40), parts(2.0**-33), parts(0.0)) == ((1 << 30, 1), (0, 0), (0, 0))
    assert parts(2.0**31) == (1 << 30, 32)
    assert parts(2.0**31, single_rounding=True) == (2**31 - 1, 30)
    with pytest.raises(ValueError, match=">= 0"):
        parts(-0.5)


def narrowed(rule: Row, t: int, point: int, code: str = "s8", **changes: Any) -> int:
    """The code of t with zero point `point` under a rule with changed fields."""
    return rescale.narrow_real({**rule, **changes}, t, point, Limits.of(code), f32.IEEE)


def test_narrowing_with_zero_points_a23() -> None:
    x86, arm = AVX2["requant"]["narrow"], NEON["requant"]["narrow"]
    late = {**x86, "clamp": "none"}
    # Beyond int32 the conversion answers its lowest, which a negative zero point wraps around.
    assert [narrowed(late, t, -1) for t in (BIG, NAN)] == [127, 127]
    assert [narrowed(late, t, 0) for t in (BIG, NAN)] == [-128, -128]
    assert narrowed(late, NAN, -1, zero="int32_saturate") == -128
    assert narrowed(x86, NAN, -1) == -128
    # 40000 in int16 first, then -100: sixteen-bit codes show it.
    assert narrowed(arm, f32.bits(40000.0), -100, "s16") == 32667
    assert narrowed(arm, f32.bits(40000.0), -100, "s16", zero="int32_wrap") == 32767
    # 0.5 + 1 rounds to 2 when the zero point comes first, 0 + 1 is 1 when it comes last.
    one_half = f32.bits(0.5)
    stages = ("real", "real_integral", "int32_wrap")
    assert [narrowed(late, one_half, 1, zero=z) for z in stages] == [2, 1, 1]
    # Limits in binary32 are relative to a zero point that comes later.
    assert [narrowed(x86, f32.bits(200.0), 100, zero=z) for z in stages] == [127, 127, 127]
    assert [narrowed(x86, f32.bits(20.0), 100, zero=z) for z in stages] == [120, 120, 120]
    # NaN by stage of the limits: kept, then converted; or replaced by the limit.
    high = {"clamp": "real_high", "minmax": "second_operand"}
    assert narrowed(arm, NAN, 5, **high) == 127
    few = Limits(-5, 6, -128, 127)
    assert rescale.narrow_real({**x86, **high}, f32.bits(-1e9), 5, few, f32.IEEE) == -5
    assert narrowed(arm, NAN, 5, cap="int16", minmax="second_operand", zero="int32_wrap") == 127
    assert narrowed(late, INF, 0, cap="below_int32") == 127
    assert narrowed(late, INF, 0) == -128


def test_limits_of_narrowing_a23() -> None:
    rule, crossed = TFLITE["requant"]["narrow"], Limits(100, 90, -128, 127)
    high_first = {**rule, "order": "high_first"}
    assert [rescale.narrow_int(r, 5, 0, crossed) for r in (rule, high_first)] == [90, 100]
    # The zero point is added in 32 bits before the limits.
    top = {**rule, "zero": "int32_saturate"}
    got = [rescale.narrow_int(r, 2**31 - 1, 1, Limits.of("s8")) for r in (rule, top)]
    assert got == [-128, 127]
    # Bytes kept unsigned: every limit moves along.
    few = Limits(-10, 9, -128, 127)
    for stage in ("int8", "int16", "int32"):
        stored = {**rule, "clamp": stage, "offset": 128, "through_int16": True}
        assert [rescale.narrow_int(stored, v, 0, few) for v in (-99, 8, 99)] == [-10, 8, 9]
    with pytest.raises(ValueError, match="integer stage"):
        rescale.narrow_int({**rule, "zero": "real"}, 0, 0, Limits.of("s8"))


def test_factors_a23() -> None:
    fp32, scales = AVX2["requant"], (0.7, 1.5, 0.1)  # mathematically 7*10.5 = 73.5
    factors = ("f32", "f32_reciprocal", "f64")
    assert [by_rule({**fp32, "factor": f}, 7, scales) for f in factors] == [73, 74, 74]
    # A product rounded to binary32 first, but with one weight scale only: 1/4 of 2.
    integer, scales = TFLITE["requant"], (0.1, 1.5, 0.6)
    assert [by_rule({**integer, "factor": f}, 9, scales) for f in ("f64", "f32_product")] == [2, 3]
    several = {**integer, "factor": "f32_product"}
    assert by_rule(several, 9, scales, per_channel=True) == 2
    with pytest.raises(ValueError, match="in_turn"):
        by_rule({**fp32, "factor": "in_turn"}, 7, scales)


def test_binary64_a23() -> None:
    x86, arm = (row(name)["requant_product"] for name in ("tflite.ref.x64", "tflite.ref.arm64"))
    # 1/4 rounds once, 1/2 away from zero; no bit of the sum is lost.
    quarter, half = (0.5, 0.5, 1.0), (0.5, 1.0, 1.0)
    assert [by_rule(x86, acc, quarter) for acc in (1, 2, -2, -6)] == [0, 1, -1, -2]
    assert [by_rule(x86, acc, half, 1) for acc in (1, -1)] == [2, 0]
    assert by_rule(x86, 2**24 + 1, (1, 1, 2.0**25)) == 1
    # Beyond int32 the cast answers, then the zero point wraps.
    large = 2**31 - 1, (2.0, 1.0, 1.0)
    assert [by_rule(r, *large, z) for r in (x86, arm) for z in (-1, 0, 1)] == [
        127, -128, -128, 127, 127, -128,
    ]  # fmt: skip
    for odd in (float("nan"), float("inf")):
        assert [by_rule(r, 0, (odd, 1, 1), 7) for r in (x86, arm)] == [-128, 7]
    assert [by_rule(r, 5, (float("inf"), 1, 1), 7) for r in (x86, arm)] == [-128, -128]


def test_real_values_a23() -> None:
    real = {**AVX2["requant"], "scheme": "real"}
    in_turn, scales = {**real, "factor": "in_turn"}, (0.7, 1.5, 0.1)
    assert [by_rule(r, 7, scales) for r in (AVX2["requant"], real, in_turn)] == [73, 73, 74]
    # The zero point may join before rounding: 1.5 + 1 is 2.5, and even.
    early = {**real, "narrow": {**real["narrow"], "zero": "real"}}
    assert [by_rule(r, 3, (0.5, 1, 1), 1) for r in (real, early)] == [3, 2]
    # Scales that are codes per unit divide first and multiply last.
    stored = {**real, "codes_per_unit": True}
    assert [by_rule(r, 12, (2.0, 4.0, 2.0)) for r in (real, stored)] == [48, 3]
    assert by_rule(stored, 12, (2.0, 0.0, 2.0), 5) == 5  # not infinity
    assert by_rule(stored, 12, (0.0, 4.0, 2.0), 5) == 127
    flushing = {**f32.IEEE, "flush_inputs": True}
    tiny = (2.0, 2.0**-130, 2.0)
    assert [by_rule(stored, 1, tiny, 5, mode=m) for m in (f32.IEEE, flushing)] == [127, 5]


def test_real_biases_a23() -> None:
    quotient = {**NEON["requant"], "bias": "quotient", "fused": False}
    real = {**quotient, "scheme": "real", "bias": "real"}
    scales = (0.1, 1.0, 0.2)  # mathematically 18.5 and 6.5
    rules = (quotient, real, {**real, "fused": True})
    assert [[by_rule(r, a, scales, bias=b) for a, b in ((13, 2.4), (7, 0.6))] for r in rules] == [
        [18, 6], [19, 6], [18, 7],
    ]  # fmt: skip
    # In turn, one rounding joins the second product and the bias.
    last = {**real, "factor": "in_turn", "fused": True}
    args = 2**24 - 1, (1.0, 1 + 2.0**-23, 2.0**-23)
    assert by_rule(last, *args, code="s16", bias=-(2.0**24)) == 2**15 - 1
    assert by_rule({**last, "fused": False}, *args, code="s16", bias=-(2.0**24)) == 0
    # Codes per unit: (12/8 + 0.25) * 2.
    stored = {**real, "codes_per_unit": True}
    assert by_rule(stored, 12, (2.0, 4.0, 2.0), bias=0.25) == 4
    for r, text in ((NEON["requant"], "takes no real bias"), ({**real, "bias": "quotient"}, "no"),
                    ({**quotient, "bias": "real"}, "no rule"),
                    ({**TFLITE["requant"], "bias": "quotient"}, "no rule")):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            by_rule(r, 1, scales, bias=1.0)


def test_rules_of_kinds_of_sums_a23() -> None:
    names = {
        ("convolution", 0, 1): "requant", ("grouped", 0, 1): "grouped",
        ("product", 0, 1): "requant_product", ("row", 0, 1): "requant_row",
        ("wide", 0, 1): "requant16", ("wide_product", 0, 1): "requant16_product",
        ("depthwise", 7, 9): "channelwise", ("depthwise", 8, 9): "channelwise_rest",
    }  # fmt: skip
    for kind, name in names.items():
        assert rescale.rule_of(RUY_ARM, *kind) is RUY_ARM[name], kind
    # What a row does not say falls back step by step.
    for kind in names:
        expected = "requant16" if "wide" in kind[0] else "requant"
        assert rescale.rule_of(AVX2, *kind) is AVX2[expected], kind
    absent = AVX2["requant16"]
    some = {**RUY_ARM, "requant_row": absent, "channelwise_rest": absent}
    assert rescale.rule_of(some, "row") is RUY_ARM["requant_product"]
    assert rescale.rule_of(some, "depthwise", 8, 9) is RUY_ARM["channelwise"]
    some = {**RUY_ARM, "requant16_product": absent}
    assert rescale.rule_of(some, "wide_product") is RUY_ARM["requant16"]
    assert rescale.rule_of(some, "grouped", 8, 9) is RUY_ARM["grouped"]
    with pytest.raises(NotImplementedError, match="no rescaling"):
        by_rule(rescale.rule_of(AVX2, "wide"), 1, (1, 1, 1))
    # One sum, three codes: a batch, a single row, a depthwise tail.
    kinds: list[tuple[Any, ...]] = [("product",), ("row",), ("depthwise", 8, 9)]
    rules = [rescale.rule_of(RUY_ARM, *kind) for kind in kinds]
    codes = [by_rule(r, acc, (0.5, 0.5, 1.0)) for acc in (1, -6) for r in rules]
    assert codes == [0, 1, 1, -1, -1, -2]


def test_gates_of_single_rows_a23() -> None:
    def product(*args: Any, r: Row = RUY_ARM) -> str:
        return rescale.kind_of_product(r, *args)

    def conv(*args: Any, r: Row = RUY_ARM) -> str:
        return rescale.kind_of_convolution(r, *args)

    sizes = [(1, 8, 4), (2, 8, 4), (1, 7, 4), (1, 8, 3)]
    assert [product("s8", *size) for size in sizes] == ["row", "product", "product", "product"]
    assert product("s16", 1, 8, 4) == "product"
    assert product("u8", 1, 1, 1, r=AVX2) == "row"  # no gate
    # An ungrouped convolution with one pixel in all; depth is taps times channels.
    assert conv("s8", 1, (4, 2, 2, 2), 1) == "row"
    for args in (("s8", 1, (4, 2, 2, 2), 2), ("s8", 1, (4, 7, 1, 1), 1), ("s8", 1, (3, 8, 1), 1),
                 ("s16", 1, (4, 8, 1, 1), 1)):  # fmt: skip
        assert conv(*args) == "convolution", args
    assert conv("s8", 1, (4, 8, 1, 1), 1, r=AVX2) == "convolution"
    # Groups: with one input channel each they are depthwise, however many outputs they have.
    assert conv("s8", 2, (4, 8, 1, 1), 1) == "grouped"
    assert conv("s8", 8, (8, 1, 3, 3), 9) == conv("s8", 8, (16, 1, 3, 3), 9) == "depthwise"


def test_real_results_a23() -> None:
    # (2^24 - 1)(1 + 2^-23) - 2^24 is 1 - 2^-23: one rounding keeps it, two leave nothing.
    args = (2**24 - 1, f32.bits(1 + 2.0**-23), f32.ONE, f32.bits(-(2.0**24)))
    assert f32.to_float(rescale.real(NEON, *args)) == 1 - 2.0**-23
    assert rescale.real(AVX2, *args) == f32.ZERO
    assert f32.to_float(rescale.real(NEON, *args[:3])) == 2.0**24

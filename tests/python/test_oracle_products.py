"""The oracle gives the examples of docs/arithmetic.md on products, convolutions and rescaling."""

from __future__ import annotations

import random
from typing import Any

import pytest

import qsim
from qsim import oracle
from qsim.oracle import f32, product, rescale, window
from qsim.oracle.rescale import Limits

Row = dict[str, Any]


def row(name: str) -> Row:
    return oracle.nest(qsim.profiles[name].fields())


AVX2, VNNI = row("ort-1.30.x64.avx2"), row("ort-1.30.x64.avx512vnni")
NEON, SDOT = row("ort-1.30.arm64.neon"), row("ort-1.30.arm64.dotprod")
WASM = row("ort-1.30.wasm.simd")
TFLITE, RUY_ARM = row("tflite.ref.x64"), row("tflite.ruy.arm64")
EXACT = WASM["products"]["s8s8"]
LANE16 = {**EXACT, "acc_bits": 16, "acc_overflow": "saturate"}
NAN, INF, BIG = 0x7FC00000, 0x7F800000, f32.bits(3e9)


def u8s8(r: Row, *args: Any, **options: int) -> int:
    return product.product(r["products"]["u8s8"], *args, **options)


# ------------------------------------------------------------------------------ products (A.21)


def test_products_a21() -> None:
    # Every difference from the zero point is 0, but the raw products saturate.
    assert u8s8(SDOT, [255, 255], [127, 127], lhs_zero=255) == 0
    assert u8s8(AVX2, [255, 255], [127, 127], lhs_zero=255) == 32767 - 2 * 255 * 127
    # The flip to signed bytes makes the smallest codes the dangerous ones.
    lhs, rhs = [0, *[128] * 7] * 2, [-128, *[0] * 7] * 2
    assert u8s8(SDOT, lhs, rhs, lhs_zero=128) == 32768
    assert u8s8(NEON, lhs, rhs, lhs_zero=128) == -32768
    # Slices of the depth meet in a wrapping addition.
    deep = [255] * 70000, [127] * 70000
    assert u8s8(VNNI, *deep) == 2266950000 - 2**32
    once = {**VNNI["products"]["u8s8"], "acc_overflow": "saturate"}
    assert product.product(once, *deep) == 2**31 - 1
    # Zero points taken off first leave nothing to saturate.
    first = {**AVX2["products"]["u8s8"], "zero_points": "subtracted"}
    assert product.product(first, [255, 255], [127, 127], lhs_zero=255) == 0


def test_products_with_halved_weights_a21() -> None:
    halved = {**EXACT, "halves_rhs": True}
    assert [product.product(halved, [10], [w]) for w in (1, 3, -1, -3)] == [0, 40, 0, -40]
    # Corrections see the halved weights too: an operand at its zero point still gives 0.
    assert product.product(halved, [7, 7], [1, 3], lhs_zero=7) == 0
    assert product.product(halved, [10], [2], initial=3) == 2 * (10 + 3)
    with pytest.raises(ValueError, match="expected 0, the row halves weights"):
        product.product(halved, [7, 9], [5, 5], rhs_zero=5)


def test_products_with_a_spill_a21() -> None:
    rails, spilling = [127, -128, -128, 127], {**LANE16, "spill": 2}
    assert product.product(LANE16, rails, rails) == 32767
    assert product.product(spilling, rails, rails) == 2 * (16129 + 16384)
    assert product.product({**LANE16, "spill": 1}, rails, rails, initial=-65026) == 0
    assert product.product(LANE16, [127] * 3, [127] * 3, initial=100) == 32867


def test_products_of_int16_and_of_unknown_types_a21() -> None:
    low = [[-32768] * 4]
    assert product.matmul(TFLITE, "s16", "s16", low, [[-32768]] * 4) == [[2**32]]
    assert product.product(EXACT, low[0], low[0]) == 0
    for r, types in ((TFLITE, ("u8", "u8")), (VNNI, ("s16", "s8")), (VNNI, ("s8", "u16"))):
        with pytest.raises(product.NoProduct, match=" times "):
            product.matmul(r, *types, [[1]], [[1]])


def test_matrix_products_have_zero_points_per_row_and_column() -> None:
    lhs, rhs = [[1, 2], [5, 9]], [[5, 6], [7, 9]]
    got = product.matmul(WASM, "s8", "s8", lhs, rhs, [1, 3], [4, 2], [0, 100])
    assert got == [[0 * 1 + 1 * 3, 0 * 4 + 1 * 7 + 100], [2 * 1 + 6 * 3, 2 * 4 + 6 * 7 + 100]]


def chains() -> list[Row]:
    found = []
    for r in (AVX2, VNNI, NEON, SDOT, TFLITE):
        taps, way = r["taps"], r["window"]
        found += [*r["products"].values(), *taps.values(), way["constant"], way["indirect"]]
    found += [
        {**AVX2["products"]["u8s8"], "halves_rhs": True}, {**LANE16, "spill": 6}, LANE16,
        {**VNNI["products"]["u8s8"], "acc_overflow": "saturate"},
        {**LANE16, "acc_overflow": "wrap", "acc_lanes": 3},
    ]  # fmt: skip
    return [arith for arith in found if isinstance(arith, dict) and arith["acc_bits"]]


@pytest.mark.parametrize("arith", chains())
def test_the_plain_sum_is_taken_only_where_it_is_the_chain(arith: Row) -> None:
    random.seed(3)
    for _ in range(60):
        k, size = random.randrange(40), random.choice((3, 40, 64, 91, 128))
        ends = random.random() < 0.3
        low = 0 if arith["lhs_unsigned"] and arith["lhs_offset"] == 0 else -size

        def code(low: int, size: int = size, ends: bool = ends) -> int:
            return random.choice((low, low + 2 * size - 1)) if ends else random.randrange(low, size)

        a = product.left(arith, [code(low) for _ in range(k)], code(low))
        zero = 0 if arith["halves_rhs"] else code(-size)
        b = product.right(arith, [code(-size) for _ in range(k)], zero)
        initial = random.choice((0, 5, 2**31 - 1, -(2**31)))
        assert product.shortcut(arith, a, b, initial) == product.join(arith, a, b, initial)


def test_padding_between_blocks_adds_nothing() -> None:
    """Also to the corrections, whichever side has a zero point."""
    both = {**EXACT, "lhs_offset": 128, "rhs_offset": -3}
    a = product.left(both, [1, 2, 3, 4, 5, 6], 9)
    b = product.right(both, [6, 7, 8, 9, 9, 10], 11)
    padded = a.padded(2, 4), b.padded(2, 4)
    assert len(padded[0].codes) == 12
    assert product.join(both, *padded) == product.join(both, a, b) == 107


# --------------------------------------------------------------------------- convolutions (A.22)


def conv(r: Row, types: str, x: Any, w: Any, **options: Any) -> list[int]:
    return window.convolution(r, types[:2], types[2:], x, w, **options).data


def test_convolutions_a22() -> None:
    # Taps outside the image are products of the zero point, not absent.
    x, w = [[[255]]], [[[127, 127, 127]]] * 2
    options: dict[str, Any] = {"x_zero": 255, "pads": [1, 1]}
    assert conv(SDOT, "u8s8", x, w, **options) == [0, 0]
    assert conv(AVX2, "u8s8", x, w, **options) == [32767 + 32385 - 3 * 32385] * 2
    # Three channels, two taps: K order decides that (tap 0, channel 2) meets (tap 1, channel 0).
    x, w = [[[0, 255], [0, 0], [255, 0]]], [[[0, 127], [0, 0], [127, 0]]]
    assert conv(AVX2, "u8s8", x, w) == [32767]
    last = {**AVX2, "window": {**AVX2["window"], "order": "channel_first"}}
    assert conv(last, "u8s8", x, w) == [64770]
    # A result that stays int32 has the filter on the left: s8 times u8 is exact there.
    assert conv(AVX2, "u8s8", x, w, integer=True) == [64770]
    assert conv(AVX2, "u8s8", [[[255, 255]]], [[[127, 127]]], integer=True) == [64770]
    x, w = tapped(2, 8, 0, 1)  # channel first, these are lanes 0 and 8 of a block
    assert [conv(NEON, "s8s8", x, w, integer=i)[0] for i in (True, False)] == [-32768, 32768]
    # The bias joins the accumulator with wrapping.
    assert conv(SDOT, "s8s8", x, w, bias=[2**31 - 1] * 8) == [32768 - 1 - 2**31] * 8


def tapped(channels: int, taps: int, first: int, second: int, width: int = 8) -> tuple[Any, Any]:
    """x [1, channels, taps], w [width, channels, taps]: -128 at two places in [tap][channel]."""
    at = {divmod(first, channels), divmod(second, channels)}
    line = [[-128 if (t, c) in at else 0 for t in range(taps)] for c in range(channels)]
    return [line], [line] * width


def raised(x: Any) -> Any:
    """s8 codes as u8."""
    return [[[v + 128 for v in line] for line in x[0]]]


def test_convolutions_of_whole_taps_a22() -> None:
    # In K order 64 and 72 are lanes 0 and 8 of a block; with 72 channels they are two taps.
    x, w = tapped(72, 2, 64, 72)
    assert conv(NEON, "s8s8", x, w)[0] == 32768
    assert conv(NEON, "s8s8", x, w, constant_filter=False)[0] == -32768
    assert conv(NEON, "s8s8", *tapped(72, 2, 0, 8))[0] == -32768
    assert conv(NEON, "u8s8", raised(x), w, x_zero=128)[0] == 32768
    x, w = tapped(72, 2, 0, 8)
    assert conv(NEON, "u8s8", raised(x), w, x_zero=128)[0] == -32768
    # With few or odd channels, one tap, 9 outputs or groups the constant filter is exact for s8.
    for shape in ((56, 2, 0, 8), (68, 2, 0, 8), (72, 1, 0, 8), (72, 2, 0, 8, 9)):
        x, w = tapped(*shape)
        assert conv(NEON, "s8s8", x, w)[0] == 32768
        assert conv(NEON, "u8s8", raised(x), w, x_zero=128)[0] == -32768
    x, w = tapped(64, 2, 0, 8)
    assert conv(NEON, "s8s8", [x[0] * 2], w * 2, groups=2) == [32768] * 16
    assert conv(NEON, "s8s8", *tapped(56, 2, 0, 8), w_zeros=1)[0] == -32768 + 2 * 128


def depthwise(r: Row, channels: int, pair: tuple[int, int], taps: int = 9, **options: Any) -> int:
    """The first sum of a depthwise convolution with -128 times -128 at two taps."""
    line = [-128 if t in pair else 0 for t in range(taps)]
    return conv(r, "s8s8", [[line] * channels], [[line]] * channels, groups=channels, **options)[0]


def test_depthwise_convolutions_a22() -> None:
    for r in (NEON, SDOT):  # every processor of the architecture
        assert [depthwise(r, 16, p) for p in ((0, 1), (0, 2), (6, 8))] == [32768, -32768, 32768]
        assert [depthwise(r, 8, p) for p in ((0, 1), (0, 2))] == [-32768, 32768]
        assert [depthwise(r, 16, p, taps=5) for p in ((0, 1), (0, 2))] == [-32768, 32768]
        assert depthwise(r, 12, (0, 1)) == depthwise(r, 16, (0, 2), constant_filter=False) == 32768
        x, w = [[[0, 0]] * 8], [[[-128, -128]]] * 8
        assert conv(r, "u8s8", x, w, groups=8, x_zero=128) == [-32768] * 8
    # Where no chain over taps is, the sum is exact though products of the types saturate.
    x, w = [[[255, 255]] * 2], [[[127, 127]]] * 2
    assert conv(AVX2, "u8s8", x, w, groups=2) == [64770, 64770]
    assert conv(AVX2, "u8s8", x, [*w, *w], groups=2) == [32767] * 4


def test_convolutions_have_any_number_of_axes() -> None:
    """Against the definition, with strides, dilations, uneven padding and groups."""
    random.seed(5)
    size, kernel, strides, dilations = (3, 4, 5), (1, 2, 3), [1, 2, 1], [1, 1, 2]
    pads = [0, 1, 2, 0, 0, 1]
    x = oracle.Tensor((2, 4, *size), [random.randrange(256) for _ in range(480)])
    w = oracle.Tensor((6, 2, *kernel), [random.randrange(-128, 128) for _ in range(72)])
    zeros = [random.randrange(-128, 128) for _ in range(6)]
    got = window.convolution(
        SDOT, "u8", "s8", x, w, x_zero=9, w_zeros=zeros, strides=strides, pads=pads,
        dilations=dilations, groups=2,
    )  # fmt: skip
    assert got.shape == (2, 6, 3, 2, 4)
    for _ in range(40):
        at = [random.randrange(n) for n in got.shape]
        want = 0
        for c in range(2):
            for tap in ((a, b, d) for a in range(1) for b in range(2) for d in range(3)):
                place = [
                    o * s + t * d - p
                    for o, s, t, d, p in zip(at[2:], strides, tap, dilations, pads, strict=False)
                ]
                if all(0 <= i < n for i, n in zip(place, size, strict=True)):
                    q = element(x, [at[0], at[1] // 3 * 2 + c, *place])
                    want += (q - 9) * (element(w, [at[1], c, *tap]) - zeros[at[1]])
        assert element(got, at) == want


def element(t: oracle.Tensor, at: list[int]) -> int:
    place = 0
    for i, n in zip(at, t.shape, strict=True):
        place = place * n + i
    return t.data[place]


# ----------------------------------------------------------------------- factor, fixed, narrowing


def requantized(r: Row, acc: int, scales: tuple[float, ...], zero: int, code: str = "s8") -> int:
    """The code under a row of an accumulator with three scales, given as numbers."""
    x, w, y = (f32.bits(s) for s in scales)
    return rescale.requantize(r["requant"], r["float_mode"], acc, x, w, y, zero, Limits.of(code))


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


def test_rules_of_kinds_of_sums_a23() -> None:
    fields = [
        ("product", 0, 1, "requant"), ("row", 0, 1, "requant_row"), ("wide", 0, 1, "requant16"),
        ("depthwise", 7, 9, "channelwise"), ("depthwise", 8, 9, "channelwise_rest"),
    ]  # fmt: skip
    for kind, channel, channels, name in fields:
        assert rescale.rule_of(RUY_ARM, kind, channel, channels) is RUY_ARM[name], kind
    for kind in ("product", "row", "depthwise"):
        assert rescale.rule_of(AVX2, kind) is AVX2["requant"], kind
    # One sum, three codes: a batch, a single row, a depthwise tail.
    x, w, y = (f32.bits(v) for v in (0.5, 0.5, 1.0))
    mode, limits = RUY_ARM["float_mode"], Limits.of("s8")
    kinds: list[tuple[Any, ...]] = [("product",), ("row",), ("depthwise", 8, 9)]
    rules = [rescale.rule_of(RUY_ARM, *kind) for kind in kinds]
    codes = [rescale.requantize(r, mode, acc, x, w, y, 0, limits) for acc in (1, -6) for r in rules]
    assert codes == [0, 1, 1, -1, -1, -2]


def test_real_results_a23() -> None:
    # (2^24 - 1)(1 + 2^-23) - 2^24 is 1 - 2^-23: one rounding keeps it, two leave nothing.
    args = (2**24 - 1, f32.bits(1 + 2.0**-23), f32.ONE, f32.bits(-(2.0**24)))
    assert f32.to_float(rescale.real(NEON, *args)) == 1 - 2.0**-23
    assert rescale.real(AVX2, *args) == f32.ZERO
    assert f32.to_float(rescale.real(NEON, *args[:3])) == 2.0**24

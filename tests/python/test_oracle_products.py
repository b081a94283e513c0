"""The oracle gives the examples of docs/arithmetic.md on products and convolutions."""

from __future__ import annotations

import random
from typing import Any

import pytest

import qsim
from qsim import oracle
from qsim.oracle import product, window

Row = dict[str, Any]


def row(name: str) -> Row:
    return oracle.nest(qsim.profiles[name].fields())


AVX2, VNNI = row("ort-1.30.x64.avx2"), row("ort-1.30.x64.avx512vnni")
NEON, SDOT = row("ort-1.30.arm64.neon"), row("ort-1.30.arm64.dotprod")
WASM = row("ort-1.30.wasm.simd")
TFLITE = row("tflite.ref.x64")
EXACT = WASM["products"]["s8s8"]
LANE16 = {**EXACT, "acc_bits": 16, "acc_overflow": "saturate"}


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
    # A zero point is halved like the codes, to 2 and not to 2.5 or 5.
    for how in ("corrected", "subtracted"):
        zeroed = {**halved, "zero_points": how}
        assert [product.product(zeroed, [10], [w], rhs_zero=5) for w in (5, 6, 7)] == [0, 20, 40]


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


def test_single_rows_that_are_exact_a21() -> None:
    gate = {"columns": 2, "depth": 3, "convolutions": False, "exact": True}
    gated = {**AVX2, "row_gate": gate}

    def top(r: Row, rows: int, depth: int, columns: int) -> int:
        lhs, rhs = [[255] * depth] * rows, [[127] * columns] * depth
        return product.matmul(r, "u8", "s8", lhs, rhs)[0][0] - (depth - 2) * 32385

    assert top(gated, 1, 3, 2) == top({**gated, "row_gate": {**gate, "depth": 2}}, 1, 2, 2) == 64770
    assert top(gated, 2, 3, 2) == top(gated, 1, 2, 2) == top(gated, 1, 3, 1) == 32767
    assert top({**AVX2, "row_gate": {**gate, "exact": False}}, 1, 3, 2) == 32767


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
        b = product.right(arith, [code(-size) for _ in range(k)], code(-size))
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


def windowed(r: Row, **changes: Any) -> Row:
    return {**r, "window": {**r["window"], **changes}}


def test_taps_padded_to_a_multiple_a22() -> None:
    # Three channels, two taps: in steps of four (tap 0, channel 2) and (tap 1, channel 0) never
    # meet, in steps of two they do not either, in steps of three they do.
    x, w = [[[0, 255], [0, 0], [255, 0]]], [[[0, 127], [0, 0], [127, 0]]]
    got = [conv(windowed(AVX2, tap_block=n), "u8s8", x, w)[0] for n in (1, 2, 3, 4)]
    assert got == [32767, 64770, 32767, 64770]
    # Channels of one tap still meet; the zero point is corrected by six codes, not by eight.
    x, w = [[[255, 9], [255, 9], [9, 9]]], [[[127, 0], [127, 0], [0, 0]]]
    assert conv(windowed(AVX2, tap_block=4), "u8s8", x, w, w_zeros=1) == [32767 - 2 * 255 - 4 * 9]
    # One channel per group: taps are alone, with two outputs per group too.
    x, w = [[[255, 255]] * 2], [[[127, 127]]] * 4
    assert conv(windowed(AVX2, tap_block=4), "u8s8", x, w, groups=2) == [64770] * 4
    # The chain for constant filters pads alike: -128 at places 2 and 10 of [tap][3 channels].
    x, w = tapped(3, 4, 2, 10)
    wraps = windowed(NEON, constant=NEON["products"]["s8s8"])
    assert conv(wraps, "s8s8", x, w)[0] == -32768
    assert conv(windowed(wraps, tap_block=4), "s8s8", x, w)[0] == 32768
    # Channel first there is nothing to pad.
    x, w = [[[255, 255], [0, 0], [0, 0]]], [[[127, 127], [0, 0], [0, 0]]]
    first = windowed(AVX2, order="channel_first", tap_block=4)
    assert conv(first, "u8s8", x, w) == [32767]


def test_skipped_padding_a22() -> None:
    skips = windowed(AVX2, skips_padding=True)
    x, w = [[[255]]], [[[127, 127, 127]]] * 2
    options: dict[str, Any] = {"x_zero": 255, "pads": [1, 1]}
    assert conv(AVX2, "u8s8", x, w, **options) == [32767 - 2 * 32385] * 2
    assert conv(skips, "u8s8", x, w, **options) == [0, 0]
    # Codes stay where they are: taps 1 and 2 of the first pixel are no pair, 0 and 1 of the last
    # are one.
    assert conv(skips, "u8s8", [[[255, 255]]], w, pads=[1, 1]) == [64770, 32767] * 2
    # Neither zero point is corrected for an absent tap: (5 - 3)*(7 - 4), nothing else.
    options = {"x_zero": 3, "w_zeros": 4, "pads": [1, 1]}
    assert conv(skips, "u8s8", [[[5]]], [[[9, 7, 8]]] * 2, **options) == [6, 6]
    # A filter on the left skips, too; else codes -128 for padding wrap with two weights.
    x, w = [[[-128]]], [[[-128, *[0] * 7, -128, *[0] * 8]]]
    options = {"x_zero": -128, "pads": [8, 8], "integer": True}
    assert conv(NEON, "s8s8", x, w, **options) == [-65536]
    assert conv(windowed(NEON, skips_padding=True), "s8s8", x, w, **options) == [0]
    # Where nothing overflows both readings agree.
    random.seed(6)
    x = oracle.Tensor((1, 2, 4, 4), [random.randrange(256) for _ in range(32)])
    w = oracle.Tensor((3, 2, 3, 2), [random.randrange(-128, 128) for _ in range(36)])
    options = {"x_zero": 77, "w_zeros": [1, -9, 30], "pads": [2, 1, 0, 1], "strides": [1, 2]}
    want = conv(SDOT, "u8s8", x, w, **options)
    assert conv(windowed(SDOT, skips_padding=True), "u8s8", x, w, **options) == want


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
    several = {**AVX2, "taps": {**AVX2["taps"], "rest_multiplies": True}}
    assert conv(several, "u8s8", x, [*w, *w], groups=2) == [64770] * 4
    assert conv(several, "u8s8", x, [[*w[0], *w[0]]] * 2) == [65534] * 2


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

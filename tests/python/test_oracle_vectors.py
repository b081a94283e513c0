"""The oracle gives the examples of docs/arithmetic.md and a sample of what MNN 2.9.0 computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qsim
from mnn_vectors import PROFILES, Vectors
from qsim import oracle
from qsim.oracle import f32

VECTORS = Vectors()
ROWS = {target: oracle.nest(qsim.profiles[name].fields()) for target, name in PROFILES.items()}
SSE, VNNI = ROWS["x86-sse"], ROWS["x86-avx512vnni"]
NEON, SDOT, I8MM = ROWS["arm64-neon"], ROWS["arm64-sdot"], ROWS["arm64-i8mm"]
EMULATED = ROWS["x86-sse-emu"]

NAN, INF = 0x7FC00000, 0x7F800000
JUST_BELOW_HALF = 0x3EFFFFFF
STRIDE = 4  # every fourth case of an archive, and the ones below
ALWAYS = (
    "conv.pix.n15", "conv.relu.neg2", "conv.spatial.ic12", "conv.spatial.11", "conv.ties.0",
    "conv.kbig.2", "conv.kbig.3", "conv.bias.ovf", "conv.ofa.unsafe", "conv.w128.0",
    "conv.special.alphanan_tail", "conv.special.sonan", "dw.hugeS", "dw.halfulp",
    "dw.special.sinan", "cast.special.0", "cast.mspecial.6", "rtcast.5", "rtcast.6",
    "avgpool.ceil", "maxpool.global", "bin.mul.sitiny", "bin.mul.sonan", "bin.min.one",
)


def info(scale: float, zero: float = 0, low: float = -127, high: float = 127) -> oracle.QInfo:
    """Quantization info from floats."""
    return oracle.QInfo.of([scale, zero, low, high])


# ------------------------------------------------------------------------- examples of the document


def test_words_a1() -> None:
    words = oracle.words
    assert (words.wrap(32768, 16), words.saturate(32768, 16)) == (-32768, 32767)
    rules = ("half_even", "half_away", "half_up", "half_down", "toward_zero", "floor")
    value = f32.rational(f32.bits(-2.5))
    assert [words.round_ratio(value, rule) for rule in rules] == [-2, -3, -2, -3, -2, -3]
    convert = {**SSE["epilogue"]["narrow"]["convert"]}
    assert f32.to_int32(JUST_BELOW_HALF, {**convert, "ties": "add_half"}) == 1
    assert f32.to_int32(JUST_BELOW_HALF, {**convert, "ties": "half_away"}) == 0


def test_binary32_a2() -> None:
    product = [f32.mul(0x00800001, 0x3F7FFFFE, row["float_mode"]) for row in (SSE, NEON)]
    assert product == [0x00800000, 0]
    assert f32.to_float(f32.from_int(16777217)) == 16777216.0
    assert f32.minimum(NAN, f32.ONE, "second_operand") == f32.ONE
    assert f32.minimum(f32.ONE, NAN, "second_operand") == NAN
    assert f32.minimum(NAN, f32.ONE, "number") == f32.ONE


def test_binary32_agrees_with_numpy() -> None:
    generator = np.random.default_rng(7)
    a, b = generator.integers(0, 1 << 32, (2, 400), dtype=np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        pairs = ((f32.add, a + b), (f32.sub, a - b), (f32.mul, a * b), (f32.div, a / b))
    left, right = a.view(np.uint32).tolist(), b.view(np.uint32).tolist()
    for operation, want in pairs:
        got = [operation(x, y) for x, y in zip(left, right, strict=True)]
        assert differences(got, want) == 0, operation.__name__


def test_dot_product_a3() -> None:
    codes = [0] * 16
    codes[0] = codes[8] = -128
    assert oracle.dot(NEON["conv"], codes, codes) == -32768
    assert oracle.dot(SDOT["conv"], codes, codes) == 32768
    rails = [127] * 4
    assert oracle.dot(SSE["conv"], rails, rails) == 129540
    assert oracle.dot(ROWS["x86-avx2"]["conv_fast"], rails, rails) == 65534


def fused_bias(row: Any, q_in: oracle.QInfo, alpha: float, bias: float, total: int) -> list[int]:
    """B of five equal channels, output scale 1, zero point 0."""
    args = [[f32.bits(alpha)] * 5, [f32.bits(bias)] * 5, [total] * 5]
    return oracle.fuse(row, q_in, info(1), *args).bias


def test_fused_parameters_a4() -> None:
    assert fused_bias(SSE, info(0.0625), 0.5, 1, 0) == [31, 31, 31, 31, 32]
    assert fused_bias(EMULATED, info(0.0625), 0.5, 1, 0) == [32] * 5
    assert fused_bias(EMULATED, info(1, 127), 1, 1, 132105) == [-33686776] * 5
    assert fused_bias(NEON, info(1, 127), 1, 1, 132105) == [-16777334] * 5
    assert fused_bias(NEON, info(1, 3.75), 1, 0, 100) == [-375] * 5
    nan = oracle.fuse(SSE, info(float("nan")), info(1), [f32.ONE], [f32.ONE], [0])
    assert not nan.written


def test_convolution_a5() -> None:
    weights = [[[[1]], [[0]]]]
    inputs = [[[[10]], [[20]]]]
    options = oracle.ConvOptions(pad=(1, 1))
    scale = ([1.0], [0.0])
    result = oracle.conv2d(SDOT, inputs, weights, *scale, info(1, 3.75), info(1), options)
    # corner pixels read the pad code 3, the centre code 10; B = -int(1*3.75) = -3
    assert result.codes.shape == (1, 1, 3, 3)
    assert result.codes.data == [0, 0, 0, 0, 7, 0, 0, 0, 0]
    halves = oracle.conv2d(
        SDOT, inputs, [[[[1]]], [[[2]]]], [1.0] * 2, [0.0] * 2, info(1), info(1),
        oracle.ConvOptions(groups=2),
    )
    assert halves.codes.data == [10, 40]


def test_patch_walk_a12() -> None:
    g = oracle.Geometry(batch=1, channels=12, size=(1, 3), kernel=(1, 2), out=(1, 2))
    source = oracle.Source([10 * c + x for c in range(12) for x in range(3)], 0, 0)

    def first_lanes(row: Any) -> list[list[int | None]]:
        """The first code of each word of each pixel: 10*channel + column; None where stale."""
        return [
            [None if d.stale[i] else d.codes[i] for i in range(0, len(d.codes), 4)]
            for d in oracle.depths(row["patch"], g, source)
        ]

    assert first_lanes(SDOT) == [[0, 40, 80, 1, 41, 81], [1, 41, 81, 2, 42, 82]]
    assert first_lanes(SSE) == [[0, 40, 80, 1] + [None] * 4, [41, 81, 81, 2] + [None] * 4]
    assert first_lanes(I8MM) == [[0, 40, 80, 1, None, 81], [1, 41, 41, 2, None, 82]]


def test_tile_remainders_a13() -> None:
    tile = NEON["tile"]
    assert [oracle.row_fate(tile, p, 7) for p in (5, 6)] == [(False, False), (True, False)]
    assert [oracle.row_fate(tile, p, 6) for p in (3, 4, 5)] == [
        (False, False), (False, True), (False, True),
    ]
    left = [0] * 16 + [120] + [0] * 7 + [120] + [0] * 7
    right = [0] * 16 + [125] + [0] * 7 + [125] + [0] * 7
    assert oracle.dot(NEON["conv"], left, right) == 30000
    assert oracle.dot(NEON["conv"], left, right, doubled=True) == -20536


def narrowed(row: Any, stage: str, t: int, low: int = -127, high: int = 127) -> int:
    """The code of t by the row's convolution or depthwise narrowing."""
    return oracle.narrow(row[stage]["narrow"], t, low, high, row["float_mode"])


def test_narrowing_a6() -> None:
    stages = ((SSE, "epilogue"), (SSE, "depthwise"), (NEON, "epilogue"))
    assert [narrowed(*s, NAN) for s in stages] == [127, -127, 0]
    assert [narrowed(*s, f32.bits(1e30)) for s in stages] == [127, -127, 127]
    assert [narrowed(*s, JUST_BELOW_HALF) for s in stages] == [1, 1, 0]
    crossed = [narrowed(row, "epilogue", 0, 100, 90) for row in (SSE, NEON, SDOT)]
    assert crossed == [100, 100, 90]


def test_requantization_a9() -> None:
    mode = NEON["float_mode"]
    args = (NEON["epilogue"], 2147483647, 1, f32.bits(1e-8), -127, 127, mode)
    assert oracle.requantize(*args) == -21


def test_quantize_a7() -> None:
    scale = f32.bits(0.3)
    x = f32.bits(12.45)
    codes = [
        oracle.quantize(row, x, oracle.cast_multiplier(row, scale), -11, -128, 127)
        for row in (SSE, VNNI)
    ]
    assert codes == [31, 30]
    assert oracle.quantize(NEON, f32.bits(-0.5), f32.ONE, 1, -128, 127) == 1
    assert [oracle.quantize(row, NAN, f32.ONE, 5, -127, 127) for row in (SSE, NEON)] == [127, 0]


def test_dequantize_a8() -> None:
    assert f32.is_nan(oracle.dequantize(NEON, 4, INF, 4))
    assert f32.to_float(oracle.dequantize(NEON, -128, f32.bits(0.5), 127)) == -127.5


def combined(row: Any, op: str, a: int, b: int, *q: oracle.QInfo) -> int:
    """The code of a op b."""
    return oracle.binary(row, op, [a] * 4, [b] * 4, (q[0], q[1], q[2])).codes.data[0]


def test_elementwise_a10() -> None:
    halves = (info(0.5), info(0.5))
    assert [combined(r, "min", -1, 5, *halves, info(1)) for r in (SSE, NEON)] == [-1, 0]
    assert [combined(r, "min", -1, 5, *halves, info(0.25)) for r in (SSE, NEON)] == [-1, 0]
    huge = (info(1), info(1), info(1e-3, 3))
    assert [combined(r, "add", 100, 100, *huge) for r in (SSE, NEON)] == [127, -127]
    close = (info(0.06), info(0.1), info(0.14))
    assert [combined(r, "mul", -35, -19, *close) for r in (SSE, NEON)] == [29, 28]
    seven = oracle.binary(NEON, "add", [1] * 7, [2], (info(1), info(1), info(1)))
    assert seven.codes.data[:4] == [3] * 4
    assert seven.written == 4


def test_pools_a11() -> None:
    pair = oracle.PoolOptions((1, 2))
    assert [oracle.max_pool(r, [[[[-5, 5]]]], pair).data for r in (SSE, NEON)] == [[-5], [5]]
    nine = oracle.PoolOptions((3, 3))
    zeros = [[[[0] * 3] * 3]]
    assert [oracle.avg_pool(r, zeros, nine).data for r in (SSE, NEON)] == [[-1], [0]]


def test_reciprocal_a18() -> None:
    mode = SSE["float_mode"]
    assert f32.to_float(f32.estimate(f32.ONE, "intel_11", mode)) == 0.999755859375
    assert f32.estimate(0, "intel_11", mode) == INF
    thirty_two = f32.quotient(f32.bits(32), f32.ONE, "estimate_newton", "intel_11", mode)
    assert f32.to_float(thirty_two) == 31.999998092651367
    case = next(VECTORS.cases("G"))
    table = VECTORS.expected(case, "table", "x86 hardware")
    assert table is not None
    inputs = [f32.ONE + (k << 12) for k in range(2048)]
    assert [f32.estimate(d, "intel_11", mode) for d in inputs] == table.reshape(-1).tolist()


def test_exp_a14() -> None:
    half = f32.bits(0.5)
    values = [f32.to_float(oracle.exp(row, half)) for row in (SSE, VNNI, NEON)]
    assert values == [1.6487210988998413, 1.6487210988998413, 1.648697853088379]
    assert f32.to_float(oracle.exp(SSE, NAN)) == 1.645814116221476e-38
    assert f32.is_nan(oracle.exp(NEON, NAN))


def test_sigmoid_a15() -> None:
    zero = [oracle.sigmoid(row, [0] * 8)[0] for row in (SSE, EMULATED, NEON)]
    assert [f32.to_float(v) for v in zero] == [0.4999999701976776, 0.5, 0.5]
    assert f32.to_float(oracle.sigmoid(SSE, [NAN] * 8)[0]) == 0.9999999403953552
    assert f32.is_nan(oracle.sigmoid(NEON, [NAN] * 8)[0])


def test_tanh_a16() -> None:
    assert f32.to_float(oracle.tanh(SSE, [NAN] * 8)[0]) == 0.9999999403953552
    assert f32.is_nan(oracle.tanh(NEON, [NAN] * 8)[0])


def test_float_dot_a17() -> None:
    terms = [f32.bits(v) for v in (2.0**24, 1.0, 1.0, -(2.0**24))]
    ones, mode = [f32.ONE] * 4, NEON["float_mode"]
    rules = [{"lanes": 4, "fused": True, "tree": t} for t in ("halves", "from_one", "pairs")]
    rules.append({"lanes": 1, "fused": False, "tree": "pairs"})
    sums = [f32.to_float(oracle.float_dot(rule, ones, terms, mode)) for rule in rules]
    assert sums == [1.0, 2.0, 1.0, 0.0]
    assert f32.to_float(oracle.finish_convolution(SSE, INF, f32.ONE)) == 2.0**128 - 2.0**104


# --------------------------------------------------------------------------------- recorded results


def sample(family: str) -> list[Any]:
    """Every STRIDE-th case of each archive and the ALWAYS ones."""
    seen: dict[str, int] = {}
    chosen = []
    for case in VECTORS.cases(family):
        place = seen[case["file"]] = seen.get(case["file"], -1) + 1
        if place % STRIDE == 0 or case["id"] in ALWAYS:
            chosen.append(pytest.param(case, id=case["id"]))
    return chosen


def patterns(values: np.ndarray) -> list[int]:
    """Bit patterns of a binary32 array."""
    return np.ascontiguousarray(values, np.float32).view(np.uint32).reshape(-1).tolist()


def differences(got: list[int], want: np.ndarray) -> int:
    """Number of unequal elements; patterns for binary32, and NaN equals NaN."""
    assert len(got) == want.size
    if want.dtype != np.float32:
        return sum(g != w for g, w in zip(got, want.reshape(-1).tolist(), strict=True))
    pairs = zip(got, patterns(want), strict=True)
    return sum(g != w and not (f32.is_nan(g) and f32.is_nan(w)) for g, w in pairs)


def agrees(case: dict[str, Any], target: str, results: dict[str, list[int]]) -> None:
    """Every recorded result of the target equals the oracle's."""
    for name, got in results.items():
        want = VECTORS.expected(case, name, target)
        if want is not None:
            assert differences(got[: want.size], want) == 0, f"{case['id']} {target} {name}"


def recorded(case: dict[str, Any]) -> list[str]:
    """Targets that recorded anything, and those that say why not."""
    found = {t for result in case["outputs"] for t in VECTORS.targets(case, result)}
    return sorted((found | set(case.get("unspecified", {}))) & set(ROWS))


def cast(row: Any, x: np.ndarray, q: np.ndarray) -> list[int]:
    """Codes of the cast that the runtime inserts for a tensor."""
    stored = oracle.QInfo.of(q.tolist())
    multiplier = oracle.cast_multiplier(row, stored.scale)
    zero, low, high = (int(v) for v in q[1:])
    return [oracle.quantize(row, b, multiplier, zero, low, high) for b in patterns(x)]


@pytest.mark.parametrize("case", sample("A") + sample("B"))
def test_convolutions_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    q = VECTORS.input(case, "q").reshape(2, 4)
    shape = (p["batch"], p["in_channels"], p["in_h"], p["in_w"])
    alpha, bias = VECTORS.input(case, "alpha"), VECTORS.input(case, "bias")
    weights = VECTORS.input(case, "w").reshape(len(alpha), -1, *p["kernel"])
    convolve = oracle.depthwise if case["family"] == "B" else oracle.conv2d
    for target in recorded(case):
        row, results = ROWS[target], {}
        codes = VECTORS.input(case, "xq")
        if codes is None:
            results["xq"] = cast(row, VECTORS.input(case, "x"), q[0])
            codes = np.array(results["xq"])
        arm = target.startswith("arm")
        options = oracle.ConvOptions(
            tuple(p["stride"]), tuple(p["pad"]), tuple(p["dilation"]), relu=p["relu"],
            overflow_aware=p["method"] == "OVERFLOW_AWARE" if arm else p["nbits"] <= 7,
        )
        q_in, q_out = (oracle.QInfo.of(v.tolist()) for v in q)
        result = convolve(row, codes.reshape(shape), weights, alpha, bias, q_in, q_out, options)
        results |= {"y": result.codes.data, "S": result.fused.scale, "B": result.fused.bias}
        agrees(case, target, results)
        assert any(result.unspecified) == ("y" in case.get("unspecified", {}).get(target, {}))


@pytest.mark.parametrize("case", sample("C"))
def test_casts_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    x = VECTORS.input(case, "x")
    for target in recorded(case):
        row = ROWS[target]
        if p["op"] == "runtime_cast_round_trip":
            q = VECTORS.input(case, "q").reshape(2, 4)
            codes = cast(row, x, q[0])
            back = [(f32.bits(float(q[1, 0])), int(q[1, 1]))] * len(codes)
        else:
            per_channel = (1, -1) + (1,) * (x.ndim - 2)
            m, s = (np.broadcast_to(VECTORS.input(case, n).reshape(per_channel), x.shape)
                    for n in ("m", "s"))
            operands = zip(patterns(x), patterns(m), strict=True)
            codes = [oracle.quantize(row, a, b, p["zero"], *p["clamp"]) for a, b in operands]
            back = [(b, p["zero_dequant"]) for b in patterns(s)]
        y = [oracle.dequantize(row, q, *how) for q, how in zip(codes, back, strict=True)]
        agrees(case, target, {"q": codes, "qp": codes, "y": y})


@pytest.mark.parametrize("case", sample("D"))
def test_pools_and_binaries_equal_the_engine(case: dict[str, Any]) -> None:
    p = case["params"]
    x = VECTORS.input(case, "xq")
    for target in recorded(case):
        row = ROWS[target]
        if "pool" in p["op"]:
            options = oracle.PoolOptions(
                tuple(p["kernel"]), tuple(p["stride"]), tuple(p["pad"]), p["ceil_mode"],
                p["is_global"],
            )
            pool = oracle.max_pool if p["op"].startswith("max") else oracle.avg_pool
            y = pool(row, x, options).data
        else:
            q = VECTORS.input(case, "q").reshape(3, 4)
            op = p["op"].rsplit("_", 1)[1]
            result = oracle.binary(
                row, op, x, VECTORS.input(case, "x2q"),
                tuple(oracle.QInfo.of(v.tolist()) for v in q), relu=case["id"].endswith("relu"),
            )
            y = result.codes.data[: result.written]
        agrees(case, target, {"y": y})


def unary_runs(case: dict[str, Any], run: str, data: np.ndarray) -> list[Any]:
    """(name, input, output) of the float activations of one run's concatenated results."""
    results, place, previous = [], 0, data[:0]
    for name, kind, dtype, shape in case["runs"][run]["ops"]:
        if dtype != "f32":
            continue
        value = data[place : place + int(np.prod(shape))]
        place += value.size
        if kind == "UnaryOp":
            results.append((name, previous, value))
        previous = value
    return results


RECURRENT = next(c for c in VECTORS.cases("E") if c["id"] == "e.gru.a.control")


@pytest.mark.parametrize("target", VECTORS.targets(RECURRENT, "int8-x86-64.f32"))
def test_gates_of_a_recurrent_model_equal_the_engine(target: str) -> None:
    data = VECTORS.expected(RECURRENT, "int8-x86-64.f32", target)
    assert data is not None
    for name, x, want in unary_runs(RECURRENT, "int8-x86-64", data[0]):
        activation = oracle.tanh if name.startswith("n") else oracle.sigmoid
        assert differences(activation(ROWS[target], patterns(x)), want) == 0, name

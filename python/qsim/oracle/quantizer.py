"""Real numbers to codes and back: a row's `quantize` and `dynamic` rules. Equations (A.24), (A.25).

Real numbers are binary32 patterns; with `half`, inputs, scales and real results are binary16
patterns. Code types are named u4, s4, u8, s8, u16, s16, i32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, prod
from typing import Any

from . import f32
from .quant import cast_multiplier
from .quant import quantize as engine_quantize
from .rescale import Limits, narrow_int, narrow_real
from .tensor import Tensor
from .words import ceil_div, round_ratio, wrap

Row = Mapping[str, Any]

_LARGEST = f32.INF - 1  # the largest finite binary32
_255 = f32.bits(255.0)
_INT32 = (-(1 << 31), (1 << 31) - 1)


@dataclass(frozen=True)
class Affine:
    """Scale (a binary32 pattern) and zero point: code q stands for scale * (q - zero)."""

    scale: int
    zero: int = 0


def limits_of(code_type: str) -> Limits:
    """All codes of a type such as u4, s8 or i32."""
    bits = int(code_type[1:])
    low = 0 if code_type[0] == "u" else -(1 << (bits - 1))
    return Limits(low, low + (1 << bits) - 1, low, low + (1 << bits) - 1)


def from_half(x: int) -> int:
    """binary16 to binary32, exactly."""
    sign, field, fraction = (x & 0x8000) << 16, (x >> 10) & 0x1F, x & 0x3FF
    if field == 0x1F:
        return sign | f32.INF | fraction << 13
    units = fraction if field == 0 else (0x400 | fraction) << (field - 1)
    return f32.pack(Fraction(units, 1 << 24), f32.IEEE) | sign


def to_half(x: int) -> int:
    """binary32 to binary16, ties to even; NaN becomes quiet."""
    sign = (x & f32.SIGN) >> 16
    if f32.is_nan(x):
        return sign | 0x7E00 | (x >> 13) & 0x3FF
    if f32.is_inf(x):
        return sign | 0x7C00
    size = abs(f32.rational(x))
    exponent = max((f32.magnitude(x) >> 23) - 127, -14)
    units = round_ratio(size / Fraction(2) ** (exponent - 10), "half_even")
    return sign | min(((exponent + 14) << 10) + units, 0x7C00)  # a carry enters the exponent


# ---------------------------------------------------------------------------------------- quantize


def rule_of(row: Row, form: str) -> Row:
    """The `Quantizer` of a form; `rest` and `single` default to `vector`."""
    rule: Row = row["quantize"][form]
    if rule["scaling"] == "none" and form in ("rest", "single"):
        rule = row["quantize"]["vector"]
    if rule["scaling"] == "none":
        raise ValueError(f"quantize.{form}: expected a rule, the profile has none")
    return rule


def quantize_one(row: Row, x: int, q: Affine, limits: Limits, form: str = "vector") -> int:
    """The code of one binary32 x; form is vector, rest, single or half."""
    rule, mode = rule_of(row, form), row["float_mode"]
    scaling, narrow = rule["scaling"], rule["narrow"]
    if scaling == "engine":
        m = cast_multiplier(row, q.scale)
        return engine_quantize(row, x, m, q.zero, limits.low, limits.high)
    if scaling == "divide_f64":
        v = _quotient_to_int32(x, q.scale, narrow["convert"], mode)
        return narrow_int(narrow, v, q.zero, limits)
    if scaling == "log2_16":
        if q.zero != 0 or limits.type_high - limits.type_low != 255:
            raise ValueError("logarithmic codes have 8 bits and no zero point")
        byte = log_byte(x, log_origin(q.scale))
        return byte - 256 if limits.type_low < 0 and byte > 127 else byte
    if scaling == "divide":
        t = f32.div(x, q.scale, mode)
    elif scaling == "reciprocal":
        inverse = f32.div(f32.ONE, q.scale, mode)
        if rule["fused"]:
            t = f32.fma(x, inverse, f32.from_int(q.zero), mode)
            return narrow_real({**narrow, "zero": "included"}, t, 0, limits, mode)
        t = f32.mul(x, inverse, mode)
    else:
        raise ValueError(f"quantize.{form}.scaling: unknown rule {scaling!r}")
    return narrow_real(narrow, t, q.zero, limits, mode)


def _quotient_to_int32(x: int, scale: int, convert: Row, mode: f32.Mode) -> int:
    """x / scale rounded to binary64, then to int32."""
    x, scale = f32.read(x, mode), f32.read(scale, mode)
    special = f32.div(x, scale, f32.IEEE)
    if f32.is_nan(special) or f32.is_inf(x) or f32.is_zero(scale):
        return f32.to_int32(special, convert)
    if f32.is_inf(scale):
        return 0
    value = round_ratio(Fraction(float(f32.rational(x) / f32.rational(scale))), convert["ties"])
    if _INT32[0] <= value <= _INT32[1]:
        return value
    return f32.to_int32(f32.INF | (f32.SIGN if value < 0 else 0), convert)


@dataclass(frozen=True)
class Run:
    """Neighbours with one scale. `scattered`: their codes are computed one by one; `by_axis`: the
    tensor has a scale per index of an axis."""

    first: int
    length: int
    parameter: int
    scattered: bool = False
    by_axis: bool = False


def runs(shape: Sequence[int], axis: int | None = None, block: int = 0) -> Iterator[Run]:
    """The runs of a tensor: all of it, or one per index or block of an axis."""
    if axis is None:
        yield Run(0, prod(shape), 0)
        return
    axis %= len(shape)
    extent, inner = shape[axis], prod(shape[axis + 1 :])
    blocks = ceil_div(extent, block) if block else extent
    for outer in range(prod(shape[:axis])):
        start = outer * extent * inner
        if not block:
            for i in range(extent):
                yield Run(start + i * inner, inner, i, by_axis=extent > 1)
        elif inner == 1:
            for b in range(blocks):
                length = min(block, extent - b * block)
                yield Run(start + b * block, length, outer * blocks + b)
        else:
            for k in range(extent * inner):
                i, j = divmod(k, inner)
                yield Run(start + k, 1, (outer * blocks + i // block) * inner + j, scattered=True)


def form_of(row: Row, run: Run, index: int, code_type: str, *, half: bool = False) -> str:
    """Which form serves element `index` (flat) of a run."""
    if half:
        return "half"
    end = run.first + run.length
    pairs = range(run.first + run.first % 2, end - end % 2)  # bytes that hold two codes of the run
    if run.scattered or (code_type in ("u4", "s4") and index not in pairs):
        return "single"
    rules = row["quantize"]
    if run.by_axis and rules["axis_by_single"]:
        return "single"
    whole = run.length - run.length % rules["group"]
    return "vector" if index - run.first < whole else "rest"


def quantize(
    row: Row,
    x: Tensor,
    scale: Sequence[int],
    zero: Sequence[int],
    code_type: str,
    *,
    axis: int | None = None,
    block: int = 0,
    half: bool = False,
    limits: Limits | None = None,
) -> Tensor:
    """Codes of a tensor. One scale and zero point per run parameter, in row-major order."""
    limits = limits or limits_of(code_type)
    codes = [0] * len(x.data)
    for run in runs(x.shape, axis, block):
        s = scale[run.parameter]
        q = Affine(from_half(s) if half else s, zero[run.parameter])
        for i in range(run.first, run.first + run.length):
            value = from_half(x.data[i]) if half else x.data[i]
            form = form_of(row, run, i, code_type, half=half)
            codes[i] = quantize_one(row, value, q, limits, form)
    return Tensor(x.shape, codes)


def dequantize_one(row: Row, code: int, q: Affine, *, folded: bool = False) -> int:
    """fl(fl(code - zero) * scale) as binary32, or with the zero point as a constant of its own."""
    mode = row["float_mode"]
    if row["quantize"]["vector"]["scaling"] == "log2_16":
        return log_value(code, log_origin(q.scale))
    if not folded:
        return f32.mul(f32.from_int(wrap(code - q.zero, 32)), q.scale, mode)
    constant = f32.mul(f32.from_int(-q.zero), q.scale, mode)
    if row["dequantize"]["fused"]:
        return f32.fma(f32.from_int(code), q.scale, constant, mode)
    return f32.add(f32.mul(f32.from_int(code), q.scale, mode), constant, mode)


def dequantize(
    row: Row,
    codes: Tensor,
    scale: Sequence[int],
    zero: Sequence[int],
    *,
    axis: int | None = None,
    block: int = 0,
    half: bool = False,
    code_type: str = "s8",
) -> Tensor:
    """Real values of a tensor of codes: binary32, or rounded once more to binary16."""
    rule = row["dequantize"]
    folds = rule["folded"] and code_type in ("u8", "s8")
    data = [0] * len(codes.data)
    for run in runs(codes.shape, axis, block):
        s = scale[run.parameter]
        q = Affine(from_half(s) if half else s, zero[run.parameter])
        one_scale = not (run.by_axis or run.scattered or block)
        whole = run.length - run.length % rule["group"] if folds and one_scale else 0
        for i in range(run.first, run.first + run.length):
            folded = i - run.first < whole
            value = dequantize_one(row, codes.data[i], q, folded=folded)
            data[i] = to_half(value) if half else value
    return Tensor(codes.shape, data)


# -------------------------------------------------------------------------------- logarithmic codes

LOG_ZERO = 0x80  # the byte of 0


def log_origin(scale: int) -> int:
    """The integer that a scale of logarithmic codes is."""
    value = f32.to_float(scale)
    if not value.is_integer() or abs(value) > 4095:
        raise ValueError(f"scale: expected an integer from -4095 to 4095, got {value}")
    return int(value)


def log_byte(x: int, origin: int) -> int:
    """Sign and 16*log2|x| above the origin; 0 up to an octave below code 0, and for NaN."""
    negative = f32.is_negative(x)
    if f32.is_nan(x) or f32.is_zero(x):
        return LOG_ZERO
    if f32.is_inf(x):
        return 0xFF if negative else 0x7F
    power = abs(f32.rational(x)) ** 32

    def reaches(thirty_seconds: int) -> bool:
        return power >= Fraction(2) ** thirty_seconds

    if negative and power <= Fraction(2) ** (2 * (origin - 15)):
        return LOG_ZERO
    if not negative and not reaches(2 * (origin - 16)):
        return LOG_ZERO
    k = 1 if negative else 0
    while k < 127 and reaches(2 * (origin + k) + 1):
        k += 1
    return k | (0x80 if negative else 0)


def log_value(byte: int, origin: int) -> int:
    """The real value of a byte: 2^((k + origin)/16), rounded to binary32."""
    byte &= 0xFF
    if byte == LOG_ZERO:
        return f32.ZERO
    whole, part = divmod((byte & 0x7F) + origin, 16)
    root = 1 << (960 + part)  # (2^60 * 2^(part/16))^16
    for _ in range(4):
        root = isqrt(root)
    sticky = Fraction(root) + (Fraction(1, 2) if part else 0)
    value = f32.pack(sticky * Fraction(2) ** (whole - 60), f32.IEEE)
    return value | (f32.SIGN if byte & 0x80 else 0)


# ----------------------------------------------------------------------------------------- dynamic


@dataclass(frozen=True)
class DynamicResult:
    """Codes with the scale (binary32) and zero point found for them."""

    codes: Tensor
    scale: int
    zero: int


Pick = Callable[[int, int, str], int]


def reduce_lanes(rule: Row, x: Sequence[int], pick: Pick, start: int) -> int:
    """The minimum or maximum (`pick`) of x as lanes of a vector find it; each begins at `start`."""
    lanes, on_nan = rule["lanes"], rule["minmax"]

    def joined(a: Sequence[int], b: Sequence[int]) -> list[int]:
        return [pick(k, v, on_nan) for k, v in zip(a, b, strict=True)]

    step = lanes * rule["unroll"]
    at = 0
    kept = [start] * (step if len(x) >= step else lanes)
    while len(kept) == step and len(x) - at >= step:
        kept = joined(kept, x[at : at + step])
        at += step
    while len(kept) > lanes:  # vector 2i with vector 2i + 1
        halves = [kept[i : i + lanes] for i in range(0, len(kept), lanes)]
        kept = [
            v
            for even, odd in zip(halves[::2], halves[1::2], strict=True)
            for v in joined(even, odd)
        ]
    while len(x) - at >= lanes:
        kept = joined(kept, x[at : at + lanes])
        at += lanes
    while len(kept) > 1:  # lower half with upper half
        kept = joined(kept[: len(kept) // 2], kept[len(kept) // 2 :])
    for v in x[at:]:
        kept = [pick(kept[0], v, rule["tail"])]
    return kept[0]


def dynamic_quantize(row: Row, x: Tensor) -> DynamicResult:
    """Codes, scale and zero point of a tensor from its own minimum and maximum."""
    rule = row["dynamic"]
    if rule["scheme"] == "none":
        raise ValueError("dynamic: expected a rule, the profile has none")
    least = reduce_lanes(rule, x.data, f32.minimum, _LARGEST)
    most = reduce_lanes(rule, x.data, f32.maximum, _LARGEST | f32.SIGN)
    least = f32.minimum(least, f32.ZERO, "first_operand")
    most = f32.maximum(most, f32.ZERO, "first_operand")
    if rule["scheme"] == "unsigned_255":
        return _unsigned_255(row, x, least, most)
    if rule["scheme"] == "signed_255":
        return _signed_255(row, x, least, most)
    raise ValueError(f"dynamic.scheme: unknown rule {rule['scheme']!r}")


def _same(a: int, b: int) -> bool:
    """a == b as numbers: both zeros are equal, a NaN equals nothing."""
    return not (f32.is_nan(a) or f32.is_nan(b) or f32.less(a, b) or f32.less(b, a))


def _unsigned_255(row: Row, x: Tensor, least: int, most: int) -> DynamicResult:
    mode = row["float_mode"]
    scale = f32.ONE
    if not _same(least, most):
        scale = f32.div(f32.sub(most, least, mode), _255, mode)
    z = f32.sub(f32.ZERO, f32.div(least, scale, mode), mode)
    z = f32.minimum(_255, z, "first_operand")
    z = f32.maximum(f32.ZERO, z, "first_operand")
    zero = round_ratio(f32.rational(z), "half_even")
    return DynamicResult(quantize(row, x, [scale], [zero], "u8"), scale, zero)


def _signed_255(row: Row, x: Tensor, least: int, most: int) -> DynamicResult:
    mode, limits = row["float_mode"], limits_of("s8")
    low, high = f32.from_int(limits.low), f32.from_int(limits.high)
    m = f32.ONE
    if not _same(least, most):
        m = f32.div(_255, f32.sub(most, least, mode), mode)
    d_least, d_most = f32.mul(least, m, mode), f32.mul(most, m, mode)
    error = f32.add(f32.add(low, d_least, mode), f32.add(high, d_most, mode), mode)
    positive = f32.less(f32.ZERO, error)
    z = f32.sub(low, d_least, mode) if positive else f32.sub(high, d_most, mode)
    z = f32.minimum(f32.maximum(z, low, "second_operand"), high, "second_operand")
    zero = round_ratio(f32.rational(z), "half_even")
    whole = Run(0, len(x.data), 0)
    codes = [
        narrow_real(
            rule_of(row, form_of(row, whole, i, "s8"))["narrow"],
            f32.mul(v, m, mode), zero, limits, mode,
        )
        for i, v in enumerate(x.data)
    ]  # fmt: skip
    return DynamicResult(Tensor(x.shape, codes), f32.div(f32.ONE, m, mode), zero)

"""Small number formats by their definition, with exact fractions. Equation (A.20).

A code is an int. A number is a Fraction; a code that is no number decodes to infinity or NaN.
Encoding looks for the nearest number: a search over the codes, which are in the order of their
magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .words import clamp, round_ratio, wrap


@dataclass(frozen=True)
class FloatFormat:
    """A float format: sign, exponent and mantissa from the top."""

    exponent_bits: int
    mantissa_bits: int
    bias: int
    infinity: bool  # the first code of the top exponent; the others of that exponent are NaN
    nan: int | None  # the code that a positive NaN becomes; None: there is none, it becomes -0
    signed: bool = True
    zero: bool = True  # exponent 0 holds zero and the subnormals
    payload: bool = False  # NaN keeps the top of its mantissa
    saturates: bool = False
    rounding: str = "half_even"

    @property
    def sign(self) -> int:
        """The sign bit; 0 without one."""
        return 1 << (self.exponent_bits + self.mantissa_bits) if self.signed else 0

    @property
    def uz(self) -> bool:
        """NaN has the code of -0."""
        return self.signed and self.nan == self.sign

    @property
    def largest(self) -> int:
        """The code of the largest number."""
        codes = 1 << (self.exponent_bits + self.mantissa_bits)
        if self.infinity:
            return codes - (1 << self.mantissa_bits) - 1
        return codes - 1 if self.nan is None or self.uz else codes - 2

    def number(self, magnitude: int) -> Fraction:
        """The number of a code without sign, as if all codes were numbers."""
        field, fraction = divmod(magnitude, 1 << self.mantissa_bits)
        if field == 0 and self.zero:
            return Fraction(fraction, 1 << self.mantissa_bits) * _power(1 - self.bias)
        return (1 + Fraction(fraction, 1 << self.mantissa_bits)) * _power(field - self.bias)


@dataclass(frozen=True)
class IntegerFormat:
    """Two's complement or unsigned integers."""

    bits: int
    signed: bool


@dataclass(frozen=True)
class Special:
    """Infinity, or NaN with a payload that is read from the top of the mantissa as a fraction."""

    negative: bool
    nan: bool
    payload: Fraction = Fraction(0)  # 0.5 and more: quiet


@dataclass(frozen=True)
class Zero:
    """Zero with its sign."""

    negative: bool


Number = Fraction | Special | Zero

FLOATS = {
    "float64": FloatFormat(11, 52, 1023, True, 0x7FF8 << 48, payload=True),
    "float32": FloatFormat(8, 23, 127, True, 0x7FC00000, payload=True),
    "float16": FloatFormat(5, 10, 15, True, 0x7E00, payload=True),
    "bfloat16": FloatFormat(8, 7, 127, True, 0x7FC0, payload=True),
    "float8e4m3fn": FloatFormat(4, 3, 7, False, 0x7F, saturates=True),
    "float8e4m3fnuz": FloatFormat(4, 3, 8, False, 0x80, saturates=True),
    "float8e5m2": FloatFormat(5, 2, 15, True, 0x7E, saturates=True),
    "float8e5m2fnuz": FloatFormat(5, 2, 16, False, 0x80, saturates=True),
    "float8e8m0": FloatFormat(
        8, 0, 127, False, 0xFF, signed=False, zero=False, saturates=True, rounding="away_from_zero"
    ),
    "float4e2m1": FloatFormat(2, 1, 1, False, None, saturates=True),
}
INTEGERS = {
    "int4": IntegerFormat(4, True),
    "uint4": IntegerFormat(4, False),
    "int2": IntegerFormat(2, True),
    "uint2": IntegerFormat(2, False),
    "int8": IntegerFormat(8, True),
    "uint8": IntegerFormat(8, False),
    "int16": IntegerFormat(16, True),
    "uint16": IntegerFormat(16, False),
    "int32": IntegerFormat(32, True),
}


def _power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def decode(name: str, code: int) -> Number:
    """The number of a code of the format with that name."""
    if name in INTEGERS:
        return _signed_zero(Fraction(integer(name, code)), False)
    f = FLOATS[name]
    negative, magnitude = bool(code & f.sign), code & ~f.sign
    if f.uz and code == f.sign:
        return Special(True, nan=True, payload=Fraction(1, 2))
    if magnitude <= f.largest:
        value = f.number(magnitude)
        return _signed_zero(-value if negative else value, negative)
    if f.infinity and magnitude == f.largest + 1:
        return Special(negative, nan=False)
    if not f.payload:
        return Special(negative, nan=True, payload=Fraction(1, 2))
    steps = 1 << f.mantissa_bits
    return Special(negative, nan=True, payload=Fraction(magnitude % steps, steps))


def _signed_zero(value: Fraction, negative: bool) -> Number:
    return Zero(negative) if value == 0 else value


def integer(name: str, code: int) -> int:
    """The integer of a code of an integer format."""
    f = INTEGERS[name]
    return wrap(code, f.bits) if f.signed else code


def encode(
    name: str, value: Number, saturate: bool | None = None, rounding: str | None = None
) -> int:
    """The code of a number; `saturate` and `rounding` by default as the format's custom is."""
    if name in INTEGERS:
        if isinstance(value, Special):
            raise ValueError(f"{name}: expected a finite number")
        exact = Fraction(0) if isinstance(value, Zero) else value
        return _encode_integer(INTEGERS[name], exact, bool(saturate), rounding or "toward_zero")
    f = FLOATS[name]
    stays = f.saturates if saturate is None else saturate
    if isinstance(value, Special) and value.nan:
        return _nan(f, value)
    negative = value < 0 if isinstance(value, Fraction) else value.negative
    if negative and not f.signed and not isinstance(value, Zero):
        return _nan(f, Special(False, nan=True))
    sign = f.sign if negative else 0
    if isinstance(value, Special):
        return _beyond(f, sign, stays)
    size = Fraction(0) if isinstance(value, Zero) else abs(value)
    if not f.zero and size < f.number(0):
        size = _round_below(f, size, rounding or f.rounding)
        if size < f.number(0):
            return 0 if stays else _nan(f, Special(False, nan=True))
    magnitude = _nearest(f, size, rounding or f.rounding)
    if magnitude is None:
        return _beyond(f, sign, stays)
    return 0 if magnitude == 0 and f.uz else sign | magnitude


def _round_below(f: FloatFormat, size: Fraction, rounding: str) -> Fraction:
    """A number below the smallest power of two: that power, or something smaller."""
    half = f.number(0) / 2
    if size <= half:
        return Fraction(0)
    return _power(-f.bias) if _goes_up(size, half, 2 * half, False, rounding) else half


def _goes_up(size: Fraction, low: Fraction, high: Fraction, low_is_even: bool, how: str) -> bool:
    """Whether low < size < high is rounded to high."""
    if how == "away_from_zero":
        return True
    if how == "toward_zero":
        return False
    if 2 * size == low + high:
        return how == "half_away" or not low_is_even
    return 2 * size > low + high


def _nearest(f: FloatFormat, size: Fraction, rounding: str) -> int | None:
    """Magnitude code of the neighbour that `rounding` picks; None: it is out of range."""
    low, high = 0, f.largest + 1
    if size >= f.number(high):
        return None
    while high - low > 1:  # number(low) <= size < number(high)
        middle = (low + high) // 2
        if f.number(middle) <= size:
            low = middle
        else:
            high = middle
    if size != f.number(low):
        ends = f.number(low), f.number(high)
        low += _goes_up(size, *ends, low_is_even=low % 2 == 0, how=rounding)
    return low if low <= f.largest else None


def _beyond(f: FloatFormat, sign: int, saturate: bool) -> int:
    """The code of what is out of range."""
    if saturate or (f.nan is None and not f.infinity):
        return sign | f.largest
    return sign | (f.largest + 1) if f.infinity else _nan(f, Special(sign != 0, nan=True))


def _nan(f: FloatFormat, value: Special) -> int:
    if f.nan is None:
        return f.sign
    if f.uz or not f.signed:
        return f.nan
    kept = int(value.payload * (1 << f.mantissa_bits)) if f.payload else 0
    return (f.sign if value.negative else 0) | f.nan | kept


def _encode_integer(f: IntegerFormat, value: Fraction, saturate: bool, rounding: str) -> int:
    if rounding == "away_from_zero":
        up = -(-abs(value).numerator // value.denominator)
        whole = -up if value < 0 else up
    else:
        whole = round_ratio(value, rounding)
    if saturate:
        low = -(1 << (f.bits - 1)) if f.signed else 0
        whole = clamp(whole, low, low + (1 << f.bits) - 1)
    return whole % (1 << f.bits)


def convert(
    code: int, source: str, name: str, saturate: bool | None = None, rounding: str | None = None
) -> int:
    """The code of one format as a code of another, rounded once."""
    return encode(name, decode(source, code), saturate, rounding)


def pack(codes: list[int], bits: int) -> list[int]:
    """Codes as bytes, lowest bits first: the number whose digits the codes are, in bytes."""
    whole = sum(code << (bits * i) for i, code in enumerate(codes))
    return list(whole.to_bytes(-(-len(codes) * bits // 8), "little"))


def unpack(data: list[int], bits: int, count: int) -> list[int]:
    """The first `count` codes of bytes."""
    whole = int.from_bytes(bytes(data), "little")
    return [whole >> (bits * i) & ((1 << bits) - 1) for i in range(count)]

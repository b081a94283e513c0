"""Small number formats: the oracle, the C++ core and ml_dtypes agree."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from qsim import formats
from qsim.oracle import minifloat
from qsim.oracle.minifloat import FLOATS, Special, Zero

SMALL = [name for name in formats.names() if name.startswith(("float8", "float4"))]
HALVES = ["float16", "bfloat16"]
INTEGERS = ["int4", "uint4", "int2", "uint2"]
ROUNDINGS = ["half_even", "half_away", "toward_zero", "away_from_zero"]
ML_DTYPES = {
    "float16": "float16",
    "bfloat16": "bfloat16",
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
}
Patterns = npt.NDArray[np.uint32]


def codes_of(name: str) -> npt.NDArray[Any]:
    """Every code of a format."""
    bits = formats.describe(name)["bits"]
    return np.arange(1 << bits, dtype=np.uint8 if bits <= 8 else np.uint16)


def test_minifloats_a20() -> None:
    def encode(name: str, value: Fraction | float, **options: Any) -> int:
        return minifloat.encode(name, Fraction(value), **options)

    # 480 would be the next number of e4m3fn; the middle is 464, and the even code is 448's.
    assert encode("float8e4m3fn", 464, saturate=False) == 0x7E
    assert encode("float8e4m3fn", 465, saturate=False) == 0x7F
    assert minifloat.decode("float8e4m3fn", 0x7F) == Special(False, True, Fraction(1, 2))
    assert minifloat.decode("float8e4m3fn", 0x7E) == 448
    # 65536 would be the next of e5m2, and its code is the even one.
    assert encode("float8e5m2", 61440, saturate=False) == 0x7C
    assert minifloat.decode("float8e5m2", 0x7C) == Special(False, nan=False)
    assert encode("float8e5m2", 61440) == 0x7B
    # -0 and what is rounded to it
    tiny = Fraction(-1, 10**7)
    assert [encode(name, tiny) for name in ("float8e4m3fn", "float8e4m3fnuz")] == [0x80, 0x00]
    assert minifloat.decode("float8e4m3fnuz", 0x80) == Special(True, True, Fraction(1, 2))
    assert minifloat.encode("float4e2m1", Special(False, nan=True)) == 0x8
    assert minifloat.decode("float4e2m1", 0x8) == Zero(True)
    # Two roundings are one too many.
    value = 1 + Fraction(1, 2**11) + Fraction(1, 2**40)
    assert encode("float16", value) == 0x3C01
    assert minifloat.convert(encode("float32", value), "float32", "float16") == 0x3C00
    # Powers of two go up.
    assert [encode("float8e8m0", x) for x in (1, 1.25, 3)] == [127, 128, 129]
    assert encode("float8e8m0", 1.25, rounding="half_away") == 127
    assert encode("float8e8m0", 3, rounding="half_even") == 128
    assert encode("float8e8m0", 0) == 0
    assert encode("float8e8m0", 0, saturate=False) == 0xFF
    # Integers
    assert [encode("int4", x) for x in (-9, 15, -2.75)] == [7, 15, 14]
    assert minifloat.pack([7, 8, 9], 4) == [0x87, 0x09]


# ------------------------------------------------------------------------------- the core, by codes


def number_bits(value: minifloat.Number) -> int:
    """binary32 pattern of a number that has one."""
    return minifloat.encode("float32", value)


@pytest.mark.parametrize("name", [*SMALL, *HALVES])
def test_every_code_means_the_same_number(name: str) -> None:
    codes = codes_of(name)
    if name in HALVES:
        codes = np.concatenate([codes[::7], codes[-3000:], codes[0x7B00:0x8100]])
    wanted = [number_bits(minifloat.decode(name, code)) for code in codes.tolist()]
    assert formats.decode(codes, name).view(np.uint32).tolist() == wanted


def thresholds(name: str, step: int) -> Iterator[Fraction]:
    """Numbers, middles of neighbours and the next binary64 numbers of both, of every `step`-th."""
    f = FLOATS[name]
    for magnitude in range(0, f.largest + 1, step):
        low, high = f.number(magnitude), f.number(magnitude + 1)
        for value in (low, (low + high) / 2):
            middle = float(value)
            for near in (np.nextafter(middle, 0), middle, np.nextafter(middle, np.inf)):
                yield Fraction(float(near))
    yield from (Fraction(x) for x in (1e-300, 1e300, 2.0**-149, 2.0**-128, 2.0**-150))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("name", [*SMALL, *HALVES])
def test_every_threshold_is_rounded_alike(name: str, rounding: Any) -> None:
    values = list(thresholds(name, 257 if name in HALVES else 1))
    numbers = [value for v in values for value in (v, -v)]
    x = np.array([float(v) for v in numbers])
    exact = [v if v else Zero(bool(np.signbit(real))) for v, real in zip(numbers, x, strict=True)]
    for saturate in (False, True):
        got = formats.encode(x, name, saturate=saturate, rounding=rounding).tolist()
        assert got == [minifloat.encode(name, v, saturate, rounding) for v in exact]


@pytest.mark.parametrize("name", [*SMALL, *HALVES, "float32"])
def test_zeros_infinities_and_nan_alike(name: str) -> None:
    patterns = [0, 1 << 31, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF]
    x = np.array(patterns, np.uint32).view(np.float32)
    for saturate in (None, False, True):
        got = formats.encode(x, name, saturate=saturate).tolist()
        assert got == [minifloat.convert(p, "float32", name, saturate) for p in patterns]


def test_binary64_to_binary32_alike() -> None:
    generator = np.random.default_rng(64)
    patterns = generator.integers(0, 1 << 64, 2000, dtype=np.uint64)
    near = generator.integers(0x36A0 << 48, 0x47F0 << 48, 2000, dtype=np.uint64)
    ties = near & ~np.uint64((1 << 28) - 1)
    x = np.concatenate([patterns, near, ties, ties + np.uint64(1)])
    got = formats.encode(x.view(np.float64), "float32").tolist()
    assert got == [minifloat.convert(p, "float64", "float32") for p in x.tolist()]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_alike(name: str, rounding: Any) -> None:
    codes = codes_of(name)
    whole = [minifloat.integer(name, code) for code in codes.tolist()]
    assert formats.decode(codes, name).tolist() == whole
    x = np.concatenate([np.arange(-80, 80) / 4, [1e9, -1e9, 3e38, 255.5, 1e-30, -1e-30]])
    for saturate in (False, True):
        got = formats.encode(x, name, saturate=saturate, rounding=rounding).tolist()
        wanted = [minifloat.encode(name, Fraction(v), saturate, rounding) for v in x.tolist()]
        assert got == wanted


@pytest.mark.parametrize("name", [*INTEGERS, "float4e2m1", "float8e5m2"])
def test_packing_alike(name: str) -> None:
    bits = formats.describe(name)["bits"]
    generator = np.random.default_rng(bits)
    for count in range(18):
        codes = generator.integers(0, 1 << bits, count, dtype=np.uint8)
        data = formats.pack(codes, name)
        assert data.tolist() == minifloat.pack(codes.tolist(), bits)
        assert formats.unpack(data, name, count).tolist() == codes.tolist()
        assert minifloat.unpack(data.tolist(), bits, count) == codes.tolist()


# ---------------------------------------------------------------------------------------- ml_dtypes


def their_dtype(name: str) -> Any:
    """The type of ml_dtypes (of NumPy for float16); versions before 0.5 lack some."""
    module: Any = np if name == "float16" else pytest.importorskip("ml_dtypes")
    if not hasattr(module, ML_DTYPES[name]):
        pytest.skip(f"ml_dtypes {module.__version__} has no {ML_DTYPES[name]}")
    return getattr(module, ML_DTYPES[name])


def theirs(name: str, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Codes by ml_dtypes (by NumPy for float16)."""
    with np.errstate(all="ignore"):
        cast = x.astype(their_dtype(name))
    return cast.view(np.uint16 if name in HALVES else np.uint8)


def differing(name: str, patterns: Patterns) -> int:
    """Codes that differ from ml_dtypes', which never saturates, where it follows the same rules."""
    x = patterns.view(np.float32)
    rounding: Any = "half_away" if name == "float8e8m0" else "half_even"
    got = formats.encode(x, name, saturate=False, rounding=rounding)
    want = theirs(name, x)
    nan = np.isnan(x)
    if name in HALVES:  # they keep another part of a NaN: compare that it is one
        top = {"float16": 0x7C00, "bfloat16": 0x7F80}[name]
        got, want = (np.where(nan & ((c & 0x7FFF) > top), 0, c) for c in (got, want))
    if name == "float4e2m1":  # they make -NaN +0
        got, want = (np.where(nan & np.signbit(x), 0, c) for c in (got, want))
    if name == "float8e8m0":
        # They take what is too small to the smallest number, 2^-127, and what is between it and
        # 1.5 * 2^-127 to 2^-126, although 2^-127 is nearer.
        odd = ((patterns > 0) & (patterns < 0x00300000)) | (
            (patterns > 0x00400000) & (patterns < 0x00600000)
        )
        got, want = (np.where(odd, 0, c) for c in (got, want))
    return int((got != want).sum())


@pytest.mark.parametrize("name", ML_DTYPES)
def test_every_code_means_what_ml_dtypes_reads(name: str) -> None:
    codes = codes_of(name)
    want = codes.view(their_dtype(name)).astype(np.float32)
    got = formats.decode(codes, name)
    nan = np.isnan(want)
    assert (np.isnan(got) == nan).all()
    assert (got.view(np.uint32) == want.view(np.uint32))[~nan].all()
    assert (np.signbit(got) == np.signbit(want))[nan].all()


@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_gives_the_same_codes(name: str) -> None:
    """Of every number and every middle with its neighbours, and of a million random patterns."""
    values = formats.decode(codes_of(name), name)
    values = np.sort(values[np.isfinite(values)]).astype(np.float64)
    middles = ((values[1:] + values[:-1]) / 2).astype(np.float32)
    edges = np.concatenate([values.astype(np.float32), middles]).view(np.uint32)
    random = np.random.default_rng(5).integers(0, 1 << 32, 1 << 20, dtype=np.uint32)
    patterns = np.concatenate([edges - np.uint32(1), edges, edges + np.uint32(1), random])
    assert differing(name, patterns) == 0


@pytest.mark.nightly
@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_gives_the_same_code_to_every_float(name: str) -> None:
    chunk = np.arange(1 << 24, dtype=np.uint32)
    for top in range(1 << 8):
        assert differing(name, chunk | np.uint32(top << 24)) == 0

"""qsim.formats as a user meets it: examples, dtypes, refusals."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

from qsim import formats


def test_the_examples_of_the_docstrings_run() -> None:
    outcome = doctest.testmod(formats)
    assert outcome.attempted >= 12
    assert outcome.failed == 0


def test_codes_have_the_narrowest_dtype_and_the_shape_of_the_numbers() -> None:
    widths = {"float32": np.uint32, "float16": np.uint16, "bfloat16": np.uint16}
    for name in formats.names():
        for shape in [(), (0,), (2, 3)]:
            codes = formats.encode(np.ones(shape, np.float32), name)
            assert codes.dtype == widths.get(name, np.uint8)
            assert codes.shape == shape
            values = formats.decode(codes, name)
            assert values.dtype == np.float32
            assert values.shape == shape
            assert (values == 1).all()


def test_views_are_read_in_their_order() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert (formats.cast(x.T, "float8e5m2") == formats.cast(x, "float8e5m2").T).all()
    assert (formats.cast(x[:, ::2], "float16") == x[:, ::2]).all()


def test_binary64_is_rounded_once() -> None:
    x = np.array([1 + 2.0**-11 + 2.0**-40])
    assert formats.encode(x, "float16").tolist() == [0x3C01]
    assert formats.encode(x.astype(np.float32), "float16").tolist() == [0x3C00]


@pytest.mark.parametrize(
    ("name", "lowest", "smallest", "largest"),
    [
        ("float16", -65504.0, 2.0**-24, 65504.0),
        ("bfloat16", -255 * 2.0**120, 2.0**-133, 255 * 2.0**120),
        ("float8e4m3fn", -448.0, 2.0**-9, 448.0),
        ("float8e5m2fnuz", -57344.0, 2.0**-17, 57344.0),
        ("float8e8m0", 2.0**-127, 2.0**-127, 2.0**127),
        ("float4e2m1", -6.0, 0.5, 6.0),
    ],
)
def test_the_ends_of_a_float(name: Any, lowest: float, smallest: float, largest: float) -> None:
    fields = formats.describe(name)
    assert (fields["lowest"], fields["smallest"], fields["largest"]) == (lowest, smallest, largest)


@pytest.mark.parametrize(
    ("name", "ends"), [("int4", (-8, 7)), ("uint4", (0, 15)), ("int2", (-2, 1)), ("uint2", (0, 3))]
)
def test_the_ends_of_an_integer(name: Any, ends: tuple[int, int]) -> None:
    fields = formats.describe(name)
    assert (fields["lowest"], fields["largest"]) == ends


def test_saturation_is_an_option() -> None:
    x = np.array([1e6, -np.inf], np.float32)
    assert formats.cast(x, "float16").tolist() == [np.inf, -np.inf]
    assert formats.cast(x, "float16", saturate=True).tolist() == [65504.0, -65504.0]
    assert formats.cast(x, "float8e5m2").tolist() == [57344.0, -57344.0]
    assert formats.cast(x, "float8e5m2", saturate=False).tolist() == [np.inf, -np.inf]
    assert formats.cast(x, "float4e2m1", saturate=False).tolist() == [6.0, -6.0]
    assert formats.cast(np.float32([9, -9]), "int4", saturate=True).tolist() == [7.0, -8.0]


REFUSALS: list[tuple[type[Exception], str, Any]] = [
    (TypeError, "x: expected float32, got int64", lambda: formats.encode(np.arange(3), "int4")),
    (TypeError, "x: expected float32, got float16",
     lambda: formats.encode(np.ones(3, np.float16), "float8e5m2")),
    (TypeError, "x: expected an array", lambda: formats.encode([1.0], "int4")),
    (TypeError, "codes: expected uint16, got uint8",
     lambda: formats.decode(np.zeros(2, np.uint8), "float16")),
    (TypeError, "codes: expected uint8, got int8",
     lambda: formats.pack(np.zeros(2, np.int8), "int4")),
    (KeyError, "float8e4m3fn", lambda: formats.encode(np.ones(1, np.float32), "float8e4m3")),
    (KeyError, "close matches", lambda: formats.decode(np.zeros(1, np.uint8), "fp4")),
    (KeyError, "close matches", lambda: formats.describe("int3")),
    (KeyError, "close matches", lambda: formats.pack(np.zeros(1, np.uint8), "int3")),
    (ValueError, "rounding: expected half_even",
     lambda: formats.encode(np.ones(1, np.float32), "int4", rounding="up")),
    (ValueError, "codes: expected values below 16 for float4e2m1, got 16 at element 1",
     lambda: formats.decode(np.array([15, 16], np.uint8), "float4e2m1")),
    (ValueError, "codes: expected values below 4 for 2 bits, got 4 at element 0",
     lambda: formats.pack(np.array([4], np.uint8), "uint2")),
    (ValueError, "bits: expected 1, 2, 4 or 8, got 16",
     lambda: formats.pack(np.zeros(1, np.uint8), "float16")),
    (ValueError, "x: expected finite numbers for int4, got infinity or NaN at element 1",
     lambda: formats.encode(np.array([1, np.nan]), "int4")),
    (ValueError, "count: expected a number of codes that takes 2 bytes at 4 bits each, got 5",
     lambda: formats.unpack(np.zeros(2, np.uint8), "int4", 5)),
    (ValueError, "count: expected a number of codes that takes 2 bytes at 4 bits each, got 2",
     lambda: formats.unpack(np.zeros(2, np.uint8), "int4", 2)),
    (ValueError, "got -1", lambda: formats.unpack(np.zeros(0, np.uint8), "int4", -1)),
]


@pytest.mark.parametrize(("error", "message", "call"), REFUSALS, ids=[m for _, m, _ in REFUSALS])
def test_refusals_say_what_would_do(error: type[Exception], message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call()

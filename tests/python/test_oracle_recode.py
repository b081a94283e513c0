"""The examples of docs/arithmetic.md, (A.31) and (A.32): codes in another scale, and means."""

from __future__ import annotations

import pytest

from operator_rows import REF, RUY_X64, XNN, XNN_ARM, Row, affine
from qsim.oracle import f32, recode
from qsim.oracle.quantizer import Affine
from qsim.oracle.tensor import Tensor


def test_recode_a31() -> None:
    def recoded(of: Row, codes: list[int], s_in: float, s_out: float, to: str = "s8") -> list[int]:
        q = (affine(s_in, 1), affine(s_out, -2))
        return recode.requantize_codes(of, Tensor((len(codes),), codes), *q, "s8", to).data

    # -1.5 and 1.5: the product's halves go up, those of its shift away; in groups of 16 up, too
    assert recoded(REF, [-5, 7], 0.25, 1) == [-4, 0]
    assert recoded(RUY_X64, [-5] * 17, 0.25, 1) == [-3] * 16 + [-4]
    assert recoded(RUY_X64, [-5] * 17, 0.25, 1, "s16") == [-4] * 17
    assert recoded(XNN, [-5, 7], 0.25, 1) == [-3, 0]
    assert [recoded(of, [44], 0.01, 1) for of in (REF, XNN)] == [[-2], [-1]]  # 3/256 for 0.01
    with pytest.raises(ValueError, match="8 fractional bits"):
        recoded(XNN, [1], 1, 300)


def test_leaky_relu_a31() -> None:
    def leaky(of: Row, codes: list[int], alpha: float) -> list[int]:
        q = (affine(0.5), affine(0.5, 3))
        slope = f32.bits(alpha)
        return recode.leaky_relu(of, Tensor((len(codes),), codes), *q, slope, "s8").data

    assert leaky(REF, [5, -6, -2], 0.25) == [8, 1, 2]  # -1.5 and -0.5, away from zero
    assert leaky(XNN, [5, -6, -2], 0.25) == [8, 2, 3]  # up
    assert leaky(REF, [-6], -0.25) == [5]  # a negative slope negates the rounded result


def test_mean_a32() -> None:
    def mean(
        of: Row, codes: list[int], q_in: Affine, q_out: Affine, channels: int = 1, *,
        keep: bool = True,
    ) -> list[int]:  # fmt: skip
        x = Tensor((1, 1, len(codes) // channels, channels), codes)
        return recode.mean(of, x, (1, 2), q_in, q_out, "s8", keep=keep).data

    q = (affine(0.1, -1), affine(0.25, 3))  # 5.67: the zero point is rounded by itself
    assert [mean(of, [3, 18, -4], *q) for of in (REF, RUY_X64)] == [[6], [5]]
    q = (affine(0.5), affine(0.5))  # -1.5
    many = [-6] * 17 + [0] * 51
    assert mean(REF, many, *q, 17) == [-2] * 17
    assert mean(RUY_X64, many, *q, 17) == [-1] * 16 + [-2]
    assert mean(RUY_X64, many, *q, 17, keep=False) == [-2] * 17
    q = (affine(0.3), affine(1))  # -2.4, rounded twice
    assert [mean(of, [0, -16], *q) for of in (REF, XNN)] == [[-3], [-2]]
    q = (affine(0.5, 4), affine(0.7, -2))  # 0.5
    assert [mean(of, [15, 0], *q) for of in (XNN, XNN_ARM)] == [[0], [1]]


def test_mean_axes_a32() -> None:
    unit = affine(1)
    x = Tensor((2, 3), [1, 2, 3, 5, 6, 7])

    def mean(axes: tuple[int, ...], *, keep: bool = False) -> Tensor:
        return recode.mean(REF, x, axes, unit, unit, "s8", keep=keep)

    assert (mean((0,)).shape, mean((0,)).data) == ((3,), [3, 4, 5])
    assert (mean((-1,), keep=True).shape, mean((-1,)).data) == ((2, 1), [2, 6])
    assert mean((0, 1)).data == [4]

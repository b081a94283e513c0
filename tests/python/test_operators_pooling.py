"""Pools and means of codes: what they take, give and refuse."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

import qsim
from qsim.operators import mean, pooling

X64, ARM, TFLITE = "ort-1.30.x64.avx2", "ort-1.30.arm64.neon", "tflite.ref.x64"
MNN = "mnn-2.9.0.arm64.neon"
SAME = {"in_scale": 1.0, "out_scale": 1.0}

s8 = np.int8
u8 = np.uint8


def test_examples_in_docstrings_hold() -> None:
    result = doctest.testmod(pooling)
    assert result.attempted > 0
    assert result.failed == 0



@pytest.mark.parametrize("profile", [X64, ARM, TFLITE, MNN])
def test_pools_of_images_by_hand(profile: str) -> None:
    x = np.array([[[[1, 3, 5], [7, 5, 3], [0, 4, 8]]]], s8)
    average = qsim.average_pool(x, kernel=2, profile=profile)
    assert average.tolist() == [[[[4, 4], [4, 5]]]]
    assert qsim.max_pool(x, kernel=(1, 3), profile=profile).tolist() == [[[[5], [7], [8]]]]
    whole = 3 if profile == MNN else 4  # 36 * floor(2^24/9) / 2^24, cut
    assert qsim.global_average_pool(x, profile=profile).tolist() == [[[[whole]]]]
    last = np.moveaxis(x, 1, -1)
    again = qsim.pool(last, "average", kernel=2, channels_last=True, profile=profile)
    assert again.shape == (1, 2, 2, 1)
    assert (np.moveaxis(again, -1, 1) == average).all()


def test_windows_of_one_and_three_axes() -> None:
    x = np.arange(8, dtype=s8)
    line = qsim.average_pool(x.reshape(1, 2, 4), kernel=2, stride=2, profile=X64)
    assert line.tolist() == [[[0, 2], [4, 6]]]
    solid = qsim.max_pool(x.reshape(1, 1, 2, 2, 2), kernel=(1, 2, 2), profile=TFLITE)
    assert solid.reshape(-1).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads", "ceil", "expected"),
    [
        (5, 2, 2, 0, False, 2),
        (5, 2, 2, 0, True, 3),
        (4, 2, 2, 0, True, 2),
        (4, 3, 3, 1, True, 2),
        (3, 2, 2, (0, 1), True, 2),
        (4, 1, 2, (0, 2), True, 3),  # a fourth would start in the pad at the end
        (2, 2, 3, (1, 3), True, 2),
    ],
)
def test_output_extents(
    size: int, kernel: int, stride: int, pads: Any, ceil: bool, expected: int
) -> None:
    x = np.zeros((1, 1, size), s8)
    options = {"kernel": kernel, "stride": stride, "pads": pads, "ceil_mode": ceil}
    assert qsim.average_pool(x, **options, profile=X64).shape == (1, 1, expected)


def test_averages_count_pads_on_request_and_skip_by_dilation() -> None:
    x = np.full((1, 1, 3), 6, u8)
    plain = qsim.average_pool(x, kernel=3, pads=1, profile=X64)
    counted = qsim.average_pool(x, kernel=3, pads=1, count_include_pad=True, profile=X64)
    assert plain.tolist() == [[[6, 6, 6]]]
    assert counted.tolist() == [[[4, 6, 4]]]
    y = np.array([[[1, 50, 3]]], u8)
    assert qsim.average_pool(y, kernel=2, dilation=2, profile=TFLITE).tolist() == [[[2]]]


def test_averages_rescale_where_the_profile_does() -> None:
    x = np.array([[[3, 5]]], u8)
    options = {"kernel": 1, "in_scale": 0.5, "in_zero": 1, "out_scale": 0.25, "out_zero": 7}
    assert qsim.average_pool(x, **options, profile=X64).tolist() == [[[11, 15]]]
    with pytest.raises(ValueError, match="out_scale, out_zero: expected those of the input"):
        qsim.average_pool(x, **options, profile=TFLITE)
    assert qsim.max_pool(x, kernel=1, low=4, high=4, profile=TFLITE).tolist() == [[[4, 4]]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.zeros((2, 2), s8)}, ValueError, r"x: expected \[n, c, \.\.\.\]"),
        ({"x": np.zeros((1, 1, 4))}, TypeError, r"x: expected int8"),
        ({"kind": "median"}, ValueError, r"kind: expected max, average"),
        ({"kernel": None}, ValueError, r"kernel: expected the window"),
        ({"kernel": 5}, ValueError, r"window that fits the image"),
        ({"kernel": 0}, ValueError, r"steps >= 1"),
        ({"stride": 0}, ValueError, r"steps >= 1"),
        ({"pads": -1}, ValueError, r"pads"),
        ({"pads": (1, 2, 3)}, ValueError, r"pads: expected one value, 1 or 2, got 3"),
        ({"stride": (1, 2)}, ValueError, r"stride: expected one value or 1, got 2"),
        ({"kernel": 1.5}, TypeError, r"kernel: expected integers"),
        ({"kind": "global_average", "pads": 1}, ValueError, r"takes no window"),
        ({"in_zero": 300}, ValueError, r"in_zero"),
        ({"pads": 5, "profile": TFLITE}, ValueError, r"pads: expected at least one pixel"),
    ],
)
def test_pools_refuse(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {
        "x": np.zeros((1, 1, 4), s8), "kind": "average", "kernel": 2, "profile": X64,
    }  # fmt: skip
    arguments.update(change)
    if arguments["kind"] == "global_average":
        arguments["kernel"] = None
    with pytest.raises(error, match=message):
        qsim.pool(**arguments)


def test_means_over_axes() -> None:
    x = np.arange(24, dtype=s8).reshape(2, 3, 4)
    for axes, keepdims in (((0,), False), ((1, 2), False), ((-1, 0), True), ((0, 1, 2), True)):
        got = mean(x, axes=axes, **SAME, profile=TFLITE, keepdims=keepdims)
        exact = x.astype(int).sum(axis=axes, keepdims=keepdims) * 24 / got.size
        assert got.shape == exact.shape
    assert mean(x, axes=2, **SAME, profile=TFLITE).tolist() == [[2, 6, 10], [14, 18, 22]]  # 1.5
    with pytest.raises(ValueError, match="axes: expected axes of shape"):
        mean(x, axes=3, **SAME, profile=TFLITE)

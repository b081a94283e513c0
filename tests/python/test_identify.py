"""qsim.probe tells rows apart, and qsim.identify finds the row that made the codes."""

from __future__ import annotations

import numpy as np
import pytest

import qsim
from qsim.probe_pool import POOLS

OPERATORS = tuple(POOLS)


@pytest.fixture(scope="module")
def probes() -> dict[str, qsim.Probe]:
    """Every probe, made once."""
    return {name: qsim.probe(name) for name in OPERATORS}


@pytest.mark.parametrize("name", OPERATORS)
def test_codes_of_a_row_identify_its_class_and_nothing_else(
    name: str, probes: dict[str, qsim.Probe]
) -> None:
    probe = probes[name]
    for profile in qsim.profiles:
        found = qsim.identify(probe, probe.run(profile))
        assert found.exact == probe.class_of(profile), f"{name}: {profile}"


@pytest.mark.parametrize("name", OPERATORS)
def test_classes_are_a_partition_of_the_catalogue(name: str, probes: dict[str, qsim.Probe]) -> None:
    named = [profile for group in probes[name].classes for profile in group]
    assert sorted(named) == sorted(qsim.profiles)


@pytest.mark.parametrize("name", OPERATORS)
def test_no_operation_of_a_probe_is_superfluous(name: str, probes: dict[str, qsim.Probe]) -> None:
    probe = probes[name]
    answers = {profile: probe.run(profile) for profile in qsim.profiles}

    def key(profile: str, without: int) -> tuple[object, ...]:
        return tuple(
            None if outputs is None else tuple(o.tobytes() for o in outputs)
            for i, outputs in enumerate(answers[profile])
            if i != without
        )

    whole = len({key(profile, -1) for profile in qsim.profiles})
    assert whole == len(probe.classes)
    for i in range(len(probe.operations)):
        assert len({key(profile, i) for profile in qsim.profiles}) < whole


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("gemm", "ort-1.30.x64.avx2", "ort-1.30.x64.avx512vnni"),
        ("gemm", "ort-1.30.arm64.neon", "ort-1.30.arm64.dotprod"),
        ("gemm", "tflite.ref.x64", "tflite.ruy.x64"),
        ("conv2d", "ort-1.30.arm64.neon", "ort-1.30.arm64.i8mm"),
        ("requantize", "ort-1.30.x64.sse", "ort-1.30.arm64.neon"),
        ("quantize", "ort-1.30.x64.sse", "ort-1.30.wasm.simd"),
        ("quantize", "tflite.ref.arm64", "tflite.ruy.arm64"),
        ("dynamic_quantize", "ort-1.30.x64.sse", "ort-1.30.x64.avx2"),
        ("add", "ort-1.30.x64.sse", "ort-1.30.x64.avx2"),
        ("add", "ort-1.30.x64.sse", "ort-1.30.wasm.simd"),
        ("mul", "ort-1.30.x64.avx2", "ort-1.30.arm64.dotprod"),
        ("mul", "ort-1.30.x64.avx2", "ort-1.30.wasm.simd"),
    ],
)
def test_rows_that_differ_on_an_operator_are_in_different_classes(
    name: str, one: str, other: str, probes: dict[str, qsim.Probe]
) -> None:
    assert probes[name].class_of(one) != probes[name].class_of(other)


def test_a_device_that_differs_in_one_field_is_described_by_it() -> None:
    device = qsim.profiles["ort-1.30.x64.avx2"].replace(
        requant__narrow__convert__ties="floor", name="my.device"
    )
    scales = {name: np.float32(1) for name in ("lhs_scale", "out_scale")}
    operation = qsim.operation(
        "requantize", np.arange(-99, 99, 2, dtype=np.int32), rhs_scale=np.float32(0.3), **scales
    )
    found = qsim.identify(operation, operation.run(device).codes, nearest=len(qsim.profiles))
    assert not found
    assert found.exact == ()
    nearest = {n.profile: n for n in found.nearest}
    changes = nearest["ort-1.30.x64.avx2"].exact_changes
    assert ("requant.narrow.convert.ties", "floor") in changes
    assert all(n.differing > 0 for n in found.nearest)
    assert "exact with requant.narrow.convert.ties = floor" in str(found)


def test_one_operation_is_enough_where_its_codes_say_so() -> None:
    operation = qsim.operation(
        "gemm", np.full((2, 16), -128, np.int8), np.full((16, 1), -128, np.int8)
    )
    found = qsim.identify(operation, operation.run("ort-1.30.arm64.neon").codes)
    assert "ort-1.30.arm64.neon" in found.exact
    assert "ort-1.30.arm64.dotprod" not in found.exact


def test_answers_of_a_wrong_shape_are_refused() -> None:
    operation = qsim.operation("gemm", np.ones((2, 4), np.int8), np.ones((4, 1), np.int8))
    with pytest.raises(ValueError, match="device: expected 2 elements"):
        qsim.identify(operation, np.zeros(3, np.int32))
    probe = qsim.probe("dynamic_quantize")
    with pytest.raises(ValueError, match="one per operation"):
        qsim.identify(probe, [None] * (len(probe.operations) + 1))


def test_an_operator_without_a_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="name: expected one of gemm"):
        qsim.probe("fft")

"""compare(...).explain() names the field that makes two profiles disagree."""

from __future__ import annotations

import numpy as np
import pytest

import qsim
from disagreements import DISAGREEMENTS, Disagreement, conv


@pytest.mark.parametrize(
    "case", DISAGREEMENTS, ids=lambda d: f"{d.number}-{d.a}-{d.b}".replace("ort-1.30.", "")
)
def test_the_field_behind_a_known_disagreement_is_named(case: Disagreement) -> None:
    operation = case.make()
    comparison = qsim.compare(operation.run(case.a), operation.run(case.b))
    assert not comparison, "the two profiles must disagree"
    explanation = comparison.explain()
    assert explanation.differing == comparison.differing
    assert any(explanation.names(prefix) for prefix in case.prefixes), str(explanation)
    # What the explanation claims is true: the named set alone turns one answer into the other.
    a, b = qsim.profiles[case.a].fields(), qsim.profiles[case.b].fields()
    base, donor, want = (case.b, a, case.a) if explanation.direction == "b" else (case.a, b, case.b)
    changed = qsim.profiles[base].replace({p: donor[p] for p in explanation.smallest})
    assert np.array_equal(operation.run(changed).flat(), operation.run(want).flat())


def test_a_tensor_that_is_looked_at_is_not_rewritten() -> None:
    """Disagreement 27: as a graph output, int8 activations stay int8 on x64."""
    operation = conv(16, kind=np.int8, qdq=True)()
    row = qsim.profiles["ort-1.30.x64.avx2"]
    seen = row.replace({"signed_to_unsigned": False})
    comparison = qsim.compare(operation.run(row), operation.run(seen))
    assert not comparison
    assert comparison.explain().fields == ("signed_to_unsigned",)
    assert qsim.compare(operation.run(seen), operation.run("ort-1.30.x64.avx512vnni"))


def test_the_table_of_disagreements_is_complete() -> None:
    assert {d.number for d in DISAGREEMENTS} == set(range(1, 27))


def test_a_worked_element_shows_the_pair_that_saturates() -> None:
    a = np.zeros((1, 36), np.uint8)
    b = np.zeros((36, 1), np.int8)
    a[0, 34], a[0, 35], b[34, 0], b[35, 0] = 255, 211, 127, 71
    operation = qsim.operation("gemm", a, b)
    pair = [operation.run(f"ort-1.30.x64.{isa}") for isa in ("sse", "avx2")]
    text = qsim.compare(*pair).explain().worked
    assert "k = 34,35: 255*127 + 211*71 = 47366 saturates to 32767" in text


def test_a_worked_element_shows_the_lanes_that_wrap() -> None:
    a = np.full((1, 16), -128, np.int8)
    operation = qsim.operation("gemm", a, np.ascontiguousarray(a.T))
    pair = [operation.run(f"ort-1.30.arm64.{core}") for core in ("dotprod", "neon")]
    text = qsim.compare(*pair).explain().worked
    assert "k = 0,8: -128*-128 + -128*-128 = 32768 wraps to -32768" in text


def test_profiles_that_agree_need_no_explanation() -> None:
    operation = qsim.operation("gemm", np.ones((1, 2), np.uint8), np.ones((2, 1), np.int8))
    comparison = qsim.compare(operation.run("ort-1.30.x64.sse"), operation.run("ort-1.30.x64.avx2"))
    assert comparison
    assert comparison.explain().fields == ()


def test_results_of_two_operations_do_not_compare() -> None:
    one, other = (
        qsim.operation("gemm", np.ones((1, 2), np.uint8), np.ones((2, 1), np.int8))
        for _ in range(2)
    )
    with pytest.raises(ValueError, match="one operation"):
        qsim.compare(one.run("exact.i32"), other.run("exact.i32"))

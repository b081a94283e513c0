"""Quantizers and operators on codes equal what ONNX Runtime 1.30.0 computed, bit for bit.

The library answers to every case. The oracle does, too; of the tables of all pairs of codes it
takes every 61st pair, nightly all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import qsim
from library_court_elementwise import LibraryElementwise
from ort_elementwise import FAMILIES, OracleCourt, answers
from ort_vectors import PROFILES, Array, Case, Vectors, mismatches
from qsim import oracle

VECTORS = Vectors()
ROWS = {target: oracle.nest(qsim.profiles[name].fields()) for target, name in PROFILES.items()}
COURTS = {target: OracleCourt(row) for target, row in ROWS.items()}
COUNTS: Counter[tuple[str, str]] = Counter()
PAIRS, STRIDE = 1 << 16, 61

# What a node of each kind reads of a row, beside its float_mode.
FIELDS = {
    "QuantizeLinear": ("quantize",),
    "DequantizeLinear": (),
    "DynamicQuantizeLinear": ("dynamic", "quantize"),
    "QLinearAdd": ("add",),
    "QLinearMul": ("mul",),
    "QLinearAveragePool": ("average", "requant"),
    "QLinearGlobalAveragePool": ("average", "requant"),
    "QLinearSigmoid": ("table", "quantize"),
    "QLinearLeakyRelu": ("table", "quantize"),
    "QLinearSoftmax": ("softmax", "average"),
    "QLinearConcat": ("table", "quantize"),
}
Answers = dict[str, Array]
KNOWN: dict[tuple[str, str], Answers] = {}


def fields_read(case: Case, target: str) -> str:
    """The part of a target's row that decides about a case."""
    return repr([ROWS[target][name] for name in (*FIELDS[case.op], "float_mode")])


def answers_once(case: Case, target: str) -> Answers:
    """The oracle's answers; targets whose rows say the same about a case share them."""
    key = (case.id, fields_read(case, target))
    if key not in KNOWN:
        KNOWN[key] = answers(case, COURTS[target])
    return KNOWN[key]


def is_table(case: Case) -> bool:
    """Whether a case holds all pairs of codes."""
    return "A" in case.inputs and case.inputs["A"].array.shape == (PAIRS,)


def sampled(case: Case) -> Case:
    """Every 61st pair of a table of pairs."""
    inputs = {
        name: replace(i, array=i.array[::STRIDE]) if name in ("A", "B") else i
        for name, i in case.inputs.items()
    }
    outputs = {
        name: {target: a[::STRIDE] for target, a in by.items()}
        for name, by in case.outputs.items()
    }
    return replace(case, inputs=inputs, outputs=outputs)


def differing(case: Case, target: str, got: Answers) -> list[str]:
    """A line for every output of a case that differs."""
    lines = []
    for name, by in case.outputs.items():
        wrong = mismatches(np.ascontiguousarray(got[name]), np.ascontiguousarray(by[target]))
        COUNTS[case.op, target] += by[target].size
        if wrong:
            lines.append(f"{case.id} {target} {name}: {wrong} of {by[target].size} differ")
    return lines


@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_oracle_equals_the_engine(family: str, target: str) -> None:
    lines = []
    for full in VECTORS.cases(family):
        case = sampled(full) if is_table(full) else full
        lines += differing(case, target, answers_once(case, target))
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_library_equals_the_engine(family: str, target: str) -> None:
    court = LibraryElementwise(PROFILES[target])
    wrong, compared = [], 0
    for case in VECTORS.cases(family):
        got = answers(case, court)
        for name, by in case.outputs.items():
            compared += by[target].size
            count = mismatches(np.ascontiguousarray(got[name]), np.ascontiguousarray(by[target]))
            if count:
                wrong.append(f"{case.id} {target} {name}: {count} of {by[target].size} differ")
    assert not wrong, "\n".join(wrong)
    floors = {"quantizelinear": 6000, "dequantizelinear": 1500, "dynamicquantizelinear": 4700,
              "qlinearops": 270000}  # fmt: skip
    assert compared > floors[family]


def test_every_operator_was_compared_on_every_target(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Guards the suite itself: an operator that is skipped would pass in silence."""
    if not COUNTS:
        pytest.skip("runs after the vector tests of this module")
    floors = {
        "QuantizeLinear": 6000, "DequantizeLinear": 1500, "DynamicQuantizeLinear": 4700,
        "QLinearAdd": 3000, "QLinearMul": 3000, "QLinearAveragePool": 600,
        "QLinearGlobalAveragePool": 150, "QLinearSigmoid": 2000, "QLinearLeakyRelu": 2500,
        "QLinearSoftmax": 300, "QLinearConcat": 700,
    }  # fmt: skip
    assert set(floors) == set(FIELDS)
    for target in PROFILES:
        for op, floor in floors.items():
            assert COUNTS[op, target] > floor, f"{op} {target}: {COUNTS[op, target]}"
    with capsys.disabled():
        print(f" [{sum(COUNTS.values())} values of {len(PROFILES)} targets]", end="")


@pytest.mark.nightly
@pytest.mark.parametrize("target", list(PROFILES))
def test_the_oracle_equals_the_engine_on_all_pairs_of_codes(target: str) -> None:
    tables = [case for case in VECTORS.cases("qlinearops") if is_table(case)]
    assert len(tables) == 4
    lines = [line for c in tables for line in differing(c, target, answers(c, COURTS[target]))]
    assert not lines, "\n".join(lines)


def test_rows_differ_where_the_engine_does() -> None:
    """Two targets that answered one node differently differ in a field that the node reads."""
    seen: Counter[str] = Counter()
    for case in VECTORS.cases(*FAMILIES):
        for name in case.outputs:
            for one, other in combinations(case.targets(name), 2):
                if case.differ(name, one, other):
                    seen[case.op] += 1
                    same = fields_read(case, one) == fields_read(case, other)
                    assert not same, f"{case.id}: {one} and {other} differ, their rows do not"
    assert {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearAdd", "QLinearMul"} <= set(seen)


def test_a_wrong_field_is_noticed() -> None:
    """The suite has a case for every rule that it claims to prove."""

    def wrong(op: str, target: str, path: str, value: Any) -> int:
        row = oracle.nest(qsim.profiles[PROFILES[target]].fields())
        *parents, leaf = path.split(".")
        place: Any = row
        for name in parents:
            place = place[name]
        assert place[leaf] != value, path
        place[leaf] = value
        court = OracleCourt(row)
        cases = [c for c in VECTORS.cases(*FAMILIES) if c.op == op]
        return sum(
            len(differing(c, target, answers(c, court)))
            for c in (sampled(c) if is_table(c) else c for c in cases)
        )

    counts = Counter(COUNTS)
    for op, target, path, value in (
        ("QuantizeLinear", "x64-sse", "quantize.vector.narrow.minmax", "propagate"),
        ("QuantizeLinear", "arm64-neon", "quantize.single.scaling", "none"),
        ("QuantizeLinear", "x64-sse", "quantize.half.narrow.convert.nan", "zero"),
        ("QuantizeLinear", "wasm-simd", "quantize.vector.narrow.zero", "int32_wrap"),
        ("QuantizeLinear", "x64-sse", "quantize.vector.scaling", "reciprocal"),
        ("DynamicQuantizeLinear", "x64-avx2", "dynamic.lanes", 4),
        ("DynamicQuantizeLinear", "x64-sse", "dynamic.unroll", 1),
        ("DynamicQuantizeLinear", "arm64-neon", "dynamic.minmax", "second_operand"),
        ("DynamicQuantizeLinear", "x64-sse", "dynamic.tail", "propagate"),
        ("QLinearAdd", "x64-avx2", "add.fused", False),
        ("QLinearAdd", "arm64-neon", "add.shift", "half_even"),
        ("QLinearAdd", "arm64-neon", "add.bits", 12),
        ("QLinearMul", "arm64-neon", "mul.fused", False),
        ("QLinearMul", "x64-sse", "mul.scheme", "plain_f32"),
        ("QLinearAveragePool", "x64-sse", "average.whole_image_requant", False),
        ("QLinearLeakyRelu", "x64-sse", "table.scheme", "reciprocal"),
        ("QLinearSoftmax", "x64-sse", "softmax.scheme", "exp_f32"),
    ):
        assert wrong(op, target, path, value), f"{op} {target} with {path} = {value}"
    COUNTS.clear()
    COUNTS.update(counts)

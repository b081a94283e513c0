"""Products, convolutions and requantization equal what ONNX Runtime 1.30.0 computed, bit for bit.

The oracle answers: to every third case, nightly to all of them.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import qsim
from library_products import LibraryProducts
from ort_products import FAMILIES, OracleCourt, differing
from ort_vectors import PROFILES, ROOT, Vectors
from qsim import oracle

VECTORS = Vectors()
ROWS = {target: oracle.nest(qsim.profiles[name].fields()) for target, name in PROFILES.items()}
COURTS = {target: OracleCourt(row) for target, row in ROWS.items()}
COUNTS: Counter[tuple[str, str]] = Counter()
STRIDE = 3
SHARED = Path(os.environ.get("QSIM_SHARED", Path(__file__).parents[3] / "shared"))
WHOLE = SHARED / "vectors" / ROOT.name

# What a node of each kind reads of a row.
FIELDS = {
    "MatMulInteger": ("products",),
    "ConvInteger": ("products", "window"),
    "QLinearMatMul": ("products", "requant", "float_mode"),
    "QLinearConv": ("products", "window", "taps", "requant", "float_mode"),
    "QGemm": ("products", "requant", "float_mode"),
    "MatMulIntegerToFloat": ("products", "requant", "float_mode"),
    "DynamicQuantizeMatMul": ("products", "requant", "float_mode", "dynamic", "quantize"),
}


def agree(family: str, target: str, stride: int) -> None:
    """Fails with a line for every case of a family that differs."""
    lines = []
    for case in list(VECTORS.cases(family))[::stride]:
        for name, (wrong, size) in differing(case, COURTS[target], target).items():
            COUNTS[family, target] += size
            if wrong:
                lines.append(f"{case.id} {target} {name}: {wrong} of {size} differ")
    assert not lines, "\n".join(lines)
    assert COUNTS[family, target]


@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_oracle_equals_the_engine_on_a_sample(family: str, target: str) -> None:
    agree(family, target, STRIDE)


def test_every_target_was_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """Guards the suite itself: a family that is skipped would pass in silence."""
    if not COUNTS:
        pytest.skip("runs after the vector tests of this module")
    floors = {"matmulinteger": 900, "qlinearmatmul": 700, "qlinearconv": 15000, "qgemm": 250}
    for target in PROFILES:
        for family, floor in floors.items():
            assert COUNTS[family, target] > floor, f"{family} {target}: {COUNTS[family, target]}"
    with capsys.disabled():
        print(f" [{sum(COUNTS.values())} values of {len(PROFILES)} targets]", end="")


@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_library_equals_the_engine(family: str, target: str) -> None:
    """Every recorded case."""
    court, lines, compared = LibraryProducts(PROFILES[target]), [], 0
    for case in VECTORS.cases(family):
        for name, (wrong, size) in differing(case, court, target).items():
            compared += size
            if wrong:
                lines.append(f"{case.id} {target} {name}: {wrong} of {size} differ")
    assert not lines, "\n".join(lines)
    assert compared > {"matmulinteger": 3000, "qlinearmatmul": 2500, "qlinearconv": 50000,
                       "qgemm": 700}[family]  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_oracle_equals_the_engine_on_every_case(family: str, target: str) -> None:
    agree(family, target, 1)


def test_rows_differ_where_the_engine_does() -> None:
    """Two targets that answered one node differently differ in a field that the node reads."""
    seen: set[tuple[str, str]] = set()
    for case in VECTORS.cases(*FAMILIES):
        for name in case.outputs:
            for pair in combinations(PROFILES, 2):
                if case.differ(name, *pair):
                    seen.add(pair)
                    one, other = (
                        {field: ROWS[target][field] for field in FIELDS[case.op]} for target in pair
                    )
                    assert one != other, f"{case.id}: {pair} answered differently"
    # These compute exact products by different instructions and narrow alike.
    alike = set(combinations(PROFILES, 2)) - seen
    assert alike == {("arm64-dotprod", "arm64-i8mm"), ("x64-avx512vnni", "x64-sse")}


@pytest.mark.skipif(not WHOLE.is_dir(), reason="needs the whole set; set QSIM_SHARED")
def test_the_kept_cases_are_the_recorded_ones() -> None:
    """Every family but the networks is kept whole."""

    def entries(root: Path) -> list[dict[str, Any]]:
        return [c for c in Vectors(root).manifest["cases"] if c["family"] != "networks"]

    kept = entries(ROOT)
    assert kept == entries(WHOLE)
    for family in {case["family"] for case in kept}:
        assert (ROOT / f"{family}.npz").read_bytes() == (WHOLE / f"{family}.npz").read_bytes()

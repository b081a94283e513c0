"""The CMSIS-NN kernel cases: every code of every output, and what other arithmetic would change."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, localcontext

import numpy as np
import pytest

import cmsis_cases
import integer_court
from cmsis_cases import HERE, ORIGIN, Row
from integer_court import INT64, ONE_ROUNDING, TWO_ROUNDINGS, Court, OracleCourt
from library_integers import LibraryCourt
from qsim.oracle import fixed, softmax

COURTS: list[Court] = [OracleCourt(), LibraryCourt("tflite.ref.x64"),
                       LibraryCourt("cmsis-nn.double_rounding")]  # fmt: skip

ROWS = cmsis_cases.rows()
SCHEMES = {
    "two_roundings": OracleCourt("two_roundings", TWO_ROUNDINGS, TWO_ROUNDINGS),
    "one_rounding": OracleCourt("one_rounding", ONE_ROUNDING, ONE_ROUNDING),
    "int64": OracleCourt("int64", INT64, INT64),
}


def differing(row: Row, court: Court) -> int:
    """Codes of a case that the court computes differently."""
    case = cmsis_cases.read(row.family)[row.name]
    got = cmsis_cases.run(case, court)
    assert got.shape == case.expected.shape == (row.elements,)
    assert got.dtype == case.expected.dtype
    return int(np.count_nonzero(got != case.expected))


@pytest.mark.parametrize("court", COURTS, ids=lambda court: court.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_case(row: Row, court: Court) -> None:
    assert differing(row, court) == 0


@pytest.mark.parametrize("row", [r for r in ROWS if r.differ], ids=lambda row: row.name)
def test_other_rescaling_changes_as_many_codes_as_recorded(row: Row) -> None:
    changed = {name: differing(row, court) for name, court in SCHEMES.items() if name in row.differ}
    assert changed == row.differ


def test_every_case_is_there_and_most_tell_the_schemes_apart() -> None:
    assert sum(len(cmsis_cases.read(family)) for family in {r.family for r in ROWS}) == 117
    assert Counter(r.arithmetic for r in ROWS) == {
        "two_roundings": 75, "plain": 25, "int64": 16, "int64_gates+two_roundings": 1}
    by_scheme = {name: [r for r in ROWS if r.arithmetic == name] for name in ("two_roundings",
                                                                              "int64")}
    assert sum(r.differ["one_rounding"] > 0 for r in by_scheme["two_roundings"]) == 17
    assert sum(r.differ["two_roundings"] > 0 for r in by_scheme["int64"]) == 15


@pytest.mark.parametrize("ties", ["half_up", "half_down", "half_even", "floor", "toward_zero"])
def test_average_pool_notices_every_other_tie_rule(
    ties: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mean(values: list[int]) -> int:
        return fixed.round_quotient(sum(values), len(values), ties)

    monkeypatch.setattr(integer_court, "_mean", mean)
    assert sum(differing(r, OracleCourt()) for r in ROWS if r.family == "avgpool") > 0


def test_diff_min_is_the_input_radius() -> None:
    case = cmsis_cases.read("softmax")["softmax"]
    layer = cmsis_cases.read("ds_cnn_s8")["ds_cnn_s"].layers[-1]
    for settings, shift in ((case, "input_left_shift"), (layer, "shift")):
        assert settings["diff_min"] == -softmax.input_radius(settings[shift])


def test_the_sigmoid_table_is_data() -> None:
    """44 entries are one above the rounded value: no formula replaces the table."""
    entries = cmsis_cases.tables()["sigmoid_table_uint16"].tolist()
    with localcontext() as context:
        context.prec = 40
        exact = [Decimal(65536) / (1 + (-Decimal(i) / 24).exp()) for i in range(len(entries))]
        rounded = [int(value.to_integral_value()) for value in exact]
    assert Counter(e - r for e, r in zip(entries, rounded, strict=True)) == {0: 212, 1: 44}


@pytest.mark.skipif(not ORIGIN.is_dir(), reason="needs the whole set; set QSIM_SHARED")
def test_the_copy_holds_what_the_set_holds() -> None:
    copies = sorted(path.name for path in HERE.glob("*.npz"))
    assert copies == sorted(path.name for path in ORIGIN.glob("*.npz"))
    for name in [*copies, "schemes.csv"]:
        assert (HERE / name).read_bytes() == (ORIGIN / name).read_bytes()

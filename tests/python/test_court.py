"""The oracle still answers what tests/conformance/golden.txt says it answered.

The C++ court holds emu to that file. Here every row's oracle runs a quarter of the cases, a
different one for each row, and one row runs all of them; `tools/make_golden.py --check` runs all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import qsim
from court import Court, run
from court_cases import fnv
from qsim import oracle

GOLDEN = Path(__file__).parents[1] / "conformance" / "golden.txt"
SHARE = 4
COURT = Court()
LINES = [line.split(" ") for line in GOLDEN.read_text().splitlines() if line[0] != "#"]
CASES = dict(pair.split("=") for kind, *rest in LINES if kind == "cases" for pair in rest)
ROWS = {
    rest[0]: dict(pair.split("=") for pair in rest[1:]) for kind, *rest in LINES if kind == "row"
}
CHECKS = {(rest[0], rest[1]): bytes.fromhex(rest[2]) for kind, *rest in LINES if kind == "checks"}

PRODUCTS = [f"products.{pair}.acc_bits" for pair in ("u8u8", "u8s8", "s8u8", "s8s8", "s16s8",
                                                     "s16s16")]  # fmt: skip


def runs_graphs(row: qsim.Profile) -> bool:
    """Whether the graph families are for this row."""
    fields = row.fields()
    ruleless = fields["quantize.vector.scaling"] == "none"
    products = any(fields[path] for path in PRODUCTS)
    return fields["placement"] == "describes" or (ruleless and not products)


GRAPH_ROWS = [name for name, row in qsim.profiles.items() if runs_graphs(row)]


def test_the_cases_are_those_that_were_judged() -> None:
    assert COURT.case_digests() == CASES


def test_every_profile_has_a_golden_line() -> None:
    missing = "run tools/make_golden.py"
    assert list(ROWS) == GRAPH_ROWS, missing


@pytest.mark.parametrize("name", GRAPH_ROWS)
def test_the_oracle_repeats_its_answers(name: str) -> None:
    row = oracle.nest(qsim.profiles[name].fields())
    share = GRAPH_ROWS.index(name) % SHARE
    for family, cases in COURT.families.items():
        checks = CHECKS[family, ROWS[name][family]]
        assert len(checks) == len(cases)
        for i in range(share, len(cases), SHARE):
            result = run(row, family, cases[i])
            line = f"case {i}: {family} {name} {cases[i].hex()} got={result.hex()}"
            assert fnv(result) >> 56 == checks[i], line[:2000]


def test_all_cases_of_one_row_give_the_golden_digests() -> None:
    name = "mnn-2.9.0.arm64.neon"
    row = oracle.nest(qsim.profiles[name].fields())
    verdicts = {family: COURT.judge(row, family) for family in COURT.families}
    assert {family: digest for family, (digest, _) in verdicts.items()} == ROWS[name]
    for family, (digest, check) in verdicts.items():
        assert CHECKS[family, digest] == check


def test_a_spoilt_rule_is_noticed() -> None:
    name = "mnn-2.9.0.x64.avx2"
    spoilt = qsim.profiles[name].replace_fields({"conv_fast.step0.overflow": "wrap"})
    digest, _ = COURT.judge(oracle.nest(spoilt.fields()), "dot")
    assert digest != ROWS[name]["dot"]

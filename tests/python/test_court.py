"""The oracle still answers what the golden files in tests/conformance say it answered.

The C++ court holds emu to those files. Here every row's oracle runs a quarter of the graph cases,
a different one for each row, one row runs all of them, and every row answers the sample of the
operators' cases; the nightly test and `tools/make_golden.py --check` run all.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

import court_golden
import court_lines
import court_operators
import qsim
from court import Row, answer, applies, check, graph_cases
from court_cases import fnv
from court_golden import FOLDER, Golden
from court_reads import Shared
from qsim import oracle

SHARE = 4
GRAPHS, OPERATORS = Golden(FOLDER / "golden.txt"), Golden(FOLDER / "golden_operators.txt")
SAMPLE = FOLDER / "sample_operators.txt"
ROWS = {name: oracle.nest(row.fields()) for name, row in qsim.profiles.items()}
GRAPH_ROWS = [name for name, row in ROWS.items() if applies(row, "")]

needs_qvec = pytest.mark.skipif(
    court_lines.find_qvec() is None, reason="no program qvec: build the C++ tests, or set QSIM_QVEC"
)


def sample() -> dict[str, list[court_lines.Case]]:
    """The operators' cases of the sample by family."""
    found: dict[str, list[court_lines.Case]] = {}
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            case = court_lines.Case.of(line)
            found.setdefault(case.family, []).append(case)
    return found


def digest(results: list[bytes]) -> str:
    return f"{fnv(b''.join(results)):016x}"


def test_the_cases_are_those_that_were_judged() -> None:
    assert {name: digest(cases) for name, cases in graph_cases().items()} == GRAPHS.cases
    assert set(OPERATORS.cases) == set(court_operators.FAMILIES)


def test_every_profile_has_a_golden_line() -> None:
    missing = "run tools/make_golden.py"
    assert list(GRAPHS.rows) == GRAPH_ROWS, missing
    assert list(OPERATORS.rows) == list(ROWS), missing


@pytest.mark.parametrize("name", GRAPH_ROWS)
def test_the_oracle_repeats_its_answers(name: str) -> None:
    share = GRAPH_ROWS.index(name) % SHARE
    for family, cases in graph_cases().items():
        checks = GRAPHS.checks[family, GRAPHS.rows[name][family]]
        assert len(checks) == len(cases)
        for i in range(share, len(cases), SHARE):
            result = answer(ROWS[name], family, cases[i])
            line = f"case {i}: {family} {name} {cases[i].hex()} got={result.hex()}"
            assert fnv(result) >> 56 == checks[i], line[:2000]


def test_all_cases_of_one_row_give_the_golden_digests() -> None:
    name = "mnn-2.9.0.arm64.neon"
    for family, cases in graph_cases().items():
        results = [answer(ROWS[name], family, data) for data in cases]
        want = GRAPHS.rows[name][family]
        assert digest(results) == want, family
        assert bytes(fnv(r) >> 56 for r in results) == GRAPHS.checks[family, want]


@pytest.mark.parametrize("name", OPERATORS.rows)
def test_a_row_is_judged_in_the_families_that_it_has_rules_for(name: str) -> None:
    assert set(OPERATORS.rows[name]) == set(court_operators.families_of(ROWS[name]))


def test_the_sample_has_two_cases_of_every_digest() -> None:
    for family, cases in sample().items():
        digests = sorted(OPERATORS.rows[case.row][family] for case in cases)
        assert digests == sorted([*OPERATORS.groups(family)] * 2), family
        for case in cases:
            checks = OPERATORS.checks[family, OPERATORS.rows[case.row][family]]
            assert fnv(case.answer) >> 56 in checks, str(case)
    assert set(sample()) == {family for row in OPERATORS.rows.values() for family in row}


@pytest.mark.parametrize("family", OPERATORS.cases)
def test_every_row_of_one_digest_answers_its_sample(family: str) -> None:
    for case in sample()[family]:
        for name in OPERATORS.groups(family)[OPERATORS.rows[case.row][family]]:
            got = answer(ROWS[name], family, case.data)
            assert got == case.answer, f"{case._replace(row=name)} got={got.hex()}"


@needs_qvec
def test_the_sample_is_the_one_that_the_golden_file_asks_for() -> None:
    chosen = {
        (family, row, inputs[i])
        for family in OPERATORS.cases
        for inputs in [court_lines.inputs(family)]
        for row, i in court_golden.sample_of(OPERATORS, family, [len(data) for data in inputs])
    }
    stored = {(c.family, c.row, c.data) for cases in sample().values() for c in cases}
    assert stored == chosen, "run tools/make_golden.py"


@pytest.mark.nightly
@needs_qvec
@pytest.mark.parametrize("family", OPERATORS.cases)
def test_the_oracle_repeats_every_operator_digest(family: str) -> None:
    cases = court_lines.inputs(family)
    assert digest(cases) == OPERATORS.cases[family]
    judge: Callable[[Row], str] = Shared(
        lambda row: digest([answer(row, family, data) for data in cases])
    )
    got = {name: judge(ROWS[name]) for name, row in OPERATORS.rows.items() if family in row}
    assert got == {name: row[family] for name, row in OPERATORS.rows.items() if family in row}


def test_a_spoilt_rule_is_noticed() -> None:
    name = "mnn-2.9.0.x64.avx2"
    spoilt = qsim.profiles[name].replace_fields({"conv_fast.step0.overflow": "wrap"})
    row = oracle.nest(spoilt.fields())
    results = [answer(row, "dot", data) for data in graph_cases()["dot"]]
    assert digest(results) != GRAPHS.rows[name]["dot"]


def test_a_spoilt_line_is_printed_with_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    good = sample()["product.u8s8"][0]
    graph = court_lines.Case("dot", GRAPH_ROWS[0], graph_cases()["dot"][9], b"")
    graph = graph._replace(answer=answer(ROWS[graph.row], "dot", graph.data))
    spoilt = good._replace(answer=bytes([good.answer[0] ^ 1]) + good.answer[1:])
    assert check([str(good), str(graph)]) == 0
    assert capsys.readouterr().out == ""
    assert check([str(good), str(spoilt)]) == 1
    assert capsys.readouterr().out == f"{spoilt} got={good.answer.hex()}\n"
    assert check([]) == 1

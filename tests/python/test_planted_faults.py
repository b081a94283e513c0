"""The list of planted faults fits the headers; `make test-nightly` plants them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from planted_faults import LIST, Fault, planted, read_faults  # noqa: E402

FAULTS = list(read_faults(LIST.read_text(encoding="utf-8")))


def test_ids_are_unique_names() -> None:
    names = [fault.id for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in names)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_text_of_a_fault_is_found_once(fault: Fault) -> None:
    assert fault.replacement in planted(fault, ROOT / "include")
    program = fault.program.split()
    assert program[0] == "judge" or (ROOT / program[0]).is_file()


def test_a_text_that_is_not_found_once_is_refused() -> None:
    fault = FAULTS[0]._replace(text="return")
    with pytest.raises(ValueError, match=r"found \d+ times"):
        planted(fault, ROOT / "include")
    with pytest.raises(ValueError, match="changes nothing"):
        planted(FAULTS[0]._replace(replacement=FAULTS[0].text), ROOT / "include")


def test_a_list_that_lost_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="expected fault"):
        list(read_faults("fault a num/fit.hpp judge\nwhat it is\n- x"))

"""oneDNN's rows equal its sums of int8 by int8, halved weights included."""

from __future__ import annotations

import numpy as np
import pytest

from onednn_sums import CASES, TARGETS, row, sums


@pytest.mark.parametrize("target", TARGETS)
def test_the_sums_equal_the_engines(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    got = [sums(case, row(target)) for case in CASES]
    wrong = [c.id for c, g in zip(CASES, got, strict=True) if np.any(g != c.answers[target])]
    with capsys.disabled():
        print(f"\n{target}: {len(CASES)} convolutions, {sum(g.size for g in got)} sums")
    assert not wrong


@pytest.mark.parametrize("target", ["x64-avx2", "x64-avx512"])
def test_weights_that_are_not_halved_are_noticed(target: str) -> None:
    """The sums of 3 in 4 convolutions change."""
    whole = row(target).replace_fields({"window.constant.halves_rhs": False})
    exact = row("x64-avx512vnni")
    for other in (whole, exact):
        wrong = [c.id for c in CASES if np.any(sums(c, other) != c.answers[target])]
        assert len(wrong) > len(CASES) * 3 // 4

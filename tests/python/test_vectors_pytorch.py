"""Rows of FBGEMM, QNNPACK, oneDNN and PyTorch's quantizers equal what PyTorch computed."""

from __future__ import annotations

from collections import Counter

import pytest

import qsim
from ort_vectors import mismatches
from torch_library import PRODUCTS, answer, product, rows, unruled
from torch_vectors import TorchVectors

VECTORS = TorchVectors()
CASES = list(VECTORS.torch_cases())
TARGETS = VECTORS.manifest["targets"]


@pytest.mark.parametrize("target", TARGETS)
def test_the_library_equals_pytorch(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for case in CASES:
        if target not in case.answers:
            continue
        want = case.answers[target]
        for row in rows(case, target):
            got = answer(case, target, row)
            counts[f"{row}: {case.op}"] += want.size
            if differing := mismatches(got, want):
                wrong.append(f"{case.id} by {row}: {differing} of {want.size} differ")
    with capsys.disabled():
        print(f"\n{target}: " + ", ".join(f"{key} {n}" for key, n in sorted(counts.items())))
    assert not wrong, "\n".join(wrong)
    assert all(n >= 100 for n in counts.values())


def test_every_recorded_answer_has_a_row() -> None:
    for case in CASES:
        assert case.answers, case.id
        for target in case.answers:
            assert not unruled(case, target), f"{case.id} {target}"


@pytest.mark.parametrize(
    ("target", "other"),
    [
        ("x64-avx2-fbgemm", "pytorch-2.13.x64.avx512vnni"),  # pairs saturate
        ("x64-avx512vnni-fbgemm", "pytorch-2.13.x64.avx2"),
        ("x64-avx512vnni-fbgemm", "onednn-3.x64.avx512vnni"),  # ties and real biases
        ("x64-avx2-onednn", "fbgemm.x64.avx2"),
        ("x64-avx2-onednn", "onednn-3.x64.avx512vnni"),
        ("x64-avx512vnni-onednn", "fbgemm.x64.avx512vnni"),
        ("x64-avx512vnni-qnnpack", "qnnpack"),
        ("arm64-dotprod-qnnpack", "qnnpack"),
    ],
)
def test_the_products_of_another_row_are_noticed(target: str, other: str) -> None:
    products = [c for c in CASES if c.op in PRODUCTS and c.input(0).dtype == "u8"]
    cases = [c for c in products if target in c.answers]
    assert cases
    assert sum(mismatches(product(c, target, other), c.answers[target]) for c in cases) > 0


@pytest.mark.parametrize(
    ("op", "target", "other"),
    [
        ("quantize_per_tensor", "x64-avx2-fbgemm", "fbgemm.x64.avx2"),
        ("quantize_per_tensor", "x64-avx2-fbgemm", "pytorch.arm64"),
        ("quantize_per_tensor", "arm64-dotprod-qnnpack", "pytorch-2.13.x64.avx2"),
        ("quantize_per_channel", "x64-avx2-fbgemm", "pytorch.arm64"),
        ("quantize_per_channel", "arm64-dotprod-qnnpack", "pytorch-2.13.x64.avx2"),
        ("fbgemm_quantize", "x64-avx2-fbgemm", "pytorch-2.13.x64.avx2"),
        ("add", "x64-avx512vnni-qnnpack", "xnnpack.x64"),
    ],
)
def test_another_row_of_an_operator_is_noticed(op: str, target: str, other: str) -> None:
    cases = [c for c in CASES if c.op == op and target in c.answers]
    wrong = sum(mismatches(answer(c, target, other), c.answers[target]) for c in cases)
    assert cases
    assert wrong > 0


def test_the_rows_of_one_library_share_their_products() -> None:
    """PyTorch's rows are FBGEMM's but for the quantizer."""
    for unit in ("avx2", "avx512vnni"):
        ours = qsim.profiles[f"pytorch-2.13.x64.{unit}"].fields()
        theirs = qsim.profiles[f"fbgemm.x64.{unit}"].fields()
        apart = {path for path, value in ours.items() if value != theirs[path]}
        assert {path.split(".")[0] for path in apart} <= {"quantize", "evidence"}

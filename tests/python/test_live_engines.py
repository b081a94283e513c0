"""The library equals the engines installed here on newly drawn nodes, on this very processor.

Needs engines of the versions that the rows describe, which the extras `live` and `live-torch`
install. Every run draws other cases; QSIM_LIVE_SEED=<seed> repeats one.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LIVE = Path(__file__).resolve().parents[1] / "live"
sys.path.insert(0, str(LIVE))

live_check: Any = importlib.import_module("live_check")
live_host: Any = importlib.import_module("live_host")

SEED = int(os.environ.get("QSIM_LIVE_SEED") or secrets.randbelow(1_000_000))

# Engine: the package, the version of the rows, the checker, cases per operator, operators.
ENGINES = {
    "onnxruntime": ("onnxruntime", "1.30.0", "check_ort", 120, 20),
    "litert": ("ai-edge-litert", "2.3.0", "check_litert", 60, 15),
    "torch": ("torch", "2.13.0", "check_torch", 60, 7 if platform.machine() == "x86_64" else 6),
}


def checker(engine: str) -> Callable[[Path, Any], Any]:
    """The engine's checker; skips without the engine itself, in the version that was recorded."""
    package, expected, module, _, _ = ENGINES[engine]
    try:
        installed = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    if installed.split("+")[0] != expected:
        pytest.skip(f"{package} is {installed}: the rows describe {expected}")
    if live_host.native_target() is None:
        pytest.skip("no vectors were recorded on a processor like this one")
    check: Callable[[Path, Any], Any] = importlib.import_module(module).check
    return check


def answered(engine: str, folder: Path, count: int) -> Path:
    """A folder of new cases with what the engine answered here."""
    command = [
        sys.executable, str(LIVE / "live_run.py"), str(folder), "--engine", engine,
        "--only", "native", "--count", str(count), "--seed", str(SEED),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "vectors"


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_library_equals_the_engine_on_new_cases(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = checker(engine)
    _, _, _, count, operators = ENGINES[engine]
    tally = live_check.Tally()
    counts = check(answered(engine, tmp_path, count), tally)
    with capsys.disabled():
        print(f"\n{engine}, seed {SEED}\n{live_check.table(counts)}")
    assert not tally.smallest, f"seed {SEED}\n" + "\n".join(tally.lines())
    assert len({op for op, _ in counts}) == operators
    assert all(elements > count for elements, _ in counts.values())


def test_another_row_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same comparison fails for a processor whose sums and conversions are other ones."""
    check, target = checker("onnxruntime"), live_host.native_target()
    other = "ort-1.30.arm64.neon" if target.startswith("x64") else "ort-1.30.x64.sse"
    monkeypatch.setitem(importlib.import_module("check_ort").PROFILES, target, other)
    counts = check(answered("onnxruntime", tmp_path, 20), live_check.Tally())
    wrong = {op for (op, _), (_, mismatches) in counts.items() if mismatches}
    assert wrong >= {"QLinearAdd", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"}


@pytest.mark.parametrize(
    ("machine", "features", "target"),
    [
        ("x86_64", "sse4_2 avx avx2 avx512bw avx512_vnni amx_int8", "x64-avx512vnni"),
        ("x86_64", "sse4_2 avx avx2 avx_vnni", "x64-avx512vnni"),
        ("x86_64", "sse4_2 avx avx2 avx512bw", "x64-avx512"),
        ("x86_64", "sse4_2 avx avx2", "x64-avx2"),
        ("x86_64", "sse4_2 avx", "x64-avx"),
        ("x86_64", "sse4_2", "x64-sse"),
        ("x86_64", "", None),
        ("aarch64", "fp asimd asimddp i8mm", "arm64-i8mm"),
        ("aarch64", "fp asimd asimddp", "arm64-dotprod"),
        ("aarch64", "fp asimd", "arm64-neon"),
        ("aarch64", "fp asimd asimddp i8mm sve", None),
        ("riscv64", "", None),
    ],
)
def test_processors_take_the_row_of_their_best_products(
    machine: str, features: str, target: str | None
) -> None:
    assert live_host.target_of(machine, set(features.split())) == target

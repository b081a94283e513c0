"""cmake/QsimKernels.cmake: kernels.def and the kernel files must agree, or configuration stops."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(probe LANGUAGES NONE)
include("{module}")
set(CMAKE_SYSTEM_PROCESSOR {processor})
qsim_read_kernels("${{PROJECT_SOURCE_DIR}}/kernels" sources)
foreach(source IN LISTS sources)
  get_source_file_property(flags "${{source}}" COMPILE_OPTIONS)
  cmake_path(GET source STEM name)
  message(STATUS "kernel: ${{name}} [${{flags}}]")
endforeach()
message(STATUS "xsimd: ${{QSIM_KERNELS_USE_XSIMD}}")
"""
DOT = "QSIM_KERNEL(gemm_s8s8s32, neon_sdot, 8x12, arm64, neon_sdot)"
MADD = "QSIM_KERNEL(gemm_u8s8s32, avx2_maddubs, 6x16, x86, x86_maddubs)  // a remark"
DOT_FILE = "gemm/gemm_s8s8s32_neon_sdot_8x12.cpp"
MADD_FILE = "gemm/gemm_u8s8s32_avx2_maddubs_6x16.cpp"

pytestmark = pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")


def configure(
    folder: Path, rows: list[str], files: dict[str, str], processor: str = "x86_64"
) -> tuple[int, str]:
    """Exit status and output of a configuration with these rows and kernel files."""
    module = ROOT / "cmake" / "QsimKernels.cmake"
    project = PROJECT.format(module=module.as_posix(), processor=processor)
    (folder / "CMakeLists.txt").write_text(project, encoding="utf-8")
    for name, text in files.items():
        path = folder / "kernels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    text = "// one [odd] comment; with signs\n" + "\n".join(rows) + "\n"
    (folder / "kernels" / "kernels.def").write_text(text, encoding="utf-8")
    command = ["cmake", "-S", str(folder), "-B", str(folder / "build")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def isa_flags(options: str) -> list[str]:
    return [flag for flag in options.split(";") if flag.startswith("-m")]


BOTH = {DOT_FILE: "", MADD_FILE: ""}


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("x86_64", ["gemm_u8s8s32_avx2_maddubs_6x16 ['-mavx2']"]),
        ("AMD64", ["gemm_u8s8s32_avx2_maddubs_6x16 ['-mavx2']"]),
        ("aarch64", ["gemm_s8s8s32_neon_sdot_8x12 ['-march=armv8.2-a+dotprod']"]),
        ("riscv64", []),
    ],
)
def test_only_kernels_of_the_target_are_compiled_with_the_flags_of_their_token(
    tmp_path: Path, processor: str, expected: list[str]
) -> None:
    status, printed = configure(tmp_path, [DOT, MADD], BOTH, processor)
    assert status == 0, printed
    lines = printed.splitlines()
    found = [re.fullmatch(r"-- kernel: (\S+) \[(.*)\]", line) for line in lines]
    kernels = [f"{kernel[1]} {isa_flags(kernel[2])}" for kernel in found if kernel]
    assert kernels == expected
    assert "-- xsimd: OFF" in lines


def test_a_kernel_that_includes_xsimd_asks_for_it(tmp_path: Path) -> None:
    files = {MADD_FILE: "#include <xsimd/xsimd.hpp>\n"}
    status, printed = configure(tmp_path, [MADD], files)
    assert status == 0, printed
    assert "-- xsimd: ON" in printed


@pytest.mark.parametrize(
    ("rows", "files", "message"),
    [
        ([DOT], BOTH, f"kernels/{MADD_FILE} has no row"),
        ([DOT, MADD], {DOT_FILE: ""}, f"names kernels/{MADD_FILE}, which does not exist"),
        ([MADD, MADD], {MADD_FILE: ""}, f"two rows name kernels/{MADD_FILE}"),
        (["QSIM_KERNEL(gemm_s8s8s32, neon_sdot, 8x12, arm64)"], BOTH, "cannot read this row"),
        ([DOT.replace("arm64", "vax")], BOTH, "cannot read this row"),
        ([DOT + " junk"], BOTH, "cannot read this row"),
        (
            [DOT.replace("neon_sdot, 8", "neon_magic, 8")],
            {"gemm/gemm_s8s8s32_neon_magic_8x12.cpp": ""},
            "'neon_magic' has no flags",
        ),
    ],
)
def test_a_disagreement_stops_configuration(
    tmp_path: Path, rows: list[str], files: dict[str, str], message: str
) -> None:
    status, printed = configure(tmp_path, rows, files)
    assert status != 0
    assert message in " ".join(printed.split())

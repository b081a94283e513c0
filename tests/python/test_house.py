"""tools/house.py finds every violation planted into an otherwise clean tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "tools" / "house.py"

HEADER = "#pragma once\n// What this file is for.\n"
KERNEL = "gemm_s8s8s32_neon_sdot_8x12"
KERNEL_PATH = f"kernels/gemm/{KERNEL}.cpp"
KERNEL_TEXT = f'#include "qsim/kernels/abi.hpp"\nQSIM_KERNEL_ENTRY {KERNEL}() {{}}\n'
ROW = "QSIM_KERNEL(gemm_s8s8s32, neon_sdot, 8x12, arm64, neon_sdot)\n"
TEST = "#include <gtest/gtest.h>\nTEST(Round, TiesGoUp) {}\n"

CLEAN = {
    "include/qsim/base/check.hpp": HEADER + "#include <string>\n",
    "include/qsim/num/round.hpp": HEADER + '#include "qsim/base/check.hpp"\n',
    "include/qsim/emu/chain.hpp": HEADER + '#include "qsim/num/round.hpp"\n',
    "include/qsim/kernels/abi.hpp": HEADER + "#include <cstdint>\n",
    "include/qsim/kernels/registry.hpp": HEADER + '#include <span>\n#include <vector>\n',
    "include/qsim/qsim.hpp": HEADER + '#include "qsim/emu/chain.hpp"\n',
    "include/qsim/graph/graph.hpp": HEADER + '#include "qsim/emu/chain.hpp"\n',
    "src/graph/run.cpp": '#include <Eigen/Dense>\n#include "qsim/graph/graph.hpp"\n',
    "python/bindings/module.cpp": '#include <pybind11/pybind11.h>\n#include "arrays.hpp"\n',
    "python/qsim/oracle/dot.py": "import math\nfrom .words import wrap\n",
    "kernels/kernels.def": "// the list\n" + ROW,
    KERNEL_PATH: KERNEL_TEXT,
    "cmake/QsimKernels.cmake": 'set(FLAGS\n  "neon_sdot | -march=armv8.2-a+dotprod")\n',
    "tests/num/round.cpp": TEST,
    "tests/build/CMakeLists.txt": 'file(GLOB_RECURSE headers "include/qsim/*.hpp")\n',
    "tests/python/test_num.py": "def test_ties():\n    pass\n",
}


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def house(root: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, str(HOUSE), *arguments, "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def header(text: str, path: str = "include/qsim/num/fit.hpp") -> dict[str, str]:
    return {path: HEADER + text}


PLANTED = [
    # rule, files to add or replace, what the message says
    ("layers", header('#include "qsim/emu/chain.hpp"\n'), "arrows point down"),
    ("layers", header('#include "qsim/kernels/abi.hpp"\n', "include/qsim/emu/a.hpp"), "arrows"),
    ("layers", header("#include <qsim/emu/chain.hpp>\n", "include/qsim/kernels/r.hpp"), "arrows"),
    ("layers", header("#include <Eigen/Dense>\n"), "may not include Eigen/Dense"),
    ("layers", header("#include <omp.h>\n", "include/qsim/graph/run.hpp"), "may not include omp.h"),
    ("layers", header("#include <pybind11/numpy.h>\n", "include/qsim/quant/a.hpp"), "pybind11"),
    ("layers", header("#include <immintrin.h>\n", "include/qsim/emu/b.hpp"), "immintrin.h"),
    ("layers", header('#include "qsim/qsim.hpp"\n'), "umbrella"),
    ("layers", header('#include "qsim/graph/graph.hpp"\n', "include/qsim/qsim.hpp"), "arrows"),
    ("layers", header("", "include/qsim/misc/a.hpp"), "no room of the house"),
    ("layers", {"src/graph/a.cpp": "#include <pybind11/pybind11.h>\n"}, "pybind11"),
    ("layers", {"src/kernels/a.cpp": '#include "qsim/emu/chain.hpp"\n'}, "arrows point down"),
    ("layers", {KERNEL_PATH: '#include "qsim/num/round.hpp"\n' + KERNEL_TEXT}, "arrows point"),
    ("layers", {KERNEL_PATH: "#include <vector>\n" + KERNEL_TEXT}, "intrinsics only, not vector"),
    ("layers", {KERNEL_PATH: "#include <xsimd/xsimd.hpp>\n" + KERNEL_TEXT}, "xsimd"),
    ("layers", {"python/qsim/oracle/dot.py": "from .. import _core\n"}, "oracle may not import"),
    ("layers", {"python/qsim/oracle/dot.py": "import qsim._core\n"}, "oracle may not import"),
    ("layers", {"python/qsim/oracle/dot.py": "from qsim.quant import q\n"}, "oracle may not"),
    ("kernels", {"kernels/kernels.def": ""}, "has no row"),
    ("kernels", {"kernels/kernels.def": ROW + ROW.replace("8x12", "4x4")}, "does not exist"),
    ("kernels", {"kernels/kernels.def": ROW + ROW}, "already on line 1"),
    ("kernels", {"kernels/kernels.def": ROW + "QSIM_KERNEL(gemm)\n"}, "cannot read this row"),
    ("kernels", {"kernels/kernels.def": ROW.replace("gemm_s8s8s32", "gemm")}, "<op>_<in><in><out>"),
    ("kernels", {"kernels/kernels.def": ROW.replace("8x12", "big")}, "tile big"),
    ("kernels", {"kernels/kernels.def": ROW.replace("neon_sdot, 8", "neon_new, 8")}, "no flags"),
    ("kernels", {KERNEL_PATH: KERNEL_TEXT.replace(KERNEL, "other")}, "expected the one entry"),
    ("kernels", {KERNEL_PATH: KERNEL_TEXT * 2}, "expected the one entry"),
    ("tests", {"tests/misc/a.cpp": TEST}, "in no test folder"),
    ("tests", {"tests/a.cpp": TEST}, "in no test folder"),
    ("tests", {"tests/num/a.cpp": TEST.replace("Ties", "DISABLED" + "_Ties")}, "disabled"),
    ("tests", {"tests/num/a.cpp": "// TEST" + "(Round, Ties) {\n"}, "commented out"),
    ("tests", {"tests/num/a.cpp": "#if" + " 0\n" + TEST + "#endif\n"}, "commented out"),
    ("tests", {"tests/python/ties.py": "def test_ties():\n    pass\n"}, "collects test_*.py"),
    ("tests", {"tests/python/test_a.py": "@pytest.mark" + ".skip\ndef test_a(): ...\n"}, "skipped"),
    ("tests", {"tests/python/test_a.py": "# def" + " test_a(): ...\n"}, "commented out"),
    ("tests", {"include/qsim/num/a.h": HEADER}, "ODR test does not see it"),
    ("tests", {"tests/build/CMakeLists.txt": "# nothing\n"}, "ODR test no longer lists"),
    ("style", {"include/qsim/num/a.hpp": "// Late.\n#pragma once\n"}, "begins with #pragma once"),
    ("style", {"include/qsim/num/a.hpp": "#pragma once\nint a;\n"}, "one // sentence"),
    ("style", header("int " + "a" * 100 + ";\n"), "columns"),
    ("style", header("int a; \n"), "trailing space"),
    ("style", header("\tint a;\n"), "a tab"),
    ("style", header("int a;"), "no newline"),
    ("style", header("int a;\n" * 400), "a file fits 400"),
    ("style", {"python/qsim/big.py": "a = 1\n" * 401}, "a file fits 400"),
    ("style", header('#include "../base/check.hpp"\n'), "climbs"),
    ("style", header("long a;\n"), "`long`"),
    ("style", header("unsigned long long a;\n", "tests/num/a.hpp"), "`long`"),
    ("style", header("using namespace std;\n"), "`using namespace`"),
    ("style", header("thread_local int a;\n"), "thread-locals"),
    ("style", header("float scale(float x);\n"), "`float` where results are defined"),
    ("style", header("inline double a;\n", "include/qsim/emu/a.hpp"), "`double`"),
    ("style", header("inline void f() { std::cout << 1; }\n"), "never prints"),
    ("style", header("inline void f() { abort(); }\n"), "never prints or aborts"),
    ("style", {"src/graph/a.cpp": "void f(int a) { switch (a) { default: break; } }\n"}, "default"),
    ("style", {"CMakeLists.txt": "add_compile_options(-ffast" + "-math)\n"}, "forbidden flag"),
    ("style", {"cmake/a.cmake": "set(F -march" + "=native)\n"}, "forbidden flag"),
    ("words", {"docs/a.md": "see /ho" + "me/somebody/qsim\n"}, "machine's own path"),
    ("words", {"docs/a.md": "TO" + "DO: write\n"}, "finish it or leave it out"),
    ("words", {"tools/a.py": "# FIX" + "ME\n"}, "finish it or leave it out"),
]


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    plant(tmp_path, CLEAN)
    return tmp_path


def test_a_clean_tree_passes(clean: Path) -> None:
    assert house(clean, "all") == (0, "house: ok\n")


def test_this_project_passes() -> None:
    status, printed = house(ROOT, "all")
    assert status == 0, printed


@pytest.mark.parametrize(("rule", "files", "message"), PLANTED)
def test_a_planted_violation_is_named(
    clean: Path, rule: str, files: dict[str, str], message: str
) -> None:
    plant(clean, files)
    status, printed = house(clean, rule)
    assert status == 1, printed
    assert f"[{rule}]" in printed
    assert message in printed
    assert house(clean, "all")[0] == 1


ALLOWED = [
    header("// a float, a long story, abort() and TEST in a comment\n"),
    header('inline const char* a = "long float default:";\n'),
    header("inline F32 f(float x) { return {std::bit_cast<std::uint32_t>(x)}; }\n"),
    header("F32 from_host(float x);  // border: the caller's own type\n"),
    header("inline double mean();\n", "include/qsim/metric/a.hpp"),
    header("inline constexpr int a = 1'000'000;\n"),
    {"tests/build/consumer/CMakeLists.txt": "add_compile_options(-ffast" + "-math)\n"},
    {"CMakeLists.txt": "# never -ffast" + "-math\n"},
    {"src/replay/main.cpp": 'int main() { std::puts("ok"); }\n'},
]


@pytest.mark.parametrize("files", ALLOWED)
def test_what_only_looks_like_a_violation_passes(clean: Path, files: dict[str, str]) -> None:
    plant(clean, files)
    assert house(clean, "all") == (0, "house: ok\n")


def archive(folder: Path, code: str) -> Path:
    """A library with `code` compiled as the kernel KERNEL."""
    source = folder / f"{KERNEL}.cpp"
    source.write_text(code, encoding="utf-8")
    built = folder / f"{KERNEL}.cpp.o"
    subprocess.run(["g++", "-c", "-O0", str(source), "-o", str(built)], check=True)
    library = folder / "libkernels.a"
    subprocess.run(["ar", "rcs", str(library), str(built)], check=True)
    return library


OBJECTS = [
    (f'extern "C" void {KERNEL}() {{}}', ""),
    (f'inline int f() {{ return 1; }}\nextern "C" int {KERNEL}() {{ return f(); }}', "weak symbol"),
    (f'void f() {{}}\nextern "C" void {KERNEL}() {{}}', "expected the one symbol"),
    ('extern "C" void another() {}', "expected the one symbol"),
]


@pytest.mark.skipif(not (shutil.which("g++") and shutil.which("ar")), reason="needs g++ and ar")
@pytest.mark.parametrize(("code", "message"), OBJECTS)
def test_objects_names_what_a_kernel_leaks(tmp_path: Path, code: str, message: str) -> None:
    status, printed = house(tmp_path, "objects", str(archive(tmp_path, code)))
    assert status == (1 if message else 0), printed
    assert message in printed


def test_build_products_and_ignored_files_are_not_read(clean: Path) -> None:
    plant(clean, {"build/dev/a.cpp": "long a;", ".venv/lib/a.py": "# TO" + "DO\n"})
    assert house(clean, "all")[0] == 0
    subprocess.run(["git", "init", "-q", str(clean)], check=True)
    plant(clean, {".gitignore": "/build/\n/.venv/\n"})
    assert house(clean, "all")[0] == 0
    plant(clean, {"docs/new.md": "TO" + "DO\n"})  # not yet added to git, but not ignored
    assert house(clean, "words")[0] == 1


def test_a_library_is_for_objects_only(clean: Path) -> None:
    assert house(clean, "style", "libkernels.a")[0] == 2
    assert house(clean, "objects")[0] == 2

#!/usr/bin/env python3
"""The rules of the house, executable.

    tools/house.py [--root DIR] layers|kernels|tests|style|words|all
    tools/house.py objects LIBRARY [--nm NM]

Each rule prints `path:line: [rule] what is wrong` and the exit status is 1 if any rule was broken.
`objects` reads the compiled kernels instead of the sources. Standard library only.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from house_kernels import check_kernels, check_objects
from house_layers import EVERY_LAYER, INCLUDE, check_layers
from house_tree import CPP, PYTHON, Broken, Source, read_tree

MAX_LINES = 400
MAX_COLUMNS = 100

# --- tests ----------------------------------------------------------------------------------------

TEST_FOLDERS = EVERY_LAYER | {"conformance", "replay", "build", "sweep"}
DEAD_TEST = re.compile(r"^\s*(//|/\*|\*)\s*(TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(|^\s*#\s*if\s+0\b")
DEAD_PYTHON_TEST = re.compile(r"^\s*#\s*(async )?def test_|@pytest\.mark\.skip\b(?!if)")
ODR_GLOB = "include/qsim/*.hpp"


def check_tests(sources: list[Source]) -> Iterator[Broken]:
    """Every test is built and run; every header is in the ODR program."""
    odr = next((s for s in sources if s.path == "tests/build/CMakeLists.txt"), None)
    if odr and ODR_GLOB not in odr.text:
        yield Broken(odr.path, 1, "tests", f"the ODR test no longer lists {ODR_GLOB}")
    for source in sources:
        if source.path.startswith("include/") and source.suffix != ".hpp":
            yield Broken(source.path, 1, "tests", "not a .hpp: the ODR test does not see it")
        if source.parts[0] != "tests":
            continue
        if source.suffix == ".cpp":
            yield from check_cpp_test(source)
        if source.suffix == ".py" and source.parts[1] == "python":
            yield from check_python_test(source)


def check_cpp_test(source: Source) -> Iterator[Broken]:
    folder = source.parts[1]
    if len(source.parts) < 3 or folder not in TEST_FOLDERS:
        yield Broken(source.path, 1, "tests", "in no test folder that is built: tests/<layer>/")
    for number, line in source.lines():
        if re.search(r"\bDISABLED" + "_", line):
            yield Broken(source.path, number, "tests", "a disabled test")
        if DEAD_TEST.match(line):
            yield Broken(source.path, number, "tests", "a test that is commented out")


def check_python_test(source: Source) -> Iterator[Broken]:
    name = source.parts[-1]
    if not name.startswith("test_") and re.search(r"^def test_", source.text, re.MULTILINE):
        yield Broken(source.path, 1, "tests", "pytest collects test_*.py only")
    for number, line in source.lines():
        if DEAD_PYTHON_TEST.search(line):
            yield Broken(source.path, number, "tests", "a test that is skipped or commented out")


# --- style ----------------------------------------------------------------------------------------

FLOAT_FREE = re.compile(r"^include/qsim/(num|profile|emu|quant)/")
FLOAT_BORDER = re.compile(r"\bbit_cast\b|// border:")
LIBRARY = re.compile(r"^(include/|src/graph/|src/kernels/|kernels/|python/bindings/)")
BUILD_FILES = re.compile(
    r"(^|/)(CMakeLists\.txt|CMakePresets\.json|pyproject\.toml|Makefile)$|\.cmake$"
)
TOKENS: list[tuple[str, str]] = [
    (r"\blong\b", "`long` has no fixed width; use std::int64_t"),
    (r"\bthread_local\b", "state is an argument, no thread-locals"),
]
HEADER_TOKENS: list[tuple[str, str]] = [
    (r"\busing\s+namespace\b", "`using namespace` in a header leaks names"),
]
LIBRARY_TOKENS: list[tuple[str, str]] = [
    (r"\bstd::(cout|cerr|clog)\b|\b(printf|puts|abort)\s*\(", "the library never prints or aborts"),
    (r"\bdefault\s*:", "a switch over an enumeration has no default"),
]


def check_style(sources: list[Source]) -> Iterator[Broken]:
    """Layout, forbidden tokens and flags, no float arithmetic where results are defined."""
    for source in sources:
        if source.suffix in CPP or source.suffix in PYTHON:
            yield from check_layout(source)
        if source.suffix in CPP:
            yield from check_cpp_style(source)
        if BUILD_FILES.search(source.path) and not source.path.startswith("tests/build/consumer/"):
            for number, line in source.code():
                flag = re.search(r"-march=native|-mcpu=native|-ffast-math|-Ofast", line)
                if flag:
                    yield Broken(source.path, number, "style", f"forbidden flag {flag[0]}")


def check_layout(source: Source) -> Iterator[Broken]:
    count = len(source.text.splitlines())
    if count > MAX_LINES:
        yield Broken(source.path, count, "style", f"{count} lines; a file fits {MAX_LINES}")
    if source.text and not source.text.endswith("\n"):
        yield Broken(source.path, count, "style", "no newline at the end")
    for number, line in source.lines():
        if len(line) > MAX_COLUMNS:
            complaint = f"{len(line)} columns; a line fits {MAX_COLUMNS}"
            yield Broken(source.path, number, "style", complaint)
        if "\t" in line:
            yield Broken(source.path, number, "style", "a tab")
        if line != line.rstrip():
            yield Broken(source.path, number, "style", "trailing space")


def check_cpp_style(source: Source) -> Iterator[Broken]:
    if source.suffix == ".hpp":
        lines = source.text.split("\n")
        if lines[0] != "#pragma once":
            yield Broken(source.path, 1, "style", "a header begins with #pragma once")
        elif len(lines) < 2 or not lines[1].startswith("//"):
            yield Broken(source.path, 2, "style", "line 2: one // sentence, what the file is for")
    raw = source.text.split("\n")
    tokens = [*TOKENS]
    tokens += HEADER_TOKENS if source.suffix == ".hpp" else []
    tokens += LIBRARY_TOKENS if LIBRARY.match(source.path) else []
    for number, line in source.code():
        include = INCLUDE.match(raw[number - 1])
        if include and ".." in (include[1] or include[2]).split("/"):
            yield Broken(source.path, number, "style", "an include that climbs with ../")
        for pattern, complaint in tokens:
            if re.search(pattern, line):
                yield Broken(source.path, number, "style", complaint)
        found = re.search(r"\b(float|double)\b", line)
        if found and FLOAT_FREE.match(source.path) and not FLOAT_BORDER.search(raw[number - 1]):
            complaint = f"`{found[1]}` where results are defined: use F32 bit patterns"
            yield Broken(source.path, number, "style", complaint + " or `// border: <why>`")


# --- words ----------------------------------------------------------------------------------------

MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(home|Users|root|work|mnt|tmp)/\w|\b[A-Z]:\\Users\\")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b|\bXX" + r"X\b")


def check_words(sources: list[Source]) -> Iterator[Broken]:
    """No path of somebody's machine, no unfinished business."""
    for source in sources:
        if source.path == "LICENSE" or source.path.startswith("tests/data/"):
            continue
        for number, line in source.lines():
            path = MACHINE_PATH.search(line)
            if path:
                yield Broken(source.path, number, "words", f"a machine's own path: {path[0]}")
            word = UNFINISHED.search(line)
            if word:
                yield Broken(source.path, number, "words", f"{word[0]}: finish it or leave it out")


RULES: dict[str, Callable[[list[Source]], Iterator[Broken]]] = {
    "layers": check_layers,
    "kernels": check_kernels,
    "tests": check_tests,
    "style": check_style,
    "words": check_words,
}


def check(root: Path, rules: list[str]) -> list[Broken]:
    """All broken rules of the tree below `root`."""
    sources = read_tree(root)
    return [broken for rule in rules for broken in RULES[rule](sources)]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("rule", choices=[*RULES, "all", "objects"])
    parser.add_argument("library", nargs="?", type=Path, help="for objects: the kernels' archive")
    parser.add_argument("--nm", default="nm", help="for objects: the nm of the target")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args(argv)
    if (options.rule == "objects") != (options.library is not None):
        parser.error("objects takes a library; the other rules take none")
    if options.rule == "objects":
        broken = list(check_objects(options.library, options.nm))
    else:
        broken = check(options.root, list(RULES) if options.rule == "all" else [options.rule])
    for item in broken:
        print(item)
    print(f"house: {options.rule}: {len(broken)} broken" if broken else "house: ok")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

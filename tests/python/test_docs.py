"""What the documents say is true: generated pages are current, examples run, names exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("kernels/*.md")])
ARITHMETIC = ROOT / "docs" / "arithmetic.md"


def blocks(path: Path, language: str) -> list[str]:
    """The fenced code blocks of one language."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_list_of_profiles_and_its_counts_are_current() -> None:
    """Runs the vector tests again, in a process of their own."""
    command = [sys.executable, str(ROOT / "tools/make_profiles_doc.py"), "--count", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_has_examples() -> None:
    assert blocks(README, "python")
    assert blocks(README, "cpp")


@pytest.mark.parametrize("code", blocks(README, "python"))
def test_python_examples_of_the_readme_run(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})
    # print(x)  # starts like this, ..., or goes on like this
    promised = re.findall(r"^print\(.*\)\s+# (.*)$", code, re.MULTILINE)
    printed = capsys.readouterr().out
    for promise in promised:
        for part in filter(None, map(str.strip, promise.split("..."))):
            assert part.strip(", ") in printed, f"{part!r} is not in {printed!r}"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["examples"]


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
@pytest.mark.parametrize("code", blocks(README, "cpp"))
def test_cpp_examples_of_the_readme_compile_and_run(code: str, tmp_path: Path) -> None:
    source, program = tmp_path / "example.cpp", tmp_path / "example"
    source.write_text(code, encoding="utf-8")
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}"]
    compiled = subprocess.run(
        ["g++", *flags, str(source), "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stderr
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|#", target):
            continue
        assert (path.parent / target.split("#")[0]).exists(), f"{path.name}: {target}"


def test_every_proof_that_the_arithmetic_names_exists() -> None:
    """`Defined by <header>; proved by <test>`: names of tests in this folder."""
    text = ARITHMETIC.read_text(encoding="utf-8")
    files = sorted((ROOT / "tests/python").glob("test_*.py"))
    tests = "".join(file.read_text(encoding="utf-8") for file in files)
    claims = re.findall(r"Defined by\s(.*?);\s+proved\s+by\s(.*?)\.\n", text, re.DOTALL)
    assert len(claims) == len(re.findall(r"^\*\*\(A\.\d+\)\*\*", text, re.MULTILINE))
    for headers, proofs in claims:
        for header in re.findall(r"`([\w/]+\.hpp)`", headers):
            assert (ROOT / "include/qsim" / header).exists(), header
        for name in re.findall(r"`(test_\w+)`", proofs):
            assert f"def {name}(" in tests, name

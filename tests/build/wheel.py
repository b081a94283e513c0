"""Builds the source archive and the wheel, checks what they hold, installs the wheel into a clean
environment and uses it.

    python tests/build/wheel.py      (make test-wheel)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "wheel-test"
SOURCE_FOLDERS = ("cmake", "include", "kernels", "python", "src")
ALLOWED = {"qsim", "qsim.libs"}


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    print("+", *command, flush=True)
    clean = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME"}}
    subprocess.run([str(part) for part in command], check=True, cwd=cwd, env=clean)


def build_wheel() -> Path:
    """The wheel of this tree, from the running environment's build tools."""
    house = WORK / "wheelhouse"
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps",
        "--wheel-dir", house, ROOT)  # fmt: skip
    wheels = list(house.glob("qsim-*.whl"))
    if len(wheels) != 1:
        raise SystemExit(f"expected one wheel in {house}, got {wheels}")
    return wheels[0]


def expected_files() -> set[str]:
    """Everything below python/qsim that a user needs."""
    source = ROOT / "python"
    names = (path.relative_to(source) for path in (source / "qsim").rglob("*") if path.is_file())
    return {name.as_posix() for name in names if "__pycache__" not in name.parts}


def check_contents(wheel: Path) -> None:
    """The package, whole; nothing beside it; no C++ header or archive."""
    names = set(zipfile.ZipFile(wheel).namelist())
    problems = [f"missing: {name}" for name in sorted(expected_files() - names)]
    if not any(name.startswith("qsim/_core.") and name.endswith(".so") for name in names):
        problems.append("missing: the extension qsim/_core.*.so")
    if "qsim/py.typed" not in names:
        problems.append("missing: qsim/py.typed")
    if not names & {"qsim/_core.pyi", "qsim/_core/__init__.pyi"}:
        problems.append("missing: the stub of qsim._core")
    if not any(name.endswith("/LICENSE") for name in names):
        problems.append("missing: LICENSE")
    for name in sorted(names):
        top = name.split("/")[0]
        if top not in ALLOWED and not top.endswith(".dist-info"):
            problems.append(f"does not belong at the top of a wheel: {name}")
        if name.endswith((".hpp", ".a", ".cpp", ".cmake")):
            problems.append(f"C++ file in the wheel: {name}")
    if problems:
        raise SystemExit("\n".join([f"{wheel.name}:", *problems]))
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB")


def check_sdist() -> None:
    """The source distribution holds every file that the build reads."""
    code = "import sys; from scikit_build_core.build import build_sdist as b; b(sys.argv[1])"
    run(sys.executable, "-c", code, WORK / "sdist")
    (archive,) = (WORK / "sdist").glob("qsim-*.tar.gz")
    with tarfile.open(archive) as tar:
        held = {name.partition("/")[2] for name in tar.getnames()}
    needed = {"CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml"}
    for folder in SOURCE_FOLDERS:
        files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
        names = (path.relative_to(ROOT) for path in files)
        needed |= {name.as_posix() for name in names if "__pycache__" not in name.parts}
    if needed - held:
        raise SystemExit(f"{archive.name}: missing: {sorted(needed - held)}")
    print(f"{archive.name}: {len(held)} files, {archive.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    check_sdist()
    wheel = build_wheel()
    check_contents(wheel)

    clean = WORK / "venv"
    venv.create(clean, with_pip=True)
    python = clean / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    elsewhere = WORK / "elsewhere"  # no source tree in sight
    elsewhere.mkdir()
    run(python, "-c", "import qsim; print(qsim.__version__, qsim.build_info())", cwd=elsewhere)
    run(clean / "bin" / "qsim", "--help", cwd=elsewhere)
    run(clean / "bin" / "qsim", "selftest", cwd=elsewhere)
    left = [path.name for path in elsewhere.iterdir()]
    if left:
        raise SystemExit(f"using qsim left files in the working directory: {left}")
    print("the wheel works in a clean environment")


if __name__ == "__main__":
    main()

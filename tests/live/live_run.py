#!/usr/bin/env python3
"""Random cases, answered by every engine this machine can run, in the golden vectors' layout.

Usage: live_run.py OUT --engine onnxruntime|litert|torch [--count N] [--seed S] [--again FOLDER]

Native and emulated x64 targets use the wheels of the interpreter that runs this file, the arm64
ones those of tools/arm_engines.sh. Targets that cannot run here are named and left out; the set is
OUT/vectors, what each target answered OUT/runs/<target>.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from live_cases import collate

HERE = Path(__file__).resolve().parent
ARM_ENGINES = HERE.parents[1] / "tools" / "arm_engines.sh"
ARM = ("arm64-neon", "arm64-dotprod", "arm64-i8mm")
EMULATED = {"x64-avx2": "Haswell", "x64-sse": "Nehalem"}
PREFIX = {"onnxruntime": "ort", "litert": "tflite", "torch": "torch"}
KERNELS: dict[str, dict[str, tuple[str, ...]]] = {  # which an engine has, by kind of processor
    "onnxruntime": {"x64": ("",), "arm64": ("",)},
    "litert": dict.fromkeys(("x64", "arm64"), ("reference", "optimized", "xnnpack")),
    "torch": {
        "x64": ("fbgemm", "qnnpack", "onednn"),
        "x64-sse": ("qnnpack",),  # the others want AVX2
        "arm64": ("qnnpack",),  # oneDNN aborts under emulation
    },
}


def cpu_flags() -> set[str]:
    info = Path("/proc/cpuinfo")
    line = re.search(r"^flags\s*:(.*)$", info.read_text() if info.exists() else "", re.MULTILINE)
    return set(line.group(1).split()) if line else set()


def native_target() -> str | None:
    """What this processor is called; with VNNI of either width the answers are the same."""
    flags = cpu_flags()
    if "amx_int8" in flags or "avx2" not in flags:
        return None
    return "x64-avx512vnni" if flags & {"avx512_vnni", "avx_vnni"} else "x64-avx2"


def x64_emulator() -> str | None:
    """QEMU's user mode for x64; before 7.2 it had no AVX and would pass for an older processor."""
    for name in ("qemu-x86_64-static", "qemu-x86_64"):
        if found := shutil.which(name):
            text = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
            version = re.search(r"version (\d+)\.(\d+)", text)
            if version and (int(version[1]), int(version[2])) >= (7, 2):
                return found
    return None


def commands(engine: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """How to run a Python file on each target, and why the others cannot."""
    runs: dict[str, list[str]] = {}
    skipped: dict[str, str] = {}
    native, emulator = native_target(), x64_emulator()
    if native:
        runs[native] = [sys.executable]
    if native != "x64-avx512vnni":
        skipped["x64-avx512vnni"] = "this processor is not x64 with VNNI and without AMX"
    for target, cpu in EMULATED.items():
        if target == native:
            continue
        if emulator and platform.machine() == "x86_64":
            runs[target] = [emulator, "-cpu", cpu, sys.executable]
        else:
            skipped[target] = "needs x64 wheels and qemu-x86_64 of version 7.2 or newer"
    build = [str(ARM_ENGINES), *(["torch"] if engine == "torch" else [])]
    built = subprocess.run(build, capture_output=True, text=True)
    for target in ARM:
        if built.returncode == 0:
            runs[target] = [str(ARM_ENGINES), "run", target]
        else:
            skipped[target] = (built.stdout + built.stderr).strip().splitlines()[-1]
    return runs, skipped


def execute(command: list[str], target: str) -> None:
    """OpenBLAS misjudges emulated processors without AVX; no case depends on it."""
    environment = dict(os.environ)
    if target == "x64-sse":
        environment["OPENBLAS_CORETYPE"] = "Nehalem"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{target}: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    print(f"{target}: {done.stdout.strip().splitlines()[-1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--engine", choices=sorted(PREFIX), required=True)
    parser.add_argument("--count", default="20", metavar="N")
    parser.add_argument("--seed", default="0", metavar="S")
    parser.add_argument("--again", metavar="FOLDER", help="recorded cases (onnxruntime only)")
    options = parser.parse_args()
    prefix = PREFIX[options.engine]
    cases, runs = options.out / "set", options.out / "runs"
    drawn = ["--count", options.count, "--seed", options.seed]
    if options.again:
        drawn = ["--again", options.again]
    generate = [sys.executable, str(HERE / f"{prefix}_models.py"), str(cases), *drawn]
    subprocess.run(generate, check=True)

    answered: dict[str, Path] = {}
    can, cannot = commands(options.engine)
    for target, how in can.items():
        runner = [*how, str(HERE / f"{prefix}_run.py"), str(cases)]
        has = KERNELS[options.engine]
        for kernels in has.get(target, has[target.split("-")[0]]):
            name = f"{target}-{kernels}" if kernels else target
            extra = ["--kernels", kernels] if kernels else []
            execute([*runner, str(runs / name), *extra], target)
            answered[name] = runs / name
    for target, why in cannot.items():
        print(f"SKIPPED: {target}: {why}")
    count = collate(cases, answered, options.out / "vectors")
    print(f"{count} cases, {len(answered)} targets in {options.out / 'vectors'}")


if __name__ == "__main__":
    main()

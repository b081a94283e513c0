#!/usr/bin/env python3
"""Random cases, answered by every engine this machine can run, in the golden vectors' layout.

Usage: live_run.py OUT --engine onnxruntime|litert|torch [--count N] [--seed S]
                   [--only native|PART] [--again FOLDER]

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
from live_host import features, native_target

HERE = Path(__file__).resolve().parent
ARM_ENGINES = HERE.parents[1] / "tools" / "arm_engines.sh"
ARM = ("arm64-neon", "arm64-dotprod", "arm64-i8mm")
EMULATED = {"x64-avx2": "Haswell", "x64-sse": "Nehalem"}
TARGETS = ("x64-avx512vnni", *EMULATED, *ARM)
#: Processors that PyTorch's libraries can be held to: what it takes, and the name each gives it.
LEVELS = {
    "x64-avx512vnni": ("avx512_vnni", "AVX512_E1", "AVX512_CORE_VNNI", "avx512"),
    "x64-avx512": ("avx512bw", "AVX512", "AVX512_CORE", "avx512"),
    "x64-avx2": ("avx2", "AVX2", "AVX2", "avx2"),
}
LIMITS = ("FBGEMM_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
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


def x64_emulator() -> str | None:
    """QEMU's user mode for x64; before 7.2 it had no AVX and would pass for an older processor."""
    for name in ("qemu-x86_64-static", "qemu-x86_64"):
        if found := shutil.which(name):
            text = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
            version = re.search(r"version (\d+)\.(\d+)", text)
            if version and (int(version[1]), int(version[2])) >= (7, 2):
                return found
    return None


def lowered(only: str) -> dict[str, list[str]]:
    """PyTorch on this processor, its libraries held to each level that it has."""
    has = features()
    return {
        target: ["env", *map("=".join, zip(LIMITS, names, strict=True)), sys.executable]
        for target, (needs, *names) in LEVELS.items()
        if needs in has and (only == "native" or only in target)
    }


def commands(engine: str, only: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """How to run a Python file on each target, and why the others cannot."""
    native = native_target()
    every = dict.fromkeys((native or "native", *TARGETS))
    wanted = [native or "native"] if only == "native" else [t for t in every if only in t]
    levels = lowered(only) if engine == "torch" else {}
    runs, skipped = dict(levels), dict[str, str]()
    for target in wanted:
        if target in levels or (levels and target == native):
            continue
        if target == native:
            runs[target] = [sys.executable]
        elif target in EMULATED and platform.machine() == "x86_64" and (found := x64_emulator()):
            runs[target] = [found, "-cpu", EMULATED[target], sys.executable]
        elif target in EMULATED:
            skipped[target] = "needs x64 wheels and qemu-x86_64 of version 7.2 or newer"
        elif target not in ARM:
            skipped[target] = f"this processor is {native or 'unlike any recorded one'}"
    arm = [t for t in wanted if t in ARM and t not in runs]
    if arm:
        build = [str(ARM_ENGINES), *(["torch"] if engine == "torch" else [])]
        built = subprocess.run(build, capture_output=True, text=True)
        if built.returncode == 0:
            runs |= {t: [str(ARM_ENGINES), "run", t] for t in arm}
        else:
            skipped |= dict.fromkeys(arm, (built.stdout + built.stderr).strip().splitlines()[-1])
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
    parser.add_argument("--only", default="", metavar="PART", help="native, or part of a name")
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
    can, cannot = commands(options.engine, options.only)
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
    if not answered:
        sys.exit("live_run: no target can run here")
    count = collate(cases, answered, options.out / "vectors")
    print(f"{count} cases, {len(answered)} targets in {options.out / 'vectors'}")


if __name__ == "__main__":
    main()

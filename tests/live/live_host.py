"""Which target of the golden vectors this machine's own processor is."""

from __future__ import annotations

import platform
import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def features() -> set[str]:
    """What the kernel says the first processor has; empty where there is no such file."""
    text = CPUINFO.read_text() if CPUINFO.exists() else ""
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(line.group(1).split()) if line else set()


def target_of(machine: str, has: set[str]) -> str | None:
    """The target's name; None for processors that no vectors were recorded on."""
    if machine == "x86_64" and has:
        if has & {"avx512_vnni", "avx_vnni"}:  # the same answers at either width, and with AMX
            return "x64-avx512vnni"
        for feature, target in (("avx512bw", "avx512"), ("avx2", "avx2"), ("avx", "avx")):
            if feature in has:
                return f"x64-{target}"
        return "x64-sse"
    if machine == "aarch64" and "asimd" in has and not has & {"sve", "sme"}:
        for feature, target in (("i8mm", "i8mm"), ("asimddp", "dotprod")):
            if feature in has:
                return f"arm64-{target}"
        return "arm64-neon"
    return None


def native_target() -> str | None:
    """What this processor is called."""
    return target_of(platform.machine(), features())

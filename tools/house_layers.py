"""Rule `layers` of house.py: which room may include what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from house_tree import CPP, Broken, Source

# room -> the layers of include/qsim/ that it may include besides its own.
BELOW_EMU = {"base", "num", "profile", "quant", "calib", "metric"}
HEADER_LAYERS: dict[str, set[str]] = {
    "base": set(),
    "num": {"base"},
    "profile": {"base", "num"},
    "metric": {"base", "num", "profile"},
    "quant": {"base", "num", "profile"},
    "calib": {"base", "num", "profile", "quant", "metric"},
    "emu": BELOW_EMU,
    "kernels": BELOW_EMU,
    "graph": BELOW_EMU | {"emu", "kernels"},
}
EVERY_LAYER = set(HEADER_LAYERS)
ROOMS: dict[str, set[str]] = {
    "include/qsim/qsim.hpp": BELOW_EMU | {"emu"},
    "src/kernels/": BELOW_EMU | {"kernels"},
    "src/graph/": EVERY_LAYER,
    "src/replay/": EVERY_LAYER,
    "kernels/": set(),  # qsim/kernels/abi.hpp only
    "python/bindings/": EVERY_LAYER,
    "benchmarks/": EVERY_LAYER,
    "tests/": EVERY_LAYER,
    "examples/": EVERY_LAYER,
}
UMBRELLA_USERS = {"python/bindings/", "benchmarks/", "tests/", "examples/", "src/replay/"}
LIST_USERS = {"src/kernels/", "benchmarks/", "tests/", "python/bindings/"}
# third-party header -> rooms that may include it.
THIRD_PARTY: list[tuple[str, set[str]]] = [
    (r"pybind11/|Python\.h$|numpy/", {"python/bindings/"}),
    (r"Eigen/|unsupported/Eigen/", {"src/graph/", "benchmarks/"}),
    (r"omp\.h$", {"src/graph/", "benchmarks/", "tests/"}),
    (r"xsimd/", {"kernels/quantize/"}),
    (r"xmmintrin\.h$", {"src/graph/", "kernels/", "src/kernels/", "tests/"}),  # rounding control
    (
        r"[a-z]*intrin\.h$|arm_neon\.h$|cpuid\.h$|sys/auxv\.h$|asm/hwcap\.h$",
        {"kernels/", "src/kernels/", "benchmarks/", "tests/"},
    ),
    (r"gtest/|gmock/", {"tests/"}),
    (r"benchmark/", {"benchmarks/"}),
]
KERNEL_STANDARD = {"cstdint", "cstddef", "bit", "cstring"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def rooms_of(source: Source) -> list[str]:
    """Names of the rooms that hold a file, the narrowest first. Layers have no slash."""
    if source.path.startswith("include/qsim/") and len(source.parts) > 3:
        return [source.parts[2]]
    parents = PurePosixPath(source.path).parents
    return [source.path, *(f"{folder.as_posix()}/" for folder in parents)]


def check_layers(sources: list[Source]) -> Iterator[Broken]:
    """Arrows point down only; third-party headers stay in their rooms."""
    for source in sources:
        if source.suffix == ".py" and "python/qsim/oracle" in source.path:
            yield from check_oracle(source)
        if source.suffix not in CPP:
            continue
        rooms = rooms_of(source)
        known = [room for room in rooms if room in HEADER_LAYERS or room in ROOMS]
        if not known:
            if source.parts[0] in {"include", "src", "python", "kernels"}:
                yield Broken(source.path, 1, "layers", "this folder is no room of the house")
            continue
        room = known[0]
        allowed = {room} | HEADER_LAYERS[room] if room in HEADER_LAYERS else ROOMS[room]
        for number, line in source.lines():
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match[1] or match[2]
            complaint = judge_include(name, room, set(rooms), allowed)
            if complaint:
                yield Broken(source.path, number, "layers", complaint)


def judge_include(name: str, room: str, rooms: set[str], allowed: set[str]) -> str:
    """Why `room` may not include `name`, or an empty string."""
    if name == "qsim/qsim.hpp":
        return "" if room in UMBRELLA_USERS else f"{room} may not include the umbrella header"
    if name == "qsim/kernels/abi.hpp" and room == "kernels/":
        return ""
    if name.startswith("qsim/"):
        inside = name.split("/")[1] in allowed
        return "" if inside else f"{room} may not include {name}: arrows point down only"
    if name == "kernels/kernels.def":
        return "" if room in LIST_USERS else f"{room} may not include {name}"
    for pattern, homes in THIRD_PARTY:
        if re.match(pattern, name):
            inside = bool(homes & rooms)
            return "" if inside else f"{room} may not include {name}; its room: {sorted(homes)}"
    if room == "kernels/" and name not in KERNEL_STANDARD:
        return f"a kernel includes kernels/abi.hpp and intrinsics only, not {name}"
    return ""


def check_oracle(source: Source) -> Iterator[Broken]:
    """The oracle shares no code with what it judges: it imports itself and the standard library."""
    for number, line in source.lines():
        match = re.match(r"\s*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+))", line)
        name = (match[1] or match[2]) if match else ""
        own = name.startswith("qsim.oracle") or re.match(r"\.(?!\.)", name)
        if name and not own and re.match(r"\.|qsim\b|numpy\b|onnx\b", name):
            yield Broken(source.path, number, "layers", f"the oracle may not import {name}")

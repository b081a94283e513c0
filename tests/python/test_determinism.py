"""Results depend on graph, inputs and profile; on no thread, warm-up or setting of the host."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import qsim
from small_graphs import Floats, NodeLine, floats, graph_of, quantized

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_gru"
PROFILES = [
    None,
    "ieee.fp16",
    "mnn-2.9.0.x64.sse",
    "mnn-2.9.0.x64.avx512vnni",
    "mnn-2.9.0.arm64.neon",
    "mnn-2.9.0.arm64.i8mm",
]
MEMORY_LIMIT = 300  # MB


def convolutions() -> qsim.Graph:
    """Large enough that every loop that can run in parallel does."""
    nodes: list[NodeLine] = [
        ("Conv", "first", ["x", "w1"], {"kernel": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Relu", "positive", ["first"], {}),
        ("Conv", "second", ["positive", "w2"], {"kernel": [3, 3], "pads": [1, 1, 1, 1]}),
        ("AveragePool", "pooled", ["second"], {"kernel": [2, 2], "strides": [2, 2]}),
        ("Sigmoid", "gate", ["pooled"], {}),
        ("Mul", "gated", ["pooled", "gate"], {}),
        ("Reshape", "rows", ["gated"], {"ints": [-1, 256]}),
        ("MatMul", "product", ["rows", "w3"], {}),
        ("Softmax", "out", ["product"], {"axis": -1}),
    ]
    constants = {
        "w1": floats(12, 6, 3, 3, seed=1),
        "w2": floats(16, 12, 3, 3, seed=2),
        "w3": floats(256, 64, seed=3, scale=0.1),
    }
    return graph_of({"x": [-1, 6, 16, 16]}, constants, nodes)


def digest(trace: qsim.Trace) -> str:
    """Of every tensor's shape, bits, codes and mask of unspecified elements."""
    seen = hashlib.sha256()
    for name in trace.names:
        codes = trace.codes(name)
        for part in (trace[name], trace.unspecified(name), codes):
            if part is not None:
                seen.update(repr((name, part.shape, part.dtype)).encode() + part.tobytes())
    return seen.hexdigest()


def inputs(batch: int, seed: int = 7) -> dict[str, Floats]:
    """Images, one of them with values at the edges of float32."""
    x = floats(batch, 6, 16, 16, seed=seed)
    x[0, 0, 0, :6] = [0.0, -0.0, 1e-41, -1e-41, 3e38, -3e38]
    return {"x": x}


def jobs() -> Iterator[tuple[str, qsim.Graph, dict[str, Floats]]]:
    """(name, graph, inputs) in float and quantized."""
    graph = convolutions()
    yield "float", graph, inputs(5)
    calibration = [{"x": floats(4, 6, 16, 16, seed=i)} for i in range(2)]
    for recipe in ("qsim.ema", "mnn.ema"):
        yield recipe, quantized(graph, calibration, recipe), inputs(5)


def everything() -> str:
    """One line per graph and profile."""
    return "\n".join(
        f"{name} {profile} {digest(qsim.run(graph, x, profile))}"
        for name, graph, x in jobs()
        for profile in PROFILES
    )


def in_a_process_of_its_own(code: str, **environment: str) -> str:
    """What Python prints, with this module importable as `test_determinism`."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent), *sys.path]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_number_of_threads_never_changes_a_bit() -> None:
    code = "import test_determinism as t; print(t.everything())"
    one, *more = (in_a_process_of_its_own(code, OMP_NUM_THREADS=n) for n in ("1", "2", "7"))
    digests = {line.split()[-1] for line in one.splitlines()}
    assert len(one.splitlines()) == 3 * len(PROFILES)
    assert len(digests) > len(PROFILES)
    for other in more:
        assert other == one


@pytest.mark.parametrize("profile", PROFILES)
def test_earlier_runs_never_change_a_bit(profile: str | None) -> None:
    name, graph, x = list(jobs())[1]
    assert name == "qsim.ema"
    cold = digest(qsim.run(graph, x, profile))
    poison = {"x": np.full((2, 6, 16, 16), np.nan, np.float32)}
    for other in (inputs(9, seed=8), inputs(1, seed=9), poison):
        qsim.run(graph, other, profile)
    assert digest(qsim.run(graph, x, profile)) == cold


FLUSH = """
#include <xmmintrin.h>
extern "C" unsigned control() { return _mm_getcsr(); }
extern "C" void set_control(unsigned value) { _mm_setcsr(value); }
"""
FTZ_DAZ_UPWARD = 0x9FC0 & ~0x6000 | 0x4000


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("g++"), reason="sets MXCSR through g++"
)
def test_the_callers_floating_point_mode_never_changes_a_bit(tmp_path: Path) -> None:
    """A library built with -ffast-math flushes subnormals, and so in the whole process."""
    source, library = tmp_path / "flush.cpp", tmp_path / "flush.so"
    source.write_text(FLUSH, encoding="utf-8")
    subprocess.run(["g++", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    mode = ctypes.CDLL(str(library))
    prepared = list(jobs())
    tiny = np.float32([1e-41])
    for profile in PROFILES:
        for name, graph, x in prepared:
            want = digest(qsim.run(graph, x, profile))
            saved = mode.control()
            mode.set_control(FTZ_DAZ_UPWARD)
            try:
                flushes = not (tiny * np.float32(1)).any()
                trace = qsim.run(graph, x, profile)
                kept = mode.control() & FTZ_DAZ_UPWARD
            finally:
                mode.set_control(saved)
            assert flushes
            assert kept == FTZ_DAZ_UPWARD
            assert digest(trace) == want, f"{name} {profile}"


def test_a_batch_is_computed_image_by_image() -> None:
    """Where no tile of rows says otherwise, a batch is its images."""
    for profile in (None, "mnn-2.9.0.arm64.sdot"):
        x = floats(4, 6, 16, 16)
        graph = graph_of(
            {"x": [-1, 6, 16, 16]},
            {"w": floats(12, 6, 3, 3, seed=1)},
            [("Conv", "y", ["x", "w"], {"kernel": [3, 3]})],
        )
        int8 = quantized(graph, [{"x": x}])
        whole = qsim.run(int8, {"x": x}, profile)["y"]
        single = [qsim.run(int8, {"x": x[i : i + 1]}, profile)["y"] for i in range(4)]
        np.testing.assert_array_equal(whole, np.concatenate(single))


PEAK = """
import resource
import numpy as np
import qsim
graph = qsim.passes.matmul_to_conv(qsim.load("{folder}/digits_gru.onnx"), max_consumers=100)
found = qsim.calibrate(graph, "{folder}/calibration.npz", recipe="mnn.ema", progress=False)
graph = qsim.quantize_model(graph, found)
x = np.load("{folder}/test.npz")["x"][:, 0]
feeds = {{"x_chunk": x, "h0": np.zeros((len(x), 32), np.float32)}}
trace = qsim.run(graph, feeds, "mnn-2.9.0.arm64.neon")
assert len(x) == 360 and len(trace.names) > 200, (len(x), len(trace.names))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kB on Linux")
def test_tracing_the_example_takes_little_memory() -> None:
    peak = int(in_a_process_of_its_own(PEAK.format(folder=EXAMPLE)))
    assert peak < MEMORY_LIMIT, f"{peak} MB"

"""Calibration of a float graph and its quantization."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim import _core
from qsim._core import BadFile, Calibration, Graph
from qsim.checking import feeds_of, graph_of, kind_of
from qsim.progress import track

Batch = Mapping[str, npt.NDArray[np.float32]]


def load_batches(path: str | os.PathLike[str], graph: Graph) -> list[dict[str, Any]]:
    """Read calibration or inference batches from ``.npz`` or ``.npy``.

    An ``.npz`` holds one float32 array per graph input; an ``.npy`` holds that of the only input.
    The first axis counts the batches and comes before the input's own axes: [8, 1, 3, 32, 32] is
    eight batches for an input [1, 3, 32, 32]. Arrays of other names are ignored. Calibration looks
    for NaN, this does not.

    Raises
    ------
    BadFile
        The file is no such archive, an input is missing, has no axis of batches, or the first
        axes disagree.
    TypeError
        An array is not float32.

    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file")
    try:
        loaded = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadFile(f"{file}: expected a .npz or .npy of plain arrays (no pickles)") from error
    if isinstance(loaded, np.ndarray):
        if len(graph.inputs) != 1:
            raise BadFile(f"{file}: a .npy feeds one input, the graph has {graph.inputs}; use .npz")
        arrays = {graph.inputs[0]: loaded}
    else:
        try:
            arrays = {name: loaded[name] for name in loaded.files}
        except Exception as error:
            raise BadFile(f"{file}: cannot read its arrays; {error}") from error
    missing = [name for name in graph.inputs if name not in arrays]
    if missing:
        raise BadFile(f"{file}: no array for the inputs {missing}; it holds {sorted(arrays)}")
    for name in graph.inputs:
        _check_batches(f'{file}: "{name}"', arrays[name], graph.input_shapes[name])
    lengths = {name: len(arrays[name]) if arrays[name].ndim else -1 for name in graph.inputs}
    if len(set(lengths.values())) != 1 or -1 in lengths.values():
        raise BadFile(f"{file}: expected one number of batches (first axis), got {lengths}")
    count = next(iter(lengths.values()))
    return [{name: arrays[name][i] for name in graph.inputs} for i in range(count)]


def _check_batches(place: str, array: npt.NDArray[Any], shape: list[int]) -> None:
    """Whether `array` is float32 and holds batches for an input of `shape`."""
    if array.dtype != np.float32:
        raise TypeError(
            f"{place}: expected float32, got {array.dtype}; save it with .astype(np.float32)"
        )
    if array.ndim != len(shape) + 1:
        wanted = ", ".join(["batches", *("any" if e < 0 else str(e) for e in shape)])
        hint = "array[None] makes one batch of it" if array.ndim == len(shape) else "reshape it"
        raise BadFile(f"{place}: expected shape [{wanted}], got {list(array.shape)}; {hint}")


def calibrate(
    graph: Graph,
    batches: Iterable[Batch] | str | os.PathLike[str],
    *,
    recipe: str = "qsim.ema",
    host: str = "x64",
    progress: bool = True,
) -> Calibration:
    """Find activation ranges by running calibration batches through the fake-quantized network.

    Parameters
    ----------
    graph
        Float network. Its convolutions with constant weights are quantized; MatMul and Gemm stay
        float unless `qsim.passes.matmul_to_conv` made convolutions of them.
    batches
        Dictionaries of float32 arrays by input name, or the path of an ``.npz``/``.npy``. One
        batch is held at a time: an iterator over more data than fits memory is fine.
    recipe
        ``"qsim.ema"`` (default): moving average; a batch whose range is zero gets scale 1, zero
        point 0 and is left out, which the result says. ``"mnn.ema"``: MNN 2.9.0's quantizer,
        without any guard.
    host
        For ``"mnn.ema"``: ``"x64"`` (GCC -ffast-math on x86-64) or ``"ieee"`` (arm64).
    progress
        Show a progress bar where there is a terminal.

    Raises
    ------
    ValueError
        No batch, a batch with NaN or infinity, wrong names or shapes, unknown host, a network
        that is quantized already.
    KeyError
        Unknown recipe.

    """
    graph_of(graph)
    if any(node["quantized"] for node in graph.nodes):
        raise ValueError(
            "graph: expected a float network, got a quantized one; calibrate what it was made from"
        )
    if host not in ("x64", "ieee"):  # qsim.ema has no use for it, a typing error all the same
        raise ValueError(f'host: expected x64 or ieee, got "{host}"')
    if isinstance(batches, Mapping):
        raise TypeError(
            "batches: expected a list of dictionaries, one per batch, got one dictionary; "
            "write [batch]"
        )
    if isinstance(batches, str | os.PathLike):
        batches = load_batches(batches, graph)
    calibrator = _core.Calibrator(graph, recipe, host)
    for batch in track(batches, "calibrating", show=progress):
        calibrator.update(feeds_of(batch, "batches"))
    return calibrator.finalize()


def quantize_model(graph: Graph, calibration: Calibration) -> Graph:
    """The quantized graph of a calibrated one.

    Convolutions get int8 weights; tensors get scales and zero points with their provenance
    (`Graph.describes`): recipe, and the calibration batch that broke them, if one did.
    """
    graph_of(graph)
    kind_of(calibration, Calibration, "calibration", "qsim.calibrate makes one")
    return _core.quantize(graph, calibration)

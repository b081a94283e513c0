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
from qsim.progress import track

Batch = Mapping[str, npt.NDArray[np.float32]]


def load_batches(path: str | os.PathLike[str], graph: Graph) -> list[dict[str, Any]]:
    """Read calibration or inference batches from ``.npz`` or ``.npy``.

    An ``.npz`` holds one array per graph input, first axis = batch; an ``.npy`` holds that of the
    only input. Arrays must be float32 without NaN checks here (calibration makes them).

    Raises
    ------
    BadFile
        The file is no such archive, an input is missing, or the first axes disagree.

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
    lengths = {name: len(arrays[name]) if arrays[name].ndim else -1 for name in graph.inputs}
    if len(set(lengths.values())) != 1 or -1 in lengths.values():
        raise BadFile(f"{file}: expected one number of batches (first axis), got {lengths}")
    count = next(iter(lengths.values()))
    return [{name: arrays[name][i] for name in graph.inputs} for i in range(count)]


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
        Float network. Its convolutions with constant weights are quantized.
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
        No batch, a batch with NaN or infinity, wrong names or shapes, unknown host.
    KeyError
        Unknown recipe.

    """
    if isinstance(batches, str | os.PathLike):
        batches = load_batches(batches, graph)
    calibrator = _core.Calibrator(graph, recipe, host)
    for batch in track(batches, "calibrating", show=progress):
        calibrator.update(dict(batch))
    return calibrator.finalize()


def quantize_model(graph: Graph, calibration: Calibration) -> Graph:
    """The quantized graph of a calibrated one.

    Convolutions get int8 weights; tensors get scales and zero points with their provenance
    (`Graph.describes`): recipe, and the calibration batch that broke them, if one did.
    """
    return _core.quantize(graph, calibration)

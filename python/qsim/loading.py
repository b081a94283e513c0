"""One door for model files."""

from __future__ import annotations

import os
from pathlib import Path

from qsim._core import Graph, NotSupported
from qsim.importers import load_onnx


def load(path: str | os.PathLike[str]) -> Graph:
    """Read a model file as a graph.

    Parameters
    ----------
    path
        An ``.onnx`` file with float32 weights.

    Raises
    ------
    FileNotFoundError
        No such file.
    BadFile
        The file is malformed; the message names the place and what was expected.
    NotSupported
        The file is sound but holds something qsim does not do, or is of another format.

    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"{file}: no such file")
    if file.suffix.lower() != ".onnx":
        raise NotSupported(f"{file}: expected an .onnx file, got {file.suffix or 'no suffix'!r}")
    return load_onnx(file)

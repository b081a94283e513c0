"""Readers of other tools' model files. A file is not trusted: every claim it makes is checked.

Every reader returns a graph or raises: FileNotFoundError for a missing path, `BadFile` for a file
that is malformed, `NotSupported` for a sound file that holds something qsim does not do.
"""

from .onnx import load_onnx

__all__ = ["load_onnx"]

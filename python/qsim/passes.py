"""Graph rewrites before quantization. Each returns a new graph."""

from __future__ import annotations

from qsim import _core
from qsim._core import Graph
from qsim.checking import graph_of

__all__ = ["fold_batchnorm", "fuse_relu", "matmul_to_conv"]

_PREFER_LIMITS = {0: 4, 1: 1, 2: 100}


def matmul_to_conv(
    graph: Graph, *, max_consumers: int | None = None, prefer: int | None = None
) -> Graph:
    """Turn MatMul and Gemm with a constant right side into 1x1 convolutions.

    Parameters
    ----------
    graph
        The network; it stays as it is.
    max_consumers
        Convert a product only if at most this many nodes use its constant. Each convolution gets
        its own copy of the weights and is named ``<output>__matmul_converted``.
    prefer
        Instead of `max_consumers`: MNN's ``--optimizePrefer`` 0, 1 or 2 (limits 4, 1, 100).

    Raises
    ------
    ValueError
        Neither or both options given, or a limit below 1.
    NotSupported
        A left side of rank 3 or more whose leading extents are not known before the run.

    """
    graph_of(graph)
    if (max_consumers is None) == (prefer is None):
        got = "none" if prefer is None else "both"
        raise ValueError(
            f"matmul_to_conv: expected exactly one of max_consumers and prefer, got {got}"
        )
    if prefer is not None:
        if prefer not in _PREFER_LIMITS:
            raise ValueError(f"prefer: expected 0, 1 or 2, got {prefer!r}")
        max_consumers = _PREFER_LIMITS[prefer]
    assert max_consumers is not None
    return _core.passes.matmul_to_conv(graph, max_consumers=max_consumers)


def fold_batchnorm(graph: Graph) -> Graph:
    """Fold BatchNormalization behind a convolution with constant weights into it (float32)."""
    graph_of(graph)
    return _core.passes.fold_batchnorm(graph)


def fuse_relu(graph: Graph) -> Graph:
    """Make Relu, or Clip from 0, behind a convolution part of it."""
    graph_of(graph)
    return _core.passes.fuse_relu(graph)

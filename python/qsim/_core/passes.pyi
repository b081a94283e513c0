"""Rewrites; each returns a new graph."""

from qsim._core import Graph

def matmul_to_conv(graph: Graph, *, max_consumers: int) -> Graph:
    """MatMul/Gemm with a constant used by <= max_consumers nodes to 1x1 convolutions."""

def fold_batchnorm(graph: Graph) -> Graph: ...
def fuse_relu(graph: Graph) -> Graph: ...

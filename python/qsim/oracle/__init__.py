"""The slow twin: what a profile computes, in plain Python integers and fractions.

Written from docs/arithmetic.md and from nothing else. It reads only the fields of a row (a nested
dict; `nest(profile.fields())` makes one) and holds the fast implementation to account.
binary32 values are bit patterns (ints); `f32.bits` and `f32.to_float` convert.
"""

from . import f32, words
from .conv import ConvOptions, ConvResult, conv2d, depthwise, fuse_weights, row_fate
from .dot import dot
from .elementwise import BinaryResult, PoolOptions, avg_pool, binary, max_pool
from .floatmath import exp, finish_convolution, float_dot, sigmoid, tanh
from .geometry import Geometry
from .patch import Depth, Source, depths
from .quant import (
    Fused,
    QInfo,
    cast_multiplier,
    dequantize,
    fuse,
    narrow,
    quantize,
    requantize,
    requantize_channel,
)
from .rows import nest
from .tensor import Tensor, tensor

__all__ = [
    "BinaryResult", "ConvOptions", "ConvResult", "Depth", "Fused", "Geometry", "PoolOptions",
    "QInfo", "Source", "Tensor", "avg_pool", "binary", "cast_multiplier", "conv2d", "depths",
    "depthwise", "dequantize", "dot", "exp", "f32",
    "finish_convolution", "float_dot", "fuse", "fuse_weights",
    "max_pool", "narrow", "nest", "quantize", "requantize",
    "requantize_channel", "row_fate", "sigmoid", "tanh", "tensor", "words",
]

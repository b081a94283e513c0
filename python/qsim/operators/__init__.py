"""Single operators on NumPy arrays of codes, by any profile."""

from qsim.operators.convolution import accumulate_conv, conv2d
from qsim.operators.elementwise import (
    add,
    leaky_relu,
    lut,
    maximum,
    minimum,
    mul,
    recode,
    softmax,
    subtract,
)
from qsim.operators.pooling import average_pool, global_average_pool, max_pool, mean, pool
from qsim.operators.products import gemm, real, requantize
from qsim.operators.quantizing import dequantize, dynamic_quantize, quantize

__all__ = [
    "accumulate_conv",
    "add",
    "average_pool",
    "conv2d",
    "dequantize",
    "dynamic_quantize",
    "gemm",
    "global_average_pool",
    "leaky_relu",
    "lut",
    "max_pool",
    "maximum",
    "mean",
    "minimum",
    "mul",
    "pool",
    "quantize",
    "real",
    "recode",
    "requantize",
    "softmax",
    "subtract",
]

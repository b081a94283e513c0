"""Single operators on NumPy arrays of codes, by any profile."""

from qsim.operators.convolution import accumulate_conv, conv2d
from qsim.operators.products import gemm, real, requantize

__all__ = ["accumulate_conv", "conv2d", "gemm", "real", "requantize"]

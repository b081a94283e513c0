#pragma once
// Whole matrix products by one kernel: packing, tiles, edges.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "qsim/kernels/registry.hpp"

namespace qsim::kernels {

/// A matrix of int8 codes in memory: element (row, column) at data[row*row_stride +
/// column*column_stride]. Strides in elements, of any sign.
struct Codes {
  const std::int8_t* data = nullptr;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 1;
};

/// The right side of a product in the layout of one kernel: whole panels of nr columns, zeros in
/// the rest.
struct PackedRhs {
  const Kernel* kernel = nullptr;
  std::size_t n = 0, k = 0;
  std::vector<unsigned char> bytes;
};

/// Packs the k x n matrix `rhs`. BadArgument unless `kernel` is a gemm kernel.
PackedRhs pack_rhs(const Kernel& kernel, std::size_t k, std::size_t n, const Codes& rhs);

/// acc[i*acc_stride + j] becomes the chain of lhs row i and column j of `rhs` started from its
/// present value; equals emu::dot with the kernel's Arith (conformance test GemmKernel). lhs is
/// m x k. NotSupported unless the kernel runs on this processor, which `cpu` describes.
void gemm(const PackedRhs& rhs, std::size_t m, const Codes& lhs, std::int32_t* acc,
          std::ptrdiff_t acc_stride, const Cpu& cpu);

/// The same in one call that packs `rhs` first.
void gemm(const Kernel& kernel, const GemmShape& shape, const Codes& lhs, const Codes& rhs,
          std::int32_t* acc, std::ptrdiff_t acc_stride, const Cpu& cpu);

}  // namespace qsim::kernels

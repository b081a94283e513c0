#include "qsim/kernels/gemm.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "qsim/base/check.hpp"
#include "qsim/base/checked.hpp"

namespace qsim::kernels {
namespace {

constexpr std::size_t max_tile = 16 * 64;  // int32 of the largest tile that `edge` buffers

constexpr std::size_t blocks_of(std::size_t extent, std::size_t unit) {
  return extent / unit + (extent % unit != 0 ? 1 : 0);
}

/// Rows of the left or columns of the right side that enter one panel.
struct Lines {
  const std::int8_t* data;
  std::ptrdiff_t line_stride, k_stride;
  std::size_t count, k;
};

/// Writes `lines` as [block][unit][kr] into zeroed `out`, each code plus `offset` as a Word.
template <class Word>
void pack_panel(const Lines& lines, std::size_t unit, std::size_t kr, int offset,
                unsigned char* out) {
  for (std::size_t line = 0; line < lines.count; ++line) {
    const std::int8_t* from = lines.data + static_cast<std::ptrdiff_t>(line) * lines.line_stride;
    unsigned char* to = out + line * kr * sizeof(Word);
    for (std::size_t done = 0; done < lines.k; done += kr, to += unit * kr * sizeof(Word)) {
      const std::size_t run = std::min(kr, lines.k - done);
      for (std::size_t t = 0; t < run; ++t) {
        const auto at = static_cast<std::ptrdiff_t>(done + t) * lines.k_stride;
        const Word code = static_cast<Word>(from[at] + offset);
        std::memcpy(to + t * sizeof(Word), &code, sizeof(Word));
      }
    }
  }
}

/// One tile at the edge of C, by way of a whole tile on the stack.
void run_edge(const Kernel& kernel, std::size_t blocks, const void* lhs, const void* rhs,
              std::size_t rows, std::size_t columns, std::int32_t* acc, std::ptrdiff_t acc_stride) {
  std::array<std::int32_t, max_tile> edge{};
  const std::size_t width = columns * sizeof(std::int32_t);
  for (std::size_t i = 0; i < rows; ++i)
    std::memcpy(&edge[i * kernel.nr], acc + static_cast<std::ptrdiff_t>(i) * acc_stride, width);
  kernel.gemm(blocks, lhs, rhs, edge.data(), kernel.nr);
  for (std::size_t i = 0; i < rows; ++i)
    std::memcpy(acc + static_cast<std::ptrdiff_t>(i) * acc_stride, &edge[i * kernel.nr], width);
}

void check_gemm(const Kernel& kernel) {
  if (kernel.arith == nullptr)
    fail<BadArgument>("kernel: expected a gemm kernel, got ", kernel.name);
  QSIM_ASSERT(std::size_t{kernel.mr} * kernel.nr <= max_tile);
}

}  // namespace

PackedRhs pack_rhs(const Kernel& kernel, std::size_t k, std::size_t n, const Codes& rhs) {
  check_gemm(kernel);
  PackedRhs packed{&kernel, n, k, {}};
  const std::size_t panels = blocks_of(n, kernel.nr);
  const std::size_t block_codes = std::size_t{kernel.kr} * kernel.nr;
  const std::size_t codes = checked_mul(blocks_of(k, kernel.kr), block_codes);
  packed.bytes.resize(checked_mul(panels, codes));
  for (std::size_t p = 0; p < panels; ++p) {
    const std::size_t column = p * kernel.nr;
    const Lines columns{rhs.data + static_cast<std::ptrdiff_t>(column) * rhs.column_stride,
                        rhs.column_stride, rhs.row_stride,
                        std::min<std::size_t>(kernel.nr, n - column), k};
    pack_panel<std::int8_t>(columns, kernel.nr, kernel.kr, 0, packed.bytes.data() + p * codes);
  }
  return packed;
}

void gemm(const PackedRhs& rhs, std::size_t m, const Codes& lhs, std::int32_t* acc,
          std::ptrdiff_t acc_stride, const Cpu& cpu) {
  QSIM_ASSERT(rhs.kernel != nullptr);
  const Kernel& kernel = *rhs.kernel;
  if (!supported(kernel, cpu))
    fail<NotSupported>("kernel: expected one that runs on this processor, got ", kernel.name,
                       "; select_gemm names one that does");
  const std::size_t mr = kernel.mr, nr = kernel.nr, kr = kernel.kr;
  const std::size_t blocks = blocks_of(rhs.k, kr);
  const std::size_t panel_codes = blocks * kr * nr;
  const std::size_t lhs_codes = checked_mul(blocks * kr, mr);
  // Rows beyond m keep what the panel held before; their results are thrown away.
  std::vector<unsigned char> panel(checked_mul(lhs_codes, kernel.lhs_bytes));
  for (std::size_t i = 0; i < m; i += mr) {
    const std::size_t rows = std::min(mr, m - i);
    const Lines lines{lhs.data + static_cast<std::ptrdiff_t>(i) * lhs.row_stride, lhs.row_stride,
                      lhs.column_stride, rows, rhs.k};
    const int offset = kernel.arith->lhs_offset;
    if (kernel.lhs_bytes == 2)
      pack_panel<std::int16_t>(lines, mr, kr, offset, panel.data());
    else
      pack_panel<std::uint8_t>(lines, mr, kr, offset, panel.data());
    for (std::size_t j = 0, p = 0; j < rhs.n; j += nr, ++p) {
      const std::size_t columns = std::min(nr, rhs.n - j);
      const unsigned char* right = rhs.bytes.data() + p * panel_codes;
      std::int32_t* out =
          acc + static_cast<std::ptrdiff_t>(i) * acc_stride + static_cast<std::ptrdiff_t>(j);
      if (rows == mr && columns == nr)
        kernel.gemm(blocks, panel.data(), right, out, acc_stride);
      else
        run_edge(kernel, blocks, panel.data(), right, rows, columns, out, acc_stride);
    }
  }
}

void gemm(const Kernel& kernel, const GemmShape& shape, const Codes& lhs, const Codes& rhs,
          std::int32_t* acc, std::ptrdiff_t acc_stride, const Cpu& cpu) {
  gemm(pack_rhs(kernel, shape.k, shape.n, rhs), shape.m, lhs, acc, acc_stride, cpu);
}

}  // namespace qsim::kernels

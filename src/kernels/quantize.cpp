#include "qsim/kernels/quantize.hpp"

#include <algorithm>
#include <array>

#include "qsim/base/check.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace qsim::kernels {
namespace {

/// Holds a control word for its lifetime: nearest even, exceptions masked, inputs flushed or not.
/// Whether results are flushed cannot reach a code: |x*m + z| < 2^-126 is code 0 or a limit anyway.
class ScopedFloatMode {
 public:
  explicit ScopedFloatMode(const FloatMode& mode) : before_(read()) { write(word(mode)); }
  ~ScopedFloatMode() { write(before_); }
  ScopedFloatMode(const ScopedFloatMode&) = delete;
  ScopedFloatMode& operator=(const ScopedFloatMode&) = delete;

 private:
#if defined(__x86_64__)
  using Word = unsigned;
  static Word read() { return _mm_getcsr(); }
  static void write(Word w) { _mm_setcsr(w); }
  static Word word(const FloatMode& mode) {
    constexpr Word masks = 0x1f80, daz = 0x0040;  // MXCSR
    return masks | (mode.flush_inputs ? daz : 0);
  }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static Word read() {
    Word w;
    __asm__ volatile("mrs %0, fpcr" : "=r"(w));
    return w;
  }
  static void write(Word w) { __asm__ volatile("msr fpcr, %0" : : "r"(w)); }
  static Word word(const FloatMode& mode) {
    constexpr Word fz = Word{1} << 24;  // FPCR; flushes results too
    return mode.flush_inputs ? fz : 0;
  }
#else
  using Word = unsigned;
  static Word read() { return 0; }
  static void write(Word) {}
  static Word word(const FloatMode&) { return 0; }
#endif

  Word before_;
};

constexpr std::size_t max_tile = 64;  // values of the longest tile that `edge` buffers

}  // namespace

void quantize(const Kernel& kernel, const FloatMode& mode, std::span<const float> values,
              const QuantizeArgs& args, std::span<std::int8_t> codes, const Cpu& cpu) {
  if (kernel.cast == nullptr)
    fail<BadArgument>("kernel: expected a quantize kernel, got ", kernel.name);
  if (values.size() != codes.size())
    fail<BadArgument>("codes: expected ", values.size(), " elements like values, got ",
                      codes.size());
  for (const std::int32_t limit : {args.low, args.high})
    if (limit < -128 || limit > 127)
      fail<BadArgument>("args: expected limits in [-128, 127], got ", limit);
  if (!supported(kernel, cpu))
    fail<NotSupported>("kernel: expected one that runs on this processor, got ", kernel.name,
                       "; select_quantize names one that does");
  QSIM_ASSERT(kernel.mr != 0 && kernel.mr <= max_tile);

  const ScopedFloatMode guard(mode);
  const std::size_t tiles = values.size() / kernel.mr;
  const std::size_t whole = tiles * kernel.mr;
  if (tiles != 0) kernel.quantize(tiles, values.data(), &args, codes.data());
  if (whole != values.size()) {
    std::array<float, max_tile> edge{};
    std::array<std::int8_t, max_tile> out{};
    std::copy(values.begin() + static_cast<std::ptrdiff_t>(whole), values.end(), edge.begin());
    kernel.quantize(1, edge.data(), &args, out.data());
    std::copy_n(out.begin(), values.size() - whole,
                codes.begin() + static_cast<std::ptrdiff_t>(whole));
  }
}

}  // namespace qsim::kernels

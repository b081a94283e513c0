// Every quantize kernel that this processor can run equals emu::quantize, bit for bit. One that
// cannot run is skipped by name.

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>
#include <vector>

#include "conformance/case_line.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/kernels/quantize.hpp"

namespace qsim::test {
namespace {

using kernels::Kernel;
using kernels::QuantizeArgs;

std::vector<std::string> quantize_names() {
  std::vector<std::string> names;
  for (const Kernel& k : kernels::kernels())
    if (k.cast != nullptr) names.emplace_back(k.name);
  return names;
}

constexpr std::uint32_t mode_count = 6;

/// Every environment a profile may ask for.
FloatMode mode_of(std::uint32_t number) {
  constexpr Flush flushes[] = {Flush::none, Flush::after_rounding, Flush::before_rounding};
  return {.flush_inputs = number % 2 != 0, .flush_results = flushes[number / 2 % 3]};
}

std::int8_t expected(const Cast& cast, const FloatMode& mode, float value,
                     const QuantizeArgs& args) {
  Profile profile;
  profile.cast = cast;
  profile.float_mode = mode;
  return emu::quantize(profile, std::bit_cast<F32>(value), std::bit_cast<F32>(args.multiplier),
                       args.zero, {.low = args.low, .high = args.high});
}

/// The empty string when every code is as it should be.
std::string run(const Kernel& kernel, std::uint32_t mode_number, const std::vector<float>& values,
                const QuantizeArgs& args, const kernels::Cpu& cpu) {
  const FloatMode mode = mode_of(mode_number);
  std::vector<std::int8_t> codes(values.size());
  kernels::quantize(kernel, mode, values, args, codes, cpu);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int8_t want = expected(*kernel.cast, mode, values[i], args);
    if (codes[i] == want) continue;
    const QuantizeLine line{std::string(kernel.name),
                            mode_number,
                            static_cast<std::uint32_t>(i),
                            std::bit_cast<std::uint32_t>(values[i]),
                            std::bit_cast<std::uint32_t>(args.multiplier),
                            args.zero,
                            args.low,
                            args.high};
    return write(line) + " want=" + hex32(std::int32_t{want}) +
           " got=" + hex32(std::int32_t{codes[i]});
  }
  return "";
}

float pattern(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// Specials, every tie and its neighbours, powers of two around the limits.
std::vector<float> structured_values() {
  std::vector<float> values;
  for (const std::uint32_t bits :
       {0x00000000u, 0x00000001u, 0x007fffffu, 0x00800000u, 0x00ffffffu, 0x3effffffu,
        0x3f000000u, 0x3f000001u, 0x3f800000u, 0x42fe0000u, 0x42ff0000u, 0x43000000u,
        0x43008000u, 0x4affffffu, 0x4b000000u, 0x4effffffu, 0x4f000000u, 0x7149f2cau,
        0x7f7fffffu, 0x7f800000u, 0x7f800001u, 0x7fc00000u, 0x7fffffffu}) {
    values.push_back(pattern(bits));
    values.push_back(pattern(bits | 0x80000000u));
  }
  for (int twice = -520; twice <= 520; ++twice) {
    const float half = 0.5f * static_cast<float>(twice);
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(half);
    values.push_back(half);
    values.push_back(pattern(bits + 1));
    if ((bits & 0x7fffffffu) != 0) values.push_back(pattern(bits - 1));
  }
  return values;
}

std::vector<QuantizeArgs> structured_args() {
  std::vector<QuantizeArgs> all;
  for (const std::uint32_t multiplier :
       {0x3f800000u, 0xbf800000u, 0x3f000000u, 0x40000000u, 0x3dcccccdu, 0x41200000u, 0x3eaaaaabu,
        0x42c80000u, 0x00000000u, 0x80000000u, 0x00000001u, 0x00400000u, 0x00800000u, 0x7e800000u,
        0x7f7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u})
    for (const std::int32_t zero : {0, 1, -1, 33, -127, -128, 127})
      all.push_back({pattern(multiplier), zero, -128, 127});
  for (const std::int32_t zero : {0, -3}) {
    all.push_back({1.0f, zero, -127, 127});
    all.push_back({1.0f, zero, zero, 127});
    all.push_back({0.1f, zero, -128, zero});
    all.push_back({1.0f, zero, 5, -5});  // the order of the two clamps shows
    all.push_back({1.0f, zero, 7, 7});
  }
  return all;
}

std::string kernel_name(const testing::TestParamInfo<std::string>& test) { return test.param; }

class QuantizeKernel : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!kernels::supported(*kernel_, cpu_)) GTEST_SKIP() << "cannot run here: " << kernel_->name;
  }
  const Kernel* kernel_ = &kernels::find(GetParam());
  const kernels::Cpu cpu_ = kernels::host_cpu();
};

TEST_P(QuantizeKernel, EqualsTheCastOnStructuredValues) {
  const std::vector<float> values = structured_values();
  for (std::uint32_t mode = 0; mode < mode_count; ++mode) {
    for (const QuantizeArgs& args : structured_args()) {
      const std::string failure = run(*kernel_, mode, values, args, cpu_);
      ASSERT_EQ(failure, "");
    }
  }
}

TEST_P(QuantizeKernel, EqualsTheCastOnRandomPatterns) {
  for (std::uint32_t seed = 1; seed <= 1000; ++seed) {
    std::mt19937 random(seed);
    const QuantizeArgs args{pattern(0x3c000000u + random() % 0x06000000u),
                            static_cast<std::int32_t>(random() % 256) - 128, -128, 127};
    std::vector<float> values(500);
    for (float& value : values) {
      // Near a tie in units of codes, or any pattern at all.
      const float code = 0.5f * static_cast<float>(static_cast<int>(random() % 600) - 300);
      const float near = (code - static_cast<float>(args.zero)) / args.multiplier;
      value = random() % 4 == 0 ? pattern(static_cast<std::uint32_t>(random()))
                                : pattern(std::bit_cast<std::uint32_t>(near) + random() % 3 - 1);
    }
    const std::string failure = run(*kernel_, seed % mode_count, values, args, cpu_);
    ASSERT_EQ(failure, "") << "seed " << seed;
  }
}

TEST_P(QuantizeKernel, TreatsEveryLengthAlike) {
  const std::vector<float> all = structured_values();
  for (std::size_t n = 0; n <= 2 * std::size_t{kernel_->mr} + 1; ++n) {
    const std::vector<float> values(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    const std::string failure = run(*kernel_, 0, values, {10.0f, 3, -128, 127}, cpu_);
    ASSERT_EQ(failure, "");
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKernel, QuantizeKernel, testing::ValuesIn(quantize_names()),
                         kernel_name);

class NightlyQuantizeKernel : public QuantizeKernel {};

TEST_P(NightlyQuantizeKernel, EqualsTheCastOnEveryFloat) {
  constexpr std::uint32_t chunk = 1u << 16;
  std::vector<float> values(chunk);
  for (std::uint32_t high = 0; high < 0x10000u; ++high) {
    for (std::uint32_t low = 0; low < chunk; ++low) values[low] = pattern(high << 16 | low);
    const std::string failure = run(*kernel_, 0, values, {0.3f, -5, -127, 127}, cpu_);
    ASSERT_EQ(failure, "");
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKernel, NightlyQuantizeKernel, testing::ValuesIn(quantize_names()),
                         kernel_name);

TEST(QuantizeCases, TellEveryTwoCastsApart) {
  const std::vector<float> values = structured_values();
  for (const Kernel& a : kernels::kernels()) {
    for (const Kernel& b : kernels::kernels()) {
      if (a.cast == nullptr || b.cast == nullptr || *a.cast == *b.cast) continue;
      bool differs = false;
      for (const QuantizeArgs& args : structured_args()) {
        for (const float x : values)
          differs = differs || expected(*a.cast, {}, x, args) != expected(*b.cast, {}, x, args);
        if (differs) break;
      }
      EXPECT_TRUE(differs) << a.obeys << " and " << b.obeys << " agree on every structured value";
    }
  }
}

}  // namespace

/// One pasted case at its place in an array of zeros; used by CaseLine tests.
std::string replay(const QuantizeLine& line) {
  const Kernel& kernel = kernels::find(line.kernel);
  const kernels::Cpu cpu = kernels::host_cpu();
  if (!kernels::supported(kernel, cpu)) return "cannot run here: " + line.kernel;
  std::vector<float> values(line.lane + 1, 0.0f);
  values[line.lane] = pattern(line.value);
  return run(kernel, line.mode, values, {pattern(line.multiplier), line.zero, line.low, line.high},
             cpu);
}

}  // namespace qsim::test

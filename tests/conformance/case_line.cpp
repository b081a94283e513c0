// A case line reads back as it was written; QSIM_CASE='<line>' replays one.

#include "conformance/case_line.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace qsim::test {

std::string replay(const GemmLine& line);
std::string replay(const QuantizeLine& line);

namespace {

TEST(CaseLine, ReadsBackAGemmCase) {
  const GemmLine line{"gemm_x", 3, 7, -5, {-128, -128, -128, 1}, {127, 0, -1, -1}};
  const std::string text = write(line) + " want=00000001 got=00000002";
  EXPECT_NE(text.find("lhs=80*3.01 rhs=7f.00.ff*2"), std::string::npos) << text;
  const LineWords words(text);
  EXPECT_EQ(words.kind(), "gemm");
  EXPECT_EQ(write(read_gemm(words)), write(line));
}

TEST(CaseLine, ReadsBackAQuantizeCase) {
  const QuantizeLine line{"quantize_x", 3, 17, 0xffc00000u, 0x3f800000u, -128, -127, 127};
  const LineWords words(write(line));
  EXPECT_EQ(words.kind(), "quantize");
  EXPECT_EQ(write(read_quantize(words)), write(line));
}

TEST(CaseLine, RefusesAWordWithoutAValue) {
  EXPECT_THROW(LineWords("gemm kernel"), std::invalid_argument);
}

TEST(CaseLine, FromTheEnvironmentAgrees) {
  const char* text = std::getenv("QSIM_CASE");
  if (text == nullptr) GTEST_SKIP() << "set QSIM_CASE to a case line to replay it";
  const LineWords words(text);
  EXPECT_EQ(words.kind() == "gemm" ? replay(read_gemm(words)) : replay(read_quantize(words)), "");
}

}  // namespace
}  // namespace qsim::test

// Uses the headers alone. Built twice, once with -ffast-math: the answers must be the same.
#include <cstdio>

#include "qsim/emu/chain.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/profile/catalogue/arith.hpp"

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (!holds) {
    std::printf("does not hold: %s\n", what);
    ++failures;
  }
}

// Two products of 127 by 127: the smallest dot product on which machines disagree.
std::int32_t dot(const qsim::Arith& arith) {
  qsim::emu::Chain chain(arith);
  chain.push(127, 127);
  chain.push(127, 127);
  return chain.finish();
}

}  // namespace

int main() {
  using namespace qsim::num;
  volatile std::uint32_t third = 0x40400000u;  // 3: hidden from constant folding
  volatile std::uint32_t tiny = 0x00800000u;   // smallest normal
  volatile std::uint32_t nan = 0x7fc00000u;
  check(dot(qsim::arith::exact_i32) == 32258, "2 * 127 * 127 is 32258");
  check(dot(qsim::arith::x86_maddubs) == 32767, "vpmaddubsw: 2 * 255 * 127 saturates to 32767");
  check(div(f32_one, {third}) == qsim::F32{0x3eaaaaabu}, "1/3 is rounded to nearest");
  check(mul({tiny}, f32_half) == qsim::F32{0x00400000u}, "a subnormal product stays subnormal");
  check(is_nan({nan}) && is_nan(add({nan}, f32_one)), "a NaN stays a NaN");
  return failures;
}

#pragma once
// Products of two code tensors by a row, one element at a time.

#include <cstdint>

#include "qsim/base/check.hpp"
#include "qsim/emu/add.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/rescale.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim::emu {

/// A product with its scales, zero points and limits, ready for many elements.
struct PreparedMul {
  const Profile* profile = nullptr;
  Scaled a{}, b{}, out{};
  CodeRange range{};
  Narrow narrow{};
  F32 ratio{};                  ///< ratio
  std::int32_t later_zero = 0;  ///< the zero point, unless it joined by fma
  PreparedFactor factor{};      ///< fixed
};

namespace detail {
constexpr bool small_product(const Scaled& a, const Scaled& b, const CodeRange& r) {
  const auto reach = [&](std::int64_t zero) {
    const std::int64_t up = r.type_high - zero, down = zero - r.type_low;
    return up > down ? up : down;
  };
  return reach(a.zero) * reach(b.zero) <= 2147483647;
}
}  // namespace detail

/// Checks and constants of a * b for one set of scales, zero points and limits; the profile must
/// outlive it. NotSupported where the row has no rule, BadArgument for scales or zero points that
/// its integers cannot hold.
inline PreparedMul prepare_mul(const Profile& profile, const Scaled& a, const Scaled& b,
                               const Scaled& out, const CodeRange& range) {
  const Mul& rule = profile.mul;
  const FloatMode& mode = profile.float_mode;
  PreparedMul p{.profile = &profile, .a = a, .b = b, .out = out, .range = range,
                .narrow = rule.narrow, .later_zero = out.zero};
  switch (rule.scheme) {
    case MulScheme::none: refuse(profile, "mul", "mul.scheme");
    case MulScheme::engine: detail::need_int8(profile, range, "mul"); break;
    case MulScheme::ratio:
      detail::need_bytes(profile, range, "mul");
      p.ratio = num::div(num::mul(a.scale, b.scale, mode), out.scale, mode);
      if (rule.fused) {
        p.later_zero = 0;
        p.narrow.zero = ZeroStage::included;
      }
      break;
    case MulScheme::plain_f32: break;
    case MulScheme::fixed:
      detail::need_integer_zero(rule.narrow, "mul");
      detail::need_positive(a.scale, "a_scale");
      detail::need_positive(b.scale, "b_scale");
      detail::need_positive(out.scale, "out_scale");
      if (!detail::small_product(a, b, range))
        fail<BadArgument>("a_zero, b_zero: expected products of (code - zero) that fit 31 bits, "
                          "got ", a.zero, " and ", b.zero, "; use 0 for 16-bit codes");
      p.factor = prepare(
          Requant{.scheme = Rescale::fixed, .factor = rule.factor, .fixed = rule.fixed},
          {a.scale, b.scale, out.scale}, mode);
      break;
  }
  return p;
}

/// The code of qa * qb. Equation (A.27).
constexpr std::int32_t code_of(const PreparedMul& p, std::int32_t qa, std::int32_t qb) {
  const Mul& rule = p.profile->mul;
  const FloatMode& mode = p.profile->float_mode;
  const std::int64_t a = std::int64_t{qa} - p.a.zero, b = std::int64_t{qb} - p.b.zero;
  switch (rule.scheme) {
    case MulScheme::none: break;
    case MulScheme::engine:
      return binary(*p.profile, Binary::mul, static_cast<std::int8_t>(qa),
                    static_cast<std::int8_t>(qb), p.a, p.b,
                    eltwise_multiplier(*p.profile, p.out.scale), p.out.zero, p.range);
    case MulScheme::ratio: {
      const F32 product = num::from_int(a * b);
      const F32 t = rule.fused
                        ? num::fma(product, p.ratio, num::from_int(p.out.zero), mode)
                        : num::mul(product, p.ratio, mode);
      return narrow_real(t, p.later_zero, p.range, p.narrow, mode);
    }
    case MulScheme::plain_f32: {
      const F32 x = num::mul(p.a.scale, num::from_int(a), mode);
      const F32 y = num::mul(p.b.scale, num::from_int(b), mode);
      return narrow_real(num::div(num::mul(x, y, mode), p.out.scale, mode), p.later_zero, p.range,
                         p.narrow, mode);
    }
    case MulScheme::fixed:
      return narrow_int(rescale(a * b, p.factor.multiple, rule.fixed), p.later_zero, p.range,
                        p.narrow);
  }
  QSIM_ASSERT(false);
  return 0;
}

}  // namespace qsim::emu

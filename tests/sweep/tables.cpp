#include "sweep/tables.hpp"

#include <algorithm>
#include <cmath>

#include "qsim/base/check.hpp"
#include "sweep/fixed_formula.hpp"

namespace qsim::sweep {
namespace {

/// Operands in the engine's order: exchanged where the first one is alone.
struct Ordered {
  Tensor x{}, y{};
  bool swaps = false, subtracts_x = false, subtracts_y = false;
};
Ordered ordered(const TableCase& c) {
  const bool swaps = c.lone == emu::Lone::a, subtracts = c.operation == Operation::subtract;
  Ordered o{c.scales.a, c.scales.b, swaps, subtracts && swaps, subtracts && !swaps};
  if (swaps) std::swap(o.x, o.y);
  return o;
}

/// fl(x*y) + z in one rounding or two.
float join(bool fused, float x, float y, float z) {
  return fused ? std::fma(x, y, z) : x * y + z;
}

/// A sum in units of the result's codes, all in binary32.
struct RealSum {
  float rx = 0, ry = 0, constant = 0;
};
RealSum folded(const TableCase& c, const Ordered& o) {
  const float so = c.scales.out.scale;
  RealSum f{o.x.scale / so, o.y.scale / so, 0.0f};
  const float zx = static_cast<float>(o.x.zero), zy = static_cast<float>(o.y.zero);
  const float zeros = join(c.row.add.fused, f.rx, zx, f.ry * zy);
  f.constant = static_cast<float>(c.scales.out.zero) - zeros;
  return f;
}

// Each of the following gives t (real values in codes) or v (integers) for the code pair (x, y).

float folded_sum(const TableCase& c, const RealSum& f, float x, float y) {
  if (c.row.add.fused) return std::fma(x, f.rx, std::fma(y, f.ry, f.constant));
  if (c.lone != emu::Lone::neither) return (f.constant + y * f.ry) + x * f.rx;
  return (f.constant + x * f.rx) + y * f.ry;
}
float plain_sum(const TableCase& c, const Ordered& o, float dx, float dy) {
  const float sx = o.subtracts_x ? -o.x.scale : o.x.scale;
  const float sy = o.subtracts_y ? -o.y.scale : o.y.scale;
  return join(c.row.add.fused, sx, dx, sy * dy) / c.scales.out.scale;
}

/// Integer ratios of `bits` bits and their common shift; none where the rule is left.
struct Ratios {
  std::int64_t x = 0, y = 0;
  int shift = 0;
  bool usable = false;
};
Ratios ratios(const TableCase& c, const Ordered& o) {
  const float rx = o.x.scale / c.scales.out.scale, ry = o.y.scale / c.scales.out.scale;
  const float larger = std::max(rx, ry), smaller = std::min(rx, ry);
  if (!(smaller >= 0x1p-14f && larger < 256.0f)) return {};
  Ratios r;
  r.shift = c.row.add.bits - std::ilogb(larger);
  r.x = std::llrint(static_cast<double>(rx) * std::exp2(r.shift));
  r.y = std::llrint(static_cast<double>(ry) * std::exp2(r.shift));
  r.usable = r.shift >= 13 && r.shift <= 31 &&
             (!c.row.add.gives_up || std::max(r.x, r.y) < std::int64_t{2} << c.row.add.bits);
  if (o.subtracts_x) r.x = -r.x;
  if (o.subtracts_y) r.y = -r.y;
  return r;
}

/// Three factors in binary64 around inputs lifted by 2^left.
struct Lifted {
  Factor31 x{}, y{}, out{};
  int left = 0;
};
Lifted lifted(const TableCase& c, const Ordered& o) {
  const Add& rule = c.row.add;
  const double sx = static_cast<double>(o.x.scale), sy = static_cast<double>(o.y.scale);
  const double twice = 2.0 * std::max(sx, sy);
  Lifted f;
  f.left = c.range.type_high > 255 ? rule.left16 : rule.left;
  f.x = factor31(sx / twice, rule.fixed);
  f.y = factor31(sy / twice, rule.fixed);
  f.out = factor31(twice / (std::exp2(f.left) * static_cast<double>(c.scales.out.scale)),
                   rule.fixed);
  return f;
}
std::int64_t lifted_operand(const Add& rule, std::int64_t d, int left, const Factor31& f) {
  if (!rule.folds_exponent)
    return fixed_sum(wrap32(d * (std::int64_t{1} << left)), f, rule.fixed);
  const int shift = left + f.e;
  const std::int64_t whole = shift >= 0 ? wrap32(d * (std::int64_t{1} << shift)) : d >> -shift;
  return fixed_sum(whole, {f.m, 0}, rule.fixed);
}
std::int64_t lifted_sum(const TableCase& c, const Ordered& o, const Lifted& f, std::int64_t dx,
                        std::int64_t dy) {
  const std::int64_t x = lifted_operand(c.row.add, dx, f.left, f.x);
  const std::int64_t y = lifted_operand(c.row.add, dy, f.left, f.y);
  return fixed_sum(wrap32((o.subtracts_x ? -x : x) + (o.subtracts_y ? -y : y)), f.out,
                   c.row.add.fixed);
}

// ------------------------------------------------------------ graphs' element-wise arithmetic

/// fl(d0*s0) op fl(d1*s1), or (d0*d1)*(s0*s1), times fl(1/so). No step is subnormal here.
float engine_real(const TableCase& c, float da, float db) {
  const float sa = c.scales.a.scale, sb = c.scales.b.scale;
  float real = 0.0f;
  switch (c.operation) {
    case Operation::add: real = da * sa + db * sb; break;
    case Operation::subtract: real = da * sa - db * sb; break;
    case Operation::mul:
      real = c.row.eltwise.products_first ? (da * db) * (sa * sb) : (da * sa) * (db * sb);
      break;
  }
  return real * (1.0f / c.scales.out.scale);
}
/// The converted value and the zero point, by saturation to 16 bits and wrapping, or plainly.
std::int32_t engine_code(const TableCase& c, std::int32_t v) {
  const std::int32_t zero = c.scales.out.zero;
  if (c.row.eltwise.zero_after_int16)
    v = static_cast<std::int16_t>(std::clamp(v, -32768, 32767) + zero);
  else
    v = static_cast<std::int32_t>(std::clamp<std::int64_t>(std::int64_t{v} + zero, -32768, 32767));
  v = std::clamp(v, -128, 127);
  return std::max(std::min(v, c.range.high), c.range.low);
}

// ---------------------------------------------------------------------------------- all pairs

struct Pair {
  std::int64_t x = 0, y = 0;
};

/// Calls fill(pair, place) for blocks of code pairs in the engine's order, then finish(codes).
template <class Fill, class Finish>
void for_all_pairs(const TableCase& c, bool swaps, std::vector<std::int32_t>& codes, Fill fill,
                   Finish finish) {
  codes.resize(65536);
  for (std::size_t first = 0; first < codes.size(); first += lanes) {
    for (std::size_t i = 0; i < lanes; ++i) {
      const std::int64_t a = c.range.type_low + static_cast<std::int64_t>((first + i) >> 8);
      const std::int64_t b = c.range.type_low + static_cast<std::int64_t>((first + i) & 255);
      fill(swaps ? Pair{b, a} : Pair{a, b}, i);
    }
    Codes out;
    finish(out);
    std::copy(out.begin(), out.end(), codes.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

template <class Real>
void real_table(const TableCase& c, bool swaps, const Narrow& narrow, std::int32_t zero,
                std::vector<std::int32_t>& codes, Real real) {
  Reals t;
  for_all_pairs(
      c, swaps, codes, [&](const Pair& p, std::size_t i) { t[i] = real(p); },
      [&](Codes& out) { narrow_reals({narrow, zero, c.range}, t, out); });
}
template <class Integer>
void integer_table(const TableCase& c, bool swaps, const Narrow& narrow,
                   std::vector<std::int32_t>& codes, Integer integer) {
  Wides v;
  for_all_pairs(
      c, swaps, codes,
      [&](const Pair& p, std::size_t i) { v[i] = static_cast<double>(integer(p)); },
      [&](Codes& out) { narrow_integers({narrow, c.scales.out.zero, c.range}, v, out); });
}

void engine_table(const TableCase& c, std::vector<std::int32_t>& codes) {
  Narrow plain;  // only its conversion: wide limits
  plain.clamp = ClampStage::none;
  plain.through_int16 = false;
  plain.convert = c.row.eltwise.convert;
  TableCase wide = c;
  wide.range = {c.range.low, c.range.high, false, -2147483647 - 1, 2147483647};
  Reals t;
  for_all_pairs(
      c, false, codes,
      [&](const Pair& p, std::size_t i) {
        t[i] = engine_real(c, static_cast<float>(p.x - c.scales.a.zero),
                           static_cast<float>(p.y - c.scales.b.zero));
      },
      [&](Codes& out) {
        narrow_reals({plain, 0, wide.range}, t, out);
        for (std::int32_t& v : out) v = engine_code(c, v);
      });
}

void add_table(const TableCase& c, std::vector<std::int32_t>& codes) {
  const Add& rule = c.row.add;
  const Ordered o = ordered(c);
  const std::int32_t zo = c.scales.out.zero;
  const auto plainly = [&](const Narrow& narrow) {
    real_table(c, o.swaps, narrow, zo, codes, [&](const Pair& p) {
      return plain_sum(c, o, static_cast<float>(p.x - o.x.zero),
                       static_cast<float>(p.y - o.y.zero));
    });
  };
  switch (rule.scheme) {
    case AddScheme::none: break;
    case AddScheme::engine: engine_table(c, codes); return;
    case AddScheme::folded_f32: {
      const RealSum f = folded(c, o);
      real_table(c, o.swaps, rule.narrow, 0, codes, [&](const Pair& p) {
        return folded_sum(c, f, static_cast<float>(p.x), static_cast<float>(p.y));
      });
      return;
    }
    case AddScheme::plain_f32: plainly(rule.narrow); return;
    case AddScheme::shifted: {
      const Ratios r = ratios(c, o);
      if (!r.usable) {
        plainly(rule.plain);
        return;
      }
      integer_table(c, o.swaps, rule.narrow, codes, [&](const Pair& p) {
        const std::int64_t sum = (p.x - o.x.zero) * r.x + (p.y - o.y.zero) * r.y;
        return divided(wrap32(sum), r.shift, rule.shift);
      });
      return;
    }
    case AddScheme::fixed: {
      const Lifted f = lifted(c, o);
      integer_table(c, o.swaps, rule.narrow, codes, [&](const Pair& p) {
        return lifted_sum(c, o, f, p.x - o.x.zero, p.y - o.y.zero);
      });
      return;
    }
  }
  QSIM_ASSERT(rule.scheme != AddScheme::none);
}

void mul_table(const TableCase& c, std::vector<std::int32_t>& codes) {
  const Mul& rule = c.row.mul;
  const float sa = c.scales.a.scale, sb = c.scales.b.scale, so = c.scales.out.scale;
  const std::int32_t za = c.scales.a.zero, zb = c.scales.b.zero, zo = c.scales.out.zero;
  switch (rule.scheme) {
    case MulScheme::none: break;
    case MulScheme::engine: engine_table(c, codes); return;
    case MulScheme::ratio: {
      const float ratio = (sa * sb) / so;
      Narrow narrow = rule.narrow;
      if (rule.fused) narrow.zero = ZeroStage::included;
      real_table(c, false, narrow, rule.fused ? 0 : zo, codes, [&](const Pair& p) {
        const float product = static_cast<float>((p.x - za) * (p.y - zb));
        return rule.fused ? std::fma(product, ratio, static_cast<float>(zo)) : product * ratio;
      });
      return;
    }
    case MulScheme::plain_f32:
      real_table(c, false, rule.narrow, zo, codes, [&](const Pair& p) {
        const float x = sa * static_cast<float>(p.x - za), y = sb * static_cast<float>(p.y - zb);
        return (x * y) / so;
      });
      return;
    case MulScheme::fixed: {
      const double exact = static_cast<double>(sa) * static_cast<double>(sb);
      double factor = exact / static_cast<double>(so);
      if (rule.factor == Factor::f32) factor = static_cast<double>((sa * sb) / so);
      if (rule.factor == Factor::f32_reciprocal)
        factor = static_cast<double>((sa * sb) * (1.0f / so));
      if (rule.factor == Factor::f32_product)
        factor = static_cast<double>(sa * sb) / static_cast<double>(so);
      const Factor31 f = factor31(factor, rule.fixed);
      integer_table(c, false, rule.narrow, codes, [&](const Pair& p) {
        return fixed_sum((p.x - za) * (p.y - zb), f, rule.fixed);
      });
      return;
    }
  }
  QSIM_ASSERT(rule.scheme != MulScheme::none);
}

}  // namespace

void host_table(const TableCase& c, std::vector<std::int32_t>& codes) {
  if (c.operation == Operation::mul) mul_table(c, codes);
  else add_table(c, codes);
}

}  // namespace qsim::sweep

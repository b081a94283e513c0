#include "sweep/host_narrow.hpp"

#include <cmath>

namespace qsim::sweep {
namespace {

constexpr double low_word = -2147483648.0, high_word = 2147483647.0, word_span = 4294967296.0;
constexpr float smallest_normal = 0x1p-126f;

/// A subnormal operand as the mode reads it.
inline float read(float x, bool flushes) {
  return flushes && std::fabs(x) < smallest_normal ? x * 0.0f : x;
}
/// The least magnitude whose result is kept: what rounds to 2^-126, or is at least that.
inline double least_kept(const FloatMode& mode) {
  switch (mode.flush_results) {
    case Flush::none: break;
    case Flush::after_rounding: return 0x1p-126 - 0x1p-151;
    case Flush::before_rounding: return 0x1p-126;
  }
  return 0.0;
}

// ---------------------------------------------------------------------- rounding in binary64

/// The nearest integer, ties to even. |d| < 2^51: beyond, 2^52 + 2^51 leaves no fraction.
inline double nearest(double d) { return (d + 0x1.8p52) - 0x1.8p52; }
/// The nearest integer but for exact ties, which go to d + half.
inline double tied(double d, double half) {
  const double r = nearest(d);
  return std::fabs(d - r) == 0.5 ? d + half : r;  // d - r is exact
}
inline double downwards(double d) {
  const double r = nearest(d);
  return r > d ? r - 1.0 : r;
}
inline double towards_zero(double d) {
  const double r = downwards(std::fabs(d));
  return d < 0.0 ? -r : r;
}

QSIM_CLONES void round_all(Wides& d, Ties ties) {
  switch (ties) {
    case Ties::half_even:
      for (double& v : d) v = nearest(v);
      return;
    case Ties::half_away:
      for (double& v : d) v = tied(v, v < 0.0 ? -0.5 : 0.5);
      return;
    case Ties::half_up:
      for (double& v : d) v = tied(v, 0.5);
      return;
    case Ties::half_down:
      for (double& v : d) v = tied(v, -0.5);
      return;
    case Ties::toward_zero:
      for (double& v : d) v = towards_zero(v);
      return;
    case Ties::floor:
      for (double& v : d) v = downwards(v);
      return;
    case Ties::add_half:  // of a binary64 number; binary32 ones are prepared by add_half below
      for (double& v : d) v = towards_zero(v + (v < 0.0 ? -0.5 : 0.5));
      return;
  }
}

QSIM_CLONES void limit_all(Wides& d, double low, double high) {
  for (double& v : d) {
    v = v > high ? high : v;  // NaN stays
    v = v < low ? low : v;
  }
}

QSIM_CLONES void answer_all(Wides& d, double nan, double too_high) {
  for (double& v : d) {
    v = v > high_word ? too_high : v;
    v = v < low_word ? low_word : v;
    v = v != v ? nan : v;
  }
}

/// Real to int32: rounding, then the answers to NaN and to what does not fit.
void convert(Wides& d, const Convert& how, Ties ties) {
  limit_all(d, -word_span, word_span);
  round_all(d, ties);
  double nan = 0.0;
  switch (how.nan) {
    case NanRule::zero: break;
    case NanRule::lowest: nan = low_word; break;
    case NanRule::highest: nan = high_word; break;
  }
  answer_all(d, nan, how.too_high == RangeRule::saturate ? high_word : low_word);
}

// --------------------------------------------------------------------------- integer stages

QSIM_CLONES void add_wrapping(Wides& v, double addend) {
  for (double& x : v) {
    x += addend;
    x = x > high_word ? x - word_span : x;
    x = x < low_word ? x + word_span : x;
  }
}
QSIM_CLONES void add_saturating(Wides& v, double addend, double low, double high) {
  for (double& x : v) {
    x = x > high ? high : x;
    x = x < low ? low : x;
    x += addend;
    x = x > high ? high : x;
    x = x < low ? low : x;
  }
}
QSIM_CLONES void add_exact(Wides& v, double addend) {
  for (double& x : v) x += addend;
}

void limit_ordered(Wides& v, double low, double high, ClampOrder order) {
  if (order == ClampOrder::high_first && high < low) {
    limit_all(v, low, low);  // max(min(x, high), low)
    return;
  }
  if (high < low) low = high;  // min(max(x, low), high)
  limit_all(v, low, high);
}

QSIM_CLONES void store(const Wides& v, Codes& out) {
  for (std::size_t i = 0; i < lanes; ++i) out[i] = static_cast<std::int32_t>(v[i]);
}

ClampStage stage_of(const Narrowing& n) {
  return n.range.skip ? ClampStage::none : n.rule.clamp;
}

void pack(const Narrowing& n, Wides& v, Codes& out) {
  switch (n.rule.zero) {
    case ZeroStage::included:
    case ZeroStage::real:
    case ZeroStage::real_integral: break;
    case ZeroStage::int32_wrap: add_wrapping(v, n.zero); break;
    case ZeroStage::int32_saturate: add_saturating(v, n.zero, low_word, high_word); break;
    case ZeroStage::int16_saturate: add_saturating(v, n.zero, -32768.0, 32767.0); break;
  }
  const double offset = n.rule.offset;
  if (n.rule.offset != 0) add_wrapping(v, offset);
  const ClampStage stage = stage_of(n);
  const double low = n.range.low, high = n.range.high;
  if (stage == ClampStage::int32) limit_ordered(v, low + offset, high + offset, n.rule.order);
  if (n.rule.through_int16) limit_all(v, -32768.0, 32767.0);
  if (stage == ClampStage::int16) limit_ordered(v, low + offset, high + offset, n.rule.order);
  limit_all(v, n.range.type_low + offset, n.range.type_high + offset);
  if (n.rule.offset != 0) add_exact(v, -offset);
  if (stage == ClampStage::int8) limit_ordered(v, low, high, n.rule.order);
  if (stage == ClampStage::real_high) limit_all(v, low, word_span);
  store(v, out);
}

// ------------------------------------------------------------------------------- real stages

QSIM_CLONES void lower(Reals& t, float bound, MinMaxNan rule) {
  switch (rule) {
    case MinMaxNan::second_operand:
      for (float& x : t) x = x < bound ? x : bound;
      return;
    case MinMaxNan::first_operand:
    case MinMaxNan::propagate:
      for (float& x : t) x = bound < x ? bound : x;
      return;
    case MinMaxNan::number:
      for (float& x : t) x = x != x || bound < x ? bound : x;
      return;
  }
}
QSIM_CLONES void raise(Reals& t, float bound, MinMaxNan rule) {
  switch (rule) {
    case MinMaxNan::second_operand:
      for (float& x : t) x = x > bound ? x : bound;
      return;
    case MinMaxNan::first_operand:
    case MinMaxNan::propagate:
      for (float& x : t) x = bound > x ? bound : x;
      return;
    case MinMaxNan::number:
      for (float& x : t) x = x != x || bound > x ? bound : x;
      return;
  }
}
QSIM_CLONES void add_half(Reals& t) {
  for (float& x : t) x += x < 0.0f ? -0.5f : 0.5f;
}
QSIM_CLONES void widen(const Reals& t, Wides& v) {
  for (std::size_t i = 0; i < lanes; ++i) v[i] = static_cast<double>(t[i]);
}
/// Keeps what is integral already: infinities, NaN and 2^23 and more.
QSIM_CLONES void take_integral(const Wides& rounded, Reals& t) {
  for (std::size_t i = 0; i < lanes; ++i)
    t[i] = std::fabs(t[i]) < 0x1p23f ? static_cast<float>(rounded[i]) : t[i];
}

void make_integral(Reals& t, Ties ties) {
  Wides v;
  if (ties == Ties::add_half) {
    Reals moved = t;
    add_half(moved);
    widen(moved, v);
    ties = Ties::toward_zero;
  } else {
    widen(t, v);
  }
  limit_all(v, -word_span, word_span);
  round_all(v, ties);
  take_integral(v, t);
}

}  // namespace

QSIM_CLONES void multiply(const Reals& x, float factor, const FloatMode& mode, Reals& t) {
  const double least = least_kept(mode), by = static_cast<double>(read(factor, mode.flush_inputs));
  const bool flushes = mode.flush_inputs;
  for (std::size_t i = 0; i < lanes; ++i) {
    const double product = static_cast<double>(read(x[i], flushes)) * by;  // exact
    t[i] = static_cast<float>(std::fabs(product) < least ? product * 0.0 : product);
  }
}

QSIM_CLONES void divide(const Reals& x, float scale, const FloatMode& mode, Reals& t) {
  const bool flushes = mode.flush_inputs;
  const float by = read(scale, flushes);
  const double least = least_kept(mode);
  for (std::size_t i = 0; i < lanes; ++i) t[i] = read(x[i], flushes) / by;
  if (least == 0.0) return;
  for (std::size_t i = 0; i < lanes; ++i) {  // a quotient near 2^-126 is exact or far from it
    const double quotient = static_cast<double>(read(x[i], flushes)) / static_cast<double>(by);
    t[i] = std::fabs(quotient) < least ? t[i] * 0.0f : t[i];
  }
}

QSIM_CLONES void multiply_add(const Reals& x, float factor, float addend, const FloatMode& mode,
                              Reals& t) {
  const bool flushes = mode.flush_inputs;
  const float by = read(factor, flushes);
  const double least = least_kept(mode);
  for (std::size_t i = 0; i < lanes; ++i)
    t[i] = __builtin_fmaf(read(x[i], flushes), by, addend);
  if (least == 0.0 || addend != 0.0f) return;
  for (std::size_t i = 0; i < lanes; ++i) {
    const double product = static_cast<double>(read(x[i], flushes)) * static_cast<double>(by);
    t[i] = std::fabs(product) < least ? t[i] * 0.0f : t[i];
  }
}

QSIM_CLONES void add(Reals& t, float addend) {
  for (float& x : t) x += addend;
}

void narrow_reals(const Narrowing& n, Reals& t, Codes& out) {
  const Narrow& rule = n.rule;
  if (rule.cap == RealCap::int16) lower(t, 32767.0f, rule.minmax);
  if (rule.cap == RealCap::below_int32) lower(t, 2147483520.0f, rule.minmax);
  const bool integral = rule.zero == ZeroStage::real_integral;
  const bool in_reals = integral || rule.zero == ZeroStage::real;
  if (integral) make_integral(t, rule.convert.ties);
  if (in_reals) add(t, static_cast<float>(n.zero));
  const ClampStage stage = stage_of(n);
  const std::int32_t later = in_reals || rule.zero == ZeroStage::included ? 0 : n.zero;
  const float low = static_cast<float>(n.range.low - later);
  const float high = static_cast<float>(n.range.high - later);
  if (stage == ClampStage::real_high) lower(t, high, rule.minmax);
  if (stage == ClampStage::real && rule.order == ClampOrder::high_first) {
    lower(t, high, rule.minmax);
    raise(t, low, rule.minmax);
  } else if (stage == ClampStage::real) {
    raise(t, low, rule.minmax);
    lower(t, high, rule.minmax);
  }
  Ties ties = rule.convert.ties;
  if (ties == Ties::add_half) {
    add_half(t);
    ties = Ties::toward_zero;
  }
  Wides v;
  widen(t, v);
  convert(v, rule.convert, ties);
  pack(n, v, out);
}

void narrow_wides(const Narrowing& n, Wides& v, Codes& out) {
  convert(v, n.rule.convert, n.rule.convert.ties);
  pack(n, v, out);
}

void narrow_integers(const Narrowing& n, Wides& v, Codes& out) { pack(n, v, out); }

}  // namespace qsim::sweep

// Tensor metrics in binary64, summed in index order.

#include "qsim/metric/compare.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "parallel.hpp"
#include "qsim/base/check.hpp"

namespace qsim::metric {

Metrics compare(const Side& a, const Side& b) {
  if (a.real.size() != b.real.size())
    fail<BadArgument>("b: expected ", a.real.size(), " elements as in a, got ", b.real.size());
  for (const auto& [side, name] : {std::pair{&a, "a"}, std::pair{&b, "b"}})
    if ((!side->codes.empty() && side->codes.size() != side->real.size()) ||
        (!side->unspecified.empty() && side->unspecified.size() != side->real.size()))
      fail<BadArgument>(name, ": expected as many codes and marks as values or none, got ",
                        side->codes.size(), " and ", side->unspecified.size(), " for ",
                        side->real.size());
  const graph::detail::DefaultFloatMode mode;
  const bool coded = !a.codes.empty() && a.codes.size() == b.codes.size();
  Metrics m;
  if (coded) m.max_lsb = 0;
  double aa = 0.0, bb = 0.0, ab = 0.0, error = 0.0;
  bool poisoned = false;
  for (std::size_t i = 0; i < a.real.size(); ++i) {
    if ((!a.unspecified.empty() && a.unspecified[i] != 0) ||
        (!b.unspecified.empty() && b.unspecified[i] != 0)) {
      ++m.unspecified;
      continue;
    }
    ++m.elements;
    const float x = a.real[i];
    const float y = b.real[i];
    const bool same_real = std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y) ||
                           (std::isnan(x) && std::isnan(y));
    const bool same_code = !coded || a.codes[i] == b.codes[i];
    m.equal += same_real && same_code ? 1u : 0u;
    if (coded) m.max_lsb = std::max(m.max_lsb, std::abs(int{a.codes[i]} - int{b.codes[i]}));
    const bool fx = std::isfinite(x);
    const bool fy = std::isfinite(y);
    m.nonfinite_a += fx ? 0u : 1u;
    m.nonfinite_b += fy ? 0u : 1u;
    m.finite_mismatch += fx != fy ? 1u : 0u;
    poisoned = poisoned || !fx || !fy;
    if (!fx || !fy) continue;
    const double d = double{x} - double{y};
    m.max_abs = std::max(m.max_abs, std::fabs(d));
    aa += double{x} * double{x};
    bb += double{y} * double{y};
    ab += double{x} * double{y};
    error += d * d;
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  if (poisoned) {
    m.cosine = nan;
    m.sqnr_db = nan;
  } else {
    const bool zero_a = aa == 0.0;
    const bool zero_b = bb == 0.0;
    m.cosine = zero_a || zero_b ? (zero_a && zero_b ? 1.0 : 0.0) : ab / std::sqrt(aa * bb);
    m.sqnr_db = error == 0.0 ? std::numeric_limits<double>::infinity()
                             : 10.0 * std::log10(aa / error);
  }
  return m;
}

}  // namespace qsim::metric

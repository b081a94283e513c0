#pragma once
// A run whose convolutions are computed by somebody else: how calibration reuses the executor.

#include <functional>
#include <optional>

#include "qsim/graph/run.hpp"

namespace qsim::graph::detail {

/// The value of convolution node `n` from its input; none: the executor computes it as ever.
using ConvHook = std::function<std::optional<Value>(std::size_t n, const Value& x)>;

/// Like run(), with convolutions answered by `hook` where it does.
Trace run_hooked(const Graph& graph, const Feeds& feeds, const Profile* profile,
                 const ConvHook& hook);

}  // namespace qsim::graph::detail

#pragma once
// Integer ops of the executor: int8 in, int8 out, by a profile.

#include <cstdint>
#include <vector>

#include "movement.hpp"
#include "qsim/graph/run.hpp"

namespace qsim::graph::detail {

/// An int8 operand: codes, the info they are read by, and which of them mean nothing.
struct Operand {
  const std::vector<std::int8_t>* codes = nullptr;
  const std::vector<std::uint8_t>* unspecified = nullptr;
  QInfo info;
};

/// Codes of float values cast by `info`; counts in front of an integer node.
std::vector<std::int8_t> cast_codes(const Profile& p, const std::vector<float>& real,
                                    const QInfo& info);

/// Fills real from codes and info. Where every code reads as NaN, only codes stay unspecified.
void read_codes(const Profile& p, Value& value);

Value int_conv(const Profile& p, const Node& node, const Operand& x, const Shape& shape,
               const QInfo& out, NodeRun& record);
/// Operands already broadcast to `shape`.
Value int_binary(const Profile& p, Op op, const Operand& a, const Operand& b, const Shape& shape,
                 const QInfo& out, bool packed);
Value int_pool(const Profile& p, const Node& node, const Operand& x, const Shape& shape,
               const QInfo& out);
Value int_relu(const Operand& x, const Shape& shape, const QInfo& out, bool packed);

}  // namespace qsim::graph::detail

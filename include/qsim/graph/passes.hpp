#pragma once
// Rewrites of a graph before it is quantized or run. Each returns a new graph.

#include "qsim/graph/graph.hpp"

namespace qsim::graph {

/// MatMul and Gemm with a constant right side used by at most `max_consumers` nodes become 1x1
/// convolutions named "<output>__matmul_converted", between reshapes, each with its own copy of the
/// weights: what the MNN converter does with limits 4, 1, 100 for optimizePrefer 0, 1, 2
/// (tools/converter/source/optimizer/merge/ConvertMatMulToConv2D.cpp).
Graph matmul_to_conv(const Graph& graph, std::int64_t max_consumers);

/// BatchNormalization after a convolution with constant weights is folded into it (float32,
/// scale = gamma / sqrt(var + epsilon)); a lone one stays.
Graph fold_batchnorm(const Graph& graph);

/// Relu, or Clip from 0, directly and only behind a convolution becomes part of it. Float
/// convolutions keep a Clip's upper limit; int8 ones drop it, as MNN does.
Graph fuse_relu(const Graph& graph);

}  // namespace qsim::graph

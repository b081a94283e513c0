// Links the compiled libraries: a graph of one node, and the table of kernels.
#include <cstdio>

#include "qsim/base/check.hpp"
#include "qsim/graph/graph.hpp"
#include "qsim/kernels/registry.hpp"

int main() {
  using namespace qsim::graph;
  Graph graph;
  Node node;
  node.name = "relu";
  node.op = Op::relu;
  node.inputs = {graph.add_input("x", {1, 4})};
  node.outputs = {graph.add_tensor("y")};
  graph.add_node(node);
  graph.mark_output(graph.find("y"));
  graph.validate();
  try {
    graph.find("z");
    return 1;
  } catch (const qsim::UnknownName& error) {
    std::printf("refused as it should be: %s\n", error.what());
  }
  std::size_t here = 0;
  for (const qsim::kernels::Kernel& kernel : qsim::kernels::kernels())
    here += qsim::kernels::supported(kernel.name) ? 1 : 0;
  std::printf("%zu kernels run on this processor\n", here);
  return 0;
}

#pragma once
// The rows of runtimes that run whole graphs: only their graph fields are claims.

#include <vector>

#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/uses.hpp"

namespace qsim::test {

inline std::vector<Profile> graph_rows() {
  std::vector<Profile> rows;
  for (const Profile& row : catalogue())
    if (runs_graphs(row)) rows.push_back(row);
  return rows;
}

}  // namespace qsim::test

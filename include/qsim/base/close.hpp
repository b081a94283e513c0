#pragma once
// Close matches: what a user who mistyped a name probably meant.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qsim {

/// Single-character edits from a to b.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> cost(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) cost[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = cost[0];
    cost[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = cost[j];
      cost[j] = std::min({change, cost[j] + 1, cost[j - 1] + 1});
    }
  }
  return cost[b.size()];
}

/// Up to three of `names`, nearest first, joined by commas.
inline std::string close_matches(std::string_view name,
                                 const std::vector<std::string_view>& names) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string_view n : names) near.emplace_back(edit_distance(name, n), n);
  std::sort(near.begin(), near.end());
  std::string list;
  for (std::size_t i = 0; i < near.size() && i < 3; ++i)
    list += (i == 0 ? "" : ", ") + std::string(near[i].second);
  return list;
}

}  // namespace qsim

#pragma once
// Every built-in profile in one list.

#include <algorithm>
#include <string_view>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/profile/catalogue/mnn.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim {

/// All built-in rows, in catalogue order.
inline std::vector<Profile> catalogue() { return {mnn::rows.begin(), mnn::rows.end()}; }

/// The built-in row of that name; UnknownName otherwise.
inline const Profile& find_profile(std::string_view name) {
  const auto row = std::find_if(mnn::rows.begin(), mnn::rows.end(),
                                [&](const Profile& p) { return p.name.view() == name; });
  if (row == mnn::rows.end())
    fail<UnknownName>("profile: \"", name, "\" is not in the catalogue");
  return *row;
}

}  // namespace qsim

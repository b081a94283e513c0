#pragma once
// Every built-in profile in one list.

#include <string_view>
#include <vector>

#include "qsim/base/check.hpp"
#include "qsim/base/close.hpp"
#include "qsim/profile/catalogue/acl.hpp"
#include "qsim/profile/catalogue/cmsis_nn.hpp"
#include "qsim/profile/catalogue/exact.hpp"
#include "qsim/profile/catalogue/fbgemm.hpp"
#include "qsim/profile/catalogue/gemmlowp.hpp"
#include "qsim/profile/catalogue/ieee.hpp"
#include "qsim/profile/catalogue/kleidiai.hpp"
#include "qsim/profile/catalogue/mnn.hpp"
#include "qsim/profile/catalogue/mnn_later.hpp"
#include "qsim/profile/catalogue/ncnn.hpp"
#include "qsim/profile/catalogue/npu.hpp"
#include "qsim/profile/catalogue/onednn.hpp"
#include "qsim/profile/catalogue/onnxruntime.hpp"
#include "qsim/profile/catalogue/pytorch.hpp"
#include "qsim/profile/catalogue/qnnpack.hpp"
#include "qsim/profile/catalogue/tflite.hpp"
#include "qsim/profile/catalogue/xnnpack.hpp"
#include "qsim/profile/profile.hpp"

namespace qsim {

/// All built-in rows, in catalogue order.
inline std::vector<Profile> catalogue() {
  std::vector<Profile> all;
  const auto append = [&](const auto& rows) { all.insert(all.end(), rows.begin(), rows.end()); };
  append(mnn::rows);
  append(mnn_later::rows);
  append(onnxruntime::rows);
  append(tflite::rows);
  append(xnnpack::rows);
  append(gemmlowp::rows);
  append(cmsis_nn::rows);
  append(acl::rows);
  append(kleidiai::rows);
  append(fbgemm::rows);
  append(qnnpack::rows);
  append(pytorch::rows);
  append(onednn::rows);
  append(ncnn::rows);
  append(npu::rows);
  append(exact::rows);
  append(ieee::rows);
  return all;
}

/// The built-in row of that name; UnknownName otherwise.
inline Profile find_profile(std::string_view name) {
  const std::vector<Profile> rows = catalogue();
  std::vector<std::string_view> names;
  for (const Profile& row : rows) {
    if (row.name.view() == name) return row;
    names.push_back(row.name.view());
  }
  fail<UnknownName>("profile: \"", name, "\" is not in the catalogue; close matches: ",
                    close_matches(name, names));
}

}  // namespace qsim

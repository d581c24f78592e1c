#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/workloads/capture/naming.h"
#include "harness/workloads/capture/settings.h"
#include "harness/workloads/capture/source.h"

namespace vidattn {

/// q, k and v of a call: looked at as [tokens,heads,channels], and not read yet.
struct StoredOperands {
  StoredArray q, k, v;   ///< k and v may have other tokens than q, and v another width
  Layout layout;         ///< as q is stored
  int64_t batch = 1;     ///< calls in one: the size of the batch
  int64_t heads = 0;     ///< query heads that are stored
  bool counted = false;  ///< heads are as many as CaptureSettings::lone_heads
  bool widened = false;  ///< one of them has 8-bit floats, so all become float32
  nlohmann::json record = nlohmann::json::object();  ///< name, type and shape of each
};

/// Throws InputError with one line for tensors that do not make a call: types that are no
/// floating-point numbers, shapes that do not fit each other, axes that are swapped. What was done
/// with them is added to `notes`, a line each.
StoredOperands open_operands(const TensorSource& source, const CallNames& names,
                             const CaptureSettings& settings, std::vector<std::string>& notes);

/// A further tensor of the call that is stored like q, as [L,H,D].
StoredArray like_q(const StoredArray& stored, const StoredOperands& operands,
                   const CaptureSettings& settings);

}  // namespace vidattn

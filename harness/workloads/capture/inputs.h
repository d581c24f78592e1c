#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "harness/workloads/capture/operands.h"
#include "harness/workloads/capture/tokens.h"

namespace vidattn {

/// Reads the inputs of methods that lie beside q, k and v: those that some method declares
/// (BackendInfo::inputs), and a router's weights. All else stays unread.
class InputReader {
 public:
  /// Everything must outlive the reader.
  InputReader(const TensorSource& source, const std::string& prefix, const StoredOperands& operands,
              const CaptureSettings& settings, const TokenOrder& order);

  /// Adds them to `inputs`. Throws InputError for shapes, types and values that do not fit.
  void read(Inputs& inputs);

  /// Type and shape of each, by name, and the names in the source.
  const nlohmann::json& record() const { return record_; }
  const std::vector<std::string>& taken() const { return taken_; }

 private:
  /// Sizes by axis; 0 stands for any.
  using Sizes = std::vector<int64_t>;

  bool has(const std::string& name) const;
  StoredArray open(const std::string& name, const std::vector<std::string>& axes);
  void add(Inputs& inputs, const std::string& name, const std::vector<std::string>& axes);
  Sizes add_sized(Inputs& inputs, const std::string& name, const std::vector<std::string>& axes,
                  const Sizes& expected);

  const TensorSource& source_;
  std::string prefix_;
  const StoredOperands& operands_;
  const CaptureSettings& settings_;
  const TokenOrder& order_;
  std::vector<std::string> names_;  ///< of the source, sorted
  nlohmann::json record_ = nlohmann::json::object();
  std::vector<std::string> taken_;
};

}  // namespace vidattn

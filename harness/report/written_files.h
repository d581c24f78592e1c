#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace vidattn {

/// The files of one folder as they are written one by one: what one of them lacks, the others do
/// not.
class WrittenFiles {
 public:
  explicit WrittenFiles(std::string folder) : folder_(std::move(folder)) {}

  /// Writes what `content()` returns. Where that or the writing throws an InputError, a warning on
  /// stderr names the file and why it is missing.
  void add(const std::string& name, const std::function<std::string()>& content);

  const std::vector<std::string>& names() const { return names_; }  ///< those that are there
  bool complete() const { return complete_; }

 private:
  std::string folder_;
  std::vector<std::string> names_;
  bool complete_ = true;
};

}  // namespace vidattn

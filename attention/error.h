#pragma once

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace vidattn {

/// The caller's input is wrong: a missing file, a bad shape, an unknown parameter. The message is
/// one line that says what, where, and what would be right. Programs exit with code 3 on it.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A lack of memory that can be named: what was wanted, "a tensor of 4096 bytes". Programs treat it
/// as any std::bad_alloc: exit code 3, or the outcome of the case that wanted the memory.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string what)
      : what_(std::make_shared<const std::string>(std::move(what))) {}
  const char* what() const noexcept override { return what_->c_str(); }

 private:
  std::shared_ptr<const std::string> what_;  // copies must not throw
};

/// What could not be had, in one line to stand after "out of memory: ".
inline std::string text_of(const std::bad_alloc& error) {
  const auto* named = dynamic_cast<const OutOfMemory*>(&error);
  return named == nullptr ? "an allocation failed" : named->what();
}

}  // namespace vidattn

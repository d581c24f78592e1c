#pragma once

#include <stdexcept>
#include <string>

namespace vidattn {

/// The caller's input is wrong: a missing file, a bad shape, an unknown parameter. The message is
/// one line that says what, where, and what would be right. Programs exit with code 3 on it.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace vidattn

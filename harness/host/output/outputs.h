#pragma once

#include <exception>
#include <memory>

#include "harness/host/exit_code.h"
#include "harness/host/output/thrown.h"

namespace vidattn {

/// The ways on which the results of long work leave: files, the store, the terminal. Each is tried,
/// whatever became of the others. Made before the work, it keeps some memory back for them.
class Outputs {
 public:
  Outputs();

  /// Gives the memory back: the work is done. Called by write() where it was not before.
  void begin() { reserve_.reset(); }
  /// Calls `output()`. What it throws is said on stderr, in one line.
  template <class Output>
  void write(Output&& output) {
    begin();
    try {
      output();
    } catch (const std::exception&) {
      say_what_was_thrown();
      failed_ = true;
    }
  }

  /// Calls `output()` for a copy of what there is so far, in case of a kill. What it throws is left
  /// to the last one to say.
  template <class Output>
  static void keep(Output&& output) {
    try {
      output();
    } catch (const std::exception&) {
    }
  }

  /// The work's own code; `usage` in place of `fine` where something could not be written.
  ExitCode code(ExitCode verdict) const;

 private:
  std::unique_ptr<char[]> reserve_;
  bool failed_ = false;
};

}  // namespace vidattn

#pragma once

#include <string>

#include "attention/dtype.h"
#include "harness/host/exit_code.h"

namespace vidattn {

struct ConformOptions {
  std::string folder;  ///< METHOD/CASE/case.json below it
  std::string device = "cpu";
  DType dtype = DType::f32;  ///< inputs are planned in f32 and attended in this type
  std::string only;          ///< method to check; empty = all
  std::string write;         ///< folder for what was computed; empty = nowhere
};

/// Checks test vectors and prints a line per case. Returns the exit code: 0 when some passed and
/// none failed, 1 when one failed. A case whose method or parameter is unknown is reported as
/// unsupported; throws InputError when all are, or when no case is of the method `only`.
ExitCode conform(const ConformOptions& options);

}  // namespace vidattn

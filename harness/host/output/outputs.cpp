#include "harness/host/output/outputs.h"

namespace vidattn {

// Many times what the record of a large run takes. Its pages are touched, so that they are there.
constexpr size_t kReserve = size_t{16} << 20;

Outputs::Outputs() : reserve_(std::make_unique<char[]>(kReserve)) {}

ExitCode Outputs::code(ExitCode verdict) const {
  return failed_ && verdict == ExitCode::fine ? ExitCode::usage : verdict;
}

}  // namespace vidattn

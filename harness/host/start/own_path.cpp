#include "harness/host/start/own_path.h"

#include <sys/auxv.h>

#include <system_error>

namespace vidattn {

std::filesystem::path own_path() {
  std::error_code error;
  std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) return path;
  // The kernel hands the address of the text over as a number.
  const auto* started_as =
      reinterpret_cast<const char*>(getauxval(AT_EXECFN));  // NOLINT(performance-no-int-to-ptr)
  if (started_as == nullptr) return {};
  path = std::filesystem::canonical(started_as, error);
  return error ? std::filesystem::path() : path;
}

}  // namespace vidattn

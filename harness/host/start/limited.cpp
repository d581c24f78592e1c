#include "harness/host/start/limited.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace vidattn {
namespace {

constexpr rlim_t kMuchMemory = rlim_t{4} << 30;  // bytes; libraries and threads take far less
constexpr rlim_t kManyThreads = 1024;
constexpr const char* kOneThread = "OPENBLAS_NUM_THREADS=1";
constexpr size_t kNameLength = 21;  // with the sign
constexpr size_t kMostVariables = 4096;

bool is_below(int resource, rlim_t enough) {
  rlimit limit{};
  return ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 &&
         limit.rlim_cur < enough;
}

}  // namespace

void restart_limited(char** argv, char** environment) noexcept {
  if (!is_below(RLIMIT_DATA, kMuchMemory) && !is_below(RLIMIT_AS, kMuchMemory) &&
      !is_below(RLIMIT_NPROC, kManyThreads))
    return;
  static std::array<char*, kMostVariables + 2> changed;  // the stack may be small, too
  size_t count = 0;
  for (char** variable = environment; *variable != nullptr; ++variable) {
    if (std::strcmp(*variable, kOneThread) == 0 || count == kMostVariables) return;
    if (std::strncmp(*variable, kOneThread, kNameLength) != 0) changed[count++] = *variable;
  }
  static std::array<char, kNameLength + 2> one{"OPENBLAS_NUM_THREADS=1"};
  changed[count] = one.data();
  ::execve("/proc/self/exe", argv, changed.data());  // without /proc it goes on as it is
}

}  // namespace vidattn

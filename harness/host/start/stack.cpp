#include "harness/host/start/stack.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr rlim_t kLeastStack = rlim_t{1} << 20, kUsualStack = rlim_t{8} << 20;  // bytes

}  // namespace

bool require_stack() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= kLeastStack) return false;
  limit.rlim_cur = std::min(limit.rlim_max, kUsualStack);
  if (limit.rlim_cur < kLeastStack || ::setrlimit(RLIMIT_STACK, &limit) != 0)
    throw OutOfMemory(fmt::format("the stack may grow to {} KiB (ulimit -s), {} are needed",
                                  limit.rlim_max >> 10, kLeastStack >> 10));
  return true;
}

}  // namespace vidattn

#include "harness/cli/restart.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "harness/host/start/own_path.h"

namespace vidattn {
namespace {

constexpr rlim_t kMuchMemory = rlim_t{4} << 30;  // bytes; libraries and threads take far less
constexpr rlim_t kManyThreads = 1024;
char one_thread[] = "OPENBLAS_NUM_THREADS=1";  // an environment's texts are not const
constexpr size_t kNameLength = sizeof one_thread - sizeof "1";
constexpr size_t kMostVariables = 4096;

bool is_below(int resource, rlim_t enough) {
  rlimit limit{};
  return ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 &&
         limit.rlim_cur < enough;
}

bool is_set(const char* variable) { return std::getenv(variable) != nullptr; }

}  // namespace

void restart_limited(char** argv, char** environment) noexcept {
  if (!is_below(RLIMIT_DATA, kMuchMemory) && !is_below(RLIMIT_AS, kMuchMemory) &&
      !is_below(RLIMIT_NPROC, kManyThreads))
    return;
  static std::array<char*, kMostVariables + 2> changed;  // the stack may be small, too
  size_t count = 0;
  for (char** variable = environment; *variable != nullptr; ++variable) {
    if (std::strcmp(*variable, one_thread) == 0 || count == kMostVariables) return;
    if (std::strncmp(*variable, one_thread, kNameLength) != 0) changed[count++] = *variable;
  }
  changed[count] = one_thread;
  ::execve("/proc/self/exe", argv, changed.data());  // without /proc it goes on as it is
}

std::vector<std::pair<const char*, std::string>> missing_settings(const std::string& core) {
  std::vector<std::pair<const char*, std::string>> settings;
  const std::string better = better_blas_core(core);
  if (!better.empty() && !is_set("OPENBLAS_CORETYPE")) settings = {{"OPENBLAS_CORETYPE", better}};
  if (!is_set("GOMP_SPINCOUNT") && !is_set("OMP_WAIT_POLICY"))
    settings.emplace_back("GOMP_SPINCOUNT", "2000");
  // Whatever was set: none but the first thread is used, see gemm_nt().
  if (const char* threads = std::getenv("OPENBLAS_NUM_THREADS");
      threads == nullptr || threads != std::string("1"))
    settings.emplace_back("OPENBLAS_NUM_THREADS", "1");
  return settings;
}

void restart_tuned(char** argv, const std::string& core, bool stack_raised) {
  if (is_set(kRestarted) && !stack_raised) return;
  auto settings = missing_settings(core);
  if (settings.empty() && !stack_raised) return;
  // Not /proc/self/exe itself, which would show up as "exe" in ps and top.
  const std::string program = own_path().string();
  settings.emplace_back(kRestarted, "1");  // no second restart, whatever the others do
  for (const auto& [variable, value] : settings) setenv(variable, value.c_str(), 1);
  execv(program.c_str(), argv);
  // Still here: do not claim settings that are not in use.
  for (const auto& [variable, value] : settings) unsetenv(variable);
}

}  // namespace vidattn

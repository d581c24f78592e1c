#include "harness/cli/restart.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "harness/host/start/own_path.h"

namespace vidattn {
namespace {

constexpr const char* kRestarted = "VIDATTN_RESTARTED";

bool is_set(const char* variable) { return std::getenv(variable) != nullptr; }

}  // namespace

void restart_tuned(char** argv, const std::string& core) {
  if (is_set(kRestarted)) return;
  std::vector<std::pair<const char*, std::string>> settings;
  const std::string better = better_blas_core(core);
  if (!better.empty() && !is_set("OPENBLAS_CORETYPE")) settings = {{"OPENBLAS_CORETYPE", better}};
  if (!is_set("GOMP_SPINCOUNT") && !is_set("OMP_WAIT_POLICY"))
    settings.emplace_back("GOMP_SPINCOUNT", "2000");
  // Whatever was set: none but the first thread is used, see gemm_nt().
  if (const char* threads = std::getenv("OPENBLAS_NUM_THREADS");
      threads == nullptr || threads != std::string("1"))
    settings.emplace_back("OPENBLAS_NUM_THREADS", "1");
  if (settings.empty()) return;
  // Not /proc/self/exe itself, which would show up as "exe" in ps and top.
  const std::string program = own_path().string();
  settings.emplace_back(kRestarted, "1");  // no second restart, whatever the others do
  for (const auto& [variable, value] : settings) setenv(variable, value.c_str(), 1);
  execv(program.c_str(), argv);
  // Still here: do not claim settings that are not in use.
  for (const auto& [variable, value] : settings) unsetenv(variable);
}

}  // namespace vidattn

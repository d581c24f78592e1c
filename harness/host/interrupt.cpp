#include "harness/host/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "attention/cancel.h"
#include "harness/host/exit_code.h"

namespace vidattn {
namespace {

void on_signal(int /*signal*/) {
  if (runs_cancelled.exchange(true)) _exit(static_cast<int>(ExitCode::interrupted));
  constexpr std::string_view kNotice = "\nstopping at the next safe point; again to end at once\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kNotice.data(), kNotice.size());
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // file and child operations go on undisturbed
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return runs_cancelled; }

}  // namespace vidattn

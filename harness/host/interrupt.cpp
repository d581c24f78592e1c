#include "harness/host/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "attention/cancel.h"

namespace vidattn {
namespace {

constexpr int kInterruptedExit = 130;  // the shells' code for a program ended by Ctrl-C

void on_signal(int /*signal*/) {
  if (runs_cancelled.exchange(true)) _exit(kInterruptedExit);
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

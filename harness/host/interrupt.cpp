#include "harness/host/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "attention/cancel.h"
#include "harness/host/exit_code.h"

namespace vidattn {
namespace {

/// Set before there are handlers.
bool says_notice = true;

void on_signal(int /*signal*/) {
  if (runs_cancelled.exchange(true)) _exit(static_cast<int>(ExitCode::interrupted));
  if (!says_notice) return;
  constexpr std::string_view kNotice = "\nstopping at the next safe point; again to end at once\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kNotice.data(), kNotice.size());
}

void leave_to_write(int /*signal*/) {}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // file and child operations go on undisturbed
  sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction now = {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

void catch_interrupts(bool says) {
  says_notice = says;
  handle(SIGINT, on_signal);
  handle(SIGTERM, on_signal);
  if (!is_ignored(SIGHUP)) handle(SIGHUP, on_signal);
  // Not SIG_IGN, which programs that are started from here would inherit.
  handle(SIGPIPE, leave_to_write);
  handle(SIGXFSZ, leave_to_write);
}

bool interrupted() { return runs_cancelled; }

}  // namespace vidattn

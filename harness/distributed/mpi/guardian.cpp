#include "harness/distributed/mpi/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

namespace vidattn {
namespace {

constexpr int kTick = 250;  // ms

/// By /proc/PID/stat, whose third field follows the last ")".
bool is_stopped(const char* stat) {
  const int file = open(stat, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<char, 512> text{};
  const ssize_t size = read(file, text.data(), text.size() - 1);
  close(file);
  const char* name_end = size > 0 ? std::strrchr(text.data(), ')') : nullptr;
  return name_end != nullptr && name_end[1] == ' ' && name_end[2] == 'T';
}

/// The guardian's whole life. It comes of a process of several threads: nothing here may wait for a
/// lock of theirs.
[[noreturn]] void guard(pid_t rank, int over, const char* stat, const std::string& line,
                        int patience) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) std::signal(signal, SIG_DFL);
  pollfd closed{over, POLLIN, 0};
  for (int stopped = 0; stopped < patience;) {
    if (poll(&closed, 1, kTick) > 0) _exit(0);
    stopped = is_stopped(stat) ? stopped + kTick : 0;
  }
  std::signal(SIGPIPE, SIG_IGN);  // heard or not, the rank goes
  [[maybe_unused]] const ssize_t said = write(STDERR_FILENO, line.data(), line.size());
  kill(rank, SIGKILL);
  _exit(0);
}

}  // namespace

Guardian::Guardian(const std::string& line, double patience) {
  const pid_t rank = getpid();
  const std::string stat = "/proc/" + std::to_string(rank) + "/stat";
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
  process_ = fork();
  if (process_ == 0) {
    close(ends[1]);
    guard(rank, ends[0], stat.c_str(), line, static_cast<int>(1000 * patience));
  }
  close(ends[0]);
  held_ = ends[1];
}

Guardian::~Guardian() {
  if (held_ >= 0) close(held_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
}

}  // namespace vidattn

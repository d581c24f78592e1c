#include "harness/host/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/start/own_path.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kErrorTail = 4096;
constexpr int kPollMilliseconds = 50;
constexpr int kNotStarted = 127;

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw InputError(std::string("cannot start a process: ") + system_reason(errno));
  }
  ~Pipe() {
    close_write();
    close(ends_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_write() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

/// This process's without what launchers of MPI tell their ranks: the child is none of them.
std::vector<char*> environment_of_child() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const bool of_rank =
        text.starts_with("OMPI_") || text.starts_with("PMI_") || text.starts_with("PMIX_");
    if (!of_rank) kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

/// What a child becomes.
struct Program {
  const char* path;
  char* const* argv;
  char* const* environment;
};

// Only async-signal-safe calls: the parent may have threads.
[[noreturn]] void become(const Program& program, const Pipe& out, const Pipe& err,
                         const ProcessLimits& limits, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNotStarted);  // it died before the line above
  setpgid(0, 0);                                // Ctrl-C is the parent's to handle
  dup2(out.write_end(), STDOUT_FILENO);
  dup2(err.write_end(), STDERR_FILENO);
  const int score = open("/proc/self/oom_score_adj", O_WRONLY);
  if (score >= 0) [[maybe_unused]]
    const auto ignored = write(score, "1000", 4);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (limits.memory_bytes > 0) {
    const auto bytes = static_cast<rlim_t>(limits.memory_bytes);
    const rlimit memory{bytes, bytes};
    setrlimit(RLIMIT_DATA, &memory);
  }
  // Not by its path: the same program for all cases, even when it was built anew meanwhile.
  execve("/proc/self/exe", program.argv, program.environment);
  execve(program.path, program.argv, program.environment);  // without /proc
  _exit(kNotStarted);
}

/// Appends what can be read now; false at the end.
bool read_some(int descriptor, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t n = read(descriptor, buffer.data(), buffer.size());
  if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

/// What RLIMIT_DATA counts of a process, from the sixth number of statm; 0 = not known.
int64_t private_bytes(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/statm");
  int64_t pages = 0;
  for (int i = 0; i < 6; ++i) in >> pages;
  return in ? pages * sysconf(_SC_PAGESIZE) : 0;
}

void keep_tail(std::string& text) {
  if (text.size() > kErrorTail) text.erase(0, text.size() - kErrorTail);
}

/// Reads both pipes until they end, or a limit is reached and the child killed.
void attend_child(pid_t child, const Pipe& out, const Pipe& err, const ProcessLimits& limits,
                  ProcessResult& result) {
  const auto start = Clock::now();
  std::array<pollfd, 2> ends = {{{out.read_end(), POLLIN, 0}, {err.read_end(), POLLIN, 0}}};
  std::optional<Clock::time_point> asked;  // to end itself
  const auto stop = [&](ProcessResult::End end) {
    result.end = end;
    kill(child, SIGKILL);
  };
  const auto stop_gently = [&] {
    if (!asked && limits.grace_seconds > 0) kill(child, SIGTERM);
    if (!asked) asked = Clock::now();
    const std::chrono::duration<double> passed = Clock::now() - *asked;
    if (passed.count() >= limits.grace_seconds) stop(ProcessResult::End::interrupted);
  };
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (poll(ends.data(), ends.size(), kPollMilliseconds) < 0) continue;  // a signal arrived
    for (size_t i = 0; i < ends.size(); ++i)
      if (ends[i].revents != 0 && !read_some(ends[i].fd, i == 0 ? result.out : result.err))
        ends[i].fd = -1;  // poll() leaves negative ones out
    keep_tail(result.err);
    if (limits.memory_bytes > 0)
      result.private_bytes = std::max(result.private_bytes, private_bytes(child));
    if (result.end != ProcessResult::End::exited) continue;
    const std::chrono::duration<double> passed = Clock::now() - start;
    if (interrupted())
      stop_gently();
    else if (limits.seconds > 0 && passed.count() > limits.seconds)
      stop(ProcessResult::End::timed_out);
  }
  if (asked) result.end = ProcessResult::End::interrupted;
}

}  // namespace

ProcessResult run_self(const std::vector<std::string>& arguments, const ProcessLimits& limits) {
  std::vector<std::string> words = {"vidattn"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string path = own_path().string();
  const std::vector<char*> environment = environment_of_child();
  const Program program{path.c_str(), argv.data(), environment.data()};
  Pipe out, err;
  const pid_t parent = getpid();
  const auto start = Clock::now();
  const pid_t child = fork();
  if (child < 0) throw InputError(std::string("cannot start a process: ") + system_reason(errno));
  if (child == 0) become(program, out, err, limits, parent);
  out.close_write();
  err.close_write();
  ProcessResult result;
  attend_child(child, out, err, limits, result);
  int status = 0;
  rusage usage = {};
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  result.peak_bytes = int64_t{usage.ru_maxrss} * 1024;
  if (WIFEXITED(status)) {
    result.code = WEXITSTATUS(status);
    // It was faster than the signal: what it said counts.
    if (result.end == ProcessResult::End::timed_out && result.code == 0)
      result.end = ProcessResult::End::exited;
  } else {
    result.code = WTERMSIG(status);
    if (result.end == ProcessResult::End::exited) result.end = ProcessResult::End::signalled;
  }
  return result;
}

}  // namespace vidattn

#include "harness/host/programs/program.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/io/file.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

constexpr int kNotRun = 127;

/// A file without a name. Unlike a pipe it never blocks or breaks, whoever reads or writes first.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes = "")
      : descriptor_(memfd_create("vidattn", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail();
    for (std::string_view left = bytes; !left.empty();) {
      const ssize_t put = ::write(descriptor_, left.data(), left.size());
      if (put < 0 && errno != EINTR) fail();
      left.remove_prefix(static_cast<size_t>(std::max<ssize_t>(put, 0)));
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  ~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  std::string bytes() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail();
    std::string text(static_cast<size_t>(status.st_size), '\0');
    for (size_t at = 0; at < text.size();) {
      const ssize_t got =
          ::pread(descriptor_, text.data() + at, text.size() - at, static_cast<off_t>(at));
      if (got == 0 || (got < 0 && errno != EINTR)) fail();
      at += static_cast<size_t>(std::max<ssize_t>(got, 0));
    }
    return text;
  }

 private:
  [[noreturn]] static void fail() {
    throw InputError("no memory for another program's texts: " + system_reason(errno));
  }

  int descriptor_;
};

struct Streams {
  MemoryFile in, out, err;
  MemoryFile error;  ///< errno of a start that failed
};

// Only async-signal-safe calls: the parent may have threads.
[[noreturn]] void become_program(const char* path, char* const* argv, char* const* environment,
                                 const Streams& streams, int64_t most_file_bytes, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kNotRun);  // it died before the line above
  ::setpgid(0, 0);                              // Ctrl-C is the parent's to handle
  ::dup2(streams.in.descriptor(), STDIN_FILENO);
  ::dup2(streams.out.descriptor(), STDOUT_FILENO);
  ::dup2(streams.err.descriptor(), STDERR_FILENO);
  if (most_file_bytes > 0) {
    const auto bytes = static_cast<rlim_t>(most_file_bytes);
    const rlimit files{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &files);
  }
  ::execve(path, argv, environment);
  const int error = errno;
  [[maybe_unused]] const auto told = ::write(streams.error.descriptor(), &error, sizeof error);
  ::_exit(kNotRun);
}

[[noreturn]] void cannot_start(const std::string& program, int error) {
  throw InputError(fmt::format("cannot start {}: {}", in_quotes(program), system_reason(error)));
}

/// Ends the child and what it started.
void end_group(pid_t child) {
  if (::kill(-child, SIGKILL) != 0) ::kill(child, SIGKILL);  // it has no group of its own yet
}

/// Waits for the child's end, and sets what waitpid() says of it.
void wait_for(pid_t child, const ProgramCall& call, ProgramResult& result) {
  constexpr int kPollMilliseconds = 50;
  // Debian 12 declares no pidfd_open() for C++. Without its answer poll() only waits.
  pollfd end{static_cast<int>(::syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  const auto start = std::chrono::steady_clock::now();
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    result.timed_out = call.seconds > 0 && passed.count() > call.seconds;
    if (result.timed_out || (call.until_interrupted && interrupted())) end_group(child);
    ::poll(&end, 1, kPollMilliseconds);
  }
  if (end.fd >= 0) ::close(end.fd);
  result.signalled = WIFSIGNALED(status);
  result.code = result.signalled ? WTERMSIG(status) : WEXITSTATUS(status);
}

std::string last_line_of(const std::string& text) {
  std::istringstream stream(text);
  std::string line, last;
  while (std::getline(stream, line))
    if (!line.empty()) last = line;
  return last;
}

/// As exec takes them, with a null at the end.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool may_run(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string ProgramResult::trouble() const {
  if (timed_out) return "took too long";
  if (signalled && code == SIGXFSZ) return "wrote a file that is too large";
  if (signalled) return fmt::format("was ended by signal {}", code);
  return "failed" + (complaint.empty() ? "" : ": " + complaint);
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return may_run(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    // An empty part would mean the current folder, where anybody may have put a program.
    std::string candidate = folder + "/" + name;
    if (!folder.empty() && may_run(candidate)) return candidate;
  }
  return "";
}

ProgramResult run_program(const ProgramCall& call) {
  const std::string path = find_program(call.program);
  if (path.empty())
    throw InputError(fmt::format("there is no program {} to run", in_quotes(call.program)));
  std::vector<std::string> words = call.arguments;
  words.insert(words.begin(), call.program);
  std::vector<std::string> variables = call.environment;  // the first of a name counts
  for (char** variable = environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  const std::vector<char*> argv = pointers_to(words), environment = pointers_to(variables);
  const Streams streams{MemoryFile(call.input), MemoryFile(), MemoryFile(), MemoryFile()};
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) cannot_start(call.program, errno);
  if (child == 0)
    become_program(path.c_str(), argv.data(), environment.data(), streams, call.most_file_bytes,
                   parent);
  ProgramResult result;
  wait_for(child, call, result);
  int error = 0;
  if (::pread(streams.error.descriptor(), &error, sizeof error, 0) == sizeof error)
    cannot_start(call.program, error);
  result.out = streams.out.bytes();
  result.complaint = last_line_of(streams.err.bytes());
  return result;
}

}  // namespace vidattn

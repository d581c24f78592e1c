#include "harness/host/output/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "harness/host/output/thrown.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

/// A descriptor behind a stream of the C library, which prints through print_all().
struct Standard {
  int descriptor;
  int error = 0;  ///< of the first write that failed
  std::array<char, 1 << 16> buffer = {};
};

Standard standard_output{STDOUT_FILENO}, standard_error{STDERR_FILENO};

/// Waits where a reader made its pipe non-blocking and is late.
bool may_try_again(int descriptor) {
  if (errno == EINTR) return true;
  pollfd ready{descriptor, POLLOUT, 0};
  return errno == EAGAIN && (poll(&ready, 1, -1) > 0 || errno == EINTR);
}

/// Answers that all is written, whatever became of it: the streams' users must not fail.
ssize_t print_all(void* cookie, const char* text, size_t size) {
  auto& to = *static_cast<Standard*>(cookie);
  for (size_t done = 0; done < size;) {
    const ssize_t written = ::write(to.descriptor, text + done, size - done);
    if (written < 0 && may_try_again(to.descriptor)) continue;
    if (written <= 0) {
      if (to.error == 0) to.error = written < 0 ? errno : EIO;
      break;
    }
    done += static_cast<size_t>(written);
  }
  return static_cast<ssize_t>(size);
}

void print_through(Standard& standard, FILE*& stream, int buffering) {
  std::fflush(stream);
  FILE* made = fopencookie(&standard, "w", {nullptr, print_all, nullptr, nullptr});
  if (made == nullptr) return;
  std::setvbuf(made, standard.buffer.data(), buffering, standard.buffer.size());
  stream = made;
}

}  // namespace

void open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // Gets the lowest free number, which is this one; a folder where there is no /dev.
    // Nothing can be printed on what nobody opened, and finish_printing() says so.
    if (open("/dev/null", descriptor == STDIN_FILENO ? O_RDWR : O_RDONLY) < 0) [[maybe_unused]]
      const int held = open("/", O_RDONLY);
  }
}

void keep_printing() {
  print_through(standard_output, stdout, isatty(STDOUT_FILENO) != 0 ? _IOLBF : _IOFBF);
  print_through(standard_error, stderr, _IONBF);
}

ExitCode finish_printing(ExitCode code) {
  std::fflush(stdout);
  const int error = standard_output.error;
  if (error == 0) return code;
  if (error != EPIPE) say(std::string("cannot print: ") + system_reason(error), code);
  if (code != ExitCode::fine) return code;
  return error == EPIPE ? ExitCode::pipe_closed : ExitCode::usage;
}

}  // namespace vidattn

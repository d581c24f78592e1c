// Preloaded into the tool by tests/faults/sweep.py: makes one call that writes fail, as a full or
// broken disk would, or ends the process there. What counts are calls that change files, and those
// that print on stdout.
//   VIDATTN_FAULT=N:KIND  the Nth of them, counted from 1. KIND is ENOSPC or EIO, with a + after it
//                         for all from there on; short, which writes half of what it was given; or
//                         KILL
//   VIDATTN_FAULT_MARK    a file that is made when it comes to that
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Fault {
  long at = 0;
  bool from_there_on = false;
  int error = 0;
  bool is_short = false;
  const char* mark = nullptr;
  std::atomic<long> calls{0};

  Fault() {
    const char* text = std::getenv("VIDATTN_FAULT");
    if (text == nullptr) return;
    char* end = nullptr;
    at = std::strtol(text, &end, 10);
    std::string kind = *end == ':' ? end + 1 : "";
    from_there_on = kind.ends_with('+');
    if (from_there_on) kind.pop_back();
    error = kind == "ENOSPC" ? ENOSPC : kind == "EIO" ? EIO : 0;
    is_short = kind == "short";
    mark = std::getenv("VIDATTN_FAULT_MARK");
    unsetenv("LD_PRELOAD");  // programs that the tool starts are left alone
  }
};

Fault& fault() {
  static Fault the_one;
  return the_one;
}

template <class Call>
Call* real(Call* /*type*/, const char* name) {
  return reinterpret_cast<Call*>(dlsym(RTLD_NEXT, name));
}

/// Whether this call is the one. Does not return where the process ends.
bool strikes() {
  Fault& f = fault();
  const long call = ++f.calls;
  if (f.at == 0 || call < f.at || (call > f.at && !f.from_there_on)) return false;
  if (f.mark != nullptr && call == f.at) close(open(f.mark, O_WRONLY | O_CREAT, 0644));
  if (f.error == 0 && !f.is_short) raise(SIGKILL);
  return true;
}

/// The whole of a call that has no amount; a short one is as good as none.
template <class Call, class... Arguments>
int whole(Call* call, Arguments... arguments) {
  if (!strikes() || fault().is_short) return call(arguments...);
  errno = fault().error;
  return -1;
}

template <class Call, class... Offset>
ssize_t amount(Call* call, int file, const void* bytes, size_t count, Offset... offset) {
  if (file == STDERR_FILENO || !strikes()) return call(file, bytes, count, offset...);
  if (fault().is_short) return call(file, bytes, count > 1 ? count / 2 : count, offset...);
  errno = fault().error;
  return -1;
}

}  // namespace

extern "C" {
ssize_t write(int file, const void* bytes, size_t count) {
  return amount(real(write, "write"), file, bytes, count);
}
ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  return amount(real(pwrite, "pwrite"), file, bytes, count, offset);
}
ssize_t pwrite64(int file, const void* bytes, size_t count, off64_t offset) {
  return amount(real(pwrite64, "pwrite64"), file, bytes, count, offset);
}
int fsync(int file) { return whole(real(fsync, "fsync"), file); }
int fdatasync(int file) { return whole(real(fdatasync, "fdatasync"), file); }
int ftruncate(int file, off_t size) noexcept {
  return whole(real(ftruncate, "ftruncate"), file, size);
}
int ftruncate64(int file, off64_t size) noexcept {
  return whole(real(ftruncate64, "ftruncate64"), file, size);
}
int rename(const char* from, const char* to) noexcept {
  return whole(real(rename, "rename"), from, to);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return whole(real(linkat, "linkat"), from_folder, from, to_folder, to, flags);
}
int fchmod(int file, mode_t mode) noexcept { return whole(real(fchmod, "fchmod"), file, mode); }
}

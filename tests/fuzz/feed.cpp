#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "attention/error.h"
#include "tests/fuzz/readers.h"

namespace vidattn::fuzz {
namespace {

namespace fs = std::filesystem;

fs::path make_scratch() {
  const fs::path memory = "/dev/shm";
  const fs::path base = access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
  std::string pattern = base / "vidattn-fuzz-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
  return pattern;
}

/// Aborts the process where an input takes more than 20 s of its CPU time: on a busy machine the
/// clock on the wall says nothing of a reader.
class Watchdog {
 public:
  Watchdog() {
    std::signal(SIGPROF, [](int) { std::abort(); });
    set(20);
  }
  ~Watchdog() { set(0); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  static void set(time_t seconds) {
    const itimerval timer{{}, {seconds, 0}};
    ::setitimer(ITIMER_PROF, &timer, nullptr);
  }
};

}  // namespace

const fs::path& scratch() {
  static const fs::path folder = make_scratch();
  return folder;
}

const Reader& find_reader(const std::string& name) {
  std::string known;
  for (const Reader& reader : readers()) {
    if (reader.name == name) return reader;
    known += " " + reader.name;
  }
  throw std::invalid_argument("no reader '" + name + "'; known are" + known);
}

bool feed(const Reader& reader, const uint8_t* bytes, size_t size) {
  const fs::path file = scratch() / reader.name / reader.file;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  const Watchdog watchdog;
  try {
    reader.read(file);
    return true;
  } catch (const InputError& error) {
    if (error.what()[0] == '\0') std::abort();
    return false;
  }
}

}  // namespace vidattn::fuzz

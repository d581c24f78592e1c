#include "metrics/machine/memory.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace vidattn {
namespace {

// The value of a line "name:  123 kB", in bytes.
std::optional<int64_t> read_size(const char* file, const std::string& name) {
  std::ifstream in(file);
  std::string word;
  int64_t kib = 0;
  while (in >> word)
    if (word == name + ":" && in >> kib) return kib * 1024;
  return std::nullopt;
}

bool reset_peak() {
  std::ofstream out("/proc/self/clear_refs");
  out << "5" << std::flush;
  return out.good();
}

// Counted from the page tables where the kernel offers that, so exact.
std::optional<int64_t> resident_now() {
  const auto exact = read_size("/proc/self/smaps_rollup", "Rss");
  return exact ? exact : read_size("/proc/self/status", "VmRSS");
}

}  // namespace

PeakMemory::PeakMemory() {
  malloc_trim(0);
  if (reset_peak()) before_ = resident_now();
}

std::optional<int64_t> PeakMemory::extra_bytes() const {
  const auto peak = read_size("/proc/self/status", "VmHWM");
  if (!before_ || !peak) return std::nullopt;
  // The peak comes from batched counters; what is there at the end is known exactly.
  const int64_t highest = std::max(*peak, resident_now().value_or(0));
  return std::max<int64_t>(0, highest - *before_);
}

}  // namespace vidattn

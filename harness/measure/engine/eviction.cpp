#include "harness/measure/engine/eviction.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace vidattn {

Eviction::Eviction(bool wanted) {
  constexpr long kLeast = 64L << 20;
  if (!wanted) return;
  bytes_ = std::max(kLeast, 2 * sysconf(_SC_LEVEL3_CACHE_SIZE));
  memory_ = std::make_unique<char[]>(bytes_);
}

void Eviction::operator()() {
  const int threads = omp_get_max_threads();
  const int64_t share = bytes_ / threads;
  if (share == 0) return;
  ++value_;
#pragma omp parallel num_threads(threads)
  std::memset(memory_.get() + omp_get_thread_num() * share, value_, share);
}

}  // namespace vidattn

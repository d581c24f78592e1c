#include "harness/host/start/threads.h"

#include <fmt/format.h>
#include <omp.h>
#include <pthread.h>

#include <atomic>
#include <latch>
#include <vector>

#include "attention/error.h"

namespace vidattn {
namespace {

void* wait_for_others(void* all_started) {
  static_cast<std::latch*>(all_started)->wait();
  return nullptr;
}

/// How many of `wanted` threads can be there at the same time. They are gone afterwards.
int startable_threads(int wanted) {
  std::latch all_started(1);
  std::vector<pthread_t> threads;
  for (pthread_t thread{}; static_cast<int>(threads.size()) < wanted; threads.push_back(thread))
    if (pthread_create(&thread, nullptr, wait_for_others, &all_started) != 0) break;
  all_started.count_down();
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  return static_cast<int>(threads.size());
}

}  // namespace

void start_threads() {
  const int wanted = omp_get_max_threads();
  const int found = 1 + startable_threads(wanted - 1);
  if (found < wanted)
    throw OutOfMemory(fmt::format(
        "{} threads, of which {} can be started; OMP_NUM_THREADS sets how many are used", wanted,
        found));
  std::atomic<int> started = 0;
#pragma omp parallel
  ++started;
}

}  // namespace vidattn

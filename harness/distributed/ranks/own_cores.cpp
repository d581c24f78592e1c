#include "harness/distributed/ranks/own_cores.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <set>
#include <vector>

namespace vidattn {
namespace {

std::vector<int> cores_of_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

/// Every thread of OpenMP's team: those that wait already have an affinity of their own.
void pin_team(const std::vector<int>& cores, int threads) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  omp_set_num_threads(threads);
#pragma omp parallel num_threads(threads)
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

OwnCores::OwnCores(Communicator& world) : own_(cores_of_thread()), before_(omp_get_max_threads()) {
  const std::vector<int> every = all_gather_values(world, own_);
  const std::set<int> distinct(every.begin(), every.end());
  union_.assign(distinct.begin(), distinct.end());
  all_ = std::max<int>(1, static_cast<int>(union_.size()));
  pinned_ = every.size() == union_.size();
  threads_ = pinned_ ? static_cast<int>(own_.size()) : all_ / world.size();
  threads_ = std::max(1, threads_);
  omp_set_num_threads(threads_);
}

OwnCores::~OwnCores() { omp_set_num_threads(before_); }

void OwnCores::widen() { pin_team(union_, all_); }
void OwnCores::narrow() { pin_team(own_, threads_); }

}  // namespace vidattn

#include "harness/distributed/ranks/own_cores.h"

#include <fmt/format.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <set>
#include <vector>

#include "attention/error.h"
#include "metrics/ranks/shares.h"

namespace vidattn {
namespace {

cpu_set_t set_of(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  return set;
}

/// Every thread of OpenMP's team: those that wait already have an affinity of their own.
void pin_team(const std::vector<int>& cores, int threads) {
  const cpu_set_t set = set_of(cores);
  omp_set_num_threads(threads);
#pragma omp parallel num_threads(threads)
  sched_setaffinity(0, sizeof set, &set);
}

/// "2-3,7".
std::string spans_text(const std::vector<int>& cores) {
  std::string text;
  for (size_t i = 0; i < cores.size();) {
    size_t last = i;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(cores[i]);
    if (last > i) text += "-" + std::to_string(cores[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

std::vector<std::vector<int>> cores_apart(const std::vector<std::vector<int>>& usable,
                                          const std::string& host) {
  std::set<int> distinct;
  size_t count = 0;
  for (const std::vector<int>& cores : usable) {
    distinct.insert(cores.begin(), cores.end());
    count += cores.size();
  }
  const std::vector<int> all(distinct.begin(), distinct.end());
  const auto ranks = static_cast<int>(usable.size());
  if (std::ssize(all) < ranks)
    throw InputError(fmt::format("{} ranks cannot have cores of their own on {}: it has {}", ranks,
                                 host, all.size()));
  if (count == all.size()) return usable;
  std::vector<std::vector<int>> apart;
  for (int r = 0; r < ranks; ++r) {
    const Share share = share_of(std::ssize(all), ranks, r);
    apart.emplace_back(all.begin() + share.begin, all.begin() + share.end);
  }
  return apart;
}

void stay_on(const std::vector<int>& cores) {
  const cpu_set_t set = set_of(cores);
  sched_setaffinity(0, sizeof set, &set);
}

std::string cores_text(const std::vector<int>& cores) {
  return fmt::format("{} {}", cores.size() == 1 ? "core" : "cores", spans_text(cores));
}

OwnCores::OwnCores(Communicator& world) : own_(usable_cores()), before_(omp_get_max_threads()) {
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

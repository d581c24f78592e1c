#include "harness/distributed/ranks/own_cores.h"

#include <fmt/format.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <set>
#include <vector>

#include "attention/error.h"
#include "harness/distributed/ranks/session.h"
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

/// The cores of each rank of this one's host, and this one's place among them.
struct HostCores {
  std::vector<std::vector<int>> of_rank;
  int own = 0;
};

HostCores cores_of_host(Communicator& world) {
  const Transport& transport = world.transport();
  const std::vector<int> own = usable_cores(), all = all_gather_values(world, own);
  const std::vector<int64_t> counts = world.all_gather(std::ssize(own));
  HostCores host;
  auto from = all.begin();
  for (int r = 0; r < world.size(); from += counts[r++]) {
    if (transport.host(r) != transport.host(world.rank())) continue;
    if (r == world.rank()) host.own = static_cast<int>(host.of_rank.size());
    host.of_rank.emplace_back(from, from + counts[r]);
  }
  return host;
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

std::string take_own_cores(Communicator& world) {
  const HostCores host = cores_of_host(world);
  const auto ranks = static_cast<int>(host.of_rank.size());
  std::set<int> distinct;
  size_t count = 0;
  for (const std::vector<int>& cores : host.of_rank) {
    distinct.insert(cores.begin(), cores.end());
    count += cores.size();
  }
  const std::string name = world.transport().host(world.rank());
  agree(world, [&] {
    if (std::ssize(distinct) < ranks)
      throw InputError(fmt::format("{} ranks cannot have cores of their own on {}: it has {}",
                                   ranks, name, distinct.size()));
  });
  std::vector<int> own = host.of_rank[host.own];
  if (count > distinct.size()) {
    const std::vector<int> all(distinct.begin(), distinct.end());
    const Share share = share_of(std::ssize(all), ranks, host.own);
    own.assign(all.begin() + share.begin, all.begin() + share.end);
  }
  const cpu_set_t set = set_of(own);
  sched_setaffinity(0, sizeof set, &set);
  return fmt::format("{} {} of {}", own.size() == 1 ? "core" : "cores", spans_text(own), name);
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

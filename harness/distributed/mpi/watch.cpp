#include "harness/distributed/mpi/watch.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vidattn {

namespace {

constexpr double kAfterOthers = 1;  // s

}  // namespace

double turn_of(int place) { return 2.0 * std::clamp(place, 0, 2); }

Watch::Watch(const MpiSettings& settings, std::string what, double patience)
    : settings_(settings),
      what_(std::move(what)),
      patience_(patience + turn_of(settings.rank)),
      guardian_("vidattn: " + own_name() + " is stopped, and was to wait for " + what_ +
                    ": it is killed\n",
                patience + turn_of(INT_MAX) + kAfterOthers) {
  watcher_ = std::thread([this] { watch(); });
}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  watcher_.join();
}

/// Counts what it waited, not what passed: a rank that was stopped itself has not waited.
void Watch::watch() {
  constexpr std::chrono::milliseconds kTick(50);
  const auto ticks = static_cast<int64_t>(1000 * patience_) / kTick.count();
  std::unique_lock lock(mutex_);
  for (int64_t waited = 0; waited < ticks; ++waited)
    if (changed_.wait_for(lock, kTick, [this] { return over_; })) return;
  end();
}

std::string Watch::own_name() const {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return "rank " + std::to_string(settings_.rank) + " (process " + std::to_string(getpid()) +
         " on " + host.data() + ")";
}

void Watch::end() const {
  settings_.say(own_name() + " has waited " + std::to_string(static_cast<int>(patience_)) +
                    " s for " + what_ +
                    ", of which one may be stopped or gone: the run ends on all ranks",
                true);
  std::fflush(stdout);
  std::_Exit(settings_.lost_code);
}

}  // namespace vidattn

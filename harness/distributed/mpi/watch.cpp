#include "harness/distributed/mpi/watch.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vidattn {

double turn_of(int place) { return 2.0 * std::clamp(place, 0, 2); }

Watch::Watch(const MpiSettings& settings, std::string what, double patience)
    : settings_(settings), what_(std::move(what)), patience_(patience + turn_of(settings.rank)) {
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
  constexpr std::chrono::duration<double> kTick(0.05);
  std::unique_lock lock(mutex_);
  for (double waited = 0; waited < patience_; waited += kTick.count())
    if (changed_.wait_for(lock, kTick, [this] { return over_; })) return;
  end();
}

void Watch::end() const {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  settings_.say("rank " + std::to_string(settings_.rank) + " (process " + std::to_string(getpid()) +
                    " on " + host.data() + ") has waited " +
                    std::to_string(static_cast<int>(patience_)) + " s for " + what_ +
                    ", of which one may be stopped or gone: the run ends on all ranks",
                true);
  std::fflush(stdout);
  std::_Exit(settings_.lost_code);
}

}  // namespace vidattn

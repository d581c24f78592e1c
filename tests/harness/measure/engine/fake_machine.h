#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "attention/cancel.h"
#include "harness/measure/engine/engine.h"

namespace vidattn::testing {

/// A machine whose time passes only by what runs on it, so that tests of timing do not depend on
/// the real clock.
class FakeMachine {
 public:
  FakeMachine() { runs_cancelled = false; }
  ~FakeMachine() { runs_cancelled = false; }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  /// A contender with a name of one letter whose every run takes what `seconds` says then.
  Contender contender(char name, std::function<double()> seconds) {
    return {std::string(1, name), [this, name, seconds = std::move(seconds)](int64_t repeat) {
              log += name;
              const double each = seconds();
              time += each * static_cast<double>(repeat);
              return std::vector{RunTimes{0, each}};
            }};
  }
  Contender contender(char name, double seconds) {
    return contender(name, [seconds] { return seconds; });
  }

  /// The given policy by this machine's clock, nothing repeated.
  Policy by_its_clock(Policy policy = {}) {
    policy.now = [this] { return time; };
    policy.least_span = 0;
    return policy;
  }

  double time = 0;
  std::string log;  ///< names in the order of their runs
};

}  // namespace vidattn::testing

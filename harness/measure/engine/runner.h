#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

#include "harness/measure/engine/contender.h"
#include "harness/measure/engine/eviction.h"
#include "harness/measure/engine/policy.h"

namespace vidattn {

/// Runs contenders one by one: evicts the caches where that is asked for, repeats what is too short
/// for the clock, and remembers who failed.
class ContenderRunner {
 public:
  ContenderRunner(const std::vector<Contender>& contenders, const Policy& policy);

  /// What a run of contender i took, for each of its cases; nothing when it failed, now or before.
  /// Throws Cancelled after an interrupt.
  std::optional<std::vector<RunTimes>> run(size_t i);

  size_t count() const { return contenders_.size(); }
  bool failed(size_t i) const { return states_[i].failure != nullptr; }
  bool all_failed() const;
  std::exception_ptr failure(size_t i) const { return states_[i].failure; }
  int64_t repeat(size_t i) const { return states_[i].repeat; }
  int64_t evicted_bytes() const { return evict_.bytes(); }

 private:
  struct State {
    int64_t repeat = 1;
    size_t cases = 0;  ///< that a run covers; 0 = not known yet
    std::exception_ptr failure;
  };
  std::vector<RunTimes> run_long_enough(size_t i);

  const std::vector<Contender>& contenders_;
  std::vector<State> states_;
  Eviction evict_;
  double least_span_;
};

}  // namespace vidattn

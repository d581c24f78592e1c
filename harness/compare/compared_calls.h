#pragma once

#include <set>
#include <string>

#include "harness/store/run.h"

namespace vidattn {

/// Whether two measurements are of the same call of a capture, or both of none: layer, step, entry
/// of a batch, prompt and heads agree. Files may lie elsewhere.
bool same_call(const Measurement& a, const Measurement& b);

/// Names calls in full among those of the runs that are compared: layer, step and entry as far as
/// they are known; heads, prompt and at last the file where they are not all calls' own.
class ComparedCalls {
 public:
  ComparedCalls(const StoredRun& a, const StoredRun& b);
  /// "layer 3, step 2, entry 1, heads 8-15, prompt \"a dog runs\""; empty = of no call.
  std::string of(const Measurement& m) const;

 private:
  std::string without_source(const Measurement& m) const;

  std::set<std::string> heads_, prompts_;
  std::set<std::string> shared_;  ///< names that several files of a run have
};

}  // namespace vidattn

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace vidattn {

/// Which attention call of a denoising run a workload is. -1 or empty = not known.
struct CallFacts {
  int64_t layer = -1, step = -1;
  int64_t batch_entry = -1;  ///< of a batch of several, as the passes of guidance are
  int64_t first_head = 0;    ///< of the model, that the workload's first query head is
  std::string prompt;
  std::string source;          ///< file, and the prefix of the names in it
  int64_t run_steps = 0;       ///< of the run whose state the call carries on; 0 = a call alone
  std::vector<int64_t> heads;  ///< of the model, that the query heads are; empty = consecutive

  /// The model's number of the workload's query head `index`.
  int64_t head(size_t index) const {
    return index < heads.size() ? heads[index] : first_head + static_cast<int64_t>(index);
  }

  bool operator==(const CallFacts&) const = default;
};

/// "layer 14, step 3, entry 1": what is known, else the source.
std::string call_text(const CallFacts& call);

/// A name without the number of the step, which is no difference between the calls of a run.
std::string without_step(std::string name);

/// Names calls among others: the source, too, where it takes one to tell them apart.
class CallTexts {
 public:
  void add(const CallFacts& call) { sources_[call_text(call)].insert(call.source); }
  std::string of(const CallFacts& call) const;

 private:
  std::map<std::string, std::set<std::string>> sources_;  ///< of the calls of a text
};

}  // namespace vidattn

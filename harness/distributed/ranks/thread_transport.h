#pragma once

#include <functional>
#include <stdexcept>

#include "harness/distributed/ranks/transport.h"

namespace vidattn {

/// Another rank ended the run.
class RankFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Ranks as threads of this process: for exactness and for machines without MPI. Runs `work` once
/// for each rank and returns when all are over. What a rank throws ends the others: the first one's
/// exception is thrown again.
void run_thread_ranks(int size, const std::function<void(Transport&)>& work);

}  // namespace vidattn

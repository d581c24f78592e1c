#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/distributed/calls/shared_call.h"
#include "harness/distributed/predicted.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/shared_workload.h"
#include "harness/measure/record/pass.h"

namespace vidattn {

/// One pass of a shared call, by rank.
struct SharedPass {
  std::vector<RankTimes> ranks;   ///< of the timed run whose total is the median
  std::vector<int64_t> expected;  ///< bytes sent in closed form (volume.h)
};

/// How far what ranks computed is from one process.
struct Difference {
  bool same_bits = true;
  double error = 0, limit = 0;  ///< relative L2; of gradients the largest
};

/// One backend on a call that the ranks share, beside one process on the same cores.
struct DistributedCase {
  std::string backend, device, dtype;
  Pass pass = Pass::forward;
  SharedPass forward, backward;     ///< those that are timed
  std::vector<int64_t> peak_bytes;  ///< by rank: its inputs and the most that the call added
  double total = 0;                 ///< seconds of that run, the slowest rank's
  double alone = 0;                 ///< median seconds of one process: what the pass times
  bool beside_one = true;           ///< whether one process ran
  /// Seconds of attention and exchanges forward: the cluster model's, and the slowest rank's. 0 =
  /// not known.
  double predicted = 0, attended = 0;
  Difference output, gradients;           ///< from one process
  std::map<std::string, double> figures;  ///< the method's own (balance losses …)
  std::optional<double> density;          ///< that the method was set for
  std::string note;                       ///< how it was missed
  std::string reason;  ///< why the result is not to be believed; empty = it passed

  double efficiency() const { return total > 0 ? alone / total : 0; }
};

/// How a case is run.
struct CaseOptions {
  DType dtype = DType::f32;
  Pass pass = Pass::forward;
  int repeat = 5;      ///< timed runs, at least
  Link link = {};      ///< measure_link()
  double seconds = 0;  ///< of timed runs together, at least
};

/// Checks the case, then times it, turn by turn with one process where the first
/// rank has the whole call; else each rank's heads, in a ring its queries, are checked against the
/// reference. The figures are rank 0's; on the others only what is needed there is
/// filled. Throws what agree() throws where it cannot run.
DistributedCase run_case(Communicator& world, const RankLayout& layout, const BackendSpec& spec,
                         const Device& device, const CaseOptions& options,
                         const SharedWorkload& workload, OwnCores& cores);

}  // namespace vidattn

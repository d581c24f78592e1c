#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "harness/distributed/parts/rank_layout.h"
#include "harness/distributed/parts/shared_inputs.h"
#include "harness/measure/backend_spec.h"
#include "harness/workloads/request.h"

namespace vidattn {

/// A workload as one rank has it.
struct SharedWorkload {
  std::string name;
  nlohmann::json provenance;
  SharedInputs own;             ///< the rank's tokens, as made
  std::optional<Inputs> whole;  ///< on the first rank, where one process runs it, too
};

/// Makes the own tokens of a workload, without the others in memory (part.h); on the first rank all
/// of them where `with_whole`. Throws InputError as make_workload() does, and where the layout does
/// not fit.
SharedWorkload share_workload(const WorkloadRequest& request, const RankLayout& layout, int rank,
                              bool with_whole);

/// Backend::prepare() of a call that ranks share, called by all together: a router that is made
/// from the hidden states of all tokens is made on every rank, from all of them. Throws InputError
/// where there are none.
void prepare_shared(const BackendSpec& spec, SharedInputs& inputs, Communicator& world);

}  // namespace vidattn

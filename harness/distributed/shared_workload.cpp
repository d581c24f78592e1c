#include "harness/distributed/shared_workload.h"

#include <utility>

#include "attention/error.h"
#include "harness/distributed/calls/input_gradients.h"
#include "harness/distributed/ranks/session.h"
#include "harness/io/text/console.h"
#include "harness/workloads/part.h"

namespace vidattn {
namespace {

/// A rank's tokens of so many.
RowsOf rows_of_rank(const RankLayout& layout, int rank) {
  return [=](int64_t tokens) {
    layout.check(
        {.length = tokens, .keys = tokens, .heads = layout.heads, .kv_heads = layout.heads});
    const Share own = layout.tokens_of(rank, tokens);
    return std::pair{own.begin, own.end};
  };
}

SharedInputs of_part(WorkloadPart part) {
  SharedInputs shared{shape_of(part.workload.inputs), std::move(part.workload.inputs)};
  shared.shape.length = part.length;
  shared.shape.keys = part.keys;
  return shared;
}

/// What a router needs that is no token's.
bool has_router(const Inputs& in) {
  return in.find("router_logits") != nullptr || in.find("router_weight") != nullptr;
}

}  // namespace

SharedWorkload share_workload(const WorkloadRequest& request, const RankLayout& layout, int rank,
                              bool with_whole) {
  const RowsOf rows = rows_of_rank(layout, rank);
  SharedWorkload shared;
  WorkloadPart part;
  if (with_whole && rank == 0) {
    Workload whole = build_workload(request);
    shared.whole = whole.inputs;
    part = rows_of_workload(std::move(whole), rows);
  } else {
    part = make_workload_part(request, rows);
    for (const std::string& note : part.workload.notes)
      if (rank == 0) print_err("{}\n", note);
  }
  shared.name = part.workload.name;
  shared.provenance = part.workload.provenance;
  shared.own = of_part(std::move(part));
  layout.check(shared.own.shape);
  return shared;
}

void prepare_shared(const BackendSpec& spec, SharedInputs& inputs, Communicator& world) {
  Inputs& own = inputs.own;
  const bool of_router = spec.backend->info().plans_from == PlansFrom::router;
  if (!of_router || has_router(own)) return spec.backend->prepare(own, spec.params);
  if (own.find("hidden") == nullptr)
    throw InputError(spec.backend->name() +
                     " on ranks needs router_logits, or hidden states: no rank has the tokens that "
                     "a router could be made from");
  Inputs whole = without_values(inputs.shape, own);
  whole.extra = gather_extras(inputs, spec.backend->info().inputs, world);
  spec.backend->prepare(whole, spec.params);
  for (const auto& [name, array] : whole.extra)
    if (!is_of_tokens(spec, name)) own.extra[name] = array;
}

}  // namespace vidattn

#pragma once

#include "attention/inputs.h"
#include "attention/plan.h"
#include "harness/distributed/parts/call_shape.h"
#include "metrics/ranks/shares.h"

/// Parts of a plan, for ranks that share its work. A part is a plan of its own that any device
/// runs. Figures, stages and what was explained stay with the whole.
namespace vidattn {

/// The plan for heads [begin, end), whose operands are those heads alone. Where heads share a key
/// head, the span must not part them. `shape` is that of the whole call.
Plan heads_of(const Plan& plan, Share heads, const CallShape& shape);

/// Heads [begin, end) of a tensor; null of null.
std::shared_ptr<const Tensor> heads_of_tensor(const std::shared_ptr<const Tensor>& of, Share heads);

/// The plan for query tokens [begin, end), in cross-attention with all keys. `in` are the inputs of
/// the whole plan: of q it reads the rows that an output map takes from elsewhere. Bands become
/// ranges of single queries where the span's are not neighbours in the query order. Pooling maps of
/// queries and keys name tokens of the whole call.
Plan queries_of(const Plan& plan, Share tokens, const Inputs& in);

/// The softmax branches alone, without weights and each under a softmax of its own, for key rows
/// [begin, end) of `all_keys` of the call. Branches over prepared keys see theirs, or nothing
/// unless `with_prepared`: they stay where they are while the call's own keys travel.
Plan keys_of(const Plan& plan, Share keys, int64_t all_keys, bool with_prepared);

}  // namespace vidattn

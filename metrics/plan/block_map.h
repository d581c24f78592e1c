#pragma once

#include <map>
#include <string>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// A plan as maps of blocks, in the arrays that the method `map` takes: block_map [1 or H,NQ,NK],
/// query_sizes and key_sizes, and token_order and key_order where the plan has orders. A query
/// block is a segment; the keys are cut wherever a range begins or ends. The plan that `map` makes
/// of them attends to the same pairs, and is this plan but for its branch's name where ranges
/// ascend and do not touch. Throws InputError for a plan that no such map can say: with several
/// branches, bands, repeated queries, prepared operands, weights, or an order that lacks or repeats
/// tokens; and for a map of more than 1 GB.
std::map<std::string, Array> block_map_of(const Plan& plan, const Inputs& in);

}  // namespace vidattn

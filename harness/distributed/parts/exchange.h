#pragma once

#include <memory>
#include <vector>

#include "attention/tensor.h"
#include "harness/distributed/parts/rank_layout.h"
#include "harness/distributed/ranks/communicator.h"

/// Tensors [tokens, heads, channels] that pass between ranks.
namespace vidattn {

/// Who of a group holds which tokens before, and which heads after an exchange.
struct HeadExchange {
  Communicator& group;
  std::vector<Share> tokens;  ///< by rank of the group; consecutive
  std::vector<Share> heads;   ///< by rank of the group; consecutive
};

/// Of the ranks of `group`, which share part `token_part` of the query tokens or of the keys;
/// tokens are counted from the group's first in either way.
HeadExchange head_exchange(Communicator& group, const RankLayout& layout, int token_part,
                           const CallShape& shape, bool of_keys);

/// All heads of the own tokens become the own heads of all tokens of the group.
Tensor tokens_to_heads(const HeadExchange& exchange, const Tensor& own);
/// The way back.
Tensor heads_to_tokens(const HeadExchange& exchange, const Tensor& own);
/// The tokens of all ranks, in their order.
std::shared_ptr<const Tensor> gather_tokens(Communicator& ranks, const Tensor& own);
/// The same on one rank alone; empty on the others.
Tensor gather_tokens_at(int rank, Communicator& ranks, const Tensor& own);
/// gather_tokens() of an array whose first axis is tokens.
std::shared_ptr<const Array> gather_tokens(Communicator& ranks, const Array& own);

}  // namespace vidattn

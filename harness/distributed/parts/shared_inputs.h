#pragma once

#include "attention/backend.h"
#include "harness/distributed/parts/call_shape.h"
#include "harness/distributed/parts/rank_layout.h"
#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

/// The tokens of one rank of a call that several share. Copies: the whole may go.
struct SharedInputs {
  CallShape shape;  ///< of the whole call
  /// q [own,H,D], k and v [own keys,HK,D], and of declared inputs with a first axis of tokens
  /// ("[L,…]") the own rows. Grid, scale, low bits and context are the call's.
  Inputs own;

  int64_t bytes() const;  ///< of the own rows and all other inputs
};

SharedInputs share_inputs(const Inputs& whole, const std::vector<InputSpec>& declared,
                          const RankLayout& layout, int rank);

/// The inputs of the whole call again, on every rank.
Inputs gather_inputs(const SharedInputs& shared, const std::vector<InputSpec>& declared,
                     Communicator& ranks);
/// Its extras alone.
std::map<std::string, std::shared_ptr<const Array>> gather_extras(
    const SharedInputs& shared, const std::vector<InputSpec>& declared, Communicator& ranks);

/// Extras with an axis of heads ("H", or "HK" of key heads), of these heads alone.
std::map<std::string, std::shared_ptr<const Array>> heads_of_extras(
    std::map<std::string, std::shared_ptr<const Array>> extras,
    const std::vector<InputSpec>& declared, Share heads, Share kv_heads, const CallShape& shape);

/// Inputs of a shape without the values of q, k and v, for what looks at the shape alone.
Inputs without_values(const CallShape& shape, const Inputs& like);

}  // namespace vidattn

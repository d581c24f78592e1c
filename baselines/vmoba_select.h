#pragma once

#include <string>
#include <vector>

#include "attention/inputs.h"
#include "baselines/routing.h"

namespace vidattn {

/// VMoBA's rules: which chunks a query takes beside its own (public code of arXiv 2506.23858).
struct ChunkRule {
  bool by_threshold;  ///< else the topk largest gates, the own chunk counted
  /// What is ranked together: query_head (the chunks of one query and head), head_global (the pairs
  /// of chunk and query of a head), overall (those of all heads), or block (the pairs of head and
  /// query of a chunk; threshold only).
  std::string scope;
  double threshold;  ///< share of the summed normalized gates, below 1
  int64_t topk;      ///< at most the number of chunks
};

/// The chunks that every query chose, per head, its own left out. means [C,HK,D] of the keys.
std::vector<Selection> select_chunks(const Inputs& in, const Tensor& means, const Blocks& blocks,
                                     const ChunkRule& rule);

/// How often the gates are computed.
int64_t selection_passes(const ChunkRule& rule);

}  // namespace vidattn

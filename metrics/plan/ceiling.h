#pragma once

#include <cstdint>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// What the best possible choice of keys keeps of full attention's mass: for each query the keys of
/// largest score, or for each block of 64 queries the blocks of 64 keys, both in stored order, of
/// largest mass. Exact for the queries of up to four such blocks, drawn with a fixed seed: 2·D
/// FLOPs and a sort for each of their scores.
class RecallCeiling {
 public:
  static constexpr int64_t kBlock = 64, kBlocks = 4;

  explicit RecallCeiling(const Inputs& in);

  const std::vector<int64_t>& tokens() const { return tokens_; }  ///< whose queries were looked at
  /// Full attention's log-sum-exp of tokens()[row].
  double lse(size_t row, int64_t head) const { return lse_[row * heads_ + head]; }
  /// Mean mass, over the queries of a head, on density * LK keys; between whole numbers of keys,
  /// and inside a block, it is interpolated. Density is that of the head's own choice of keys.
  double of_tokens(int64_t head, double density) const { return at(by_token_[head], density); }
  double of_blocks(int64_t head, double density) const { return at(by_block_[head], density); }

 private:
  /// Mass by the number of keys, from 0 on; inside a block it rises evenly.
  using Curve = std::vector<double>;
  static double at(const Curve& curve, double density);
  void look_at(const Inputs& in, int64_t begin, int64_t end, int64_t head);

  int64_t heads_;
  std::vector<int64_t> tokens_;
  std::vector<double> lse_;
  std::vector<Curve> by_token_, by_block_;  ///< per head
};

/// A method's recall over the ceiling's, at the density of each head and over the same queries:
/// mean over heads of the one over mean over heads of the other. 1 = no choice of as many keys
/// keeps more; above 1 is possible where a method gives some queries more keys than others, or one
/// query's result to several tokens (bsa).
struct RecallEfficiency {
  double of_tokens, of_blocks;
};
RecallEfficiency recall_efficiency(const Plan& plan, const Inputs& in, const Output& out,
                                   const RecallCeiling& ceiling);

}  // namespace vidattn

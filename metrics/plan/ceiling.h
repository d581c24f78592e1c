#pragma once

#include <cstdint>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// Mass over the number of keys that hold it: lines through points, of which each is less steep
/// than the one before.
struct MassCurve {
  std::vector<double> keys{0}, mass{0};

  double at(double count) const;  ///< count >= 0; beyond the last point the mass stays
};

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
  /// Mean mass, over the queries of a head, on density * LK keys of each; between whole numbers of
  /// keys it is interpolated. Density is that of the head's own choice of keys.
  double of_tokens(int64_t head, double density) const;
  /// The same on blocks of keys, where the last block that a query has may be a part of one: the
  /// blocks are taken by their mass per key, so that no whole blocks of so many keys keep more,
  /// whether the short one at the end is among them or not.
  double of_blocks(int64_t head, double density) const;
  /// The same where a block of queries has as many keys for each as its tokens have on average,
  /// keys[row] of tokens()[row].
  double of_blocks(int64_t head, const std::vector<int64_t>& keys) const;

 private:
  /// A block of queries, rows [first, last) of tokens(), with a curve per head.
  struct Drawn {
    size_t first, last;
    std::vector<MassCurve> by_block;
  };
  void look_at(const Inputs& in, int64_t head, Drawn& drawn);
  /// Mean over all rows of what a block's curve has at keys_of(block).
  template <class KeysOf>
  double mean_of_blocks(int64_t head, const KeysOf& keys_of) const;

  int64_t heads_, keys_;
  std::vector<int64_t> tokens_;
  std::vector<double> lse_;
  std::vector<std::vector<double>> by_token_;  ///< per head, mass by the number of keys from 0 on
  std::vector<Drawn> drawn_;
};

/// A method's recall over the ceiling's, of each head and over the same queries: mean over heads of
/// the one over mean over heads of the other. The ceiling of blocks has as many keys for every
/// query as the head's density gives, or as the plan gives each block of queries, whichever keeps
/// more: a plan of such blocks is never above 1, however it spreads them. The ceiling of tokens has
/// as many keys for every query, and is never below that of blocks. Above 1 is possible where a
/// method's choice is no such block and it gives some queries more keys than others, or gives one
/// query's result to several tokens (bsa).
struct RecallEfficiency {
  double of_tokens, of_blocks;
};
RecallEfficiency recall_efficiency(const Plan& plan, const Inputs& in, const Output& out,
                                   const RecallCeiling& ceiling);

}  // namespace vidattn

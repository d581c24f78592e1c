#pragma once

#include <cstdint>
#include <vector>

#include "attention/cpu/kernel.h"
#include "attention/device.h"

namespace vidattn::cpu {

/// Zero, or the plan's constant, in every row of the output; LSE -inf.
void start_output(const Plan& plan, const Inputs& in, Output& out);

/// Adds finished query rows of one branch to the output, with all weights, for every token that
/// takes them.
class BranchOutput {
 public:
  /// `joined` is null, or the LSE [L,H] of the branches before, whose softmax this one continues:
  /// what the output holds is theirs. `lse_offset` [query rows,H] is added to the LSE; empty = 0.
  BranchOutput(const Branch& branch, const Inputs& in, int64_t query_rows, Tensor& o,
               std::vector<float>& lse, std::vector<float>* joined,
               const std::vector<float>& lse_offset);
  /// `state` is the row of `states` that holds query row `row`. Different rows may be written at
  /// the same time.
  void write(int64_t head, int64_t row, const RowStates& states, int64_t state) const;

 private:
  /// Tokens that take each query row: tokens[first[row] .. first[row+1]).
  struct Targets {
    std::vector<int32_t> first, tokens;
    Targets(const std::vector<int32_t>& map, int64_t query_rows);
  };
  void write_token(int64_t head, int64_t token, float lse, RowWrite row) const;
  const Branch& branch_;
  const Inputs& in_;
  const std::vector<float>* gate_ = nullptr;
  std::vector<Targets> targets_;  ///< per table; empty = each token its own row
  Tensor& o_;
  std::vector<float>& lse_;
  std::vector<float>* joined_;
  const std::vector<float>& lse_offset_;
};

}  // namespace vidattn::cpu

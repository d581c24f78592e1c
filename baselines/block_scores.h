#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attention/plan.h"
#include "baselines/blocks.h"

namespace vidattn {

// Scores of blocks that keep ties: equal blocks have equal scores to the bit, wherever they stand.
// A matrix product (choose_blocks) does not promise that, and rules that name the winner of a tie
// need it.

/// <a, b> in float64, summed in an order that hangs on `dim` alone.
double dot_in_order(const float* a, const float* b, int64_t dim);

/// What becomes of the scores of one query block with all key blocks, which may be changed: the key
/// blocks to keep.
using KeepBlocks = std::function<std::vector<int32_t>(int64_t query_block, std::span<double>)>;

/// Block map [a.rows(), b.rows()] of one head: what `keep` keeps of scale * <a_i, b_j>. Rows are
/// scored and chosen in parallel. `scores`, where not null, gets what `keep` left of them.
std::vector<uint8_t> keep_blocks(const HeadMatrix& a, const HeadMatrix& b, double scale,
                                 const KeepBlocks& keep, std::vector<float>* scores = nullptr);

/// Appends one head's part of the explained array `name` [H,…], of which `shape` is the whole.
void explain_head(const std::string& name, const std::vector<int64_t>& shape,
                  const std::vector<uint8_t>& part, Plan& plan);
void explain_head(const std::string& name, const std::vector<int64_t>& shape,
                  const std::vector<float>& part, Plan& plan);

/// FLOPs of the products of keep_blocks.
double score_flops(int64_t query_blocks, int64_t key_blocks, int64_t dim);

}  // namespace vidattn

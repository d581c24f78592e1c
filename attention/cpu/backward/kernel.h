#pragma once

#include <cstdint>
#include <memory>

#include "attention/backward/operand_gradient.h"
#include "attention/cpu/units/simd.h"
#include "attention/plan.h"
#include "attention/tensor.h"

namespace vidattn::cpu {

/// Queries that one call takes: they share each key block, and its gradients, while it is in cache.
inline constexpr int64_t kMaxBackwardQueries = 384;

/// Rows are padded with zeros to a multiple of this, whole vectors of every instruction set.
inline constexpr int64_t kRowPadding = 16;
inline int64_t padded_row(int64_t channels) {
  return (channels + kRowPadding - 1) / kRowPadding * kRowPadding;
}

/// Queries [query_begin, query_end) of one segment, and all that their keys need.
struct BackwardPiece {
  const Tensor *q, *k, *v;  ///< float32, or bfloat16 where `unit` multiplies it
  int64_t head, kv_head, heads;
  float scale;  ///< of the softmax
  const HeadTable* table;
  const Segment* segment;
  int32_t query_begin, query_end;  ///< at most kMaxBackwardQueries positions
  const float* upstream;           ///< [rows,H,DV], of each query row's softmax result
  const float* delta;              ///< [rows,H], its product with that result
  const float* lse;                ///< [rows,H], in units of log2, or kLseWithoutKeys
  const float* bias = nullptr;     ///< by key row, in units of log2; null = 0. Then unit is none.
  Bf16Unit unit = Bf16Unit::none;  ///< none or dot, see bf16_unit_for()

  const float* upstream_row(int64_t row) const {
    return upstream + (row * heads + head) * v->dim();
  }
};

/// Where a piece's gradients go: rows of q are D wide, those of k and v padded.
struct BackwardTarget {
  GradientRows q, k, v;
  float* bias = nullptr;  ///< by key row
};

/// Memory of one thread, reused by all of its calls.
class BackwardScratch {
 public:
  static constexpr int64_t kSpan = 64;  ///< keys whose P and dS of a tile stay in cache

  BackwardScratch(int64_t dim, int64_t value_dim);

  float *queries, *upstream;          ///< transposed, by tiles
  float *query_rows, *upstream_rows;  ///< padded
  float* gradient;                    ///< of the queries, transposed
  float *weights, *scores;            ///< P and dS of one key block and one tile
  float* rows;                        ///< four rows
  float *key_pairs, *slope_pairs;     ///< of bfloat16: a key block's, a tile's dS

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float, Free> memory_;
};

/// Adds the piece's gradients: S = QK^T and dP = dO V^T again, tile by tile, P = exp(S - LSE),
/// dS = P (dP - delta), then dV += P^T dO, dK += dS^T Q and dQ += dS K.
void backward_piece(const BackwardPiece& piece, const BackwardScratch& scratch,
                    const BackwardTarget& to);

}  // namespace vidattn::cpu

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "attention/cpu/units/simd.h"
#include "attention/lowbit/operands.h"
#include "attention/plan.h"
#include "attention/tensor.h"

namespace vidattn::cpu {

/// Queries of one head that one call attends with: they share each key block while it is in cache.
inline constexpr int64_t kMaxQueries = 384;

/// Queries of the widest register tile: three AVX-512 vectors.
inline constexpr int64_t kMaxTileQueries = 48;

/// A query tile costs about as much as this many rows: a piece of no more queries is attended row
/// by row, where both head dimensions are whole vectors.
inline constexpr int64_t kMaxRowQueries = 4;

/// Running softmax of query rows, [rows] and [rows,value dim]. The attention so far is sum_j
/// 2^(s_j - max) v_j / sum, with scores s_j in units of log2.
struct RowStates {
  static constexpr float kNoMax = -1e38F;  ///< max of a row without keys; its sum is 0
  float* max = nullptr;
  float* sum = nullptr;
  float* acc = nullptr;

  /// Empties rows [begin, end).
  void clear(int64_t begin, int64_t end, int64_t dim) const;
};

/// Queries of one head that attend to the keys of one segment.
struct Piece {
  const Tensor *q, *k, *v;
  int64_t head, kv_head;
  float scale;  ///< softmax scale times log2(e)
  const HeadTable* table;
  const Segment* segment;
  int64_t size;                    ///< number of queries, at most kMaxQueries
  const int32_t* rows;             ///< [size] rows of q
  const int32_t* positions;        ///< [size] positions in the query order, for bands
  const int32_t* states;           ///< [size] row of RowStates where each query's softmax goes on
  const float* bias = nullptr;     ///< by key row, added to scores in units of log2; null = 0.
                                   ///< Then unit is none.
  Bf16Unit unit = Bf16Unit::none;  ///< for bfloat16 q, k and v with dim % 32 == 0,
                                   ///< value dim % 16 == 0 and scale > 0
  bool fresh = false;  ///< it starts here: what RowStates holds is overwritten, not read
  /// What multiplies codes: then q and k are the packed ones of these, values are bfloat16 and
  /// multiplied by `unit`, with AMX_INT8 by AMX in bfloat16 (value dim % 16 == 0).
  Int8Unit int8 = Int8Unit::none;
  const Int8Rows *q_codes = nullptr, *k_codes = nullptr;
  /// RowStates gets the largest score of each query as max, with a sum of 1 and acc of 0;
  /// values are not read. Needs fresh.
  bool scores_only = false;
};

/// Memory of one thread, reused by all of its calls.
class Scratch {
 public:
  /// For head dimensions of keys and values; `converted`: they are not stored as float32.
  Scratch(int64_t dim, int64_t value_dim, bool converted);

  float *queries, *acc, *scores, *rows;  ///< transposed q and output, P of one key block, 4 rows
  float *keys = nullptr, *values = nullptr;  ///< one key block as float32

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float, Free> memory_;
};

/// Continues the softmax of the piece's queries over the segment's keys.
void attend(const Piece& piece, const Scratch& scratch, const RowStates& states);

/// One finished row on its way to the output.
struct RowWrite {
  const float* acc;   ///< [dim]
  float weight;       ///< factor for all channels
  const float* gate;  ///< [dim] factor per channel, or null
  Tensor* o;
  int64_t token, head;
  float keep = 1;  ///< factor for what the output row holds
};
/// The output row becomes keep * row + weight * gate * acc.
void add_row(const RowWrite& write);

/// 2^x as the kernel computes it, relative error below 2.5e-7; 0 for x < -126.5. Needs x < 127.
void exp2(const float* x, float* y, int64_t size);

}  // namespace vidattn::cpu

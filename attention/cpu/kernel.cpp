#include "attention/cpu/kernel.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "attention/cpu/keys.h"
#include "attention/cpu/simd.h"
#include "attention/error.h"

// SSSE3 is too old to matter; vectors of a size unknown to the compiler cannot form register tiles.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/kernel.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

// After foreach_target.h, because these are compiled once per target.
#include "attention/cpu/convert-inl.h"
#include "attention/cpu/exp2-inl.h"
#include "attention/cpu/row-inl.h"
#include "attention/cpu/tile-inl.h"
#include "attention/cpu/transpose-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Pointers to the rows of one key block, converted to float32 where they are stored otherwise.
class BlockRows {
 public:
  void load(const Tensor& tensor, int64_t head, const KeyBlock& block, float* converted) {
    for (int64_t j = 0; j < block.size + KeyBlock::kPadding; ++j)
      rows_[j] = tensor.dtype() == DType::f32
                     ? tensor.row(block.rows[j], head)
                     : converted + std::min(j, block.size - 1) * tensor.dim();
    if (tensor.dtype() == DType::f32) return;
    dispatch(tensor.dtype(), [&](auto t) HWY_ATTR {
      for (int64_t j = 0; j < block.size; ++j)
        ReadRow(tensor.data<decltype(t)>() + tensor.offset(block.rows[j], head), tensor.dim(),
                converted + j * tensor.dim());
    });
  }
  const float* const* data() const { return rows_.data(); }

 private:
  KeyBlock::PerKey<const float*> rows_;
};

/// All queries of a piece against all keys of its segment.
class PieceRun {
 public:
  PieceRun(const Piece& piece, const Scratch& scratch, const RowStates& states)
      : piece_(piece), scratch_(scratch), states_(states), dim_(piece.q->dim()) {}

  void run() {
    for (int64_t i = 0; i < piece_.size && piece_.fresh; ++i) {
      states_.max[piece_.states[i]] = RowStates::kNoMax;
      states_.sum[piece_.states[i]] = 0;
    }
    const bool rows = piece_.size <= kMaxRowQueries && dim_ % kLanes == 0;
    const auto [low, high] = std::minmax_element(piece_.positions, piece_.positions + piece_.size);
    KeyCursor cursor(*piece_.table, *piece_.segment, *low, *high);
    KeyBlock blocks[2];
    if (!cursor.next(blocks[0])) return;
    rows ? load_rows() : load_tiles();
    BlockRows keys, values;
    bool more = true;
    for (int current = 0; more; current = 1 - current) {
      const KeyBlock& block = blocks[current];
      more = cursor.next(blocks[1 - current]);
      more ? prefetch(blocks[1 - current]) : ahead_.stop();
      keys.load(*piece_.k, piece_.kv_head, block, scratch_.keys);
      values.load(*piece_.v, piece_.kv_head, block, scratch_.values);
      rows ? attend_rows(block, keys.data(), values.data())
           : attend_tiles(block, keys.data(), values.data());
    }
    if (!rows) store_tiles();
  }

 private:
  static constexpr int64_t kTileWidth = kMaxVectors * kLanes;

  void read_query(int64_t i, float* to) const {
    const Tensor& q = *piece_.q;
    dispatch(q.dtype(), [&](auto t) HWY_ATTR {
      ReadRow(q.data<decltype(t)>() + q.offset(piece_.rows[i], piece_.head), dim_, to);
    });
    for (int64_t c = 0; c < dim_; ++c) to[c] *= piece_.scale;
  }

  void prefetch(const KeyBlock& next) {
    const int64_t tiles = (piece_.size + kTileWidth - 1) / kTileWidth;
    ahead_.start(*piece_.k, *piece_.v, piece_.kv_head, next, tiles * (KeyBlock::kCapacity / kTile));
  }

  void load_rows() {
    for (int64_t i = 0; i < piece_.size; ++i) {
      read_query(i, scratch_.queries + i * dim_);
      if (piece_.fresh) std::fill_n(states_.acc + piece_.states[i] * dim_, dim_, 0.0F);
    }
  }

  void attend_rows(const KeyBlock& block, const float* const* keys, const float* const* values) {
    for (int64_t i = 0; i < piece_.size; ++i) {
      const int32_t p = piece_.positions[i], state = piece_.states[i];
      const KeySpan span = visible_span(block, p, p);
      if (span.begin == span.end) continue;
      const QueryRow row{scratch_.queries + i * dim_, states_.acc + state * dim_,
                         states_.max + state, states_.sum + state, p};
      AttendRow(row, dim_, block, span, keys, values, scratch_.scores);
    }
  }

  /// Calls f(first query, number of queries, vectors they fill) for every query tile.
  template <class F>
  void each_tile(F&& f) const {
    for (int64_t i = 0; i < piece_.size; i += kTileWidth) {
      const int64_t size = std::min(kTileWidth, piece_.size - i);
      f(i, size, static_cast<int>((size + kLanes - 1) / kLanes));
    }
  }

  // Lanes behind the last query repeat it; nothing reads what they compute.
  void load_tiles() {
    each_tile([&](int64_t first, int64_t size, int vectors) HWY_ATTR {
      const int64_t width = vectors * kLanes;
      for (int64_t lane = 0; lane < width; lane += kQuad) {
        const float *queries[kQuad], *acc[kQuad];
        for (int64_t i = 0; i < kQuad; ++i) {
          const int64_t query = first + std::min(lane + i, size - 1);
          const int64_t state = piece_.states[query];
          read_query(query, scratch_.rows + i * dim_);
          queries[i] = scratch_.rows + i * dim_;
          acc[i] = states_.acc + state * dim_;
          max_[first + lane + i] = piece_.fresh ? RowStates::kNoMax : states_.max[state];
          sum_[first + lane + i] = piece_.fresh ? 0.0F : states_.sum[state];
          positions_[first + lane + i] = piece_.positions[query];
        }
        TransposeIn(queries, dim_, width, scratch_.queries + first * dim_ + lane);
        if (!piece_.fresh) TransposeIn(acc, dim_, width, scratch_.acc + first * dim_ + lane);
      }
      if (piece_.fresh) std::fill_n(scratch_.acc + first * dim_, width * dim_, 0.0F);
    });
  }

  void store_tiles() const {
    each_tile([&](int64_t first, int64_t size, int vectors) HWY_ATTR {
      for (int64_t lane = 0; lane < size; lane += kQuad) {
        const int64_t rows = std::min(kQuad, size - lane);
        float* acc[kQuad] = {};
        for (int64_t i = 0; i < rows; ++i) {
          const int64_t state = piece_.states[first + lane + i];
          acc[i] = states_.acc + state * dim_;
          states_.max[state] = max_[first + lane + i];
          states_.sum[state] = sum_[first + lane + i];
        }
        TransposeOut(scratch_.acc + first * dim_ + lane, dim_, vectors * kLanes, acc, rows);
      }
    });
  }

  void attend_tiles(const KeyBlock& block, const float* const* keys, const float* const* values) {
    each_tile([&](int64_t first, int64_t size, int vectors) HWY_ATTR {
      const auto [low, high] = std::minmax_element(positions_ + first, positions_ + first + size);
      const KeySpan span = visible_span(block, *low, *high);
      if (span.begin == span.end) return;
      const QueryTile tile{scratch_.queries + first * dim_, scratch_.acc + first * dim_,
                           max_ + first, sum_ + first, positions_ + first};
      const auto attend = vectors == 1   ? AttendTile<1>
                          : vectors == 2 ? AttendTile<2>
                                         : AttendTile<3>;
      attend(tile, dim_, block, span, keys, values, ahead_, scratch_.scores);
    });
  }

  const Piece& piece_;
  const Scratch& scratch_;
  const RowStates& states_;
  int64_t dim_;
  RowPrefetch ahead_;
  HWY_ALIGN float max_[kMaxQueries];
  HWY_ALIGN float sum_[kMaxQueries];
  HWY_ALIGN int32_t positions_[kMaxQueries];
};

void Attend(const Piece& piece, const Scratch& scratch, const RowStates& states) {
  PieceRun(piece, scratch, states).run();
}

void AddRow(const RowWrite& w) {
  const int64_t dim = w.o->dim();
  dispatch(w.o->dtype(), [&](auto t) HWY_ATTR {
    using T = decltype(t);
    T* HWY_RESTRICT o = w.o->data<T>() + w.o->offset(w.token, w.head);
    if (w.gate)
      for (int64_t c = 0; c < dim; ++c)
        o[c] = T(static_cast<float>(o[c]) + w.weight * w.gate[c] * w.acc[c]);
    else
      for (int64_t c = 0; c < dim; ++c) o[c] = T(static_cast<float>(o[c]) + w.weight * w.acc[c]);
  });
}

void Exp2Array(const float* x, float* y, int64_t size) {
  const Floats d;
  for (int64_t i = 0; i < size; ++i) y[i] = hn::GetLane(Exp2(d, hn::Set(d, x[i])));
}

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn::cpu {

HWY_EXPORT(Attend);
HWY_EXPORT(AddRow);
HWY_EXPORT(Exp2Array);
HWY_EXPORT(TargetName);

void RowStates::clear(int64_t rows, int64_t dim) const {
  std::fill_n(max, rows, kNoMax);
  std::fill_n(sum, rows, 0.0F);
  std::fill_n(acc, rows * dim, 0.0F);
}

void Scratch::Free::operator()(float* p) const { std::free(p); }

Scratch::Scratch(int64_t dim, bool converted) {
  constexpr int64_t kScores = (KeyBlock::kCapacity + KeyBlock::kPadding) * kMaxTileQueries;
  const int64_t padded = (dim + 15) / 16 * 16;
  const int64_t block = converted ? KeyBlock::kCapacity * padded : 0;
  const int64_t floats = (2 * kMaxQueries + 4) * padded + kScores + 2 * block;
  memory_.reset(static_cast<float*>(std::aligned_alloc(64, floats * sizeof(float))));
  if (!memory_) throw std::bad_alloc();
  queries = memory_.get();
  acc = queries + kMaxQueries * padded;
  rows = acc + kMaxQueries * padded;
  scores = rows + 4 * padded;
  if (!converted) return;
  keys = scores + kScores;
  values = keys + block;
}

void attend(const Piece& piece, const Scratch& scratch, const RowStates& states) {
  HWY_DYNAMIC_DISPATCH(Attend)(piece, scratch, states);
}
void add_row(const RowWrite& write) { HWY_DYNAMIC_DISPATCH(AddRow)(write); }
void exp2(const float* x, float* y, int64_t size) { HWY_DYNAMIC_DISPATCH(Exp2Array)(x, y, size); }

}  // namespace vidattn::cpu

namespace vidattn {

std::string cpu_simd_target() {
  using namespace cpu;
  return HWY_DYNAMIC_DISPATCH(TargetName)();
}

std::vector<std::string> cpu_simd_targets() {
  std::vector<std::string> names;
  for (int64_t target : hwy::SupportedAndGeneratedTargets())
    names.emplace_back(hwy::TargetName(target));
  return names;
}

void force_cpu_simd_target(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  int64_t chosen = 0;
  for (int64_t target : hwy::SupportedAndGeneratedTargets())
    if (name == hwy::TargetName(target)) chosen = target;
  if (chosen == 0 && !name.empty()) throw InputError("this machine cannot use " + name);
  hwy::SetSupportedTargetsForTest(chosen);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace vidattn
#endif

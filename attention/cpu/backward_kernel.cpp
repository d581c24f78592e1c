#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/kernel.h"
#include "attention/cpu/keys/keys.h"
#include "attention/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/backward_kernel.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

// After foreach_target.h, because these are compiled once per target.
#include "attention/cpu/backward-inl.h"
#include "attention/cpu/backward_dot-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {

void BackwardOfPiece(const BackwardPiece& piece, const BackwardScratch& scratch,
                     const BackwardTarget& to) {
#if HWY_TARGET == HWY_AVX3
  if (piece.unit == Bf16Unit::dot) return BackwardRun<DotGradients>(piece, scratch, to).Run();
#endif
  BackwardRun<FloatGradients>(piece, scratch, to).Run();
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn::cpu {

HWY_EXPORT(BackwardOfPiece);

void BackwardScratch::Free::operator()(float* p) const { std::free(p); }

BackwardScratch::BackwardScratch(int64_t dim, int64_t value_dim) {
  constexpr int64_t kQueries = kMaxBackwardQueries + kMaxTileQueries;  // tiles end in whole vectors
  constexpr int64_t kScores = (KeyBlock::kCapacity + KeyBlock::kPadding) * kMaxTileQueries;
  const int64_t row = padded_row(dim), value_row = padded_row(value_dim);
  constexpr int64_t kPairs = KeyBlock::kCapacity / 2;
  const int64_t wider = std::max(row, value_row);
  const int64_t floats = kQueries * (3 * row + 2 * value_row) + 2 * kScores + 4 * wider +
                         kPairs * row + kSpan / 2 * kMaxTileQueries;
  memory_.reset(static_cast<float*>(std::aligned_alloc(64, floats * sizeof(float))));
  if (!memory_) throw std::bad_alloc();
  float* next = memory_.get();
  const auto take = [&](int64_t count) { return std::exchange(next, next + count); };
  queries = take(kQueries * row);
  query_rows = take(kQueries * row);
  gradient = take(kQueries * row);
  upstream = take(kQueries * value_row);
  upstream_rows = take(kQueries * value_row);
  weights = take(kScores);
  scores = take(kScores);
  rows = take(4 * wider);
  key_pairs = take(kPairs * row);
  slope_pairs = take(kSpan / 2 * kMaxTileQueries);
}

void backward_piece(const BackwardPiece& piece, const BackwardScratch& scratch,
                    const BackwardTarget& to) {
  HWY_DYNAMIC_DISPATCH(BackwardOfPiece)(piece, scratch, to);
}

}  // namespace vidattn::cpu
#endif

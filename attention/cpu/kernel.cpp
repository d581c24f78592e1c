#include "attention/cpu/kernel.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "attention/cpu/keys/keys.h"
#include "attention/cpu/targets.h"
#include "attention/cpu/units/simd.h"
#include "attention/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/kernel.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

// After foreach_target.h, because these are compiled once per target.
#include "attention/cpu/attend-inl.h"
#include "attention/cpu/bf16-inl.h"
#include "attention/cpu/exp2-inl.h"
#include "attention/cpu/int8-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void Attend(const Piece& piece, const Scratch& scratch, const RowStates& states) {
#if HWY_TARGET == HWY_AVX3
  if (piece.int8 == Int8Unit::matrix) return TileRun<Int8MatrixBlock>(piece, scratch, states).Run();
  if (piece.int8 == Int8Unit::dot && piece.unit == Bf16Unit::dot)
    return TileRun<Int8DotBlock<DotBlock>>(piece, scratch, states).Run();
  if (piece.int8 == Int8Unit::dot)
    return TileRun<Int8DotBlock<FloatBlock>>(piece, scratch, states).Run();
#endif
  const bool whole_vectors = piece.q->dim() % kLanes == 0 && piece.v->dim() % kLanes == 0;
  if (piece.size <= kMaxRowQueries && whole_vectors && !piece.scores_only)
    return AttendRows(piece, scratch, states);
#if HWY_TARGET == HWY_AVX3
  if (piece.unit == Bf16Unit::dot) return TileRun<DotBlock>(piece, scratch, states).Run();
  if (piece.unit == Bf16Unit::matrix) return TileRun<MatrixBlock>(piece, scratch, states).Run();
#endif
  TileRun<FloatBlock>(piece, scratch, states).Run();
}

void AddRow(const RowWrite& w) {
  const int64_t dim = w.o->dim();
  dispatch(w.o->dtype(), [&](auto t) HWY_ATTR {
    using T = decltype(t);
    T* HWY_RESTRICT o = w.o->data<T>() + w.o->offset(w.token, w.head);
    if (w.gate)
      for (int64_t c = 0; c < dim; ++c)
        o[c] = T(w.keep * static_cast<float>(o[c]) + w.weight * w.gate[c] * w.acc[c]);
    else
      for (int64_t c = 0; c < dim; ++c)
        o[c] = T(w.keep * static_cast<float>(o[c]) + w.weight * w.acc[c]);
  });
}

void Exp2Array(const float* x, float* y, int64_t size) {
  const Floats d;
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) hn::StoreU(Exp2(d, hn::LoadU(d, x + i)), d, y + i);
  for (; i < size; ++i) y[i] = hn::GetLane(Exp2(d, hn::Set(d, x[i])));
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

void RowStates::clear(int64_t begin, int64_t end, int64_t dim) const {
  std::fill(max + begin, max + end, kNoMax);
  std::fill(sum + begin, sum + end, 0.0F);
  std::fill(acc + begin * dim, acc + end * dim, 0.0F);
}

void Scratch::Free::operator()(float* p) const { std::free(p); }

Scratch::Scratch(int64_t dim, int64_t value_dim, bool converted) {
  constexpr int64_t kScores = (KeyBlock::kCapacity + KeyBlock::kPadding) * kMaxTileQueries;
  const auto padded = [](int64_t channels) { return (channels + 15) / 16 * 16; };
  const int64_t wider = padded(std::max(dim, value_dim)), both = padded(dim) + padded(value_dim);
  const int64_t blocks = converted ? KeyBlock::kCapacity * both : 0;
  const int64_t floats = kMaxQueries * both + 4 * wider + kScores + blocks;
  memory_.reset(static_cast<float*>(std::aligned_alloc(64, floats * sizeof(float))));
  if (!memory_) throw std::bad_alloc();
  queries = memory_.get();
  acc = queries + kMaxQueries * padded(dim);
  rows = acc + kMaxQueries * padded(value_dim);
  scores = rows + 4 * wider;
  if (!converted) return;
  keys = scores + kScores;
  values = keys + KeyBlock::kCapacity * padded(dim);
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
  std::string known;
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) chosen = target;
    known += (known.empty() ? "" : ", ") + std::string(hwy::TargetName(target));
  }
  if (chosen == 0 && !name.empty())
    throw InputError("this machine cannot use the instruction set '" + name + "', but " + known);
  hwy::SetSupportedTargetsForTest(chosen);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace vidattn
#endif

#include "attention/cpu/units/rates.h"

#include "attention/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/units/rates.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

// After foreach_target.h, because these are compiled once per target.
#include "attention/cpu/exp2-inl.h"
#include "attention/cpu/tile-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Independent chains, named one by one, because only that surely keeps them in registers.
double Exponentials(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  constexpr int kChains = 4;
  const auto highest = hn::Set(d, 0.5F), step = hn::Set(d, 1e-4F);
  auto x0 = hn::Iota(d, -20.F), x1 = hn::Iota(d, -21.F), x2 = hn::Iota(d, -22.F),
       x3 = hn::Iota(d, -23.F);
  auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = hn::Add(a0, Exp2(d, hn::Sub(x0, highest)));
    a1 = hn::Add(a1, Exp2(d, hn::Sub(x1, highest)));
    a2 = hn::Add(a2, Exp2(d, hn::Sub(x2, highest)));
    a3 = hn::Add(a3, Exp2(d, hn::Sub(x3, highest)));
    x0 = hn::Add(x0, step), x1 = hn::Add(x1, step);
    x2 = hn::Add(x2, step), x3 = hn::Add(x3, step);
  }
  *sink = hn::GetLane(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)));
  return static_cast<double>(kChains * rounds) * static_cast<double>(hn::Lanes(d));
}

double Reads(const float* from, int64_t count, float* sink) {
  const hn::ScalableTag<float> d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
  for (int64_t i = 0; i + 4 * n <= count; i += 4 * n) {
    a0 = hn::Add(a0, hn::LoadU(d, from + i));
    a1 = hn::Add(a1, hn::LoadU(d, from + i + n));
    a2 = hn::Add(a2, hn::LoadU(d, from + i + 2 * n));
    a3 = hn::Add(a3, hn::LoadU(d, from + i + 3 * n));
  }
  *sink = hn::GetLane(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)));
  return static_cast<double>(count / (4 * n) * 4 * n) * sizeof(float);
}

int64_t QueryTile() { return kMaxVectors * kLanes; }

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vidattn::cpu {

HWY_EXPORT(Exponentials);
HWY_EXPORT(Reads);
HWY_EXPORT(QueryTile);

double exponentials(int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(Exponentials)(rounds, sink);
}
double reads(const float* from, int64_t count, float* sink) {
  return HWY_DYNAMIC_DISPATCH(Reads)(from, count, sink);
}
int64_t query_tile() { return HWY_DYNAMIC_DISPATCH(QueryTile)(); }

}  // namespace vidattn::cpu
#endif

// Rows of any storage type to float32 and back.

#if defined(VIDATTN_CPU_CONVERT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_CONVERT_INL_H
#undef VIDATTN_CPU_CONVERT_INL_H
#else
#define VIDATTN_CPU_CONVERT_INL_H
#endif

#include "attention/dtype.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const float* p) {
  return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const BFloat16* p) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  const auto bits = hn::LoadU(d16, reinterpret_cast<const uint16_t*>(p));
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
}
template <class D>
HWY_INLINE hn::Vec<D> LoadFloats(D d, const Float16* p) {
  const hn::Rebind<hwy::float16_t, D> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p)));
}

template <class T>
void ReadRow(const T* from, int64_t size, float* to) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) hn::StoreU(LoadFloats(d, from + i), d, to + i);
  for (; i < size; ++i) to[i] = static_cast<float>(from[i]);
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

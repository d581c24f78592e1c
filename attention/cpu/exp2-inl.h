// 2^x for softmax: x <= a few, results below 2^-126.5 are 0.

#if defined(VIDATTN_CPU_EXP2_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VIDATTN_CPU_EXP2_INL_H
#undef VIDATTN_CPU_EXP2_INL_H
#else
#define VIDATTN_CPU_EXP2_INL_H
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vidattn::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// x = n + r with whole n and |r| <= 1/2; 2^r by the polynomial of degree 5 with the
/// least relative error (1.1e-7 before rounding) among those that give 2^0 = 1 exactly: an
/// unchanged maximum must rescale by 1, or an error of one rounding per key block adds up over long
/// sequences.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp2(D d, V x) {
  const hn::RebindToSigned<D> di;
  // Adding this rounds x to a whole number, whose biased exponent then stands in the low bits.
  const V magic = hn::Set(d, 12582912.0F + 127.0F);
  x = hn::Max(x, hn::Set(d, -127.0F));  // biased exponent 0: the power becomes exactly 0
  const V shifted = hn::Add(x, magic);
  const V r = hn::Sub(x, hn::Sub(shifted, magic));
  V p = hn::Set(d, 0.001326472731307149F);
  p = hn::MulAdd(p, r, hn::Set(d, 0.009671512991189957F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.05550733581185341F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.24022242426872253F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.6931470036506653F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0F));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  return hn::Mul(p, power);
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

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

/// x = n + r with whole n and |r| <= 1/2; 2^r by the minimax polynomial of degree 5 (Remez
/// exchange, relative error 7.5e-8 before rounding).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp2(D d, V x) {
  const hn::RebindToSigned<D> di;
  // Adding this rounds x to a whole number, whose biased exponent then stands in the low bits.
  const V magic = hn::Set(d, 12582912.0F + 127.0F);
  x = hn::Max(x, hn::Set(d, -127.0F));  // biased exponent 0: the power becomes exactly 0
  const V shifted = hn::Add(x, magic);
  const V r = hn::Sub(x, hn::Sub(shifted, magic));
  V p = hn::Set(d, 0.0013276471979478776F);
  p = hn::MulAdd(p, r, hn::Set(d, 0.00967554133421605F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.05550713273542586F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.24022119723848476F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.6931469670647331F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0000000716546822F));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  return hn::Mul(p, power);
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

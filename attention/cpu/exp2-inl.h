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

/// x = n + r with whole n and |r| <= 1/2; 2^r by the minimax polynomial of degree 5 among those
/// that are 1 at 0 (relative error 9.1e-8 before rounding). 2^0 must be exactly 1: it rescales what
/// was summed before in every key block, and a factor of 1 + 2^-23 would favour early keys by 2e-4
/// after 187,200 of them.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp2(D d, V x) {
  const hn::RebindToSigned<D> di;
  // Adding this rounds x to a whole number, whose biased exponent then stands in the low bits.
  const V magic = hn::Set(d, 12582912.0F + 127.0F);
  x = hn::Max(x, hn::Set(d, -127.0F));  // biased exponent 0: the power becomes exactly 0
  const V shifted = hn::Add(x, magic);
  const V r = hn::Sub(x, hn::Sub(shifted, magic));
  V p = hn::Set(d, 0.0013264729052616F);
  p = hn::MulAdd(p, r, hn::Set(d, 0.0096715136448676F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.0555073374771315F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.2402224207014735F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.6931469775908814F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0F));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
  return hn::Mul(p, power);
}

}  // namespace vidattn::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

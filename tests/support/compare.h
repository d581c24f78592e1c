#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "attention/device.h"

/// How far results are apart.
namespace vidattn {

/// |a - b| / |b| over all elements; |a| where b is zero.
inline double relative_l2(const Tensor& a, const Tensor& b) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < a.length(); ++i)
    for (int64_t h = 0; h < a.heads(); ++h)
      for (int64_t c = 0; c < a.dim(); ++c) {
        difference += std::pow(double{a.at(i, h, c)} - b.at(i, h, c), 2);
        norm += std::pow(double{b.at(i, h, c)}, 2);
      }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

/// The same for the rows `tokens` of a, against [tokens,H,D].
inline double relative_l2(const Tensor& a, const std::vector<int64_t>& tokens,
                          const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  const double* e = expected.data();
  for (int64_t token : tokens)
    for (int64_t h = 0; h < a.heads(); ++h)
      for (int64_t c = 0; c < a.dim(); ++c, ++e) {
        difference += std::pow(double{a.at(token, h, c)} - *e, 2);
        norm += *e * *e;
      }
  return std::sqrt(difference / norm);
}

/// Every LSE of every branch, relative to 1 + its size; -inf only equals -inf.
inline void expect_same_lse(const Output& got, const Output& want, float tolerance) {
  ASSERT_EQ(got.lse.size(), want.lse.size());
  for (size_t b = 0; b < want.lse.size(); ++b)
    for (size_t i = 0; i < want.lse[b].size(); ++i) {
      if (std::isinf(want.lse[b][i]))
        ASSERT_EQ(got.lse[b][i], want.lse[b][i]) << "branch " << b << " row " << i;
      else
        ASSERT_NEAR(got.lse[b][i], want.lse[b][i], tolerance * (1 + std::abs(want.lse[b][i])))
            << "branch " << b << " row " << i;
    }
}

/// How far a device may be from the float64 reference.
struct Tolerance {
  double output;  ///< relative L2 error
  float lse;      ///< relative to 1 + its size
};

/// Output and LSE are the reference's, and a second run's are the same to the bit.
inline void expect_matches_reference(const Device& device, const Plan& plan, const Inputs& in,
                                     Tolerance tolerance) {
  plan.validate(in);
  Output want, got, again;
  find_device("reference").run(plan, in, want);
  device.run(plan, in, got);
  EXPECT_LE(relative_l2(got.o, want.o), tolerance.output);
  expect_same_lse(got, want, tolerance.lse);
  device.run(plan, in, again);
  EXPECT_EQ(std::memcmp(again.o.data<char>(), got.o.data<char>(), got.o.bytes()), 0);
  EXPECT_EQ(again.lse, got.lse) << "not deterministic";
}

}  // namespace vidattn

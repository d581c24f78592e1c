#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "attention/backend.h"
#include "tests/support/every_device.h"

namespace vidattn {
namespace {

/// Cross-attention, and values of another width than the keys.
class DeviceCross : public EveryDevice {};

/// softmax(q k^T / sqrt(D)) v in float64, without the library.
std::vector<double> plain_attention(const Inputs& in) {
  const int64_t ratio = in.q->heads() / in.k->heads();
  std::vector<double> o;
  for (int64_t i = 0; i < in.q->length(); ++i)
    for (int64_t h = 0; h < in.q->heads(); ++h) {
      double sum = 0;
      std::vector<double> row(in.v->dim());
      for (int64_t j = 0; j < in.k->length(); ++j) {
        double score = 0;
        for (int64_t c = 0; c < in.q->dim(); ++c)
          score += double{in.q->at(i, h, c)} * in.k->at(j, h / ratio, c);
        const double weight = std::exp(score / std::sqrt(static_cast<double>(in.q->dim())));
        sum += weight;
        for (int64_t c = 0; c < in.v->dim(); ++c) row[c] += weight * in.v->at(j, h / ratio, c);
      }
      for (double value : row) o.push_back(value / sum);
    }
  return o;
}

std::vector<int64_t> all_tokens(const Inputs& in) {
  std::vector<int64_t> tokens(in.length());
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

Plan plan_full(const Inputs& in) {
  const Backend& full = find_backend("full");
  Plan plan = full.plan(in, full.defaults());
  plan.validate(in);
  return plan;
}

void expect_plain(const Device& device, const Inputs& in, double tolerance) {
  Output out;
  device.run(plan_full(in), in, out);
  ASSERT_EQ(out.o.length(), in.q->length());
  ASSERT_EQ(out.o.dim(), in.v->dim());
  EXPECT_LE(relative_l2(out.o, all_tokens(in), plain_attention(in)), tolerance);
}

TEST_P(DeviceCross, EqualsPlainLoops) {
  const auto check = [&](int64_t queries, int64_t keys, int64_t value_dim, DType dtype) {
    SCOPED_TRACE(std::string(to_string(dtype)) + " queries " + std::to_string(queries) + " keys " +
                 std::to_string(keys) + " values " + std::to_string(value_dim));
    const Inputs in = as(random_cross(queries, keys, 2, 1, 32, value_dim, random), dtype);
    expect_plain(*device, in, limit(dtype));
  };
  for (int64_t queries : {1, 15, 17})
    for (int64_t keys : {1, 16, 33})
      for (int64_t value_dim : {16, 48, 80}) check(queries, keys, value_dim, DType::f32);
  for (DType dtype : {DType::bf16, DType::f16}) {
    check(1, 33, 16, dtype);
    check(15, 1, 48, dtype);
    check(17, 16, 48, dtype);
  }
}

TEST(ReferenceCross, EqualsPlainLoops) {
  Generator random{7};
  for (const auto& [queries, keys] : {std::pair{1, 33}, {15, 1}, {17, 16}})
    for (int64_t value_dim : {16, 48, 80})
      expect_plain(find_device("reference"),
                   random_cross(queries, keys, 2, 1, 32, value_dim, random), 1e-7);
}

TEST_P(DeviceCross, WidthsThatNoVectorDivides) {
  for (const auto& [dim, value_dim] : {std::pair{24, 7}, {7, 24}, {64, 33}, {1, 3}}) {
    SCOPED_TRACE(std::to_string(dim) + " and " + std::to_string(value_dim));
    expect_plain(*device, random_cross(53, 130, 2, 2, dim, value_dim, random), limit(DType::f32));
  }
}

TEST_P(DeviceCross, EverythingThatAPlanSays) {
  for (const auto& [dim, value_dim] : {std::pair{24, 40}, {40, 24}})
    expect_matches(many_branches(130, 2, dim, random, value_dim),
                   random_cross(130, 130, 2, 1, dim, value_dim, random));
}

TEST_P(DeviceCross, RaggedGathersOfOtherKeys) {
  for (DType dtype : {DType::f32, DType::bf16}) {
    const Inputs in = as(random_cross(210, 333, 2, 1, 32, 64, random), dtype);
    expect_matches(one_branch({.tables = {ragged_table(210, 333, random)}}), in);
  }
}

VIDATTN_ON_EVERY_DEVICE(DeviceCross);

}  // namespace
}  // namespace vidattn

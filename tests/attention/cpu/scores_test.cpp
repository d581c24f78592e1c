#include "attention/cpu/scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "attention/cpu/units/simd.h"
#include "attention/lowbit/plain.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// Keys that the queries of a part see.
struct SeenPart {
  int32_t query_begin, query_end, key_begin, key_end;
};

/// Plain loops in float64 over the operands as their type rounds them.
std::vector<double> largest_scores(const Branch& branch, const Inputs& in,
                                   const std::vector<SeenPart>& parts) {
  const PlainLowBits low(branch, in);
  const Tensor &q = low.q ? *low.q : *in.q, &k = low.k ? *low.k : *in.k;
  std::vector<double> largest(in.length() * in.heads(), -INFINITY);
  for (const SeenPart& part : parts)
    for (int64_t i = part.query_begin; i < part.query_end; ++i)
      for (int64_t h = 0; h < in.heads(); ++h) {
        double& highest = largest[i * in.heads() + h];
        for (int64_t j = part.key_begin; j < part.key_end; ++j) {
          double dot = 0;
          for (int64_t c = 0; c < in.dim(); ++c)
            dot += double{q.at(i, h, c)} * k.at(j, in.kv_head(h), c);
          highest = std::max(highest, in.softmax_scale() * dot);
        }
        std::vector<float> query(in.dim());
        in.q->read_row(i, h, query.data());
        highest += low.lse_offset(query, in.kv_head(h), in.softmax_scale());
      }
  return largest;
}

/// Calls what() with every instruction set and unit of this machine.
template <class F>
void with_every_unit(const F& what) {
  const Bf16Unit bf16 = cpu_bf16_unit();
  const Int8Unit int8 = cpu_int8_unit();
  for (const std::string& simd : cpu_simd_targets()) {
    SCOPED_TRACE(simd);
    force_cpu_simd_target(simd);
    what();
  }
  force_cpu_simd_target("");
  for (const Bf16Unit unit : cpu_bf16_units()) {
    SCOPED_TRACE(to_string(unit));
    force_cpu_bf16_unit(unit);
    what();
  }
  force_cpu_bf16_unit(bf16);
  for (const Int8Unit unit : cpu_int8_units()) {
    SCOPED_TRACE(to_string(unit));
    force_cpu_int8_unit(unit);
    what();
  }
  force_cpu_int8_unit(int8);
}

void expect_largest_scores(const Inputs& in, const std::vector<SeenPart>& parts) {
  HeadTable table;
  for (const SeenPart& p : parts) table.add(p.query_begin, p.query_end, {{p.key_begin, p.key_end}});
  const Plan plan = one_branch({.tables = {table}});
  const std::vector<double> want = largest_scores(plan.branches[0], in, parts);
  with_every_unit([&] {
    cpu::ScoreRun run(plan, in);
    for (int again = 0; again < 2; ++again) run.run();
    ASSERT_EQ(run.largest().size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      if (std::isinf(want[i]))
        ASSERT_EQ(run.largest()[i], want[i]) << i;
      else
        ASSERT_NEAR(run.largest()[i], want[i], 1e-5 * (1 + std::abs(want[i]))) << i;
    }
  });
}

TEST(ScoreRun, KeepsTheLargestScoreByEveryUnit) {
  std::mt19937_64 random(3);
  for (const int64_t dim : {64, 24})
    for (const DType dtype : {DType::f32, DType::bf16, DType::int8, DType::fp8}) {
      SCOPED_TRACE(to_string(dtype) + " dim " + std::to_string(dim));
      const Inputs in = as(random_cross(61, 77, 2, 1, dim, 48, random), dtype);
      expect_largest_scores(in, {{0, 61, 0, 77}});
      expect_largest_scores(in, {{0, 3, 7, 75}, {3, 50, 40, 77}});  // 11 queries see nothing
    }
}

}  // namespace
}  // namespace vidattn

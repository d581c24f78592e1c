#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>

#include "attention/cpu/schedule.h"
#include "attention/cpu/units/simd.h"
#include "attention/device.h"
#include "tests/support/inputs.h"

namespace vidattn::cpu {
namespace {

/// Segments whose sizes end just above and below whole pieces, with bands and with several ranges.
Branch ragged_branch(int32_t tokens) {
  HeadTable table;
  int32_t begin = 0;
  for (const int32_t size : {1, 3, 5, 51, 52, 53, 385, 388, 389, 436}) {
    table.add(begin, begin + size,
              {{0, tokens / 3, -70, 90}, {tokens / 3, tokens / 3 + 5}, {tokens / 2, tokens}});
    begin += size;
  }
  table.add(begin, tokens, {{0, tokens}});
  return {.name = "ragged", .tables = {std::move(table)}};
}

/// Queries in several segments, as MoBA has them.
Branch repeating_branch(int32_t tokens) {
  HeadTable table;
  std::vector<int32_t> order;
  for (int32_t chunk = 0; chunk < 20; ++chunk) {
    const auto begin = static_cast<int32_t>(order.size());
    for (int32_t token = chunk % 7; token < tokens; token += 2 + chunk) order.push_back(token);
    table.add(begin, static_cast<int32_t>(order.size()),
              {{chunk * tokens / 20, (chunk + 1) * tokens / 20}});
  }
  table.query_order = make_order(std::move(order));
  return {.name = "repeating", .tables = {std::move(table)}, .repeats_queries = true};
}

Output run_with(int threads, const Branch& branch, const Inputs& in) {
  Plan plan;
  plan.branches.push_back(branch);
  plan.validate(in);
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  Output out;
  find_device("cpu").run(plan, in, out);
  omp_set_num_threads(before);
  return out;
}

Inputs one_head(const Inputs& in, int64_t head) {
  Inputs one = in;
  for (auto* tensor : {&one.q, &one.k, &one.v}) {
    Tensor part(in.length(), 1, in.dim());
    for (int64_t i = 0; i < in.length(); ++i)
      std::memcpy(part.row(i, 0), (*tensor)->row(i, head), in.dim() * sizeof(float));
    *tensor = std::make_shared<const Tensor>(std::move(part));
  }
  return one;
}

// Not under the sanitizers: LLVM's OpenMP leaks when the number of threads changes.
TEST(Cuts, AResultHasTheSameBitsWithAnyNumberOfThreadsAndHeadsSlow) {
  constexpr int32_t kTokens = 2000;
  const Inputs in = random_inputs(kTokens, 3, 64);
  for (const std::string& simd : cpu_simd_targets()) {
    force_cpu_simd_target(simd);
    for (const Branch& branch : {ragged_branch(kTokens), repeating_branch(kTokens)}) {
      SCOPED_TRACE(simd + " " + branch.name);
      const Output one = run_with(1, branch, in);
      for (const int threads : {2, 3, 7}) {
        const Output more = run_with(threads, branch, in);
        EXPECT_EQ(std::memcmp(more.o.data<char>(), one.o.data<char>(), one.o.bytes()), 0);
        EXPECT_EQ(more.lse, one.lse);
      }
      for (const DType dtype : {DType::f32, DType::bf16}) {
        const Output all = run_with(2, branch, as(in, dtype));
        for (int64_t head = 0; head < 3; ++head) {
          const Output alone = run_with(2, branch, as(one_head(in, head), dtype));
          const int64_t bytes = in.dim() * size_of(dtype);
          for (int64_t i = 0; i < kTokens; ++i)
            ASSERT_EQ(std::memcmp(alone.o.data<char>() + i * bytes,
                                  all.o.data<char>() + (i * 3 + head) * bytes, bytes),
                      0)
                << to_string(dtype) << " token " << i << " head " << head;
        }
      }
    }
  }
  force_cpu_simd_target("");
}

TEST(Cuts, NoPieceLeavesAFewQueriesOfALongSegment) {
  for (int32_t size = 1; size < 900; ++size)
    for (int64_t most = kMaxTileQueries; most <= kMaxQueries; most += kMaxTileQueries)
      for (int32_t begin = 0; begin < size;) {
        const int32_t end = piece_end(begin, size, most);
        ASSERT_GT(end, begin);
        ASSERT_LE(end - begin, kMaxQueries);
        ASSERT_TRUE(size <= kMaxRowQueries || end - begin > kMaxRowQueries) << size << " " << most;
        begin = end;
      }
}

}  // namespace
}  // namespace vidattn::cpu

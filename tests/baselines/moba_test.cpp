#include <gtest/gtest.h>

#include <algorithm>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::moba_test {
namespace {

struct Setting {
  int64_t length, chunk, topk;
  bool causal;
  std::vector<int64_t> offsets;
};

/// Keys of one query from the definition, in float64 and without blocks, tables or matrix products.
std::vector<int64_t> expected_keys(const Inputs& in, const Setting& s, int64_t query,
                                   int64_t head) {
  size_t sequence = 0;
  while (s.offsets[sequence + 1] <= query) ++sequence;
  const int64_t begin = s.offsets[sequence], end = s.offsets[sequence + 1];
  const int64_t own = (query - begin) / s.chunk;
  std::vector<std::pair<double, int64_t>> gates;
  for (int64_t c = 0; begin + c * s.chunk < end; ++c) {
    if (c == own || (s.causal && c > own)) continue;
    double dot = 0;
    const int64_t last = std::min(end, begin + (c + 1) * s.chunk);
    for (int64_t j = begin + c * s.chunk; j < last; ++j)
      for (int64_t d = 0; d < in.dim(); ++d)
        dot += double{in.q->at(query, head, d)} * in.k->at(j, in.kv_head(head), d);
    gates.push_back({-dot / static_cast<double>(last - begin - c * s.chunk), c});
  }
  std::sort(gates.begin(), gates.end());
  gates.resize(std::min<size_t>(gates.size(), s.topk - 1));
  std::vector<int64_t> keys;
  for (int64_t j = begin; j < end; ++j) {
    const int64_t c = (j - begin) / s.chunk;
    const bool chosen = c == own || std::any_of(gates.begin(), gates.end(),
                                                [&](const auto& g) { return g.second == c; });
    if (chosen && (!s.causal || j <= query)) keys.push_back(j);
  }
  return keys;
}

Params params_of(const Setting& s) {
  Params params = find_backend("moba").defaults();
  params.set("chunk_size", std::to_string(s.chunk));
  params.set("topk", std::to_string(s.topk));
  params.set("causal", s.causal ? "true" : "false");
  std::string offsets;
  for (int64_t o : s.offsets) offsets += (offsets.empty() ? "" : ",") + std::to_string(o);
  params.set("cu_seqlens", offsets);
  return params;
}

TEST(Moba, SeesExactlyTheChunksOfItsDefinition) {
  const Backend& moba = find_backend("moba");
  for (const Setting& s : std::vector<Setting>{{1, 4, 3, true, {0, 1}},
                                               {97, 16, 3, true, {0, 97}},
                                               {97, 16, 3, false, {0, 97}},
                                               {90, 7, 4, false, {0, 5, 50, 90}},
                                               {90, 7, 99, true, {0, 1, 89, 90}},
                                               {130, 1, 2, true, {0, 130}},
                                               {40, 1000, 1, false, {0, 40}}}) {
    Inputs in = random_inputs(s.length, 4, 8);
    in.k = random_tensor(s.length, 2, 8, 91);
    in.v = random_tensor(s.length, 2, 8, 92);
    const Plan plan = moba.plan(in, params_of(s));
    plan.validate(in);
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t i = 0; i < s.length; ++i)
        ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected_keys(in, s, i, h))
            << "length " << s.length << " head " << h << " token " << i;
  }
}

TEST(Moba, IndexMemoryAndDensityFollowTheNumberOfChunks) {
  const Backend& moba = find_backend("moba");
  const Inputs in = random_inputs(1024, 1, 16);
  double before = 0;
  for (int64_t k : {1, 2, 5, 16, 40}) {
    const Plan plan = moba.plan(in, params_of({1024, 64, k, false, {0, 1024}}));
    const double density = static_cast<double>(plan.branches[0].pairs(0, 1)) / (1024.0 * 1024.0);
    EXPECT_DOUBLE_EQ(density, static_cast<double>(std::min<int64_t>(k, 16)) / 16);
    EXPECT_GE(density, before);
    before = density;
    EXPECT_LE(plan.index_bytes(), 1024 * 4 * (std::min<int64_t>(k, 16) + 1) + 16 * 64);
  }
}

TEST(Moba, RefusesOffsetsThatDoNotCoverTheTokens) {
  const Backend& moba = find_backend("moba");
  for (const char* offsets : {"0", "0,9", "1,10", "0,4,4,10", "0,6,4,10", "0,2.5,10"}) {
    Params params = moba.defaults();
    const auto plan = [&] {
      params.set("cu_seqlens", offsets);
      moba.plan(random_inputs(10, 1, 8), params);
    };
    EXPECT_THROW(plan(), InputError) << offsets;
  }
  Params params = moba.defaults();
  EXPECT_THROW(params.set("chunk_size", "0"), InputError);
  EXPECT_THROW(params.set("topk", "0"), InputError);
}

}  // namespace
}  // namespace vidattn::moba_test

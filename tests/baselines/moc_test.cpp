#include <gtest/gtest.h>

#include <algorithm>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::moc_test {
namespace {

struct Setting {
  int64_t frames, height, width, text;
  std::vector<int64_t> shots;
  int64_t frames_per_chunk;  ///< 0 = chunks=shots
  int64_t topk;
  bool causal, own_shot, text_sees_all;
};

int64_t shot_of(const Setting& s, int64_t frame) {
  int64_t shot = 0;
  while (shot + 1 < static_cast<int64_t>(s.shots.size()) && s.shots[shot + 1] <= frame) ++shot;
  return shot;
}

/// First frame of the chunk that holds a frame.
int64_t chunk_of(const Setting& s, int64_t frame) {
  const int64_t begin = s.shots[shot_of(s, frame)];
  return s.frames_per_chunk == 0
             ? begin
             : begin + (frame - begin) / s.frames_per_chunk * s.frames_per_chunk;
}

/// Keys of one query by the words of the definition, frame by frame and in float64.
std::vector<int64_t> expected_keys(const Inputs& in, const Setting& s, int64_t query,
                                   int64_t head) {
  const int64_t size = s.height * s.width, video = s.frames * size;
  const int64_t own = query < video ? query / size : -1;
  if (own < 0 && s.text_sees_all) {
    std::vector<int64_t> all(in.length());
    for (int64_t j = 0; j < in.length(); ++j) all[j] = j;
    return all;
  }
  const auto always = [&](int64_t frame) {
    return own >= 0 && (s.own_shot ? shot_of(s, frame) == shot_of(s, own)
                                   : chunk_of(s, frame) == chunk_of(s, own));
  };
  std::vector<std::pair<double, int64_t>> gates;  // (-gate, first frame of the chunk)
  for (int64_t c = 0; c < s.frames; ++c) {
    if (chunk_of(s, c) != c || always(c) || (s.causal && own >= 0 && c > own)) continue;
    double dot = 0, tokens = 0;
    for (int64_t j = 0; j < video; ++j) {
      if (chunk_of(s, j / size) != c) continue;
      for (int64_t d = 0; d < in.dim(); ++d)
        dot += double{in.q->at(query, head, d)} * in.k->at(j, in.kv_head(head), d);
      ++tokens;
    }
    gates.push_back({-dot / tokens, c});
  }
  std::sort(gates.begin(), gates.end());
  gates.resize(std::min<size_t>(gates.size(), s.topk));
  std::vector<int64_t> keys;
  for (int64_t j = 0; j < in.length(); ++j)
    if (j >= video || always(j / size) ||
        std::any_of(gates.begin(), gates.end(),
                    [&](const auto& g) { return g.second == chunk_of(s, j / size); }))
      keys.push_back(j);
  return keys;
}

Inputs inputs_of(const Setting& s) {
  const int64_t length = s.frames * s.height * s.width + s.text;
  Inputs in = random_inputs(length, 4, 8);
  in.k = random_tensor(length, 2, 8, 41);
  in.v = random_tensor(length, 2, 8, 42);
  in.grid = {s.frames, s.height, s.width, s.shots, s.text};
  return in;
}

Params params_of(const Setting& s) {
  Params params = find_backend("moc").defaults();
  params.set("chunks", s.frames_per_chunk == 0 ? "shots" : "frames");
  params.set("frames_per_chunk", std::to_string(std::max<int64_t>(1, s.frames_per_chunk)));
  params.set("topk", std::to_string(s.topk));
  params.set("causal_routing", s.causal ? "true" : "false");
  params.set("own", s.own_shot ? "shot" : "chunk");
  params.set("text_queries", s.text_sees_all ? "all" : "routed");
  return params;
}

TEST(Moc, SeesExactlyWhatItsDefinitionSays) {
  const Backend& moc = find_backend("moc");
  for (const Setting& s : std::vector<Setting>{{1, 1, 1, 0, {0}, 1, 5, true, true, true},
                                               {9, 2, 3, 5, {0, 2, 7}, 1, 2, true, true, true},
                                               {9, 2, 3, 5, {0, 2, 7}, 2, 2, false, true, false},
                                               {8, 3, 2, 0, {0, 1, 3, 6}, 0, 1, true, true, true},
                                               {8, 3, 2, 3, {0, 1, 3, 6}, 0, 2, false, false, true},
                                               {7, 2, 2, 4, {0}, 3, 1, true, false, false},
                                               {7, 2, 2, 0, {0, 4}, 2, 0, false, true, true},
                                               {6, 2, 2, 2, {0, 3}, 1, 99, false, false, false}}) {
    const Inputs in = inputs_of(s);
    const Plan plan = moc.plan(in, params_of(s));
    plan.validate(in);
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t i = 0; i < in.length(); ++i)
        ASSERT_EQ(visible_keys(plan.branches[0], in, i, h), expected_keys(in, s, i, h))
            << s.frames << " frames, " << s.text << " text, head " << h << " token " << i;
  }
}

TEST(Moc, RoutingHasNoCycles) {
  const Setting s{12, 2, 2, 0, {0, 3, 4, 9}, 1, 3, true, true, true};
  const Inputs in = inputs_of(s);
  const Plan plan = find_backend("moc").plan(in, params_of(s));
  for (int64_t i = 0; i < in.length(); ++i)
    for (int64_t j : visible_keys(plan.branches[0], in, i, 0))
      EXPECT_LE(shot_of(s, j / 4), shot_of(s, i / 4));
}

TEST(Moc, DensityGrowsWithTopkAndShotsCanBeGiven) {
  const Setting s{12, 2, 2, 0, {0}, 1, 0, false, true, true};
  const Inputs in = inputs_of(s);
  Params params = params_of(s);
  const auto pairs = [&] { return find_backend("moc").plan(in, params).branches[0].pairs(0, 4); };
  EXPECT_EQ(pairs(), 48 * 48);  // one shot
  params.set("shots", "0,3,4,9");
  EXPECT_EQ(pairs(), 16 * (9 + 1 + 25 + 9));
  params.set("topk", "4");
  EXPECT_EQ(pairs(), 16 * (9 + 1 + 25 + 9 + 12 * 4));
  params.set("topk", "4096");
  EXPECT_EQ(pairs(), 48 * 48);
}

TEST(Moc, RefusesAMissingGridAndBadShots) {
  const Backend& moc = find_backend("moc");
  EXPECT_THROW(moc.plan(random_inputs(8, 1, 8), moc.defaults()), InputError);
  for (const char* shots : {"1,3", "0,4,4", "0,9", "0,1.5"}) {
    Params params = moc.defaults();
    const auto plan = [&] {
      params.set("shots", shots);
      moc.plan(random_video(4, 2, 2, 1, 8), params);
    };
    EXPECT_THROW(plan(), InputError) << shots;
  }
}

}  // namespace
}  // namespace vidattn::moc_test

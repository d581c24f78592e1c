#include "attention/methods/text_frame.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

/// Methods that know video alone, among tokens that are none.
namespace vidattn::text_frame_test {
namespace {

constexpr int64_t kText = 13;

/// Video tokens, then text.
Inputs with_text(int64_t frames, int64_t height, int64_t width, int64_t text) {
  const VideoGrid grid = random_video(frames, height, width, 2, 16).grid;
  Inputs in = random_inputs(grid.tokens() + text, 2, 16);
  in.grid = grid;
  in.grid.text_tokens = text;
  in.device = &find_device("cpu");
  return in;
}

/// Keys of the call itself that a query sees in any branch.
std::set<int64_t> keys_of(const Plan& plan, const Inputs& in, int64_t token, int64_t head) {
  std::set<int64_t> keys;
  for (const Branch& branch : plan.branches) {
    if (branch.prepared.k) continue;
    const auto seen = visible_keys(branch, in, token, head);
    keys.insert(seen.begin(), seen.end());
  }
  return keys;
}

/// "vmoba ragged=true" with its parameters.
struct GivenMethod {
  std::string name;
  Settings settings = {};

  const Backend& backend() const { return find_backend(name); }
  Params params() const {
    Params params = backend().defaults();
    for (const auto& [key, value] : settings) params.set(key, value);
    return params;
  }
};

/// The frame's plan is that of the video alone, and everything of the text.
void expect_framed(const Backend& backend, Inputs in, const Params& params) {
  backend.prepare(in, params);
  const Plan plan = backend.plan(in, params);
  plan.validate(in);
  const Inputs video = video_alone(in, backend.info().inputs);
  const Plan alone = backend.plan(video, params);
  const int64_t length = in.length(), first = in.grid.video_tokens();
  for (int64_t head = 0; head < in.heads(); ++head)
    for (int64_t token = 0; token < length; ++token) {
      std::set<int64_t> expected;
      if (token < first) expected = keys_of(alone, video, token, head);
      for (int64_t key = token < first ? first : 0; key < length; ++key) expected.insert(key);
      ASSERT_EQ(keys_of(plan, in, token, head), expected) << token << " of head " << head;
    }
  Output got, want, full;
  find_device("cpu").run(plan, in, got);
  find_device("reference").run(plan, in, want);
  find_device("reference").run(full_plan(in), in, full);
  EXPECT_LE(relative_l2(got.o, want.o), 2e-6);
  for (int64_t token = first; token < length; ++token)  // dense, with weight 1
    for (int64_t c = 0; c < in.dim(); ++c)
      ASSERT_NEAR(got.o.row(token, 1)[c], full.o.row(token, 1)[c], 1e-5) << token;
}

TEST(TextFrame, KeepsTheKeysOfOtherTokensAndMakesTheirQueriesDense) {
  const Inputs in = with_text(4, 8, 8, kText);
  std::set<std::string> framed;
  for (const GivenMethod& given :
       std::vector<GivenMethod>{{"frame"},
                                {"stga"},
                                {"stga", {{"hs", "3"}, {"ws", "3"}, {"temporal_group", "2"}}},
                                {"moga"},
                                {"moga_stga"},
                                {"vsa"},
                                {"bsa"},
                                {"vmoba"},
                                {"vmoba", {{"select_mode", "topk"}, {"topk", "2"}}},
                                {"vmoba", {{"threshold", "1"}}},
                                {"nabla", {{"patch", "2"}, {"P", "0.3"}, {"add_sta", "false"}}},
                                {"subblock", {{"block", "16"}, {"granularity", "1"}}},
                                {"oracle_block", {{"tile", "2,4,4"}, {"k", "3"}}},
                                {"random_block", {{"tile", "2,4,4"}, {"k", "3"}}},
                                {"svg"},
                                {"rainfusion"},
                                {"rainfusion", {{"block", "16"}, {"sparsity", "0.9"}}}}) {
    SCOPED_TRACE(given.name);
    expect_framed(given.backend(), in, given.params());
    framed.insert(given.name);
  }
  for (const Backend* backend : backends())
    EXPECT_TRUE(backend->info().takes_text || framed.contains(backend->name())) << backend->name();
}

TEST(TextFrame, OfOneTokenAndOfOddGrids) {
  for (const GivenMethod& given : std::vector<GivenMethod>{
           {"frame"}, {"vsa"}, {"bsa"}, {"vmoba", {{"ragged", "true"}}}, {"moga_stga"}}) {
    SCOPED_TRACE(given.name);
    expect_framed(given.backend(), with_text(3, 5, 7, 1), given.params());
  }
}

TEST(TextFrame, CutsTheInputsOfAMethod) {
  Inputs in = with_text(4, 8, 8, kText);
  in.extra["gate"] = random_array({in.length(), 2, 16}, 5);
  const Backend& vsa = find_backend("vsa");
  const Inputs video = video_alone(in, vsa.info().inputs);
  EXPECT_EQ(video.extra.at("gate")->shape, (std::vector<int64_t>{256, 2, 16}));
  EXPECT_EQ(video.q->data<float>(), in.q->data<float>());  // nothing is copied
  EXPECT_EQ(video.length(), 256);
  expect_framed(vsa, in, vsa.defaults());
}

}  // namespace
}  // namespace vidattn::text_frame_test

#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/device.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::draft_test {
namespace {

const Backend& draft() { return find_backend("draft"); }

Inputs with_text(int64_t frames, int64_t height, int64_t width, int64_t text) {
  Inputs in = random_inputs(frames * height * width + text, 4, 8);
  in.k = random_tensor(in.length(), 2, 8, 71, 2);
  in.v = random_tensor(in.length(), 2, 8, 72);
  in.grid = {.frames = frames, .height = height, .width = width, .text_tokens = text};
  in.explain = true;
  return in;
}

TEST(Draft, KeepsThePairsAboveOneThresholdOfTheHead) {
  struct Case {
    int64_t frames, height, width, text, ph, pw;
    double sparsity;
    bool sink, same;
  };
  for (const Case& c :
       {Case{3, 6, 7, 5, 2, 4, 0.8, false, false}, Case{2, 5, 5, 0, 3, 3, 0.9, true, false},
        Case{4, 4, 4, 1, 2, 2, 0.7, false, true}, Case{2, 4, 4, 3, 8, 8, 0, false, false},
        Case{2, 4, 6, 0, 2, 2, 1, false, false}}) {
    const Inputs in = with_text(c.frames, c.height, c.width, c.text);
    const Plan plan = planned(draft(), in,
                              {{"pool", std::to_string(c.ph) + "," + std::to_string(c.pw)},
                               {"sparsity", std::to_string(c.sparsity)},
                               {"sink_frame", c.sink ? "true" : "false"},
                               {"same_frame", c.same ? "true" : "false"},
                               {"text_length", std::to_string(c.text)}});
    const int64_t nh = (c.height + c.ph - 1) / c.ph, nw = (c.width + c.pw - 1) / c.pw;
    const auto s = static_cast<int32_t>(c.frames * nh * nw);
    std::vector<int32_t> label, video;
    for (int64_t i = 0; i < in.length(); ++i) {
      const int64_t t = i / in.grid.frame_size(), y = i / c.width % c.height, x = i % c.width;
      const bool text = i >= in.grid.video_tokens();
      label.push_back(text ? s : static_cast<int32_t>((t * nh + y / c.ph) * nw + x / c.pw));
      video.push_back(text ? -1 : label.back());
    }
    EXPECT_EQ(plan.explained.at("block_label").as<int32_t>("block_label"), label);
    const int64_t n = s + (c.text > 0 ? 1 : 0);
    EXPECT_EQ(plan.explained.at("block_map").shape, (std::vector<int64_t>{4, n, n}));
    const auto dropped = static_cast<int64_t>((1.0 - (1.0 - c.sparsity)) * s * s);
    for (int64_t h = 0; h < 4; ++h) {
      const Rows q = slow_means(*in.q, h, video), k = slow_means(*in.k, in.kv_head(h), video);
      Rows p;
      std::vector<double> all;
      for (const auto& a : q) {
        std::vector<double> row;
        for (const auto& b : k) row.push_back(slow_dot(a, b) * in.softmax_scale());
        p.push_back(slow_softmax(row));
        all.insert(all.end(), p.back().begin(), p.back().end());
      }
      std::sort(all.begin(), all.end());
      const double least = dropped == 0 ? 0 : all[dropped - 1];
      expect_blocks(plan, in, h, label, [&](int32_t a, int32_t b) {
        return a == s || b == s || p[a][b] >= least || (c.sink && b < nh * nw) ||
               (c.same && a / (nh * nw) == b / (nh * nw));
      });
    }
  }
}

TEST(Draft, AQueryBlockWithoutKeysHasNoOutput) {
  const Inputs in = with_text(2, 4, 6, 0);
  const Plan plan = planned(draft(), in, {{"pool", "2,2"}, {"sparsity", "1"}});
  Output out;
  find_device("cpu").run(plan, in, out);
  int64_t empty = 0;
  for (int64_t i = 0; i < in.length(); ++i)
    if (std::isinf(out.lse[0][i * 4])) {
      ++empty;
      EXPECT_EQ(out.o.at(i, 0, 3), 0);
    }
  EXPECT_EQ(empty, 44);  // one pair of blocks of 4 stays
}

TEST(Draft, EqualsOfTheThresholdStay) {
  Inputs in = with_text(2, 4, 4, 0);
  auto k = std::make_shared<Tensor>(in.k->clone());
  for (int64_t j = 16; j < 32; ++j)
    for (int64_t h = 0; h < 2; ++h) std::copy_n(in.k->row(j - 16, h), 8, k->row(j, h));
  in.k = k;
  // Every probability is there twice, and so the threshold is, whichever of the two it is.
  const Plan plan = planned(draft(), in, {{"pool", "2,2"}, {"sparsity", "1"}});
  for (int64_t h = 0; h < 4; ++h) EXPECT_EQ(plan.branches[0].pairs(h, 4), 2 * 4 * 4);
}

TEST(Draft, KnobsAndRefusals) {
  const Inputs in = with_text(3, 6, 5, 0);
  expect_monotone_knob(draft(), in, {{"pool", "2,2"}});
  EXPECT_EQ(draft().knobs(in, draft().defaults()).size(), 3U);                // 8,16; 4,8; 2,4
  expect_refused(draft(), in, {{"dropped", "7"}}, "dropped=7, but it is 8");  // 0.9 * 9
  expect_refused(draft(), in, {{"text_length", "7"}}, "but it is 0");
  expect_refused(draft(), random_inputs(64, 1, 8), {}, "grid");
}

}  // namespace
}  // namespace vidattn::draft_test

#include "metrics/video/label_propagation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/error.h"

namespace vidattn {
namespace {

/// Frames of 4x12 tokens in three columns: background, region 1, region 2. A region's features are
/// its own axis, so that attention knows it exactly; in frame t the columns are turned by t.
LabelTask toy(int64_t frames = 5) {
  LabelTask task{.grid = {.frames = frames, .height = 4, .width = 12}, .regions = 2};
  std::vector<float> features;
  for (int64_t i = 0; i < task.grid.tokens(); ++i) {
    const int64_t x = i % task.grid.width, t = i / task.grid.frame_size();
    task.labels.push_back(static_cast<int32_t>((x / 4 + t) % 3));
    for (int c = 0; c < 3; ++c) features.push_back(c == task.labels.back() ? 2.0F : 0.0F);
  }
  task.features =
      std::make_shared<const Array>(Array{{task.grid.tokens(), 3}, std::move(features)});
  return task;
}

std::vector<int32_t> carry(const LabelPropagation& task, const std::string& backend, int steps) {
  const Backend& method = find_backend(backend);
  Inputs in = task.inputs();
  Output out;
  for (int step = 0; step < steps; ++step) {
    if (step > 0) in = task.next(in, out.o);
    find_device("cpu").run(method.plan(in, method.defaults()), in, out);
  }
  return task.decide(out.o);
}

TEST(LabelPropagation, CarriesExactlyWhatFeaturesTellApart) {
  const LabelPropagation task(toy());
  for (const int steps : {1, 3}) {
    const auto labels = carry(task, "full", steps);
    EXPECT_EQ(labels, task.task().labels);
    const RegionScores scores = region_scores(task.task(), labels, 2, 5);
    EXPECT_EQ(scores.iou, 1);
    EXPECT_EQ(scores.undecided, 0);
    EXPECT_EQ(scores.tokens, 3 * 48);
  }
}

/// Attention within a frame sees no label of another.
TEST(LabelPropagation, NothingReachesWhoSeesNoKnownFrame) {
  const LabelPropagation task(toy());
  const auto labels = carry(task, "frame", 3);
  const RegionScores scores = region_scores(task.task(), labels, 2, 5);
  EXPECT_EQ(scores.iou, 0);
  EXPECT_EQ(scores.undecided, 1);
  EXPECT_EQ(region_scores(task.task(), labels, 0, 1).iou, 1);  // the known frame itself
}

TEST(LabelPropagation, ScoresAreIntersectionOverUnionOfKnownRegions) {
  LabelTask task = toy(2);
  task.known_frames = 1;
  std::vector<int32_t> guess = task.labels;
  // Frame 1: half of region 1's 16 tokens are called region 2.
  int changed = 0;
  for (size_t i = 48; i < guess.size() && changed < 8; ++i)
    if (guess[i] == 1) {
      guess[i] = 2;
      ++changed;
    }
  EXPECT_NEAR(region_scores(task, guess, 1, 2).iou, (8.0 / 16 + 16.0 / 24) / 2, 1e-12);
  // A region that the known frame does not show cannot be known: it does not count.
  for (int i = 0; i < 48; ++i)
    if (task.labels[i] == 1) task.labels[i] = 0;
  EXPECT_NEAR(region_scores(task, guess, 1, 2).iou, 16.0 / 24, 1e-12);
  EXPECT_TRUE(std::isnan(region_scores(task, guess, 1, 1).iou));
}

TEST(LabelPropagation, RefusesWhatItCannotUse) {
  const auto refused = [](auto&& change) {
    LabelTask task = toy();
    change(task);
    EXPECT_THROW(LabelPropagation{std::move(task)}, InputError);
  };
  refused([](LabelTask& t) { t.labels.pop_back(); });
  refused([](LabelTask& t) { t.labels[3] = 7; });
  refused([](LabelTask& t) { t.known_frames = 1; });
  refused([](LabelTask& t) { t.known_frames = 5; });
  refused([](LabelTask& t) { t.features = nullptr; });
  refused([](LabelTask& t) { std::fill(t.labels.begin(), t.labels.begin() + 96, 0); });
}

}  // namespace
}  // namespace vidattn

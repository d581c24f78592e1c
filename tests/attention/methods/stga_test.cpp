#include <gtest/gtest.h>

#include "attention/backend.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// Frame sets of the reference semantics, written out independently of the planner's ranges.
bool sees(const VideoGrid& grid, int64_t query_frame, int64_t key_frame, int64_t largest,
          int64_t boundary) {
  size_t s = 0;
  while (s + 1 < grid.shots.size() && grid.shots[s + 1] <= query_frame) ++s;
  const int64_t begin = grid.shots[s];
  const int64_t end = s + 1 < grid.shots.size() ? grid.shots[s + 1] : grid.frames;
  const int64_t n = end - begin;
  const int64_t chunks = largest > 0 ? (n + largest - 1) / largest : 1;
  int64_t i = 0;
  while (begin + (i + 1) * n / chunks <= query_frame) ++i;
  if (key_frame >= begin + i * n / chunks && key_frame < begin + (i + 1) * n / chunks) return true;
  if (i == 0 && s > 0 && key_frame < begin && key_frame >= grid.shots[s - 1])
    return key_frame >= begin - boundary;
  if (i == chunks - 1 && s + 1 < grid.shots.size() && key_frame >= end) {
    const int64_t next_end = s + 2 < grid.shots.size() ? grid.shots[s + 2] : grid.frames;
    return key_frame < next_end && key_frame < end + boundary;
  }
  return false;
}

int64_t window(int64_t position, int64_t extent, int64_t parts) {
  int64_t i = 0;
  while ((i + 1) * extent / parts <= position) ++i;
  return i;
}

TEST(Stga, SeesExactlyTheWindowsAndFramesOfItsDefinition) {
  struct Shape {
    int64_t frames, height, width, hs, ws, largest, boundary;
    std::vector<int64_t> shots;
  };
  const std::vector<Shape> shapes{{1, 1, 1, 1, 1, 0, 1, {0}},
                                  {7, 5, 3, 2, 2, 3, 1, {0, 2, 3}},
                                  {6, 4, 5, 4, 3, 0, 2, {0, 1, 5}},
                                  {5, 2, 2, 3, 1, 2, 9, {0, 3}},
                                  {9, 3, 4, 1, 1, 4, 0, {0, 4}}};
  const Backend& stga = find_backend("stga");
  for (const Shape& s : shapes) {
    Inputs in = random_video(s.frames, s.height, s.width, 1, 8);
    in.grid.shots = s.shots;
    Params params = stga.defaults();
    params.set("hs", std::to_string(s.hs));
    params.set("ws", std::to_string(s.ws));
    params.set("temporal_group", std::to_string(s.largest));
    params.set("boundary_frames", std::to_string(s.boundary));
    const Plan plan = stga.plan(in, params);
    plan.validate(in);
    const int64_t size = in.grid.frame_size();
    for (int64_t i = 0; i < in.length(); ++i) {
      std::vector<int64_t> expected;
      for (int64_t j = 0; j < in.length(); ++j) {
        const int64_t pi = i % size, pj = j % size, w = s.width;
        if (window(pi / w, s.height, s.hs) == window(pj / w, s.height, s.hs) &&
            window(pi % w, w, s.ws) == window(pj % w, w, s.ws) &&
            sees(in.grid, i / size, j / size, s.largest, s.boundary))
          expected.push_back(j);
      }
      EXPECT_EQ(visible_keys(plan.branches[0], in, i, 0), expected) << "token " << i;
    }
  }
}

TEST(Stga, RefusesAMissingGridAndBadShots) {
  const Backend& stga = find_backend("stga");
  EXPECT_THROW(stga.plan(random_inputs(8, 1, 8), stga.defaults()), InputError);
  for (const char* shots : {"1,3", "0,4,4", "0,9", "0,1.5"}) {
    Params params = stga.defaults();
    const auto plan = [&] {
      params.set("shots", shots);
      stga.plan(random_video(4, 2, 2, 1, 8), params);
    };
    EXPECT_THROW(plan(), InputError) << shots;
  }
}

TEST(Frame, SeesItsOwnFrame) {
  const Backend& frame = find_backend("frame");
  const Inputs in = random_video(3, 2, 2, 1, 8);
  const Plan plan = frame.plan(in, frame.defaults());
  EXPECT_EQ(visible_keys(plan.branches[0], in, 5, 0), (std::vector<int64_t>{4, 5, 6, 7}));
}

TEST(MogaStga, IsTheMeanOfItsThreeParts) {
  Inputs in = random_video(6, 3, 4, 2, 16);
  in.grid.shots = {0, 4};
  in.extra["router_logits"] = random_array({72, 5}, 4);
  const auto run = [&](const char* name) {
    const Backend& backend = find_backend(name);
    const Plan plan = backend.plan(in, backend.defaults());
    plan.validate(in);
    return reference_rows(plan, in, {}).o;
  };
  const auto moga = run("moga"), stga = run("stga"), frame = run("frame"), mean = run("moga_stga");
  for (size_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(mean[i], (moga[i] + stga[i] + frame[i]) / 3, 1e-7);
}

}  // namespace
}  // namespace vidattn

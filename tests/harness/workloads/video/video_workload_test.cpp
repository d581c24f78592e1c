#include "harness/workloads/video/video_workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/shots.h"
#include "tests/harness/videos.h"

namespace vidattn {
namespace {

WorkloadRequest small() { return {.frames = 13, .height = 9, .width = 14, .heads = 2, .dim = 64}; }

TEST(FilmWorkload, HasTheShapesAndTruthAskedFor) {
  const Workload w = film_workload(small());
  w.inputs.validate();
  EXPECT_EQ(w.name, "film");
  EXPECT_EQ(w.inputs.length(), 13 * 9 * 14);
  EXPECT_EQ(w.inputs.heads(), 2);
  EXPECT_EQ(w.inputs.dim(), 64);
  const Film film({.seed = 1, .frames = 49, .height = 144, .width = 224});
  EXPECT_EQ(w.inputs.grid.shots, latent_shots(film.shot_starts(), 13));
  EXPECT_EQ(w.provenance["shots_pixel"], film.shot_starts());
  EXPECT_EQ(w.provenance["frames"], 49);
  EXPECT_NEAR(w.provenance["qkv"]["peak"], 0.8, 1e-3);
}

TEST(FilmWorkload, CutsWhereTheRequestSays) {
  WorkloadRequest request = small();
  request.shots = {0, 4, 9};
  const Workload w = film_workload(request);
  EXPECT_EQ(w.inputs.grid.shots, request.shots);
  EXPECT_EQ(w.provenance["shots_pixel"], (std::vector<int64_t>{0, 13, 33}));
}

TEST(FilmWorkload, KnowsItsCharactersWhereItIsAsked) {
  WorkloadRequest request = small();
  EXPECT_FALSE(film_workload(request).inputs.extra.contains("identity"));
  request.masks = "characters";
  const Workload w = film_workload(request);
  const auto& identity = w.inputs.extra.at("identity")->as<uint8_t>("identity");
  EXPECT_EQ(std::ssize(identity), w.inputs.length());
  const int last = *std::max_element(identity.begin(), identity.end());
  EXPECT_TRUE(last >= 2 && last <= 4) << last << ", of a cast of four";
  EXPECT_GT(std::count(identity.begin(), identity.end(), 0), w.inputs.length() / 2);
}

TEST(FilmWorkload, RefusesImpossibleRequests) {
  const auto refused = [](auto&& change) {
    WorkloadRequest request = small();
    change(request);
    EXPECT_THROW(film_workload(request), InputError);
  };
  refused([](auto& r) { r.frames = -3; });
  refused([](auto& r) { r.height = 2000; });
  refused([](auto& r) { r.shots = {0, 13}; });
  refused([](auto& r) { r.shots = {2}; });
  refused([](auto& r) { r.dim = 100; });
  refused([](auto& r) {
    r.frames = 1 << 24;
    r.height = 200;
  });
}

/// Character of every token of the film: that of at least half its pixels in the block's last
/// frame, else 0.
std::vector<int> token_identities(const Film& film, const VideoGrid& grid) {
  std::vector<int> ids;
  for (int64_t t = 0; t < grid.frames; ++t) {
    const cv::Mat mask = film.identity(4 * t);
    for (int y = 0; y < grid.height; ++y)
      for (int x = 0; x < grid.width; ++x) {
        const cv::Mat block = mask(cv::Rect(16 * x, 16 * y, 16, 16));
        int id = 0;
        for (int i = 1; i <= film.characters(); ++i)
          if (cv::countNonZero(block == i) >= 128) id = i;
        ids.push_back(id);
      }
  }
  return ids;
}

TEST(FilmWorkload, AttentionFollowsContent) {
  // Even among the keys of other shots, where position says nothing, a character's queries put more
  // mass on that character than its share of the tokens (2.2 times with OpenCV 4.6).
  const Workload w = film_workload(small());
  const VideoGrid& grid = w.inputs.grid;
  const Film film({.seed = 1, .frames = 49, .height = 144, .width = 224});
  const auto ids = token_identities(film, grid);
  ASSERT_GE(grid.shots.size(), 2u);
  const auto shot_of = [&](int64_t token) {
    const int64_t t = token / grid.frame_size();
    return std::upper_bound(grid.shots.begin(), grid.shots.end(), t) - grid.shots.begin();
  };
  double own = 0, all = 0, expected = 0;
  for (int64_t i = 0; i < w.inputs.length(); ++i) {
    if (ids[i] == 0) continue;
    double mass = 0, total = 0, same = 0, others = 0;
    for (int64_t j = 0; j < w.inputs.length(); ++j) {
      if (shot_of(j) == shot_of(i)) continue;
      double score = 0;
      for (int64_t c = 0; c < 64; ++c) score += w.inputs.q->row(i, 0)[c] * w.inputs.k->row(j, 0)[c];
      const double weight = std::exp(score * w.inputs.softmax_scale());
      total += weight;
      others += 1;
      if (ids[j] != ids[i]) continue;
      mass += weight;
      same += 1;
    }
    if (same == 0) continue;
    own += mass / total;
    expected += same / others;
    all += 1;
  }
  ASSERT_GT(all, 20);
  EXPECT_GT(own, 1.5 * expected) << own / all << " of the mass, " << expected / all
                                 << " of the tokens";
}

TEST(VideoWorkload, HasTheNotesOfItsVideo) {
  const testing::TemporaryFolder folder;
  const std::string bytes = testing::read_bytes(
      testing::write_video(folder / "a.avi", std::vector<cv::Mat>(40, testing::grey(9))));
  testing::write_bytes(folder / "cut.avi", bytes.substr(0, bytes.size() / 2));
  WorkloadRequest request{.frames = 2, .height = 3, .width = 4, .heads = 1, .dim = 64};
  request.spec = "video:" + (folder / "cut.avi").string();
  request.peak = 0.07;  // grey frames are alike everywhere
  const Workload workload = make_workload(request);
  ASSERT_EQ(workload.notes.size(), 1U);
  EXPECT_TRUE(workload.notes[0].starts_with("cut off or damaged")) << workload.notes[0];
  EXPECT_EQ(workload.provenance["notes"], workload.notes);
  EXPECT_FALSE(workload.provenance.contains("path_bytes"));
}

}  // namespace
}  // namespace vidattn

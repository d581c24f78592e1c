#include "metrics/video/nlm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"

namespace vidattn {
namespace {

constexpr int64_t kHeads = NonLocalMeans::kHeads;

/// A still picture with structure, in every frame the same.
std::vector<cv::Mat> still(int frames, int height, int width) {
  cv::Mat picture(height, width, CV_32FC3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      picture.at<cv::Vec3f>(y, x) = {static_cast<float>(100 + 60 * std::sin(0.4 * x)),
                                     static_cast<float>(120 + 50 * std::cos(0.3 * y)),
                                     static_cast<float>((x / 6 + y / 6) % 2 * 150)};
  std::vector<cv::Mat> video;
  for (int t = 0; t < frames; ++t) video.push_back(picture.clone());
  return video;
}

std::vector<cv::Mat> noisy(std::vector<cv::Mat> video, float sigma) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, sigma);
  for (cv::Mat& frame : video) {
    frame = frame.clone();  // frames may share their pixels
    for (int y = 0; y < frame.rows; ++y)
      for (int x = 0; x < frame.cols; ++x)
        for (int c = 0; c < 3; ++c) frame.at<cv::Vec3f>(y, x)[c] += normal(random);
  }
  return video;
}

NonLocalMeans::Result with_full_attention(const NonLocalMeans& nlm) {
  Inputs in = nlm.inputs();
  const Backend& full = find_backend("full");
  Output out;
  find_device("cpu").run(full.plan(in, full.defaults()), in, out);
  return nlm.restore(out.o);
}

double mse(const std::vector<cv::Mat>& a, const std::vector<cv::Mat>& b) {
  double sum = 0, count = 0;
  for (size_t t = 0; t < a.size(); ++t) {
    const double norm = cv::norm(a[t], b[t], cv::NORM_L2);
    sum += norm * norm;
    count += 3.0 * static_cast<double>(a[t].total());
  }
  return sum / count;
}

double window(int i) { return std::pow(std::sin(M_PI * (i + 0.5) / 8), 2); }

/// Non-local means written down as its formula: weights exp(-|f_i - f_j|²/h²) of the features that
/// stand in q, noisy patches, windowed overlap.
std::vector<cv::Mat> by_formula(const NonLocalMeans& nlm, const std::vector<cv::Mat>& video) {
  const Inputs& in = nlm.inputs();
  const VideoGrid& grid = in.grid;
  // q holds sqrt(2·sqrt(D)/h²)·f.
  const double to_feature =
      std::sqrt(nlm.bandwidth() / 2 / std::sqrt(static_cast<double>(in.dim())));
  std::vector<cv::Mat> sum, weight;
  for (const cv::Mat& frame : video) {
    sum.push_back(cv::Mat::zeros(frame.size(), CV_64FC3));
    weight.push_back(cv::Mat::zeros(frame.size(), CV_64FC1));
  }
  const auto corner = [&](int64_t head, int64_t token) {
    const int64_t p = token % grid.frame_size();
    return nlm.place(head, p / grid.width, p % grid.width);
  };
  for (int64_t h = 0; h < kHeads; ++h)
    for (int64_t i = 0; i < grid.tokens(); ++i) {
      std::vector<double> w(grid.tokens());
      double total = 0;
      for (int64_t j = 0; j < grid.tokens(); ++j) {
        double distance = 0;
        for (int64_t c = 0; c < nlm.channels(); ++c)
          distance += std::pow((double{in.q->row(i, h)[c]} - in.q->row(j, h)[c]) * to_feature, 2);
        total += w[j] = std::exp(-distance / nlm.bandwidth());
      }
      for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 8; ++x) {
          cv::Vec3d pixel(0, 0, 0);
          for (int64_t j = 0; j < grid.tokens(); ++j)
            pixel += w[j] / total *
                     cv::Vec3d(video[j / grid.frame_size()].at<cv::Vec3f>(corner(h, j) +
                                                                          cv::Point(x, y)));
          const cv::Point at = corner(h, i) + cv::Point(x, y);
          const double share = window(y) * window(x);
          sum[i / grid.frame_size()].at<cv::Vec3d>(at) += share * pixel;
          weight[i / grid.frame_size()].at<double>(at) += share;
        }
    }
  std::vector<cv::Mat> result;
  for (size_t t = 0; t < video.size(); ++t) {
    cv::Mat frame(video[t].size(), CV_32FC3);
    for (int y = 0; y < frame.rows; ++y)
      for (int x = 0; x < frame.cols; ++x)
        frame.at<cv::Vec3f>(y, x) = sum[t].at<cv::Vec3d>(y, x) / weight[t].at<double>(y, x);
    result.push_back(frame);
  }
  return result;
}

TEST(NonLocalMeans, IsTheFormulaUnderFullAttention) {
  const auto video = noisy(still(3, 24, 32), 20);
  const NonLocalMeans nlm(video, {0}, 20);
  EXPECT_GT(nlm.channels(), 3);
  const auto result = with_full_attention(nlm);
  EXPECT_EQ(result.unseen, 0);
  EXPECT_LT(std::sqrt(mse(result.frames, by_formula(nlm, video))), 0.01);
}

TEST(NonLocalMeans, RemovesMostNoiseOfAStillVideo) {
  const auto clean = still(12, 48, 64), video = noisy(clean, 25);
  const auto result = with_full_attention(NonLocalMeans(video, {0}, 25));
  EXPECT_NEAR(mse(video, clean), 625, 20);
  // Every patch has 11 copies: their mean leaves a twelfth, choosing them costs something.
  EXPECT_LT(mse(result.frames, clean), 625 / 6.0);
}

TEST(NonLocalMeans, LeavesAConstantVideoAsItIs) {
  std::vector<cv::Mat> grey(3, cv::Mat(16, 24, CV_32FC3, cv::Scalar(40, 90, 200)));
  const NonLocalMeans nlm(grey, {0}, 25);
  EXPECT_EQ(nlm.bandwidth(), 0);
  EXPECT_LT(mse(with_full_attention(nlm).frames, grey), 1e-6);
}

TEST(NonLocalMeans, PatchesOfAllHeadsAddUpToThePicture) {
  const auto video = noisy(still(2, 32, 24), 30);
  const NonLocalMeans nlm(video, {0}, 30);
  // Attention that gives every token its own value; then one that scales all of it (a gate).
  for (const float gate : {1.0F, 0.3F}) {
    Tensor o = nlm.inputs().v->clone();
    for (int64_t i = 0; i < o.size(); ++i) o.data<float>()[i] *= gate;
    EXPECT_LT(mse(nlm.restore(o).frames, video), 1e-6);
  }
}

TEST(NonLocalMeans, PatchesWithoutKeysStayNoisyAndAreCounted) {
  const auto video = noisy(still(2, 16, 16), 30);
  const NonLocalMeans nlm(video, {0}, 30);
  const Tensor nothing(nlm.inputs().length(), kHeads, nlm.inputs().dim());
  const auto result = nlm.restore(nothing);
  EXPECT_EQ(result.unseen, 1);
  EXPECT_LT(mse(result.frames, video), 1e-6);
}

/// Two noisy copies of one patch are h² apart on average.
TEST(NonLocalMeans, BandwidthIsTheDistanceThatNoiseMakes) {
  const int frames = 40;
  const auto video = noisy(still(frames, 96, 96), 25);
  const NonLocalMeans nlm(video, {0}, 25);
  const Inputs& in = nlm.inputs();
  const double unit = nlm.bandwidth() / 2 / std::sqrt(static_cast<double>(in.dim()));
  double sum = 0, count = 0;
  for (int64_t p = 0; p < in.grid.frame_size(); ++p)
    for (int64_t t = 0; t + 1 < frames; t += 2, ++count)
      for (int64_t c = 0; c < nlm.channels(); ++c)
        sum += unit * std::pow(double{in.q->row(in.grid.token(t, 0, 0) + p, 0)[c]} -
                                   in.q->row(in.grid.token(t + 1, 0, 0) + p, 0)[c],
                               2);
  // Axes found in the noisy patches themselves prefer directions with more noise: some percent.
  EXPECT_NEAR(sum / count / nlm.bandwidth(), 1, 0.1);
}

TEST(NonLocalMeans, RefusesWhatItCannotUse) {
  const auto video = still(2, 16, 16);
  EXPECT_THROW(NonLocalMeans({}, {0}, 25), InputError);
  EXPECT_THROW(NonLocalMeans(still(2, 20, 16), {0}, 25), InputError);
  EXPECT_THROW(NonLocalMeans(video, {0}, 0), InputError);
  EXPECT_THROW(NonLocalMeans(video, {0}, NAN), InputError);
  EXPECT_THROW(NonLocalMeans(video, {0, 5}, 25), InputError);
  std::vector<cv::Mat> mixed = video;
  mixed[1] = still(1, 24, 16)[0];
  EXPECT_THROW(NonLocalMeans(mixed, {0}, 25), InputError);
}

}  // namespace
}  // namespace vidattn

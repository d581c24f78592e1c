#include "metrics/shots/gradual.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

// Thumbnails this small let grain vanish, but not motion, which must not look like a blend.
const cv::Size kThumbnail(64, 1024);
// Both ends of a blend: a picture that changes less is the same shot, one that changes only in part
// has got a title, one that correlates has got another light.
constexpr double kLeastDifference = 12;
constexpr double kChanged = 6, kLeastChanged = 0.5;
constexpr double kMostCorrelation = 0.7;
// Frames of a blend. The contrast of a mixture of two pictures dips below both of theirs by a known
// amount; motion keeps its contrast. On rendered film, bikes and a rocket launch 2232 windows of
// plain motion pass the rules above, 14 of them dip by 0.4 of that amount, and their residuals
// start at 0.58. Dissolves made between calm shots have residuals up to 0.2, between fast ones up
// to 0.6.
constexpr double kLeastDip = 0.4;
constexpr double kMostResidual = 0.5;
constexpr double kMostLeap = 0.45;  // a larger step of alpha is a cut
constexpr double kMostReturn = 0.1;
constexpr int64_t kShortestWindow = 6;
// Beside a cut.
constexpr double kLeastMixed = 0.2;
constexpr double kMostResidualBeside = 0.3;
constexpr int64_t kBeside = 2;  // frames on both sides of a cut that are judged

double values_in(const cv::Mat& image) { return static_cast<double>(image.total()) * 3; }

double covariance(const cv::Mat& a, const cv::Mat& b) {
  return a.dot(b) / values_in(a) - cv::mean(a.reshape(1))[0] * cv::mean(b.reshape(1))[0];
}

/// What a window's ends have in common.
struct Ends {
  double variance_a = 0, variance_b = 0, shared = 0;  ///< shared is their covariance

  Ends(const cv::Mat& a, const cv::Mat& b)
      : variance_a(covariance(a, a)), variance_b(covariance(b, b)), shared(covariance(a, b)) {}

  double correlation() const {
    const double spread = std::sqrt(variance_a * variance_b);
    return spread < 1 ? 0 : shared / spread;
  }
  /// By how much a frame's variance falls below the straight line between the ends', as a share of
  /// what a mixture's does, which is alpha (1-alpha) |b-a|²: 1 for a mixture, 0 for motion.
  double dip(double alpha, double variance) const {
    const double line = (1 - alpha) * variance_a + alpha * variance_b;
    const double mixed = alpha * (1 - alpha) * (variance_a + variance_b - 2 * shared);
    return mixed > 0 ? (line - variance) / mixed : 0;
  }
};

/// Share of the pixels that differ by more than kChanged in the mean of their channels.
double changed_share(const cv::Mat& a, const cv::Mat& b) {
  int64_t changed = 0;
  for (int y = 0; y < a.rows; ++y)
    for (int x = 0; x < a.cols; ++x)
      changed += cv::norm(a.at<cv::Vec3f>(y, x), b.at<cv::Vec3f>(y, x), cv::NORM_L1) > 3 * kChanged;
  return static_cast<double>(changed) / static_cast<double>(a.total());
}

/// Sums of shares up to a place, of the shares themselves and of each times its place.
struct Sums {
  std::vector<double> shares{0}, placed{0};

  explicit Sums(const std::vector<double>& alphas) {
    for (const double alpha : alphas) {
      placed.push_back(placed.back() + alpha * static_cast<double>(shares.size() - 1));
      shares.push_back(shares.back() + alpha);
    }
  }
};

/// By how much less the shares' squares are beside level + rise·r, r from 0 at `start` to 1 at
/// `stop` and level outside, than beside a constant: least squares.
double explained(const Sums& sums, int64_t start, int64_t stop) {
  const auto from = static_cast<double>(start), length = static_cast<double>(stop - start);
  const auto count = static_cast<double>(sums.shares.size() - 1);
  const double all = sums.shares.back(), behind = all - sums.shares[stop];
  const double risen = count - static_cast<double>(stop);
  const double r = (length - 1) / 2 + risen;
  const double squares = (length - 1) * (2 * length - 1) / (6 * length) + risen;
  const double products =
      (sums.placed[stop] - sums.placed[start] - from * (sums.shares[stop] - sums.shares[start])) /
          length +
      behind;
  const double shared = products - r * all / count;
  return shared * shared / (squares - r * r / count);
}

/// The places in a window between which the shares of its end rise: those of the level line, ramp
/// and level line that fit them best. Motion in the shots before and behind is no ramp: there the
/// shares change less from frame to frame.
std::pair<int64_t, int64_t> ramp_of(const std::vector<double>& alphas) {
  const Sums sums(alphas);
  std::pair<int64_t, int64_t> best{0, std::ssize(alphas) - 1};
  double most = 0;
  for (int64_t start = 0; start + 2 < std::ssize(alphas); ++start)
    for (int64_t stop = start + 2; stop < std::ssize(alphas); ++stop)
      if (const double now = explained(sums, start, stop); now > most) {
        most = now;
        best = {start, stop};
      }
  return best;
}

}  // namespace

double shot_difference(const cv::Mat& a, const cv::Mat& b) {
  const double difference = cv::norm(a, b, cv::NORM_L1) / values_in(a);
  const bool same = difference < kLeastDifference || changed_share(a, b) < kLeastChanged ||
                    Ends(a, b).correlation() > kMostCorrelation;
  return same ? 0 : difference;
}

Mixture mixture(const cv::Mat& a, const cv::Mat& b, const cv::Mat& frame) {
  const cv::Mat whole = b - a, part = frame - a;
  const double square = whole.dot(whole);
  if (square == 0) return {};
  const double alpha = part.dot(whole) / square;
  return {alpha, std::sqrt(std::max(0.0, part.dot(part) / square - alpha * alpha))};
}

void BlendDetector::push(const cv::Mat& frame) {
  cv::Mat thumbnail;
  shrink_to_fit(frame, kThumbnail, cv::INTER_AREA).convertTo(thumbnail, CV_32FC3);
  recent_.push_back(std::move(thumbnail));
  ++frames_;
  if (static_cast<int64_t>(recent_.size()) > std::max(window_ + 1, 2 * (kBeside + 1)))
    recent_.pop_front();
  for (int64_t window = window_; window >= kShortestWindow; window /= 2) look_at(window);
}

void BlendDetector::look_at(int64_t window) {
  if (frames_ <= window) return;
  const int64_t begin = frames_ - 1 - window, end = frames_ - 1;
  const cv::Mat &a = at(begin), &b = at(end);
  const double difference = shot_difference(a, b);
  if (difference == 0) return;
  const Ends ends(a, b);
  std::vector<double> alphas{0};
  Mixture middle{.alpha = 2};
  int64_t middle_frame = begin;
  for (int64_t t = begin + 1; t <= end; ++t) {
    const Mixture now = mixture(a, b, at(t));
    const double step = now.alpha - alphas.back();
    if (now.residual > kMostResidual || step > kMostLeap || step < -kMostReturn) return;
    alphas.push_back(now.alpha);
    if (std::abs(now.alpha - 0.5) >= std::abs(middle.alpha - 0.5)) continue;
    middle = now;
    middle_frame = t;
  }
  const auto [start, stop] = ramp_of(alphas);
  const Blend blend{begin + start + 1, begin + stop - 1, difference};
  if (blend.last < blend.first) return;
  const cv::Mat& frame = at(middle_frame);
  if (ends.dip(middle.alpha, covariance(frame, frame)) < kLeastDip) return;
  if (found_.empty() || blend.first > found_.back().hull.last + 1)
    found_.push_back({.hull = blend, .begin = begin});
  found_.back().count(begin, end, blend);
}

void BlendDetector::Found::count(int64_t window_begin, int64_t window_end, const Blend& blend) {
  hull.first = std::min(hull.first, blend.first);
  hull.last = std::max(hull.last, blend.last);
  hull.difference = std::max(hull.difference, blend.difference);
  for (std::vector<int>* counts : {&inside, &mixed}) {
    if (window_begin < begin) counts->insert(counts->begin(), begin - window_begin, 0);
    counts->resize(std::max<size_t>(counts->size(), window_end - std::min(begin, window_begin)));
  }
  begin = std::min(begin, window_begin);
  // Of its own ends a window cannot tell.
  for (int64_t t = window_begin + 1; t < window_end; ++t) {
    ++inside[t - begin];
    mixed[t - begin] += t >= blend.first && t <= blend.last;
  }
}

Blend BlendDetector::Found::agreed() const {
  Blend blend{.first = hull.last, .last = hull.first, .difference = hull.difference};
  for (int64_t t = hull.first; t <= hull.last; ++t) {
    if (2 * mixed[t - begin] <= inside[t - begin]) continue;
    blend.first = std::min(blend.first, t);
    blend.last = std::max(blend.last, t);
  }
  return blend.last < blend.first ? hull : blend;
}

std::vector<Blend> BlendDetector::blends() const {
  std::vector<Blend> blends;
  for (const Found& found : found_) blends.push_back(found.agreed());
  return blends;
}

std::pair<int64_t, int64_t> BlendDetector::mixed_frames(int64_t cut) const {
  const int64_t oldest = frames_ - static_cast<int64_t>(recent_.size());
  const int64_t begin = std::max(cut - kBeside - 1, oldest);
  const int64_t end = std::min(cut + kBeside, frames_ - 1);
  int64_t first = cut, last = cut - 1;
  for (int64_t t = begin + 1; t < end; ++t) {
    const Mixture now = mixture(at(begin), at(end), at(t));
    if (now.residual > kMostResidualBeside || now.alpha < kLeastMixed ||
        now.alpha > 1 - kLeastMixed)
      continue;
    if (last < first) first = t;
    last = t;
  }
  return {first, last};
}

}  // namespace vidattn

#include "metrics/shots/shot_score.h"

#include <cstddef>

namespace vidattn {
namespace {

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Transition i of the scenes, in half frames so that all sums are exact.
Scene transition(const std::vector<Scene>& scenes, std::size_t i, int64_t tolerance) {
  const int64_t widen = tolerance - 1;
  return {2 * scenes[i].second - widen, 2 * scenes[i + 1].first + widen};
}

}  // namespace

double ShotScore::precision() const { return ratio(true_positive, true_positive + false_positive); }
double ShotScore::recall() const { return ratio(true_positive, true_positive + false_negative); }
double ShotScore::f1() const {
  return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative);
}

ShotScore& ShotScore::operator+=(const ShotScore& other) {
  true_positive += other.true_positive;
  false_positive += other.false_positive;
  false_negative += other.false_negative;
  return *this;
}

ShotScore score_shots(const std::vector<Scene>& truth, const std::vector<Scene>& predicted,
                      int64_t tolerance) {
  ShotScore score;
  std::size_t t = 0, p = 0;
  while (t + 1 < truth.size() && p + 1 < predicted.size()) {
    const Scene real = transition(truth, t, tolerance);
    const Scene guess = transition(predicted, p, tolerance);
    if (guess.second < real.first) {
      ++score.false_positive;
      ++p;
    } else if (guess.first > real.second) {
      ++score.false_negative;
      ++t;
    } else {
      ++score.true_positive;
      ++t;
      ++p;
    }
  }
  // What is left of one list has no partner in the other.
  if (!truth.empty()) score.false_negative += static_cast<int64_t>(truth.size() - 1 - t);
  if (!predicted.empty()) score.false_positive += static_cast<int64_t>(predicted.size() - 1 - p);
  return score;
}

}  // namespace vidattn

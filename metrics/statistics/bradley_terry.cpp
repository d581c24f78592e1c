#include "metrics/statistics/bradley_terry.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>

namespace vidattn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

/// wins(a, b): how often a was preferred to b.
MatrixXd wins_of(const std::vector<Comparison>& comparisons, int64_t items) {
  MatrixXd wins = MatrixXd::Zero(items, items);
  for (const Comparison& c : comparisons) {
    wins(c.a, c.b) += c.outcome;
    wins(c.b, c.a) += 1 - c.outcome;
  }
  return wins;
}

/// Whether from every item a chain of wins leads to every other.
bool has_finite_strengths(const MatrixXd& wins) {
  const auto items = wins.rows();
  MatrixXd reach = (wins.array() > 0).cast<double>();
  reach += MatrixXd::Identity(items, items);
  for (Eigen::Index length = 1; length < items; length *= 2)
    reach = ((reach * reach).array() > 0).cast<double>();
  return (reach.array() > 0).all();
}

VectorXd most_likely(const MatrixXd& wins) {
  constexpr int kMostRounds = 1'000'000;
  constexpr double kClose = 1e-10;
  const auto items = wins.rows();
  const MatrixXd met = wins + wins.transpose();
  const VectorXd won = wins.rowwise().sum();
  VectorXd strength = VectorXd::Zero(items);
  for (int round = 0; round < kMostRounds; ++round) {
    const VectorXd worth = strength.array().exp();
    VectorXd next(items);
    for (Eigen::Index i = 0; i < items; ++i)
      next[i] =
          std::log(won[i] / (met.row(i).transpose().array() / (worth.array() + worth[i])).sum());
    next.array() -= next.mean();
    const double change = (next - strength).cwiseAbs().maxCoeff();
    strength = next;
    if (change < kClose) break;
  }
  return strength;
}

double chance(const VectorXd& strength, const Comparison& c) {
  return 1 / (1 + std::exp(strength[c.b] - strength[c.a]));
}

MatrixXd information(const std::vector<Comparison>& comparisons, const VectorXd& strength) {
  MatrixXd matrix = MatrixXd::Zero(strength.size(), strength.size());
  for (const Comparison& c : comparisons) {
    const double p = chance(strength, c), weight = p * (1 - p);
    matrix(c.a, c.a) += weight;
    matrix(c.b, c.b) += weight;
    matrix(c.a, c.b) -= weight;
    matrix(c.b, c.a) -= weight;
  }
  return matrix;
}

/// Sum over the clusters of the outer product of their scores; nothing of a single cluster.
MatrixXd scatter(const std::vector<Comparison>& comparisons, const VectorXd& strength,
                 int64_t Comparison::*cluster) {
  std::map<int64_t, VectorXd> scores;
  for (const Comparison& c : comparisons) {
    VectorXd& score = scores.try_emplace(c.*cluster, VectorXd::Zero(strength.size())).first->second;
    const double surprise = c.outcome - chance(strength, c);
    score[c.a] += surprise;
    score[c.b] -= surprise;
  }
  MatrixXd matrix = MatrixXd::Zero(strength.size(), strength.size());
  if (scores.size() < 2) return matrix;
  for (const auto& [key, score] : scores) matrix += score * score.transpose();
  return matrix * static_cast<double>(scores.size()) / static_cast<double>(scores.size() - 1);
}

}  // namespace

BradleyTerry bradley_terry(const std::vector<Comparison>& comparisons, int64_t items) {
  const MatrixXd wins = wins_of(comparisons, items);
  if (items < 2 || !has_finite_strengths(wins)) return {};
  const VectorXd strength = most_likely(wins);
  // Only differences are known: the information of a common shift, 0, is filled, inverted and taken
  // off again, which leaves the inverse among strengths whose sum is 0.
  const MatrixXd shift = MatrixXd::Constant(items, items, 1 / static_cast<double>(items));
  const MatrixXd inverse = (information(comparisons, strength) + shift).inverse() - shift;
  const MatrixXd meat = scatter(comparisons, strength, &Comparison::rater) +
                        scatter(comparisons, strength, &Comparison::prompt);
  const VectorXd variance = (inverse * meat * inverse).diagonal();
  BradleyTerry result;
  for (int64_t i = 0; i < items; ++i) {
    result.strength.push_back(strength[i]);
    result.standard_error.push_back(std::sqrt(std::max(0.0, variance[i])));
  }
  return result;
}

}  // namespace vidattn

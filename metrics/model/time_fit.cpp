#include "metrics/model/time_fit.h"

#include <Eigen/Dense>
#include <cmath>
#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

std::array<double, TimeModel::kTerms> terms_of(const TimeFeatures& f) {
  return {f.tile_flops, f.rows, f.launches};
}

/// A row for each cell, its terms over its time: residuals of the solution for 1 are relative.
Eigen::MatrixXd relative_terms(const std::vector<TimeFeatures>& cells,
                               const std::vector<double>& seconds) {
  Eigen::MatrixXd terms(cells.size(), TimeModel::kTerms);
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto values = terms_of(cells[i]);
    for (int t = 0; t < TimeModel::kTerms; ++t)
      terms(static_cast<Eigen::Index>(i), t) = values[t] / seconds[i];
  }
  return terms;
}

/// Least squares with the terms in `chosen` alone; false where one comes out negative, or they
/// cannot be told apart.
bool solve_with(const Eigen::MatrixXd& all, const std::vector<int>& chosen, TimeModel& model) {
  Eigen::MatrixXd terms = all(Eigen::all, chosen);
  const Eigen::VectorXd length = terms.colwise().norm();
  if (length.minCoeff() <= 0) return false;
  for (Eigen::Index t = 0; t < terms.cols(); ++t) terms.col(t) /= length(t);
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(terms, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const Eigen::VectorXd& singular = svd.singularValues();
  constexpr double kSingular = 1e-9;
  if (singular.minCoeff() < kSingular * singular.maxCoeff()) return false;
  const Eigen::VectorXd one = Eigen::VectorXd::Ones(terms.rows());
  const Eigen::VectorXd found = svd.solve(one);
  if (found.minCoeff() < 0) return false;
  const double squares = (terms * found - one).squaredNorm();
  const auto freedom = std::max<Eigen::Index>(1, terms.rows() - terms.cols());
  const Eigen::MatrixXd spread =
      svd.matrixV() * singular.array().square().inverse().matrix().asDiagonal() *
      svd.matrixV().transpose() * (squares / static_cast<double>(freedom));
  model = {};
  for (size_t i = 0; i < chosen.size(); ++i) {
    const auto t = static_cast<Eigen::Index>(i);
    model.coefficients[chosen[i]] = found(t) / length(t);
    model.standard_errors[chosen[i]] = std::sqrt(spread(t, t)) / length(t);
  }
  model.condition = singular.maxCoeff() / singular.minCoeff();
  model.fitted_error = std::sqrt(squares / static_cast<double>(terms.rows()));
  return true;
}

void check_cells(const std::vector<TimeFeatures>& cells, const std::vector<double>& seconds) {
  if (cells.size() != seconds.size() || cells.size() < TimeModel::kTerms)
    throw InputError("a fit of times needs at least " + std::to_string(TimeModel::kTerms) +
                     " cells, each with its time");
  for (const double time : seconds)
    if (!(time > 0 && std::isfinite(time))) throw InputError("a time to fit must be above 0");
}

}  // namespace

double TimeModel::seconds(const TimeFeatures& features) const {
  const auto terms = terms_of(features);
  double sum = 0;
  for (int t = 0; t < kTerms; ++t) sum += coefficients[t] * terms[t];
  return sum;
}

TimeModel fit_times(const std::vector<TimeFeatures>& cells, const std::vector<double>& seconds) {
  check_cells(cells, seconds);
  const Eigen::MatrixXd terms = relative_terms(cells, seconds);
  TimeModel best;
  bool any = false;
  for (int choice = 1; choice < 1 << TimeModel::kTerms; ++choice) {
    std::vector<int> chosen;
    for (int t = 0; t < TimeModel::kTerms; ++t)
      if ((choice >> t & 1) != 0) chosen.push_back(t);
    TimeModel model;
    if (!solve_with(terms, chosen, model)) continue;
    if (!any || model.fitted_error < best.fitted_error) best = model;
    any = true;
  }
  if (!any) throw InputError("the cells to fit have no work that times could be of");
  return best;
}

}  // namespace vidattn

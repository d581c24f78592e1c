#include "metrics/model/time_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/error.h"
#include "metrics/model/roofline.h"

namespace vidattn {
namespace {

const TimeModel kKnown{{2e-14, 3e-9, 5e-4}};

std::vector<TimeFeatures> cells_of_many_sizes() {
  std::vector<TimeFeatures> cells;
  for (const double size : {1.0, 2.0, 4.0, 8.0})
    for (const double density : {1.0, 0.2, 0.05})
      cells.push_back({1e11 * size * size * density, 1e5 * size, density < 1 ? 3.0 : 1.0});
  return cells;
}

std::vector<double> times_of(const std::vector<TimeFeatures>& cells, const TimeModel& model) {
  std::vector<double> seconds;
  for (const TimeFeatures& cell : cells) seconds.push_back(model.seconds(cell));
  return seconds;
}

TEST(TimeFit, FindsTheCoefficientsThatTimesWereMadeOf) {
  const auto cells = cells_of_many_sizes();
  const TimeModel found = fit_times(cells, times_of(cells, kKnown));
  for (int t = 0; t < TimeModel::kTerms; ++t) {
    EXPECT_NEAR(found.coefficients[t] / kKnown.coefficients[t], 1, 1e-9) << t;
    EXPECT_TRUE(found.identified(t)) << t;
  }
  EXPECT_LT(found.fitted_error, 1e-9);
  EXPECT_GE(found.condition, 1);
}

TEST(TimeFit, HasNoNegativeCoefficient) {
  const auto cells = cells_of_many_sizes();
  // Less time for each row: without the bound the second one would be negative.
  std::vector<double> seconds;
  for (const TimeFeatures& cell : cells)
    seconds.push_back(1e-13 * cell.tile_flops - 1e-9 * cell.rows + 1e-3 * cell.launches);
  const TimeModel found = fit_times(cells, seconds);
  for (int t = 0; t < TimeModel::kTerms; ++t) EXPECT_GE(found.coefficients[t], 0);
  EXPECT_EQ(found.coefficients[1], 0);
  EXPECT_FALSE(found.identified(1));
  EXPECT_GT(found.fitted_error, 0);
}

TEST(TimeFit, WeighsRelativeErrors) {
  // Two cells of 1 s per unit, one a thousand times larger of 2 s: absolute errors would give 2.
  const std::vector<TimeFeatures> cells = {{1, 0, 0}, {1, 0, 0}, {1000, 0, 0}};
  const TimeModel found = fit_times(cells, {1, 1, 2000});
  EXPECT_NEAR(found.coefficients[0], (1 + 1 + 0.5) / (1 + 1 + 0.25), 1e-12);
}

TEST(TimeFit, SaysWhatCellsCannotTell) {
  // Rows and launches always together: either explains the times, so neither is known.
  std::vector<TimeFeatures> cells;
  std::vector<double> seconds;
  for (int i = 1; i <= 6; ++i) {
    cells.push_back({1e10 * i * i, 100, 1});
    seconds.push_back((1e-13 * cells.back().tile_flops + 1e-6) * (i % 2 == 0 ? 1.3 : 0.8));
  }
  const TimeModel found = fit_times(cells, seconds);
  EXPECT_TRUE(found.coefficients[1] == 0 || found.coefficients[2] == 0);
  EXPECT_FALSE(found.identified(1) || found.identified(2));
  EXPECT_TRUE(found.identified(0));
}

TEST(TimeFit, RefusesWhatIsNoFit) {
  const std::vector<TimeFeatures> cells(3, {1, 1, 1});
  EXPECT_THROW(fit_times({{1, 1, 1}}, {1}), InputError);
  EXPECT_THROW(fit_times(cells, {1, 1}), InputError);
  EXPECT_THROW(fit_times(cells, {1, 0, 1}), InputError);
  EXPECT_THROW(fit_times(std::vector<TimeFeatures>(3), {1, 1, 1}), InputError);
}

TEST(Roofline, IsTheSlowerOfTheTwo) {
  const DevicePeaks device{100, 10};
  const Roofline compute = roofline({500, 20}, device);
  EXPECT_DOUBLE_EQ(compute.seconds(), 5);
  EXPECT_FALSE(compute.memory_bound());
  const Roofline memory = roofline({500, 80}, device);
  EXPECT_DOUBLE_EQ(memory.seconds(), 8);
  EXPECT_DOUBLE_EQ(memory.compute_seconds, 5);
  EXPECT_TRUE(memory.memory_bound());
}

}  // namespace
}  // namespace vidattn

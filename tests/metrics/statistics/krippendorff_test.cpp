#include "metrics/statistics/krippendorff.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vidattn {
namespace {

using Units = std::vector<std::vector<double>>;

/// Example C of Krippendorff's "Computing Krippendorff's Alpha-Reliability" (2011): four observers,
/// twelve units, missing data. The alphas are those printed there.
const Units kPublished{{1, 1, 1},    {2, 2, 3, 2}, {3, 3, 3, 3}, {3, 3, 3, 3},
                       {2, 2, 2, 2}, {1, 2, 3, 4}, {4, 4, 4, 4}, {1, 1, 2, 1},
                       {2, 2, 2, 2}, {5, 5, 5},    {1, 1},       {3}};

TEST(Krippendorff, IsThePublishedExamples) {
  EXPECT_NEAR(krippendorff_alpha(kPublished, RatingScale::nominal), 0.743, 5e-4);
  EXPECT_NEAR(krippendorff_alpha(kPublished, RatingScale::ordinal), 0.815, 5e-4);
  EXPECT_NEAR(krippendorff_alpha(kPublished, RatingScale::interval), 0.849, 5e-4);
}

TEST(Krippendorff, HasTheValuesOfItsEnds) {
  EXPECT_EQ(krippendorff_alpha({{1, 1}, {2, 2}}, RatingScale::interval), 1);
  // Of four ratings 1 1 2 2, drawn by lot, two of three partners differ; here all do.
  EXPECT_NEAR(krippendorff_alpha({{1, 2}, {2, 1}}, RatingScale::nominal), -0.5, 1e-12);
}

TEST(Krippendorff, IsUndefinedWithoutPairsOrDifferences) {
  EXPECT_TRUE(std::isnan(krippendorff_alpha({}, RatingScale::ordinal)));
  EXPECT_TRUE(std::isnan(krippendorff_alpha({{1}, {2}}, RatingScale::ordinal)));
  EXPECT_TRUE(std::isnan(krippendorff_alpha({{4, 4}, {4, 4, 4}}, RatingScale::interval)));
}

}  // namespace
}  // namespace vidattn

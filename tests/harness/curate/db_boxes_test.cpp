#include "harness/curate/text/db_boxes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

using Corners = std::array<cv::Point, 4>;

TEST(DbBoxes, ALineIsGrownByItsAreaOverItsPerimeter) {
  cv::Mat map(160, 400, CV_32F, cv::Scalar(0.1));
  map({100, 50, 200, 30}).setTo(0.9);
  const auto quads = db_boxes(map, {800, 480});
  ASSERT_EQ(quads.size(), 1U);
  // Dilated by a pixel to the right and below, the contour is 200x30: grown by 1.6 * 6000 / 460,
  // which is 20.9, it goes from (79, 29) to (321, 101) of the map.
  EXPECT_EQ(quads[0].corners, (Corners{{{158, 87}, {642, 87}, {642, 303}, {158, 303}}}));
  EXPECT_NEAR(quads[0].score, 0.9, 0.05);
}

TEST(DbBoxes, FaintAndTinyOnesAreNone) {
  cv::Mat map(160, 400, CV_32F, cv::Scalar(0));
  map({100, 50, 200, 30}).setTo(0.45);  // above the first threshold, below the second
  map({20, 20, 2, 2}).setTo(0.9);
  EXPECT_TRUE(db_boxes(map, map.size()).empty());
}

TEST(DbBoxes, BoxesStayInTheFrameAndSlantedOnesAreSlanted) {
  cv::Mat map(200, 400, CV_32F, cv::Scalar(0));
  map({0, 0, 120, 20}).setTo(0.8);
  const cv::RotatedRect slanted({260, 120}, {160, 24}, 20);
  cv::Point2f corners[4];
  slanted.points(corners);
  std::vector<cv::Point> polygon(corners, corners + 4);
  cv::fillConvexPoly(map, polygon, cv::Scalar(0.8));
  const auto quads = db_boxes(map, map.size());
  ASSERT_EQ(quads.size(), 2U);
  for (const TextQuad& quad : quads)
    for (const cv::Point& corner : quad.corners)
      EXPECT_TRUE(cv::Rect({0, 0}, map.size()).contains(corner)) << corner;
  const auto& p = std::max_element(quads.begin(), quads.end(), [](const auto& a, const auto& b) {
                    return a.corners[0].x < b.corners[0].x;
                  })->corners;
  const cv::Point along = p[1] - p[0];
  EXPECT_NEAR(std::atan2(along.y, along.x) * 180 / CV_PI, 20, 1.5);
  const double grown = 2 * 1.6 * (160 * 24) / (2 * (160 + 24));
  // Both sides of what is drawn and dilated are up to two pixels longer, and so is the growth.
  EXPECT_NEAR(cv::norm(along), 160 + grown + 3, 4);
  EXPECT_NEAR(cv::norm(p[3] - p[0]), 24 + grown + 3, 4);
}

TEST(DbBoxes, RoundGrowthHoldsItsDistance) {
  const std::vector<cv::Point> square{{100, 100}, {200, 100}, {200, 150}, {100, 150}};
  const auto grown = grown_round(square, 20);
  for (const cv::Point& point : grown)
    EXPECT_NEAR(-cv::pointPolygonTest(square, point, true), 20, 0.8) << point;
  const cv::Rect box = cv::boundingRect(grown);
  EXPECT_EQ(box, cv::Rect(80, 80, 141, 91));
  EXPECT_NEAR(cv::contourArea(grown), 5000 + 300 * 20 + CV_PI * 400, 40);
}

}  // namespace
}  // namespace vidattn

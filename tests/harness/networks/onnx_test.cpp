#include "harness/io/networks/onnx.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/harness/files.h"
#include "tests/harness/networks/tiny_onnx.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::pixel_network;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(Onnx, ANetworkIsReadAndRunAtAnySize) {
  const TemporaryFolder folder;
  write_bytes(folder / "n.onnx", pixel_network({1, 2, -1}, 0.5F));
  std::unique_ptr<OnnxNetwork> network;
  try {
    network = load_onnx((folder / "n.onnx").string(), "test");
  } catch (const InputError& error) {
    if (std::string(error.what()).find("no OpenCV dnn") == std::string::npos) throw;
    GTEST_SKIP() << error.what();
  }
  for (const cv::Size size : {cv::Size(7, 5), cv::Size(1, 1), cv::Size(33, 17)}) {
    cv::Mat picture(size, CV_8UC3);
    cv::randu(picture, 0, 256);
    const cv::Mat out = network->run(network_input(picture, 0.5, 0.25));
    ASSERT_EQ(out.dims, 4);
    ASSERT_EQ(out.total(), picture.total());
    for (int y = 0; y < size.height; ++y)
      for (int x = 0; x < size.width; ++x) {
        const auto pixel = picture.at<cv::Vec3b>(y, x);
        const auto value = [&](int c) { return (pixel[c] / 255.0 - 0.5) / 0.25; };
        const double wanted = 1 / (1 + std::exp(-(value(0) + 2 * value(1) - value(2) + 0.5)));
        EXPECT_NEAR(out.ptr<float>(0, 0)[y * size.width + x], wanted, 1e-5);
      }
  }
  const int two_channels[] = {1, 2, 4, 4};
  expect_input_error([&] { network->run(cv::Mat(4, two_channels, CV_32F, cv::Scalar(0))); },
                     "fails on a picture");
}

TEST(Onnx, WhatIsNoNetworkIsOneLine) {
  const TemporaryFolder folder;
  const std::string whole = pixel_network({1, 1, 1}, 0);
  write_bytes(folder / "text.onnx", "no network\n");
  write_bytes(folder / "empty.onnx", "");
  write_bytes(folder / "short.onnx", whole.substr(0, whole.size() / 2));
  for (const char* name : {"text.onnx", "empty.onnx", "short.onnx", "missing.onnx"})
    expect_input_error([&] { load_onnx((folder / name).string(), "--option"); }, "");
}

}  // namespace
}  // namespace vidattn

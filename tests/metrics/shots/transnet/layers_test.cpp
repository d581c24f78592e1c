#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "metrics/shots/transnet/dilated.h"
#include "metrics/shots/transnet/winograd.h"

namespace vidattn {
namespace {

std::vector<float> random_values(int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> values(-1, 1);
  std::vector<float> made(static_cast<size_t>(count));
  for (float& value : made) value = values(random);
  return made;
}

/// With something in the rows below the frames, which nothing may read.
Activations random_activations(int64_t frames, int64_t height, int64_t width, int64_t channels,
                               std::mt19937& random) {
  Activations made;
  made.reshape(frames, height, width, channels);
  made.values = random_values(std::ssize(made.values), random);
  return made;
}

float at(const Activations& of, int64_t t, int64_t y, int64_t x, int64_t c) {
  const bool inside = t >= 0 && t < of.frames && y >= 0 && y < of.height && x >= 0 && x < of.width;
  return inside ? of.frame(t)[y * of.row() + x * of.channels + c] : 0;
}

/// The largest difference from `value(t, y, x, c)`.
template <class Value>
double worst(const Activations& of, const Value& value) {
  double most = 0;
  for (int64_t t = 0; t < of.frames; ++t)
    for (int64_t y = 0; y < of.height; ++y)
      for (int64_t x = 0; x < of.width; ++x)
        for (int64_t c = 0; c < of.channels; ++c)
          most = std::max(most, std::abs(value(t, y, x, c) - at(of, t, y, x, c)));
  return most;
}

TEST(WinogradConvolution, IsTheConvolutionOfEveryFrame) {
  std::mt19937 random(1);
  const std::vector<std::vector<int64_t>> shapes = {// frames, height, width, in, out
                                                    {1, 1, 1, 1, 1},    {3, 2, 5, 7, 3},
                                                    {5, 6, 12, 19, 17}, {4, 13, 24, 32, 8},
                                                    {2, 27, 48, 5, 33}, {30, 3, 4, 16, 16}};
  Activations output;
  for (const auto& shape : shapes) {
    const int64_t in = shape[3], out = shape[4];
    const auto weights = random_values(out * in * 9, random);
    const Activations input = random_activations(shape[0], shape[1], shape[2], in, random);
    WinogradConvolution(weights.data(), out, in).run(input, output);
    ASSERT_EQ(output.channels, out);
    const double most = worst(output, [&](int64_t t, int64_t y, int64_t x, int64_t c) {
      double sum = 0;
      for (int64_t i = 0; i < in; ++i)
        for (int64_t k = 0; k < 9; ++k)
          sum += static_cast<double>(weights[static_cast<size_t>((c * in + i) * 9 + k)]) *
                 at(input, t, y + k / 3 - 1, x + k % 3 - 1, i);
      return sum;
    });
    const double largest = worst(output, [](int64_t, int64_t, int64_t, int64_t) { return 0.0; });
    EXPECT_LE(most, 1e-5 * largest) << ::testing::PrintToString(shape);
  }
}

TEST(DilatedConvolution, LooksOneTwoFourAndEightFramesAway) {
  std::mt19937 random(2);
  Activations output;
  for (const int64_t frames : {1, 5, 20})
    for (const bool shared : {false, true}) {
      DilatedConvolution convolution{.in = 6, .filters = 3, .step = shared ? 0 : 6};
      convolution.weights = random_values(4 * 3 * 3 * 6, random);
      convolution.bias = random_values(4 * 3, random);
      const Activations input = random_activations(frames, 3, 5, shared ? 6 : 24, random);
      convolution.run(input, output);
      const double most = worst(output, [&](int64_t t, int64_t y, int64_t x, int64_t c) {
        const int64_t branch = c / 3, filter = c % 3;
        double sum = convolution.bias[static_cast<size_t>(c)];
        for (int64_t tap = 0; tap < 3; ++tap)
          for (int64_t i = 0; i < 6; ++i)
            sum += static_cast<double>(convolution.weights[static_cast<size_t>(
                       ((branch * 3 + tap) * 3 + filter) * 6 + i)]) *
                   at(input, t + (tap - 1) * (1 << branch), y, x, branch * convolution.step + i);
        return sum;
      });
      EXPECT_LE(most, 1e-5) << frames;
    }
}

}  // namespace
}  // namespace vidattn

#include "metrics/shots/transnet/dilated.h"

#include "attention/blas.h"
#include "attention/parallel.h"

namespace vidattn {
namespace {

void convolve_frame(const DilatedConvolution& of, const Activations& input, int64_t t,
                    Activations& output) {
  const int64_t pixels = input.height * input.width;
  float* made = output.frame(t);
  for (int64_t i = 0; i < pixels; ++i)
    std::copy(of.bias.begin(), of.bias.end(), made + i * output.channels);
  for (int64_t branch = 0; branch < of.kBranches; ++branch)
    for (int64_t tap = 0; tap < 3; ++tap) {
      const int64_t from = t + (tap - 1) * (int64_t{1} << branch);
      if (from < 0 || from >= input.frames) continue;
      gemm_nt(pixels, of.filters, of.in, input.frame(from) + branch * of.step, input.channels,
              of.weights.data() + (branch * 3 + tap) * of.filters * of.in, of.in,
              made + branch * of.filters, output.channels, 1, 1);
    }
}

}  // namespace

void DilatedConvolution::run(const Activations& input, Activations& output) const {
  output.reshape(input.frames, input.height, input.width, kBranches * filters);
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic)
  for (int64_t t = 0; t < input.frames; ++t)
    errors.catching([&] { convolve_frame(*this, input, t, output); });
  errors.rethrow();
}

}  // namespace vidattn

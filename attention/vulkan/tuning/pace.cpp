#include "attention/vulkan/tuning/pace.h"

#include <algorithm>

namespace vidattn::vulkan {
namespace {

// 4*D FLOPs each: about a quarter of a second on a processor's cores, nothing on a GPU.
constexpr int64_t kFirstProducts = 2'000'000;

}  // namespace

Program AttendKernel::program() const {
  Program program{
      module,
      {shape.threads(), shape.rows, shape.cols, shape.tile_queries, shape.tile_keys4, quads},
      matrix()};
  if (matrix()) program.constants.insert(program.constants.end(), {edge, lanes});
  return program;
}

int64_t Pace::products_per_submission(const AttendKernel& kernel) const {
  const double each = seconds_per_product(kernel);
  return each == 0 ? kFirstProducts
                   : std::max<int64_t>(kFirstProducts / 10,
                                       static_cast<int64_t>(kSubmissionSeconds / each));
}

void Pace::note(const AttendKernel& kernel, int64_t products, double seconds) {
  Sum& sum = measured_[kernel.key()];
  // Older measurements fade, so that a slow first dispatch is forgotten.
  sum.products = sum.products / 2 + static_cast<double>(products);
  sum.seconds = sum.seconds / 2 + seconds;
}

double Pace::seconds_per_product(const AttendKernel& kernel) const {
  const auto found = measured_.find(kernel.key());
  return found == measured_.end() ? 0 : found->second.seconds / found->second.products;
}

}  // namespace vidattn::vulkan

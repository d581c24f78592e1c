#include "attention/vulkan/backward/backward.h"

#include <memory>
#include <vector>

#include "attention/backward/kept.h"
#include "attention/backward/slope.h"
#include "attention/cancel.h"
#include "attention/terms/joined.h"
#include "attention/terms/linear.h"
#include "attention/vulkan/backward/branch.h"

namespace vidattn::vulkan {

void backward(Gpu& gpu, Pace& pace, const Plan& plan, const Inputs& in, const Output& kept,
              const Tensor& d_o, Gradients& out) {
  throw_if_cancelled();
  start_gradients(plan, in, out);
  std::vector<std::unique_ptr<BackwardBranch>> branches;  // all fit before any is run
  for (const Branch& branch : plan.branches)
    branches.push_back(std::make_unique<BackwardBranch>(gpu, pace, branch, in));
  for (size_t b = 0; b < plan.branches.size();) {
    const auto [first, last] = joined_with(plan, b);
    Upstream upstream = pass_weights(plan, first, in, kept, d_o, out.branches[first]);
    for (; b < last; ++b) {
      with_slope_passed(plan, b, in, kept, upstream, out, [&](const Upstream& own) {
        branches[b]->run(own, out, out.branches[b].key_bias);
      });
      branches[b].reset();
    }
  }
  add_linear_gradients(plan, in, d_o, out);
}

}  // namespace vidattn::vulkan

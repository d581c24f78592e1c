#include "attention/vulkan/backward/backward.h"

#include <memory>
#include <vector>

#include "attention/backward/kept.h"
#include "attention/backward/upstream.h"
#include "attention/cancel.h"
#include "attention/terms/joined.h"
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
    const Upstream upstream = pass_weights(plan, first, in, kept, d_o, out.branches[first]);
    for (; b < last; ++b) {
      branches[b]->run(upstream, out, out.branches[b].key_bias);
      branches[b].reset();
    }
  }
}

}  // namespace vidattn::vulkan

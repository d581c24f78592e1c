#include "attention/lowbit/emulated.h"

#include <algorithm>

#include "attention/lowbit/operands.h"

namespace vidattn {
namespace {

/// The rows with another channel, last(row, head).
template <class Last>
std::shared_ptr<const Tensor> with_channel(const Tensor& t, const Last& last) {
  auto wider = std::make_shared<Tensor>(t.length(), t.heads(), t.dim() + 1);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < t.length(); ++i)
    for (int64_t h = 0; h < t.heads(); ++h) {
      std::copy_n(t.row(i, h), t.dim(), wider->row(i, h));
      wider->row(i, h)[t.dim()] = last(i, h);
    }
  return wider;
}

}  // namespace

EmulatedCall::EmulatedCall(const Plan& of, const Inputs& given) : plan(of), in(given) {
  const auto scale = static_cast<float>(given.softmax_scale());
  LowBitOperands operands(given, false);
  plan.linear.clear();
  for (size_t b = 0; b < plan.branches.size(); ++b) {
    const LowBitBranch low = operands.of(of.branches[b]);
    Branch& branch = plan.branches[b];
    branch.value_slope = nullptr;
    branch.prepared.q = with_channel(*low.q, [&](int64_t i, int64_t h) {
      return low.lse_offset[i * given.heads() + h] / scale;
    });
    branch.prepared.k = with_channel(*low.k, [](int64_t, int64_t) { return 1.0F; });
    branch.prepared.v = low.v;
  }
  in.low_bits.reset();
  in.scale = given.softmax_scale();
  in.q = std::make_shared<const Tensor>(given.length(), given.heads(), given.dim() + 1);
}

}  // namespace vidattn

#include "attention/backward/kept.h"

#include <stdexcept>

#include "attention/cpu/kernel.h"
#include "attention/terms/joined.h"

namespace vidattn {

bool is_softmax_alone(const Plan& plan, const Inputs& in) {
  if (plan.branches.empty()) return false;
  const Branch& first = plan.branches[0];
  return in.q->dtype() == DType::f32 && !plan.constant && plan.linear.empty() &&
         first.weight == 1 && !first.token_weight && !first.channel_weight &&
         joined_with(plan, 0).last == plan.branches.size();
}

Branch without_weights(const Branch& branch) {
  Branch plain = branch;
  plain.weight = 1;
  plain.token_weight = nullptr;
  plain.channel_weight = nullptr;
  return plain;
}

void add_weighted(const Branch& branch, const Inputs& in, const Tensor& softmax, Tensor& o) {
  if (branch.token_weight) branch.token_weight->host();  // not by threads that hold no lock
  const float* gate =
      branch.channel_weight ? branch.channel_weight->as<float>("channel weight").data() : nullptr;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < in.length(); ++i)
    for (int64_t h = 0; h < in.heads(); ++h)
      cpu::add_row({softmax.row(i, h), branch.weight_of(i, h, in.length(), in.heads()),
                    gate == nullptr ? nullptr : gate + o.offset(i, h), &o, i, h});
}

const Tensor& kept_softmax(const Plan& plan, const Inputs& in, const Output& kept, size_t first) {
  if (kept.keep && first < kept.softmax.size() && !kept.softmax[first].empty())
    return kept.softmax[first];
  if (!kept.keep || !kept.softmax.empty() || !is_softmax_alone(plan, in))
    throw std::logic_error("backward() needs the output of a run that kept its results");
  return kept.o;
}

}  // namespace vidattn

#pragma once

#include <vector>

#include "attention/backend.h"
#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// Heads and tokens that run together.
struct Job {
  int64_t first_head, last_head, first_token, last_token;
  bool whole;  ///< all tokens
  int64_t heads() const { return last_head - first_head; }
  int64_t tokens() const { return last_token - first_token; }
};

/// What a branch attends with.
struct BranchOperands {
  const Tensor &q, &k, &v;
  DType dtype;  ///< on the device; the matrix kernels know no key bias
  BranchOperands(const Branch& branch, const Inputs& in)
      : q(branch.prepared.q ? *branch.prepared.q : *in.q),
        k(branch.prepared.k ? *branch.prepared.k : *in.k),
        v(branch.prepared.v ? *branch.prepared.v : *in.v),
        dtype(q.dtype() == k.dtype() && q.dtype() == v.dtype() && !branch.key_bias ? q.dtype()
                                                                                   : DType::f32) {}
};

/// The call's own tensors serve all branches; a block of queries belongs to one.
bool kept_on_device(const Inputs& in, const Tensor& tensor, bool all_rows);

/// The fewest equal jobs that fit the device's memory: of heads, else of one head's tokens.
/// `branches` are the plan's as the kernels run them.
///
/// Throws InputError, with the sizes, when the keys and values of one head and a small block of
/// tokens do not fit.
std::vector<Job> cut_into_jobs(const Gpu& gpu, const Inputs& in,
                               const std::vector<const Branch*>& branches);

}  // namespace vidattn::vulkan

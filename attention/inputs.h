#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attention/grid.h"
#include "attention/tensor.h"

namespace vidattn {

class Device;

/// What a method keeps from one step of a denoising run to the next (centroids, residuals), by name
/// and layer. Owned by whoever makes the run.
struct StepCache {
  std::map<std::string, std::shared_ptr<const Tensor>> tensors;
  std::map<std::string, std::shared_ptr<const Array>> arrays;

  int64_t bytes() const;
};

/// Where in a denoising run this call stands, for methods that treat layers or steps differently.
/// A single call outside of any run has layer and step -1: no warm-up rule applies to it. With a
/// number of layers it stands for any of them (metrics/plan/layer_kinds.h).
struct StepContext {
  int64_t layer = -1, layers = 0;
  int64_t step = -1, steps = 0;
  StepCache* cache = nullptr;  ///< null = nothing is kept
};

/// Everything a backend may look at, and the operands a device attends with.
struct Inputs {
  std::shared_ptr<const Tensor> q;  ///< [L,H,D]
  /// [LK,HK,D], HK divides H: query head h uses head h / (H/HK). In cross-attention LK is not L.
  std::shared_ptr<const Tensor> k;
  std::shared_ptr<const Tensor> v;  ///< [LK,HK,DV], DV is the width of the output
  VideoGrid grid;                   ///< of the queries; not known() when they have no positions
  double scale = 0;                 ///< softmax scale; 0 = 1/sqrt(D)
  /// int8 or fp8: what devices bring q, k and v to, as LOWBIT.md says; null = nothing, they are
  /// multiplied as they are stored. Planning never sees it.
  std::optional<DType> low_bits;
  /// Named extras that a backend declares in its BackendInfo::inputs: router_logits, hidden, …
  std::map<std::string, std::shared_ptr<const Array>> extra;
  StepContext context;
  /// Runs the attention that planning itself needs (sampled rows, cached residuals).
  const Device* device = nullptr;
  bool explain = false;  ///< fill Plan::explained

  int64_t length() const { return q->length(); }  ///< of the queries
  int64_t keys() const { return k->length(); }
  int64_t heads() const { return q->heads(); }
  int64_t kv_heads() const { return k->heads(); }
  int64_t dim() const { return q->dim(); }
  int64_t value_dim() const { return v->dim(); }
  int64_t kv_head(int64_t head) const { return head / (heads() / kv_heads()); }
  double softmax_scale() const {
    return scale != 0 ? scale : 1.0 / std::sqrt(static_cast<double>(dim()));
  }
  /// Null when the extra was not given.
  const Array* find(const std::string& name) const;
  /// The extra, or InputError saying that `method` needs it.
  const Array& need(const std::string& name, const std::string& method) const;
  /// Throws InputError naming `method` when the grid is unknown or does not cover the tokens.
  void need_grid(const std::string& method) const;
  /// Throws InputError when shapes disagree, anything is empty, the grid has other token counts, or
  /// values are so large that scores or sums could leave float32, which every device computes in.
  void validate() const;
};

}  // namespace vidattn

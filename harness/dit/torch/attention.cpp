#include <torch/torch.h>

#include "harness/dit/torch/network.h"

namespace vidattn::dit_torch {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const float* row_of(const at::Tensor& tensor, int64_t clip) {
  return tensor.numel() > 0 ? tensor.data_ptr<float>() + clip * tensor.stride(0) : nullptr;
}
float* row_of(at::Tensor& tensor, int64_t clip) {
  return tensor.defined() ? tensor.data_ptr<float>() + clip * tensor.stride(0) : nullptr;
}

/// The calls of a batch, kept for the way back.
struct Calls : torch::CustomClassHolder {
  std::vector<std::unique_ptr<AttentionCall>> of_clip;
};

struct Where {
  AttentionMaker* maker;
  int64_t block, first;
};

/// The tool's attention inside libtorch's autograd.
struct ToolFunction : torch::autograd::Function<ToolFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& router, Calls* calls,
                            const Where& where) {
    const at::Tensor queries = q.contiguous(), keys = k.contiguous(), values = v.contiguous();
    const at::Tensor scores = router.contiguous();
    at::Tensor o = at::empty_like(queries);
    for (int64_t clip = 0; clip < q.size(0); ++clip) {
      auto call =
          where.maker->attend({where.block, where.first + clip, row_of(queries, clip),
                               row_of(keys, clip), row_of(values, clip), row_of(scores, clip)});
      std::copy_n(call->output(), o.stride(0), row_of(o, clip));
      calls->of_clip.push_back(std::move(call));
    }
    context->saved_data["calls"] =
        at::IValue::make_capsule(c10::intrusive_ptr<Calls>::reclaim_copy(calls));
    context->saved_data["shape"] = q.sizes().vec();
    context->saved_data["router"] = router.sizes().vec();
    return o;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto calls =
        c10::static_intrusive_pointer_cast<Calls>(context->saved_data["calls"].toCapsule());
    const std::vector<int64_t> shape = context->saved_data["shape"].toIntVector();
    const std::vector<int64_t> router = context->saved_data["router"].toIntVector();
    const at::Tensor d_o = gradients[0].contiguous();
    at::Tensor dq = at::empty(shape), dk = at::empty(shape), dv = at::empty(shape), d_router;
    if (router.size() == 3) d_router = at::empty(router);
    for (int64_t clip = 0; clip < shape[0]; ++clip)
      calls->of_clip[clip]->backward(row_of(d_o, clip), row_of(dq, clip), row_of(dk, clip),
                                     row_of(dv, clip), row_of(d_router, clip));
    return {dq, dk, dv, d_router, at::Tensor(), at::Tensor()};
  }
};

class ToolAttention : public VisualAttention {
 public:
  ToolAttention(AttentionMaker& maker, int64_t first) : maker_(maker), first_(first) {}

  at::Tensor run(int64_t block, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 const at::Tensor& router) const override {
    const auto calls = c10::make_intrusive<Calls>();
    // Functions take no undefined tensors.
    const at::Tensor scores = router.defined() ? router : at::empty({0});
    return ToolFunction::apply(q, k, v, scores, calls.get(), Where{&maker_, block, first_});
  }

 private:
  AttentionMaker& maker_;
  int64_t first_;
};

}  // namespace

std::unique_ptr<VisualAttention> tool_attention(AttentionMaker& maker, int64_t first) {
  return std::make_unique<ToolAttention>(maker, first);
}

}  // namespace vidattn::dit_torch

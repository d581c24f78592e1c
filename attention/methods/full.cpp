#include "attention/error.h"
#include "attention/methods/method.h"

namespace vidattn {
namespace {

struct FullParams : ParamFields {
  using ParamFields::ParamFields;
  std::string scale = text("scale", "1/sqrt(D)", "Softmax scale: 1/sqrt(D) or a positive number.");
};

/// Exact softmax attention over all keys: what every sparse method is compared with.
class Full : public Method<FullParams> {
 public:
  std::string name() const override { return "full"; }

  BackendInfo describe() const override {
    return {.title = "every query sees every key",
            .paper = "Vaswani et al. 2017; MoGA Eq. 1",
            .takes_cross = true,
            .plans_from = PlansFrom::nothing};
  }

  Plan make_plan(const Inputs& in, const FullParams& p) const override {
    if (p.scale != "1/sqrt(D)")
      throw InputError("full: scale is set for the whole call, so that methods stay comparable");
    return full_plan(in);
  }
};

const RegisterBackend<Full> registered_full;

}  // namespace
}  // namespace vidattn

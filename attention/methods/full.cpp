#include "attention/backend.h"
#include "attention/error.h"

namespace vidattn {
namespace {

/// Exact softmax attention over all keys: what every sparse method is compared with.
class Full : public Backend {
 public:
  std::string name() const override { return "full"; }

  const BackendInfo& info() const override {
    static const BackendInfo info{
        "every query sees every key",
        "Vaswani et al. 2017; MoGA Eq. 1",
        {{"scale", std::string("1/sqrt(D)"), "Softmax scale: 1/sqrt(D) or a positive number."}}};
    return info;
  }

  Plan plan(const Inputs& in, const Params& params) const override {
    if (params.text("scale") != "1/sqrt(D)")
      throw InputError("full: scale is set for the whole call, so that methods stay comparable");
    const auto length = static_cast<int32_t>(in.length());
    HeadTable table;
    table.add(0, length, {{0, length}});
    Plan plan;
    plan.branches.push_back({.name = "full", .tables = {std::move(table)}});
    return plan;
  }
};

const RegisterBackend<Full> registered;

}  // namespace
}  // namespace vidattn

#include "attention/backend.h"

namespace vidattn {
namespace {

/// Attention within each latent frame (MoGA §2.2, "per-frame attention").
class Frame : public Backend {
 public:
  std::string name() const override { return "frame"; }

  BackendInfo describe() const override {
    return {.title = "every query sees the keys of its own latent frame",
            .paper = "MoGA §2.2",
            .needs_grid = true,
            .takes_text = false,
            .plans_from = PlansFrom::nothing};
  }

  Plan make_plan(const Inputs& in, const Params&) const override {
    const auto size = static_cast<int32_t>(in.grid.frame_size());
    HeadTable table;
    for (int32_t t = 0; t < in.grid.frames; ++t)
      table.add(t * size, (t + 1) * size, {{t * size, (t + 1) * size}});
    Plan plan;
    plan.branches.push_back({.name = "frame", .tables = {std::move(table)}});
    return plan;
  }
};

const RegisterBackend<Frame> registered_frame;

}  // namespace
}  // namespace vidattn

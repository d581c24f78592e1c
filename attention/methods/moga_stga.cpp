#include "attention/backend.h"

namespace vidattn {
namespace {

// One dynamic group and two static ones (MoGA §2.2).
constexpr const char* kParts[] = {"moga", "stga", "frame"};

/// What the paper runs: the mean of MoGA, STGA and per-frame attention, one plan of three branches.
class MogaStga : public Backend {
 public:
  std::string name() const override { return "moga_stga"; }

  BackendInfo describe() const override {
    BackendInfo combined{.title = "mean of moga, stga and frame",
                         .paper = "MoGA §2.2",
                         .needs_grid = true,
                         .takes_text = false,
                         .plans_from = PlansFrom::router,
                         .knob = find_backend("moga").info().knob};
    for (const char* part : kParts) {
      const BackendInfo& its = find_backend(part).info();
      combined.params.insert(combined.params.end(), its.params.begin(), its.params.end());
      combined.inputs.insert(combined.inputs.end(), its.inputs.begin(), its.inputs.end());
    }
    return combined;
  }

  /// However many groups there are, the static parts remain; smaller windows make them sparser. A
  /// trained router's groups are given, and windows alone are left.
  std::vector<DensityKnob> knobs(const Inputs& in, const Params& params) const override {
    const Backend& moga = find_backend("moga");
    if (moga.knobs(in, params.view(moga.info().params)).empty())
      return {{.steps = {{{"hs", "8"}, {"ws", "8"}, {"temporal_group", "1"}},
                         {{"hs", "8"}, {"ws", "8"}},
                         {{"hs", "4"}, {"ws", "4"}},
                         {{"hs", "2"}, {"ws", "2"}},
                         {{"hs", "1"}, {"ws", "1"}}}}};
    std::vector<DensityKnob> all{info().knob};
    for (const char* windows : {"4", "8"}) {
      all.push_back(info().knob);
      all.back().settings = {{"hs", windows}, {"ws", windows}};
    }
    all.push_back(info().knob);
    all.back().settings = {{"hs", "8"}, {"ws", "8"}, {"temporal_group", "1"}};
    return all;
  }

  void prepare(Inputs& in, const Params& params) const override {
    const Backend& moga = find_backend("moga");
    moga.prepare(in, params.view(moga.info().params));
  }

  std::map<std::string, Array> make_input_gradients(const Inputs& in, const Params& params,
                                                    const Plan& plan,
                                                    const Gradients& gradients) const override {
    const Backend& moga = find_backend("moga");
    return moga.input_gradients(in, params.view(moga.info().params), plan, gradients);
  }

  Plan make_plan(const Inputs& in, const Params& params) const override {
    Plan plan;
    for (const char* name : kParts) {
      const Backend& backend = find_backend(name);
      Plan part = backend.plan(in, params.view(backend.info().params));
      for (Branch& branch : part.branches) {
        branch.weight = static_cast<float>(1.0 / std::size(kParts));
        plan.branches.push_back(std::move(branch));
      }
      plan.stages.insert(plan.stages.end(), part.stages.begin(), part.stages.end());
      plan.figures.merge(part.figures);
      plan.explained.merge(part.explained);
    }
    return plan;
  }
};

const RegisterBackend<MogaStga> registered_moga_stga;

}  // namespace
}  // namespace vidattn

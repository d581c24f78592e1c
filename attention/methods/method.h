#pragma once

#include <map>
#include <string>
#include <vector>

#include "attention/backend.h"
#include "attention/methods/fields.h"

namespace vidattn {

/// A backend whose parameters are the struct P, which declares itself (fields.h). The functions
/// mean the same as those of Backend that take Params.
template <class P>
class Method : public Backend {
 public:
  void prepare(Inputs& in, const Params& params) const final { prepare(in, P(params)); }
  void prepare_search(Inputs& in, const Params& params) const final {
    if (!dense(in, params)) prepare_search(in, P(params));
  }
  std::vector<DensityKnob> knobs(const Inputs& in, const Params& params) const final {
    return knobs(in, P(params));
  }
  std::map<std::string, ParamValue> derived(const Params& params,
                                            const StepContext& context) const final {
    return derived(P(params), context);
  }

 protected:
  bool takes_text(const Params& params) const final { return takes_text(P(params)); }
  virtual bool takes_text(const P&) const { return info().takes_text; }
  virtual Plan make_plan(const Inputs& in, const P& p) const = 0;
  virtual Plan dense_plan(const Inputs& in, const P&) const { return full_plan(in); }
  virtual std::map<std::string, Array> input_gradients_of(const Inputs&, const P&, const Plan&,
                                                          const Gradients&) const {
    return {};
  }
  /// What parameters are held against that change nothing and only say what a call must have.
  virtual Facts facts(const Inputs&, const P&, const Plan&) const { return {}; }
  virtual void prepare(Inputs&, const P&) const {}
  virtual void prepare_search(Inputs&, const P&) const {}
  virtual std::vector<DensityKnob> knobs(const Inputs& in, const P&) const {
    return Backend::knobs(in, defaults());
  }
  virtual std::map<std::string, ParamValue> derived(const P&, const StepContext&) const {
    return {};
  }

 private:
  std::vector<ParamSpec> specs() const final { return specs_of<P>(); }
  Plan make_plan(const Inputs& in, const Params& params) const final {
    const P p(params);
    Plan plan = make_plan(in, p);
    check_facts(name(), facts(in, p, plan), params);
    return plan;
  }
  std::map<std::string, Array> make_input_gradients(const Inputs& in, const Params& params,
                                                    const Plan& plan,
                                                    const Gradients& gradients) const final {
    return input_gradients_of(in, P(params), plan, gradients);
  }
  Plan dense_plan(const Inputs& in, const Params& params) const final {
    return dense_plan(in, P(params));
  }
};

}  // namespace vidattn

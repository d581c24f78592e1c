#include "harness/distributed/alone.h"

#include <utility>

#include "harness/host/clock.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/check/gradients.h"

namespace vidattn {

Alone::Alone(const BackendSpec& spec, const Device& device, Inputs whole, Pass pass)
    : spec_(spec), device_(device), in_(std::move(whole)), pass_(pass) {
  in_.device = &device;
  out_.keep = times_backward(pass);
  if (out_.keep) d_o_ = sample_output_gradient(in_);
}

double Alone::run() {
  const auto start = Clock::now();
  plan_ = spec_.backend->plan(in_, spec_.params);
  const auto planned = Clock::now();
  device_.run(plan_, in_, out_);
  attention_ = seconds_since(planned);
  const double forward = times_forward(pass_) ? seconds_since(start) : 0;
  if (!times_backward(pass_)) return forward;
  const auto begin = Clock::now();
  Gradients found;
  device_.backward(plan_, in_, out_, d_o_, found);
  gradients_ = spec_.backend->input_gradients(in_, spec_.params, plan_, found);
  const double backward = seconds_since(begin);
  gradients_["q"] = to_array(found.q);
  gradients_["k"] = to_array(found.k);
  gradients_["v"] = to_array(found.v);
  return forward + backward;
}

std::string Alone::fault() const {
  std::string reason = check_equality(plan_, in_, out_).reason;
  if (reason.empty() && times_backward(pass_))
    reason = check_gradients(device_, plan_, in_, out_, d_o_).reason;
  return reason;
}

}  // namespace vidattn

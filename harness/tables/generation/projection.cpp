#include "harness/tables/generation/projection.h"

#include <cmath>

namespace vidattn {
namespace {

double rest_flops(const PassCost& cost) { return cost.flops() - cost.attention_flops(); }

}  // namespace

PassTimes pass_times(const DitModel& model, int64_t tokens, double operator_seconds, double rate,
                     int64_t devices) {
  const PassCost forward = forward_cost(model, {tokens}), backward = backward_cost(forward);
  const auto count = static_cast<double>(devices);
  const double attention = operator_seconds * static_cast<double>(model.layers()) / count;
  return {{attention, rest_flops(forward) / rate / count},
          {attention * backward.attention_flops() / forward.attention_flops(),
           rest_flops(backward) / rate / count}};
}

PassTimes pass_times(const DitModel& model, const OperatorTime& measured, double rate) {
  PassTimes times = pass_times(model, measured.tokens, measured.forward_seconds(), rate, 1);
  if (times_backward(measured.pass))
    times.backward.attention = measured.backward_seconds * static_cast<double>(model.layers());
  return times;
}

double tokens_for_training_time(const PassTimes& times, int64_t tokens, double seconds) {
  const double a = 2 * times.forward.attention + times.backward.attention,
               b = 2 * times.forward.rest + times.backward.rest;
  return static_cast<double>(tokens) * (-b + std::sqrt(b * b + 4 * a * seconds)) / (2 * a);
}

}  // namespace vidattn

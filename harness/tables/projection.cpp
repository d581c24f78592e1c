#include "harness/tables/projection.h"

#include <cmath>

namespace vidattn {
namespace {

constexpr double kTrainingRest = 4, kTrainingAttention = 4.5;

}  // namespace

PassTime forward_time(const DitModel& model, int64_t tokens, double operator_seconds, double rate,
                      int64_t devices) {
  const PassCost cost = forward_cost(model, {tokens});
  const auto count = static_cast<double>(devices);
  return {operator_seconds * static_cast<double>(model.layers()) / count,
          (cost.flops() - cost.attention_flops()) / rate / count};
}

double training_time(const PassTime& forward) {
  return kTrainingRest * forward.rest + kTrainingAttention * forward.attention;
}

double tokens_for_training_time(const PassTime& forward, int64_t tokens, double seconds) {
  const double a = kTrainingAttention * forward.attention, b = kTrainingRest * forward.rest;
  return static_cast<double>(tokens) * (-b + std::sqrt(b * b + 4 * a * seconds)) / (2 * a);
}

}  // namespace vidattn

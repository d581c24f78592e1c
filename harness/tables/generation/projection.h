#pragma once

#include "harness/tables/operators/operator.h"
#include "metrics/model/cost_model.h"
#include "metrics/model/dit_model.h"

namespace vidattn {

/// Seconds of one pass, taken apart.
struct PassTime {
  double attention = 0;  ///< self-attention of all layers
  double rest = 0;       ///< everything else that has FLOPs: projections, cross-attention, FFN

  double total() const { return attention + rest; }
  double attention_share() const { return attention / total(); }
};

/// A forward pass and the backward pass that belongs to it.
struct PassTimes {
  PassTime forward, backward;

  /// Seconds of a training iteration with checkpointing: forward, forward again, backward.
  double training() const { return 2 * forward.total() + backward.total(); }
};

/// Passes from the measured time of one operator (forward, all heads of one layer) and a rate
/// (FLOP/s) for the rest, spread over `devices`. The backward pass takes as much longer as
/// backward_cost() says, for attention and for the rest.
PassTimes pass_times(const DitModel& model, int64_t tokens, double operator_seconds, double rate,
                     int64_t devices);

/// The same of a measured operator, with its own backward pass where that was measured.
PassTimes pass_times(const DitModel& model, const OperatorTime& measured, double rate);

/// Tokens at which a training iteration would take `seconds`, if the rest grows with the tokens and
/// attention with their square from `times` at `tokens`.
double tokens_for_training_time(const PassTimes& times, int64_t tokens, double seconds);

}  // namespace vidattn

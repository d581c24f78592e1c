#pragma once

#include "metrics/model/cost_model.h"
#include "metrics/model/dit_model.h"

namespace vidattn {

/// Seconds of one forward pass, taken apart.
struct PassTime {
  double attention = 0;  ///< self-attention of all layers
  double rest = 0;       ///< everything else that has FLOPs: projections, cross-attention, FFN

  double total() const { return attention + rest; }
  double attention_share() const { return attention / total(); }
};

/// A forward pass from the measured time of one operator (all heads of one layer) and a rate
/// (FLOP/s) for the rest, spread over `devices`.
PassTime forward_time(const DitModel& model, int64_t tokens, double operator_seconds, double rate,
                      int64_t devices);

/// A training iteration with checkpointing: forward, forward again, backward. By FLOPs the rest
/// takes 4 forward passes (backward 2) and attention 4.5 (backward 2.5).
double training_time(const PassTime& forward);

/// Tokens at which a training iteration would take `seconds`, if the rest grows with the tokens and
/// attention with their square from `forward` at `tokens`.
double tokens_for_training_time(const PassTime& forward, int64_t tokens, double seconds);

}  // namespace vidattn

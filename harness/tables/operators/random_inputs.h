#pragma once

#include "attention/dtype.h"
#include "attention/inputs.h"
#include "metrics/model/dit_model.h"

namespace vidattn {

/// Random q, k, v, whose scores have the film's peakedness, and hidden states of model.dim
/// channels: a random linear router balances its groups on them to within some percent. STGA has
/// `temporal_groups` equal shots.
Inputs random_operator_inputs(const DitModel& model, int64_t tokens, int64_t heads,
                              int64_t temporal_groups, DType dtype);

}  // namespace vidattn

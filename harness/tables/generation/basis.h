#pragma once

#include <string>

#include "harness/tables/flops.h"
#include "harness/tables/generation/projection.h"
#include "harness/tables/paper.h"
#include "metrics/model/memory_model.h"

namespace vidattn {

// MoGA's Table 12: its rows as its data and its cells call them, and what its projections are of.

inline constexpr int64_t kGenerationGroups[] = {1, 5, 20};  ///< of the columns; 1 = full attention
inline constexpr int64_t kGenerationTokens = 187200;        ///< 30 s, the length of Table 12
inline constexpr int64_t kPapersDevices = 8;

inline const std::string kTraining = "Training time (per iter) s",
                         kTrainingGain = "Training speedup", kTrainingRam = "Training RAM GB",
                         kInference = "Inference time (per step) s",
                         kInferenceGain = "Inference speedup", kInferenceRam = "Inference RAM GB";
/// Ours, of a whole generation and of attention's share in it.
inline const std::string kByFlops = "Generation speedup by FLOPs",
                         kByTime = "Generation speedup by time (Amdahl)",
                         kWork = "Generation PFLOPs", kOperator = "Operator speedup",
                         kShareOfFlops = "Attention's share of FLOPs",
                         kShareOfPrinted = "Attention's share of the printed step time",
                         kTrainingAttention = "Training: attention s",
                         kTrainingRest = "Training: the rest s",
                         kShareHere = "Attention's share of time here";

struct Basis {
  const PaperTable& paper;
  const PaperTable& latency;  ///< Table 11
  FlopsCounter& counter;
  const TableOptions& options;
  const PaperRow& length;  ///< of Table 11
  int64_t tokens = length.tokens;

  const DitModel& model() const { return counter.model(); }
  /// Whether the paper's values are for this model on as many devices.
  bool is_papers() const { return counter.is_papers() && options.devices == kPapersDevices; }
  /// Printed operator time of Table 11 for this model's heads, in seconds.
  double operator_seconds(int64_t groups) const;
  /// FLOP/s of Table 11's full operator on one device.
  double device_rate() const;
  PassTimes papers_passes(int64_t groups) const;
  MemoryEstimate memory(int64_t groups) const;
  DenoisingRun run() const;
};

/// Table 11's row of that length. Throws InputError when there is none.
const PaperRow& row_of(const PaperTable& latency, int64_t tokens);

}  // namespace vidattn

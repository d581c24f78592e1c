#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/dit/training/visual_attention.h"

namespace vidattn {

/// What a step of a training did.
struct TrainedStep {
  int64_t step = 0;
  StepReport report;
  double rate = 0;                    ///< learning rate
  double seconds = 0;                 ///< of the step, rendering included
  double data_seconds = 0;            ///< of rendering and noising its clips
  double attention_share = 0;         ///< of the threads' time in the network
  double density = 0;                 ///< of attended pairs
  std::vector<RouterReport> routers;  ///< by block
};

nlohmann::json to_json(const TrainedStep& step);

/// A JSONL file with a line a step. Opened to go on, it keeps the lines of the steps before `next`
/// alone, so that a resumed run has every step once.
class TrainLog {
 public:
  /// Throws InputError when the file cannot be written, or kept lines are not a log's.
  TrainLog(std::filesystem::path path, int64_t next);
  void add(const TrainedStep& step);

  const std::vector<nlohmann::json>& lines() const { return lines_; }

 private:
  std::filesystem::path path_;
  std::vector<nlohmann::json> lines_;
};

}  // namespace vidattn

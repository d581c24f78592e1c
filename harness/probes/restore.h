#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/probes/clip.h"
#include "harness/report/columns.h"

namespace vidattn {

struct RestoreOptions {
  ClipRequest clip;
  double noise = 25;  ///< standard deviation, grey levels
  uint64_t seed = 1;  ///< of the noise
  std::vector<std::string> backends;
  std::optional<double> density;
  std::string device = "cpu";
  std::string folder;  ///< for videos and the picture; empty = none are written
  std::string out;     ///< JSON file; empty = none
  ColumnChoice columns;
  std::vector<std::string> arguments;
};

/// `vidattn restore`: removes noise from a video by attention (metrics/video/nlm.h) with every
/// backend and reports how near each gets to the clean video, paired against full attention on the
/// same noise. Returns 0, 1 when a backend failed its equality check.
ExitCode restore(const RestoreOptions& options);

}  // namespace vidattn

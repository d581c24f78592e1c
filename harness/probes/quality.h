#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/probes/clip.h"
#include "harness/report/columns.h"

namespace vidattn {

struct QualityOptions {
  std::vector<std::string> videos;  ///< beside the film; as ClipRequest::source
  int64_t films = 5;                ///< clips: the films of seeds 1, 2, …
  std::vector<std::string> backends;
  std::optional<double> density;
  ClipRequest clip = {.height = 96};  ///< frames and height: minutes for all methods
  std::vector<std::string> models;    ///< KEY=FILE of networks that score, as `metrics` takes them
  double noise = 25;                  ///< standard deviation, grey levels; clip i has seed i
  std::string device = "cpu";
  std::string out;  ///< JSON file, written anew after every clip; empty = none
  ColumnChoice columns;
  std::vector<std::string> arguments;
};

/// `vidattn quality`: what every backend does to videos. Runs the restoration probe
/// (harness/probes/nlm_probe.h) on all clips and, on the films, label propagation
/// (harness/probes/label_probe.h) and painting in a trained network
/// (harness/probes/painted_probe.h), and prints a table in the shape of the paper's Table 1 with,
/// below it, the paired differences to full attention. Returns 0, 1 when a backend failed its
/// equality check, 3 when a clip could not be opened or read to its end, which does not stop the
/// others; after an interrupt, what was measured until then is in the table and the file.
ExitCode quality(const QualityOptions& options);

}  // namespace vidattn

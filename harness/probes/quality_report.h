#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/probes/label_probe.h"
#include "harness/probes/painted_probe.h"
#include "harness/probes/quality.h"
#include "harness/probes/report.h"

namespace vidattn {

/// One backend on one clip.
struct BackendQuality {
  RestoredVideo restored;  ///< without its frames
  CarriedLabels labels;    ///< outcome empty: the clip has no known regions
  Painted painted;         ///< outcome empty: the clip is no film
};

struct ClipQuality {
  std::string name;
  std::string error = {};               ///< why nothing was measured; empty = all went well
  std::vector<std::string> notes = {};  ///< what is special about the video
  nlohmann::json record;                ///< restoration_record()
  /// In the order of QualityOptions::backends, full first; fewer after an interrupt.
  std::vector<BackendQuality> rows = {};
};

/// What `vidattn quality --out` writes: schema version, environment, protocol, every clip with all
/// scores, the networks, and the means and paired differences of the table.
nlohmann::json quality_record(const QualityOptions& options, const Backbones& networks,
                              const std::vector<ClipQuality>& clips);

/// Throws InputError for a column that the table does not have.
void check_quality_columns(const ColumnChoice& choice);

/// Prints the table of means over clips, that of paired differences, and notes and reasons.
void print_quality(const QualityOptions& options, const std::vector<ClipQuality>& clips);

}  // namespace vidattn

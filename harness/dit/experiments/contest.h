#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/dit/experiments/experiment.h"
#include "harness/dit/experiments/painted_clip.h"
#include "harness/dit/experiments/pooled.h"

namespace vidattn {

/// What takes part in a contest: networks that differ in their seed alone, with one method.
struct Contestant {
  std::string label;
  std::vector<std::string> models;  ///< files, one for each seed
  std::string backend;              ///< empty = what they were trained with
};

/// What it painted, by name of the score (ClipScores).
struct ContestScores {
  std::string label, backend;
  std::map<std::string, SeedsByClips> by_name;
};

/// A column of a contest's table.
struct ContestColumn {
  const char* score;
  const char* heading;
  int digits;
  double scale = 1, offset = 0;  ///< shown is scale * score + offset
};

/// Every contestant paints every clip with every seed, from the same noise; the first one's video
/// of the seed is the reference of PSNR and SSIM. Returns what was painted by all when interrupted.
/// Throws InputError, before any work, for files and methods that cannot be used.
std::vector<ContestScores> hold_contest(const ExperimentRequest& request,
                                        const std::vector<Contestant>& contestants,
                                        bool& interrupted);

/// A row for each contestant: means over clips with intervals; a star where the difference to the
/// first one, paired by clip, is significant among all rows. Everything into the record.
void add_contest(const std::vector<ContestScores>& scores,
                 const std::vector<ContestColumn>& columns, ExperimentResult& result);

/// A further column of the table's rows, of what trainings came to: [row][seed], means over the
/// seeds with intervals.
void add_seed_column(const std::string& heading, int digits,
                     const std::vector<std::vector<double>>& values, ExperimentResult& result);

/// Columns that several contests have.
inline constexpr ContestColumn kColourColumn{"right colour", "right colour", 3};
inline constexpr ContestColumn kKeptColumn{"colour kept", "colour kept %", 1, 100};
inline constexpr ContestColumn kDensityColumn{"density", "density", 3};
inline constexpr ContestColumn kFlopsColumn{"gflops", "GFLOPs/step", 3};
inline constexpr ContestColumn kCrossShotColumn{"cross_shot.hsv_lbp_vlad", "cross-shot", 3};
inline constexpr ContestColumn kIdentityColumn{"cross_shot.hsv_lbp_vlad.identity", "identity", 3};

}  // namespace vidattn

#pragma once

#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/study/study.h"

namespace vidattn {

struct MakeStudyOptions {
  std::vector<std::string> videos;  ///< FOLDER or NAME=FOLDER, one for each method
  std::string prompts;              ///< JSON Lines of {id, prompt}
  StudyKind kind = StudyKind::scale;
  int64_t per_rater = 0;  ///< prompts that a rater sees; 0 = all
  int64_t checks = 2;     ///< attention checks that a rater sees
  /// Empty: "Which video is better?" of pairs, "How good are these videos?" of scales.
  std::string title;
  std::string out;  ///< folder, new or empty
};

/// `vidattn study make`: writes a folder with the study (study.h). Only its page/ is for raters: a
/// page that works from disk, and the videos without metadata under names drawn at random. The key
/// that says whose they are stays outside, for its owner's eyes only (mode 0600). Says what could
/// still tell methods apart: sizes, lengths, rates and sound that differ. Throws InputError before
/// anything is written for what read_material() refuses.
ExitCode make_study(const MakeStudyOptions& options);

}  // namespace vidattn

#pragma once

#include <string>
#include <vector>

#include "harness/host/exit_code.h"

namespace vidattn {

struct StudyReportOptions {
  std::string study;                 ///< folder of `study make`
  std::vector<std::string> ratings;  ///< files that raters saved, beside the folder's own
  std::vector<std::string> out;      ///< .json, .md or .txt
  std::vector<std::string> arguments;
};

/// `vidattn study report`: prints what a study found (analysis.h), and writes it. Throws InputError
/// as collect_ratings() does, and for another ending.
ExitCode report_study(const StudyReportOptions& options);

}  // namespace vidattn

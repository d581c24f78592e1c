#pragma once

#include <string>
#include <vector>

#include "harness/curate/output/curated_video.h"
#include "harness/curate/output/summary.h"

namespace vidattn {

/// A page to look through what was kept and dropped and why, for the dataset's folder: it shows the
/// pictures and samples that lie there, loads nothing else and has no script.
std::string curate_page(const std::vector<CuratedVideo>& videos, const CurateSummary& summary);

}  // namespace vidattn

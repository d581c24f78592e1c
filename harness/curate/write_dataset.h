#pragma once

#include <string>
#include <vector>

#include "harness/curate/output/curated_video.h"
#include "harness/curate/settings.h"

namespace vidattn {

struct DatasetRecord {
  std::vector<std::string> arguments;
  int64_t webdataset = 0;  ///< megabytes of a tar shard; 0 = none
};

/// Writes what describes a dataset whose samples are there: manifest.jsonl with its schema,
/// decisions.jsonl, summary.json, index.html and tar shards, and removes samples, sheets and
/// pictures that belong to none of its videos any more. Prints the summary. Throws InputError.
void write_dataset(const CurateSettings& settings, const std::vector<CuratedVideo>& videos,
                   const std::vector<SkippedFile>& skipped, const DatasetRecord& record);

}  // namespace vidattn

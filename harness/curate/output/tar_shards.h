#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/curate/record/dataset.h"

namespace vidattn {

/// Throws InputError where the build has no libarchive.
void require_tar();

/// Removes the shards of an earlier call; what else lies in their folder is somebody's.
void remove_tar_shards(const DatasetPlace& place);

/// Writes all samples as WebDataset shards, shards/000000.tar and so on below the dataset's folder,
/// each closed once it holds `megabytes`: of every sample ID.mp4, ID.json (its line) and ID.jpg,
/// one after the other. Files have one date and owner, so that equal samples make equal shards.
/// Older shards are removed. Returns their number. Throws InputError when one cannot be written,
/// and as require_tar().
int64_t write_tar_shards(const DatasetPlace& place, const std::vector<nlohmann::json>& samples,
                         int64_t megabytes);

}  // namespace vidattn

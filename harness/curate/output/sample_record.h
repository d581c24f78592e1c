#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/curate/captions/caption_desk.h"
#include "harness/curate/output/sample_file.h"
#include "harness/io/json_reader.h"

namespace vidattn {

/// What is kept of a sample that was made: all of its manifest's line that does not follow from the
/// video's analysis and the sample's plan.
struct SampleRecord {
  SampleOrigin origin;
  std::vector<ShotCaption> captions;  ///< of every piece
};

nlohmann::json to_json(const SampleRecord& record);
/// Of a sample of so many pieces. Throws InputError.
SampleRecord read_sample_record(const JsonReader& json, size_t pieces);

}  // namespace vidattn

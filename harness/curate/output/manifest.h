#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/curate/analyse.h"
#include "harness/curate/output/sample_record.h"
#include "harness/curate/select/samples.h"

namespace vidattn {

inline constexpr const char* kManifestVersion = "1.1";

/// All that a manifest says of a sample.
struct SampleFacts {
  const SourceVideo& video;
  const VideoAnalysis& analysis;
  const SamplePlan& plan;
  std::string id;
  SampleRecord made;
};

/// A line of manifest.jsonl, as manifest.schema.json has it.
nlohmann::json manifest_line(const SampleFacts& facts);

/// The schema of a line.
const nlohmann::json& manifest_schema();

}  // namespace vidattn

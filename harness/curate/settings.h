#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/curate/captions/caption_desk.h"
#include "harness/curate/record/dataset.h"
#include "harness/curate/record/limits.h"
#include "harness/curate/text/text_finder.h"
#include "harness/videos/backbones.h"

namespace vidattn {

/// What a dataset is made with, checked.
struct CurateSettings {
  DatasetPlace place;
  SourceLimits limits;
  Backbones networks = {};
  nlohmann::json transnet = nullptr;  ///< file and SHA-256 of TransNetV2; null = is not asked
  TextChoice text = {};               ///< what finds it
  std::string captioner = {}, endpoint = {}, model = {}, prompt = {};

  /// What captions come from, for keys and records; empty = what was measured.
  std::string caption_identity() const { return captioner + endpoint + model + prompt; }
};

/// Throws InputError for a captioner that cannot be.
std::unique_ptr<Captioner> make_captioner(const CurateSettings& settings);

}  // namespace vidattn

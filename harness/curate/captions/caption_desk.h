#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/curate/captions/captioner.h"
#include "harness/curate/shots/look.h"

namespace vidattn {

struct ShotCaption {
  std::string text;
  std::string from;               ///< "captioner", "cache" or "measured"
  std::vector<std::string> tags;  ///< of the captioner
  std::string error;              ///< why the captioner has none; empty = it has, or there is none
};

/// Gives every shot its caption: what the captioner answers, which must fit caption.schema.json,
/// asked up to three times and never again for the same frames; where it fails, or there is none, a
/// sentence made of what was measured.
class CaptionDesk {
 public:
  static constexpr int kTries = 3;

  /// `captioner` may be null. Answers are kept in the folder `cache`, which must be there.
  CaptionDesk(std::unique_ptr<Captioner> captioner, std::filesystem::path cache)
      : captioner_(std::move(captioner)), cache_(std::move(cache)) {}

  bool wants_frames() const { return captioner_ != nullptr; }
  ShotCaption caption(const std::vector<JpegBytes>& frames, const ClipLook& look, double seconds);

 private:
  nlohmann::json checked_answer(const std::vector<JpegBytes>& frames);

  std::unique_ptr<Captioner> captioner_;
  std::filesystem::path cache_;
};

}  // namespace vidattn

#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace vidattn {

/// Of frames' figures (metrics/video/imaging_quality.h), means over the frames judged.
struct QualityLimits {
  double sharpness = 0;                        ///< at least; variance of luma's Laplacian
  double exposure_low = 0, exposure_high = 1;  ///< mean luma, 0 to 1
  double contrast = 0;                         ///< at least; deviation of luma, 0 to 1
  double clipped = 1;                          ///< at most; share of pixels black or white
  double brisque = 0;                          ///< at least; 1 - BRISQUE/100
  double aesthetic = 0;                        ///< at least; 1 to 10; with networks only
};

/// What is kept, and how it is cut: strict for whole videos, relaxed for clips, because long
/// samples need what lies between (MoGA, section 2.3).
struct CurateLimits {
  int64_t least_side = 720;   ///< rows or columns, whichever are fewer, of a video
  double least_seconds = 60;  ///< of a video
  double most_border = 0.3;   ///< share of a video's picture that is black border
  QualityLimits video{.sharpness = 25,
                      .exposure_low = 0.06,
                      .exposure_high = 0.94,
                      .contrast = 0.06,
                      .clipped = 0.5,
                      .brisque = 0.25,
                      .aesthetic = 4};
  double least_clip_seconds = 1;
  QualityLimits clip{.sharpness = 10,
                     .exposure_low = 0.04,
                     .exposure_high = 0.96,
                     .contrast = 0.04,
                     .clipped = 0.6,
                     .brisque = 0.1,
                     .aesthetic = 3.5};
  double least_area = 0.4;      ///< of a clip's crop, as a share of the frame
  double duplicate = 0.97;      ///< similarity from which two clips are one
  double text_confidence = 70;  ///< of Tesseract, 0 to 100, from which text is text
  double least_sample_seconds = 2;
  double most_seconds = 65;  ///< of a sample
  int64_t trim = 2;          ///< frames more left out on both sides of a boundary not clean
};

/// Limits for each source, which is the folder that a video lies in.
struct SourceLimits {
  CurateLimits otherwise;
  std::map<std::string, CurateLimits> sources;

  const CurateLimits& of(const std::string& source) const;
};

nlohmann::json to_json(const CurateLimits& limits);

/// {"default": {…}, "sources": {"FOLDER": {…}}}: keys are the fields above, those of `video` and
/// `clip` in objects of their own. What is missing is as in `base`, and in a source as in
/// "default". Throws InputError that names the place of what is wrong.
SourceLimits read_limits(const std::string& path, const CurateLimits& base);

/// Throws InputError for limits that contradict each other.
void check_limits(const CurateLimits& limits);

}  // namespace vidattn

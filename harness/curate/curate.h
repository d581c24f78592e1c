#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"

namespace vidattn {

struct CurateOptions {
  std::vector<std::string> videos;  ///< folders, and files
  std::string out;                  ///< folder of the dataset
  std::string limits;               ///< JSON of limits for each source (limits.h)
  std::optional<double> least_side, least_seconds, most_seconds;  ///< before the file's
  std::string ocr = "auto";  ///< auto, on, off or ppocrv4[:PLACE]
  std::string language = "eng";
  std::vector<std::string> models;  ///< KEY=FILE of networks, for the aesthetic rule
  std::string transnet = "auto";    ///< file of TransNetV2, auto = where it is found, or off
  std::string captioner, endpoint, caption_model = "default";
  std::string prompt =
      "These are frames of one video shot, in order. Describe the shot for training a video model: "
      "subjects, actions, scene, style, light, camera. Answer with a JSON object "
      "{\"caption\": \"…\"} and nothing else.";
  int64_t webdataset = 0;  ///< megabytes of a tar shard; 0 = none are written
  int64_t jobs = 0;        ///< processes; 0 = as many as there are processors
  std::string shard;       ///< "2/8": only these videos
  std::string worker;      ///< "analyse:ID" or "cut:ID": one step of one video
  std::vector<std::string> arguments;
};

/// `vidattn curate`: from long videos to multi-shot samples with a manifest (CURATE.md). Every
/// video is worked on by a process of its own, and whatever was finished before is not done again.
/// Returns 3 when a video could not be read, which does not stop the others. Throws InputError for
/// options and limits that make no sense, before any work.
ExitCode curate(const CurateOptions& options);

}  // namespace vidattn

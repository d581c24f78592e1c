#pragma once

#include <string>
#include <vector>

#include "harness/study/study.h"

namespace vidattn {

struct StudyPrompt {
  std::string id, text;
};

/// A method's videos, one of each prompt.
struct StudyMethod {
  std::string name;
  std::vector<std::string> videos;  ///< files, in the order of the prompts
};

struct StudyMaterial {
  std::vector<StudyPrompt> prompts;
  std::vector<StudyMethod> methods;
  std::string ending;      ///< of every video: .mp4 or .webm
  int64_t left_aside = 0;  ///< videos in the folders that belong to no prompt
};

/// Reads a line {"id": …, "prompt": …} for each prompt, and finds every method's video of it as
/// FOLDER/ID.mp4 or FOLDER/ID.webm. A method is FOLDER, which it is called after, or NAME=FOLDER.
/// Throws InputError for a prompt without a video, methods or prompts that are there twice, and
/// endings that differ: they would tell whose a video is.
StudyMaterial read_material(const std::vector<std::string>& folders, const std::string& prompts);

}  // namespace vidattn

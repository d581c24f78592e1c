#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace vidattn {

/// How a step of one video is called: this program's arguments, and what the step adds to them.
struct WorkerStep {
  std::string name;                    ///< "analyse"
  std::string label;                   ///< for the progress
  int64_t jobs = 1;                    ///< processes at a time, which share the processors
  std::vector<std::string> arguments;  ///< as this program was called, its name first
};

/// Runs the step for every video, each in a process of its own, so that one that crashes or fills
/// the memory takes no other with it. Returns what went wrong, by video. After an interrupt the
/// rest is left.
std::map<std::string, std::string> run_workers(const WorkerStep& step,
                                               const std::vector<std::string>& videos);

/// Processes to use: as given, else one a processor, never more than there are videos.
int64_t jobs_for(int64_t given, size_t videos);

}  // namespace vidattn

#include "harness/curate/step.h"

#include <omp.h>

#include <algorithm>
#include <opencv2/core/utility.hpp>

#include "attention/error.h"
#include "harness/curate/analyse.h"
#include "harness/curate/output/cut_samples.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

std::vector<SamplePlan> left_plans(const VideoStages& stages,
                                   const std::vector<ClipRecord>& clips) {
  const auto json = stages.plan().read();
  if (!json) throw InputError("--worker cut: the video has no plan");
  std::vector<SamplePlan> plans;
  for (const JsonReader& plan : JsonReader(*json).at("samples").items())
    plans.push_back(read_sample_plan(plan, clips));
  return plans;
}

}  // namespace

void leave_plans(const VideoStages& stages, const std::vector<SamplePlan>& plans) {
  nlohmann::json list = nlohmann::json::array();
  for (const SamplePlan& plan : plans) list.push_back(to_json(plan));
  const auto known = stages.plan().read();
  if (!known || !known->contains("samples") || known->at("samples") != list)
    stages.plan().write({{"samples", list}});
}

void do_step(const CurateSettings& settings, const std::vector<SourceVideo>& videos,
             const std::string& step) {
  cv::setNumThreads(omp_get_max_threads());
  const size_t colon = step.find(':');
  const std::string name = step.substr(0, colon);
  const std::string id = colon == std::string::npos ? "" : step.substr(colon + 1);
  const auto video = std::find_if(videos.begin(), videos.end(),
                                  [&](const SourceVideo& one) { return one.id == id; });
  if (video == videos.end() || (name != "analyse" && name != "cut"))
    throw InputError("--worker " + in_quotes(step) +
                     ": analyse or cut, a colon and the id of a video is needed");
  const VideoAnalysis analysis = analyse_video(settings, *video);
  if (name == "cut") {
    const VideoStages stages(settings, *video);
    cut_samples(settings, *video, analysis, left_plans(stages, analysis.clips));
  }
}

}  // namespace vidattn

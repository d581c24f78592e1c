#include "harness/study/report/observations.h"

#include <algorithm>

namespace vidattn {
namespace {

Observation observed(const StudyTask& task, const StudyKey& key, int64_t rater, int64_t answer) {
  const auto method = [&](size_t i) { return key.videos.at(task.videos[i]).method; };
  Observation o{rater, task.prompt, method(0), -1, static_cast<double>(answer)};
  if (task.videos.size() == 1) return o;
  o.b = method(1);
  o.value = -o.value;  // -1 is the left one, which is a
  if (o.a > o.b) {
    std::swap(o.a, o.b);
    o.value = -o.value;
  }
  return o;
}

}  // namespace

std::vector<Observation> observations_of(const Study& study, const StudyKey& key,
                                         const std::vector<RaterRatings>& raters,
                                         int64_t question) {
  std::vector<Observation> all;
  for (size_t i = 0; i < raters.size(); ++i)
    for (const auto& [task, rating] : raters[i].ratings)
      if (study.tasks[task].instruction.empty() && !rating.answers.empty())
        all.push_back(
            observed(study.tasks[task], key, static_cast<int64_t>(i), rating.answers[question]));
  return all;
}

}  // namespace vidattn

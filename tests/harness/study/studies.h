#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "harness/host/random.h"
#include "harness/study/make/design.h"
#include "harness/study/rating.h"
#include "harness/study/study.h"

namespace vidattn::testing {

/// A study without video files, its key included: prompt p of method m is "<p><m>.mp4" in
/// hexadecimal.
struct MadeUpStudy {
  Study study;
  StudyKey key;
};

inline MadeUpStudy made_up_study(StudyKind kind, int64_t prompts, int64_t methods,
                                 int64_t checks = 2) {
  MadeUpStudy made;
  made.study.id = made.key.id = "0123456789abcdef";
  made.study.kind = kind;
  made.study.title = "made up";
  const auto name = [&](int64_t prompt, int64_t method) {
    static constexpr char kDigits[] = "0123456789abcdef";
    return std::string{kDigits[prompt / 16], kDigits[prompt % 16], kDigits[method]} + ".mp4";
  };
  for (int64_t m = 0; m < methods; ++m) made.key.methods.push_back(std::string(1, 'A' + m));
  for (int64_t p = 0; p < prompts; ++p) {
    made.study.prompts.push_back("prompt " + std::to_string(p));
    made.key.prompt_ids.push_back("p" + std::to_string(p));
    for (int64_t m = 0; m < methods; ++m)
      made.key.videos[name(p, m)] = {m, p, "file", std::string(64, '0')};
  }
  Random random(1);
  const Design design = design_study({kind, prompts, methods, 0, checks}, random);
  for (const DesignTask& task : design.tasks) {
    StudyTask shown{task.prompt, {}, task.check ? "check" : ""};
    for (const int64_t m : task.methods) shown.videos.push_back(name(task.prompt, m));
    if (task.check) made.key.checks[static_cast<int64_t>(made.study.tasks.size())] = *task.check;
    made.study.tasks.push_back(shown);
  }
  made.study.plans = design.plans;
  return made;
}

/// Raters whose taste is known: a method's quality in a question, a rater's own level, how a
/// prompt turned out for a method, and chance.
class Raters {
 public:
  Raters(const Study& study, const StudyKey& key, std::vector<std::vector<double>> quality,
         uint64_t seed)
      : study_(study), key_(key), quality_(std::move(quality)), seed_(seed) {}

  /// Standard deviations, in points of the scale.
  static constexpr double kLevel = 0.8, kPrompt = 0.4, kChance = 1;

  /// What rater number n answers to a task; checks as they ask.
  std::vector<int64_t> answers(int64_t rater, int64_t task) const {
    const auto check = key_.checks.find(task);
    std::vector<int64_t> all;
    for (size_t q = 0; q < quality_.size(); ++q)
      all.push_back(check != key_.checks.end()
                        ? check->second
                        : answer(rater, study_.tasks[task], static_cast<int64_t>(q)));
    return all;
  }

 private:
  double liked(int64_t rater, const std::string& video, int64_t q) const {
    const VideoOrigin& origin = key_.videos.at(video);
    const auto stream = [&](uint64_t kind, int64_t a, int64_t b) {
      return Random(seed_, kind << 40 | static_cast<uint64_t>(a << 20 | b)).normal();
    };
    const int64_t made = (origin.prompt * 16 + origin.method) * 4 + q;
    return quality_[q][origin.method] + kPrompt * stream(1, made, 0) +
           kChance * stream(2, made, rater);
  }

  int64_t answer(int64_t rater, const StudyTask& task, int64_t q) const {
    const AnswerRange range = answer_range(study_.kind);
    double value = liked(rater, task.videos[0], q);
    if (task.videos.size() == 1) {
      value += kLevel * Random(seed_, static_cast<uint64_t>(rater * 4 + q)).normal();
      return std::clamp<int64_t>(std::llround(value), range.least, range.most);
    }
    const double right = liked(rater, task.videos[1], q);
    return std::abs(right - value) < 0.3 ? 0 : right > value ? 1 : -1;
  }

  const Study& study_;
  const StudyKey& key_;
  std::vector<std::vector<double>> quality_;  ///< by question and method
  uint64_t seed_;
};

}  // namespace vidattn::testing

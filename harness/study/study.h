#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/io/json_reader.h"

namespace vidattn {

/// Each video rated from 1 to 10, or two held against each other.
enum class StudyKind { scale, pairs };
std::string to_string(StudyKind kind);

/// What is asked of every video or pair, in the paper's order (MoGA A.12).
struct StudyQuestion {
  std::string name, text;
};
const std::vector<StudyQuestion>& study_questions(StudyKind kind);

/// Answers: 1 to 10, or -1 (left is better), 0 (neither) and 1 (right).
struct AnswerRange {
  int64_t least, most;
};
AnswerRange answer_range(StudyKind kind);

/// One screen: the videos to watch, by their names under videos/, left before right.
struct StudyTask {
  int64_t prompt = 0;  ///< of Study::prompts
  std::vector<std::string> videos;
  std::string instruction;  ///< of an attention check: which answer to give; else empty
};

/// A study as its raters see it. Nothing in it says which video is whose.
struct Study {
  std::string id;  ///< random; ratings name it
  std::string title;
  StudyKind kind = StudyKind::scale;
  std::vector<std::string> prompts;
  std::vector<StudyTask> tasks;
  std::vector<std::vector<int64_t>>
      plans;  ///< orders of tasks; rater n has plan n mod their number

  const std::vector<int64_t>& plan_of(int64_t rater_number) const {
    return plans[static_cast<size_t>(rater_number) % plans.size()];
  }
};

/// Of a study: a report holds every two of them against each other.
inline constexpr size_t kMostStudyMethods = 50;

/// Where a video comes from.
struct VideoOrigin {
  int64_t method = 0, prompt = 0;  ///< of StudyKey::methods and Study::prompts
  std::string file, sha256;        ///< as it was given
};

/// What raters must not see.
struct StudyKey {
  std::string id;  ///< of the study
  std::vector<std::string> methods;
  std::vector<std::string> prompt_ids;  ///< in the order of Study::prompts
  std::map<std::string, VideoOrigin> videos;
  std::map<int64_t, int64_t> checks;  ///< task to the answer that its instruction asks for
};

/// Names within a study's folder. `kStudyPage` alone is for raters.
inline constexpr const char* kStudyFile = "study.json";
inline constexpr const char* kStudyKeyFile = "key.json";
inline constexpr const char* kStudyPage = "page";
inline constexpr const char* kStudyVideos = "videos";  ///< in the page's folder
inline constexpr const char* kStudyRatings = "ratings.jsonl";

nlohmann::json to_json(const Study& study);
nlohmann::json to_json(const StudyKey& key);

/// Of a folder that `study make` wrote. Throw InputError with the place of what is wrong.
Study read_study(const std::string& folder);
StudyKey read_study_key(const std::string& folder, const Study& study);

}  // namespace vidattn

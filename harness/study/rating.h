#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/io/json_reader.h"
#include "harness/study/study.h"

namespace vidattn {

/// A rater is "NUMBER-DIGITS": the number chooses the plan, the 12 hexadecimal digits are drawn at
/// random and keep raters apart. Throws InputError for another text, and numbers beyond 999999.
int64_t rater_number(const std::string& rater);
std::string new_rater(int64_t number);

/// What a rater said of a task: an answer to each question, or none where a video did not play.
struct Rating {
  std::string rater;
  int64_t task = 0;
  std::vector<int64_t> answers;
  double seconds = 0;  ///< that the task was on the screen

  bool operator==(const Rating&) const = default;
};

nlohmann::json to_json(const Rating& rating);

/// A rating as the page sends it and as it is kept: rater, task, answers, and if it likes seconds
/// and at (when it was kept). Throws InputError for other keys and for values of another kind, null
/// among them, and unless the task is of the rater's plan and the answers are as the study asks.
Rating read_rating(const JsonReader& reader, const Study& study);

}  // namespace vidattn

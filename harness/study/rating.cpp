#include "harness/study/rating.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/study/random_name.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr size_t kRaterDigits = 12, kMostNumberDigits = 6;
constexpr double kMostSeconds = 1e7;  // a page left open for a third of a year

}  // namespace

int64_t rater_number(const std::string& rater) {
  const size_t dash = rater.find('-');
  const bool right = dash != std::string::npos && dash >= 1 && dash <= kMostNumberDigits &&
                     rater.find_first_not_of("0123456789") == dash &&
                     rater.size() == dash + 1 + kRaterDigits &&
                     rater.find_first_not_of("0123456789abcdef", dash + 1) == std::string::npos;
  if (!right) throw InputError(fmt::format("{} is no rater", in_quotes(rater)));
  return std::stoll(rater.substr(0, dash));
}

std::string new_rater(int64_t number) {
  return fmt::format("{}-{}", number, random_name(kRaterDigits));
}

json to_json(const Rating& rating) {
  return {{"rater", rating.rater},
          {"task", rating.task},
          {"answers", rating.answers},
          {"seconds", rating.seconds}};
}

Rating read_rating(const JsonReader& reader, const Study& study) {
  Rating rating;
  reader.object_of({"rater", "task", "answers", "seconds", "at"});
  reader.read("rater", rating.rater);
  const int64_t number = reader.at("rater").placed([&] { return rater_number(rating.rater); });
  reader.read("task", rating.task);
  const std::vector<int64_t>& plan = study.plan_of(number);
  if (std::find(plan.begin(), plan.end(), rating.task) == plan.end())
    reader.at("task").expected("a task of the rater's plan");
  const AnswerRange range = answer_range(study.kind);
  const JsonReader answers = reader.at("answers");
  if (answers.is_null()) answers.expected("a list");
  for (const JsonReader& answer : answers.items())
    rating.answers.push_back(answer.integer(range.least, range.most));
  const size_t questions = study_questions(study.kind).size();
  if (!rating.answers.empty() && rating.answers.size() != questions)
    reader.at("answers").expected(fmt::format("{} answers", questions));
  if (reader.value().contains("seconds"))
    rating.seconds = reader.at("seconds").number(0, kMostSeconds);
  if (reader.value().contains("at")) reader.at("at").text();
  return rating;
}

}  // namespace vidattn

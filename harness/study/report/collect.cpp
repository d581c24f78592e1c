#include "harness/study/report/collect.h"

#include <filesystem>

#include "attention/error.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class Collector {
 public:
  Collector(const Study& study, const StudyKey& key) : study_(study), key_(key) {}

  void take_journal(const std::string& path) {
    read_whole_json_lines(path, [this](const JsonReader& line) { take_line(line); });
  }

  /// What the page saves: {"study", "rater", "ratings"}.
  void take_file(const std::string& path) {
    const json value = read_json(path);
    const JsonReader reader(value, in_quotes(path));
    reader.object_of({"study", "rater", "ratings"});
    if (reader.at("study").text() != study_.id) reader.at("study").refuse("is of another study");
    const std::string rater = reader.at("rater").text();
    for (const JsonReader& item : reader.at("ratings").items()) {
      const Rating rating = read_rating(item, study_);
      if (rating.rater != rater) item.at("rater").refuse("is not the file's rater");
      add(rating);
    }
  }

  CollectedRatings take() {
    for (auto& [name, rater] : raters_) {
      count_checks(rater);
      result_.raters.push_back(std::move(rater));
    }
    return std::move(result_);
  }

 private:
  void take_line(const JsonReader& line) {
    if (!line.maybe("joined").is_null())
      ++result_.joined;
    else
      add(read_rating(line, study_));
  }

  void add(const Rating& rating) {
    RaterRatings& rater = raters_[rating.rater];
    rater.rater = rating.rater;
    const auto [place, is_new] = rater.ratings.emplace(rating.task, rating);
    result_.conflicts += !is_new && place->second.answers != rating.answers;
  }

  /// A check whose video did not play is none.
  void count_checks(RaterRatings& rater) const {
    for (const auto& [task, rating] : rater.ratings) {
      const auto check = key_.checks.find(task);
      if (check == key_.checks.end() || rating.answers.empty()) continue;
      ++rater.checks;
      rater.failed += rating.answers != std::vector<int64_t>(rating.answers.size(), check->second);
    }
  }

  const Study& study_;
  const StudyKey& key_;
  std::map<std::string, RaterRatings> raters_;
  CollectedRatings result_;
};

}  // namespace

CollectedRatings collect_ratings(const std::string& folder, const Study& study, const StudyKey& key,
                                 const std::vector<std::string>& files) {
  Collector collector(study, key);
  const std::string journal = fs::path(folder) / kStudyRatings;
  const bool served = fs::exists(journal);
  if (served) collector.take_journal(journal);
  for (const std::string& file : files) collector.take_file(file);
  CollectedRatings all = collector.take();
  if (all.raters.empty())
    throw InputError(in_quotes(folder) + " has no rating yet" +
                     (served ? "" : "; --ratings names files that raters saved"));
  return all;
}

}  // namespace vidattn

#include "harness/study/serve/desk.h"

#include <algorithm>

#include "attention/error.h"
#include "harness/host/clock.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

DeskReply refusal(int status, const std::string& why) { return {status, {{"error", why}}}; }

}  // namespace

Desk::Desk(const Study& study, const std::string& ratings)
    : study_(study), journal_(ratings, [this](const JsonReader& line) { take_line(line); }) {}

void Desk::take_line(const JsonReader& line) {
  if (!line.maybe("joined").is_null()) {
    const std::string rater = line.at("rater").text();
    const int64_t number = line.placed([&] { return rater_number(rater); });
    raters_.insert(rater);
    next_number_ = std::max(next_number_, number + 1);
    return;
  }
  const Rating rating = read_rating(line, study_);
  answers_.emplace(std::pair(rating.rater, rating.task), rating.answers);
}

DeskReply Desk::join() {
  const std::lock_guard lock(mutex_);
  if (raters_.size() >= kMostRaters) return refusal(503, "the study is full");
  try {
    const std::string rater = new_rater(next_number_);
    journal_.append({{"rater", rater}, {"joined", utc_now()}});
    raters_.insert(rater);
    ++next_number_;
    return {200, {{"rater", rater}}};
  } catch (const InputError& error) {
    return refusal(503, error.what());
  }
}

DeskReply Desk::done(const std::string& rater) {
  const std::lock_guard lock(mutex_);
  if (!raters_.contains(rater)) return refusal(404, "no such rater");
  json tasks = json::array();
  for (auto it = answers_.lower_bound({rater, 0}); it != answers_.end() && it->first.first == rater;
       ++it)
    tasks.push_back(it->first.second);
  return {200, {{"done", std::move(tasks)}}};
}

DeskReply Desk::rate(const std::string& body) {
  try {
    const json value = parse_json(body);
    return keep(read_rating(JsonReader(value, "rating"), study_));
  } catch (const InputError& error) {
    return refusal(400, error.what());
  }
}

DeskReply Desk::keep(const Rating& rating) {
  const std::lock_guard lock(mutex_);
  if (!raters_.contains(rating.rater)) return refusal(404, "no such rater");
  const std::pair key(rating.rater, rating.task);
  if (const auto known = answers_.find(key); known != answers_.end())
    return known->second == rating.answers
               ? DeskReply{200, {{"kept", true}}}
               : refusal(409, "the task has another rating already, which stands");
  try {
    json line = to_json(rating);
    line["at"] = utc_now();
    journal_.append(line);
  } catch (const InputError& error) {
    return refusal(503, error.what());
  }
  answers_.emplace(key, rating.answers);
  return {200, {{"kept", true}}};
}

}  // namespace vidattn

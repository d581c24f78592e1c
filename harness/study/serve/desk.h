#pragma once

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "harness/study/rating.h"
#include "harness/study/serve/journal.h"

namespace vidattn {

/// What the desk answers, as HTTP has it: 200, 400 for what makes no sense, 404 for a rater whom it
/// does not know, 409 for another rating of a task that is rated, 503 for what could not be kept.
struct DeskReply {
  int status = 200;
  nlohmann::json body;
};

/// Where raters sign in and hand in what they rated; safe to use from several threads. Whatever is
/// answered with 200 is on the disk. Everything that comes in is someone else's text.
class Desk {
 public:
  /// Takes up a study where its ratings.jsonl ends. Throws InputError as Journal does, and for
  /// lines that are no raters and ratings of this study.
  Desk(const Study& study, const std::string& ratings);

  /// A new rater, with the next number: {"rater": …}.
  DeskReply join();
  /// What a rater rated so far: {"done": [tasks]}.
  DeskReply done(const std::string& rater);
  /// Keeps a rating, the JSON text of to_json(Rating). The first of a task stands: the same again
  /// is answered with 200 and not kept twice, another one with 409.
  DeskReply rate(const std::string& body);

 private:
  void take_line(const JsonReader& line);
  DeskReply keep(const Rating& rating);

  static constexpr size_t kMostRaters = 100'000;

  const Study& study_;
  std::mutex mutex_;
  std::set<std::string> raters_;
  int64_t next_number_ = 0;
  std::map<std::pair<std::string, int64_t>, std::vector<int64_t>> answers_;  ///< by rater and task
  Journal journal_;  ///< after what its lines fill
};

}  // namespace vidattn

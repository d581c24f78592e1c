#include "harness/report/aggregates/rank_times.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/counted.h"

namespace vidattn {
namespace {

using nlohmann::json;

json row_of_rank(const JsonReader& rank) {
  const auto milliseconds = [&](const char* key) { return 1e3 * rank.at(key).number(0); };
  const JsonReader communication = rank.at("communication"), hidden = rank.maybe("hidden_share"),
                   memory = rank.maybe("peak_bytes");
  return {{"planning", milliseconds("planning_seconds")},
          {"exchange", 1e3 * communication.at("seconds").number(0)},
          {"attention", milliseconds("attention_seconds")},
          {"waiting", milliseconds("waiting_seconds")},
          {"total", milliseconds("total_seconds")},
          {"sent", 1e-6 * communication.at("sent_bytes").number(0)},
          {"bandwidth", 1e-9 * communication.at("bytes_per_second").number(0)},
          {"hidden", hidden.is_null() ? json() : json(100 * hidden.number(0, 1))},
          {"memory", memory.is_null() ? json() : json(1e-6 * memory.number(0))}};
}

/// The slowest rank's attention over the mean: what the others wait for.
double unevenness(const json& rows) {
  double most = 0, sum = 0;
  for (const json& row : rows) {
    most = std::max(most, row["attention"].get<double>());
    sum += row["attention"].get<double>();
  }
  return sum > 0 ? most * static_cast<double>(rows.size()) / sum : 1;
}

std::string facts_of(const JsonReader& shared, const JsonReader& test, const json& rows) {
  std::string text =
      fmt::format("{} over {} of {}", shared.at("layout").line(), counted(std::ssize(rows), "rank"),
                  counted(shared.at("threads_per_rank").integer(1), "thread"));
  if (!shared.at("pinned_apart").boolean()) text += ", not pinned apart";
  text += fmt::format(". Attention of the slowest rank is {:.3g} times the mean", unevenness(rows));
  const JsonReader one = test.maybe("one_process_seconds");
  if (one.is_null()) return text + ". Each rank's results agree with the reference.";
  text += fmt::format(
      "; all that is timed takes {:.3g} ms, one process on the same cores {:.3g} "
      "ms: parallel efficiency {:.3g}",
      1e3 * test.at("total_seconds").number(0), 1e3 * one.number(0),
      test.at("parallel_efficiency").number(0));
  const double error = test.at("relative_l2").number(0);
  if (test.at("same_bits").boolean()) return text + ". The output has the bits of one process.";
  return text +
         fmt::format(". The output is {:.2g} from one process's (relative L2, at most {:.2g}).",
                     error, test.at("relative_l2_limit").number(0));
}

}  // namespace

void add_rank_times(const std::string& run, json& data) {
  if (!run.ends_with(".json")) return;
  const json value = read_json(run);
  const JsonReader file(value, in_quotes(run));
  const JsonReader shared = file.maybe("distributed");
  if (shared.is_null()) return;
  for (const JsonReader& test : file.at("cases").items())
    for (const auto& [key, pass] : {std::pair{"ranks", ""}, {"backward_ranks", ", backward"}}) {
      json rows = json::array();
      for (const JsonReader& rank : test.maybe(key).items()) rows.push_back(row_of_rank(rank));
      if (rows.empty()) continue;
      const std::string name = fmt::format("{} on {} ({}){}", test.at("backend").line(),
                                           test.at("device").line(), test.at("dtype").line(), pass);
      const std::string facts = facts_of(shared, test, rows);
      data["ranks"].push_back({{"case", name}, {"facts", facts}, {"rows", std::move(rows)}});
    }
}

}  // namespace vidattn

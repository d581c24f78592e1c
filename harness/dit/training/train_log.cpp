#include "harness/dit/training/train_log.h"

#include <fmt/format.h>

#include <fstream>

#include "attention/error.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

using nlohmann::json;

std::vector<json> lines_before(const std::filesystem::path& path, int64_t next) {
  std::vector<json> lines;
  if (next == 0) return lines;
  read_json_lines(path, [&](const JsonReader& line) {
    if (line.at("step").integer(0) < next) lines.push_back(line.value());
  });
  return lines;
}

}  // namespace

json to_json(const TrainedStep& step) {
  json line{{"step", step.step},
            {"loss", number_or_null(step.report.loss)},
            {"gradient_norm", number_or_null(step.report.gradient_norm)},
            {"rate", step.rate},
            {"seconds", step.seconds},
            {"data_seconds", step.data_seconds},
            {"attention_share", step.attention_share},
            {"density", step.density}};
  for (const RouterReport& router : step.routers) {
    line["balance_eq8"].push_back(router.assigned);
    line["balance_switch"].push_back(router.switched);
    line["balance_one_hot"].push_back(router.one_hot);
    line["largest_over_mean"].push_back(router.largest);
  }
  return line;
}

TrainLog::TrainLog(std::filesystem::path path, int64_t next)
    : path_(std::move(path)), lines_(lines_before(path_, next)) {
  std::string text;
  for (const json& line : lines_) text += line.dump() + "\n";
  write_text(path_, text);
}

void TrainLog::add(const TrainedStep& step) {
  lines_.push_back(to_json(step));
  std::ofstream file(path_, std::ios::app);
  file << lines_.back().dump() << "\n";
  file.flush();
  if (!file) throw InputError(fmt::format("{} cannot be written", in_quotes(path_.string())));
}

}  // namespace vidattn

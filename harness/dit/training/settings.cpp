#include "harness/dit/training/settings.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {
namespace {

/// A number as a checkpoint has it.
double number_in(const std::string& text, double least, double most) {
  const nlohmann::json value = parse_json(text);
  return JsonReader(value).number(least, most);
}
int64_t whole_in(const std::string& text, int64_t least, int64_t most) {
  const nlohmann::json value = parse_json(text);
  return JsonReader(value).integer(least, most);
}
uint64_t natural_in(const std::string& text) {
  const nlohmann::json value = parse_json(text);
  return JsonReader(value).natural();
}

constexpr int64_t kMostSteps = 1'000'000'000;

/// A setting as text, and back from a checkpoint, which may be anybody's: within the option's
/// range.
struct TrainSetting {
  const char* option;
  std::string (*text)(const TrainRequest& request);
  void (*take)(TrainRequest& request, const std::string& text);
};

constexpr TrainSetting kTrainSettings[] = {
    {"--model", [](const TrainRequest& r) { return r.config.size; }, nullptr},
    {"--text", [](const TrainRequest& r) { return to_string(r.config.text); }, nullptr},
    {"--frames", [](const TrainRequest& r) { return std::to_string(r.config.frames); }, nullptr},
    {"--grid",
     [](const TrainRequest& r) {
       return fmt::format("{},{},{}", r.config.frames, r.config.height, r.config.width);
     },
     nullptr},
    {"--backend", [](const TrainRequest& r) { return parse_backend(r.backend).text(); },
     [](TrainRequest& r, const std::string& text) { r.backend = text; }},
    {"--device", [](const TrainRequest& r) { return r.device; },
     [](TrainRequest& r, const std::string& text) { r.device = text; }},
    {"--dtype", [](const TrainRequest& r) { return r.dtype; },
     [](TrainRequest& r, const std::string& text) { r.dtype = text; }},
    {"--alpha", [](const TrainRequest& r) { return fmt::format("{}", r.alpha); },
     [](TrainRequest& r, const std::string& text) { r.alpha = number_in(text, 0, 1e6); }},
    {"--balance", [](const TrainRequest& r) { return to_string(r.form); },
     [](TrainRequest& r, const std::string& text) { r.form = parse_balance_form(text); }},
    {"--minutes", [](const TrainRequest& r) { return fmt::format("{}", r.minutes); },
     [](TrainRequest& r, const std::string& text) { r.minutes = number_in(text, 0, 1e6); }},
    {"--steps", [](const TrainRequest& r) { return std::to_string(r.steps); },
     [](TrainRequest& r, const std::string& text) { r.steps = whole_in(text, 0, kMostSteps); }},
    {"--clips", [](const TrainRequest& r) { return std::to_string(r.clips); },
     [](TrainRequest& r, const std::string& text) { r.clips = whole_in(text, 4, 4096); }},
    {"--rate", [](const TrainRequest& r) { return fmt::format("{}", r.rate); },
     [](TrainRequest& r, const std::string& text) {
       r.rate = number_in(text, kLeastRate, kMostRate);
     }},
    {"--seed", [](const TrainRequest& r) { return std::to_string(r.seed); },
     [](TrainRequest& r, const std::string& text) { r.seed = natural_in(text); }},
    {"--dense", [](const TrainRequest& r) { return std::string(r.dense ? "yes" : "no"); },
     [](TrainRequest& r, const std::string& text) { r.dense = text == "yes"; }},
};

/// Facts of a checkpoint whose names are not the options' without their dashes.
std::string fact_of(const TrainSetting& setting) {
  const std::string name = std::string(setting.option).substr(2);
  return name == "steps" ? "asked_steps" : name;
}

/// Where a message says that something stands.
JsonReader place_of(const std::string& fact) {
  static const nlohmann::json nothing;
  return JsonReader(nothing, "the checkpoint's " + fact);
}

[[noreturn]] void refuse_other(const TrainSetting& setting, const std::string& asked,
                               const std::string& kept) {
  throw InputError(fmt::format("--resume: the training has {} {}, not {}: leave it out",
                               setting.option, in_quotes(kept), in_quotes(asked)));
}

}  // namespace

std::map<std::string, std::string> settings_of(const TrainRequest& request) {
  std::map<std::string, std::string> texts;
  for (const TrainSetting& setting : kTrainSettings)
    texts[fact_of(setting)] = setting.text(request);
  return texts;
}

void take_settings(const DitCheckpoint& checkpoint, TrainRequest& request) {
  TrainRequest kept = request;
  kept.config = checkpoint.config;
  for (const TrainSetting& setting : kTrainSettings) {
    const auto fact = checkpoint.facts.find(fact_of(setting));
    if (fact != checkpoint.facts.end() && setting.take != nullptr)
      place_of(setting.option).placed([&] { setting.take(kept, fact->second); });
    const bool named = request.named.contains(setting.option);
    if (named && setting.text(kept) != setting.text(request))
      refuse_other(setting, setting.text(request), setting.text(kept));
  }
  request = std::move(kept);
}

int64_t steps_in(const DitCheckpoint& checkpoint, const std::string& fact, int64_t otherwise) {
  const auto found = checkpoint.facts.find(fact);
  if (found == checkpoint.facts.end()) return otherwise;
  return place_of(fact).placed([&] { return whole_in(found->second, 0, kMostSteps); });
}

}  // namespace vidattn

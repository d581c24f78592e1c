#include "harness/dit/dit_spec.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

constexpr std::string_view kDitName = "dit";
constexpr int64_t kMostDitLayer = 1000;

[[noreturn]] void refuse_spec(const std::string& spec, const std::string& why) {
  throw InputError(fmt::format("workload {}: {}", in_quotes(spec), why));
}

void set_number(const std::string& spec, std::string_view setting, DitSpec& parsed) {
  const size_t equals = std::min(setting.find('='), setting.size());
  const std::string_view key = setting.substr(0, equals);
  if (key != "layer" && key != "step")
    refuse_spec(spec, "after @ stand layer=NUMBER and step=NUMBER, with a comma between");
  const int64_t most = key == "step" ? kDitSteps - 1 : kMostDitLayer;
  const std::string_view text = setting.substr(std::min(equals + 1, setting.size()));
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > most)
    refuse_spec(spec, fmt::format("{} must be a whole number from 0 to {}", key, most));
  (key == "step" ? parsed.step : parsed.layer) = number;
}

}  // namespace

DitSpec parse_dit_spec(const std::string& spec) {
  std::string_view text = spec;
  if (!text.starts_with(kDitName))
    refuse_spec(spec, "it is not dit[:CHECKPOINT][@layer=3,step=12]");
  text.remove_prefix(kDitName.size());
  DitSpec parsed;
  // A file's name may have an @, too.
  const size_t at = text.rfind('@');
  std::string_view settings;
  if (at != text.npos && text.find('=', at) != text.npos) {
    settings = text.substr(at + 1);
    text = text.substr(0, at);
  }
  if (text == ":") refuse_spec(spec, "the checkpoint's name is missing");
  if (!text.empty() && text.front() != ':')
    refuse_spec(spec, "it is not dit[:CHECKPOINT][@layer=3,step=12]");
  if (!text.empty()) parsed.checkpoint = text.substr(1);
  for (const std::string_view key : {"layer=", "step="})
    if (settings.find(key) != settings.rfind(key))
      refuse_spec(spec, fmt::format("{} stands there twice", key.substr(0, key.size() - 1)));
  while (!settings.empty()) {
    const size_t comma = std::min(settings.find(','), settings.size());
    set_number(spec, settings.substr(0, comma), parsed);
    settings.remove_prefix(std::min(comma + 1, settings.size()));
  }
  return parsed;
}

}  // namespace vidattn

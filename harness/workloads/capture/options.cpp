#include "harness/workloads/capture/options.h"

#include <fmt/format.h>

#include <charconv>

#include "attention/error.h"
#include "harness/io/json_reader.h"

namespace vidattn {
namespace {

template <class T>
struct Field {
  const char *option, *key;
  T CaptureOptions::*member;
};

constexpr Field<int64_t> kNumbers[] = {
    {"--heads", "heads", &CaptureOptions::heads},
    {"--prefix", "prefix", &CaptureOptions::prefix},
    {"--valid", "valid", &CaptureOptions::valid},
    {"--batch-entry", "batch_entry", &CaptureOptions::batch_entry},
    {"--layer", "layer", &CaptureOptions::layer},
    {"--step", "step", &CaptureOptions::step}};
constexpr Field<std::string> kTexts[] = {
    {"--attention", "attention", &CaptureOptions::attention},
    {"--layout", "layout", &CaptureOptions::layout},
    {"--head-range", "head_range", &CaptureOptions::head_range}};

bool take_number(std::string_view& text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

}  // namespace

std::vector<std::string> capture_arguments(const CaptureOptions& options) {
  std::vector<std::string> words;
  for (const auto& field : kTexts)
    if (!(options.*field.member).empty())
      words.insert(words.end(), {field.option, options.*field.member});
  for (const auto& field : kNumbers)
    if (options.*field.member >= 0)
      words.insert(words.end(), {field.option, std::to_string(options.*field.member)});
  return words;
}

nlohmann::json capture_json(const CaptureOptions& options) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& field : kTexts)
    if (!(options.*field.member).empty()) object[field.key] = options.*field.member;
  for (const auto& field : kNumbers)
    if (options.*field.member >= 0) object[field.key] = options.*field.member;
  return object;
}

CaptureOptions read_capture_options(const JsonReader& object) {
  CaptureOptions options;
  for (const auto& field : kTexts) object.read_if(field.key, options.*field.member);
  for (const auto& field : kNumbers)
    if (const JsonReader value = object.maybe(field.key); !value.is_null())
      options.*field.member = value.integer(0);
  return options;
}

std::optional<HeadRange> find_head_range(std::string_view text) {
  HeadRange range{};
  bool well = take_number(text, range.first);
  range.last = range.first;
  if (well && text.starts_with('-')) {
    text.remove_prefix(1);
    well = take_number(text, range.last);
  }
  return well && text.empty() && range.last >= range.first ? std::optional(range) : std::nullopt;
}

HeadRange parse_head_range(const std::string& text, const std::string& what) {
  const auto range = find_head_range(text);
  if (!range)
    throw InputError(
        fmt::format("{} '{}' is no range of heads: expected FIRST-LAST, as 0-3", what, text));
  return *range;
}

}  // namespace vidattn

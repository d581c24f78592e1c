#include "harness/io/json_file.h"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <vector>

#include "attention/error.h"

namespace vidattn {
namespace {

using nlohmann::json;

constexpr uint64_t kMostBytes = uint64_t{512} << 20;

/// Looks at a text while it is parsed, so that nothing is built of what will be refused.
class Watch {
 public:
  void operator()(int depth, json::parse_event_t event, const json& parsed) {
    using Event = json::parse_event_t;
    constexpr int kDeepest = 64;
    if ((event == Event::object_start || event == Event::array_start) && depth >= kDeepest)
      throw InputError(fmt::format("nested deeper than {} levels", kDeepest));
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event != Event::key) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!keys_.back().insert(key).second)
      throw InputError("the key " + in_quotes(key) + " stands twice in one object");
  }

 private:
  std::vector<std::set<std::string>> keys_;  ///< of the objects that are open
};

/// The parser's words without its own error number: "[json.exception.parse_error.101] parse …".
std::string words_of(const json::exception& error) {
  const std::string_view text = error.what();
  const size_t end = text.find("] ");
  return in_quotes(end == std::string_view::npos ? text : text.substr(end + 2));
}

std::string text_of(const InputFile& file) {
  if (file.size() > kMostBytes)
    throw InputError(fmt::format("{} is too large for JSON: {} bytes, at most {}", file.name(),
                                 file.size(), kMostBytes));
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  return text;
}

/// Does `work`; an InputError that it throws gets `place` in front.
template <class Work>
auto placed(const std::string& place, Work work) {
  try {
    return work();
  } catch (const InputError& error) {
    throw InputError(place + ": " + error.what());
  }
}

/// Gives the JSON of every line that is not blank to `take`.
void take_lines(const InputFile& file, std::string_view text,
                const std::function<void(const JsonReader&)>& take) {
  int64_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string place = fmt::format("{} line {}", file.name(), ++number);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const json value = placed(place, [&] { return parse_json(line); });
    take(JsonReader(value, place));
  }
}

}  // namespace

void write_json(const std::string& path, const json& value) {
  // File names on Linux are bytes; what is not UTF-8 is replaced rather than refused.
  write_text(path, value.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

std::string json_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json parse_json(std::string_view text) {
  if (text.size() > kMostBytes) throw InputError("too large for JSON");
  Watch watch;
  try {
    return json::parse(text, [&](int depth, json::parse_event_t event, json& parsed) {
      watch(depth, event, parsed);
      return true;
    });
  } catch (const json::exception& error) {
    throw InputError("not valid JSON: " + words_of(error));
  }
}

json read_json(const std::string& path) {
  const InputFile file(path);
  const std::string text = text_of(file);
  return placed(file.name(), [&] { return parse_json(text); });
}

void read_json_lines(const std::string& path, const std::function<void(const JsonReader&)>& take) {
  const InputFile file(path);
  take_lines(file, text_of(file), take);
}

int64_t read_whole_json_lines(const std::string& path,
                              const std::function<void(const JsonReader&)>& take) {
  const InputFile file(path);
  const std::string text = text_of(file);
  const std::string_view whole = std::string_view(text).substr(0, text.rfind('\n') + 1);
  take_lines(file, whole, take);
  return static_cast<int64_t>(whole.size());
}

json number_or_null(double value) { return std::isfinite(value) ? json(value) : json(); }

json known_or_null(int64_t number) { return number < 0 ? json() : json(number); }

}  // namespace vidattn

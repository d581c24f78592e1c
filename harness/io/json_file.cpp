#include "harness/io/json_file.h"

#include <cmath>
#include <set>
#include <vector>

#include "attention/error.h"

namespace vidattn {

void write_json(const std::string& path, const nlohmann::json& json) {
  // File names on Linux are bytes; what is not UTF-8 is replaced rather than refused.
  write_text(path, json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

nlohmann::json parse_json(const std::string& text) {
  std::vector<std::set<std::string>> open_objects;
  return nlohmann::json::parse(text, [&](int, nlohmann::json::parse_event_t event,
                                         nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) open_objects.pop_back();
    if (event == nlohmann::json::parse_event_t::key && !open_objects.back().insert(parsed).second)
      throw InputError("the key " + in_quotes(parsed.get<std::string>()) +
                       " stands twice in one object");
    return true;
  });
}

nlohmann::json read_json(const std::string& path) {
  constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
  const InputFile file(path);
  if (file.size() > kMaxBytes) throw InputError(file.name() + " is too large for a JSON file");
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  try {
    return parse_json(text);
  } catch (const InputError& error) {
    throw InputError(file.name() + ": " + error.what());
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError(file.name() + " is no JSON: error at byte " + std::to_string(error.byte));
  }
}

nlohmann::json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

double number_or_nan(const nlohmann::json& value) {
  return value.is_null() ? NAN : value.get<double>();
}

std::string json_fault(const nlohmann::json::exception& error) {
  const std::string_view text = error.what();  // "[json.exception.out_of_range.403] key 'cases' …"
  const size_t end = text.find("] ");
  return in_quotes(end == std::string_view::npos ? text : text.substr(end + 2));
}

}  // namespace vidattn

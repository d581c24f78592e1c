#include "harness/io/json_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

using nlohmann::json;

const std::set<std::string> kKeywords = {
    "type",     "enum",      "required", "properties", "additionalProperties", "items",
    "minItems", "maxItems",  "minimum",  "maximum",    "exclusiveMinimum",     "anyOf",
    "$ref",     "minLength", "title",    "$schema",    "description",          "$defs"};

[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw InputError((place.empty() ? "the document" : place) + ": " + what);
}

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  throw std::logic_error("schema type " + type);
}

std::string shown(const json& value) {
  return in_quotes(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

class Checker {
 public:
  explicit Checker(const json& root) : root_(root) {}

  void check(const json& value, const json& schema, const std::string& place) const {
    for (const auto& [keyword, unused] : schema.items())
      if (kKeywords.count(keyword) == 0) throw std::logic_error("schema keyword " + keyword);
    if (schema.contains("$ref")) return check(value, resolve(schema["$ref"]), place);
    if (schema.contains("anyOf")) return check_any(value, schema["anyOf"], place);
    if (schema.contains("type") && !has_type(value, schema["type"]))
      refuse(place,
             fmt::format("{} is not of type {}", shown(value), schema["type"].get<std::string>()));
    if (schema.contains("enum")) check_enum(value, schema["enum"], place);
    if (value.is_object()) check_object(value, schema, place);
    if (value.is_array()) check_array(value, schema, place);
    if (value.is_number()) check_number(value.get<double>(), schema, place);
    if (value.is_string() && value.get<std::string>().size() < schema.value("minLength", size_t{0}))
      refuse(place, "must not be empty");
  }

 private:
  const json& resolve(const std::string& reference) const {
    return root_.at(json::json_pointer(reference.substr(1)));  // "#/…"
  }

  /// The message is that of the alternative which has the value's type, for that was meant.
  void check_any(const json& value, const json& alternatives, const std::string& place) const {
    std::string message;
    for (const json& alternative : alternatives) {
      try {
        return check(value, alternative, place);
      } catch (const InputError& error) {
        const bool meant = alternative.contains("type") && has_type(value, alternative["type"]);
        if (message.empty() || meant) message = error.what();
      }
    }
    throw InputError(message);
  }

  static void check_enum(const json& value, const json& choices, const std::string& place) {
    std::vector<std::string> known;
    for (const json& choice : choices) {
      if (choice == value) return;
      known.push_back(choice.get<std::string>());
    }
    refuse(place, fmt::format("{} is not one of {}", shown(value), fmt::join(known, ", ")));
  }

  void check_object(const json& value, const json& schema, const std::string& place) const {
    for (const json& name : schema.value("required", json::array()))
      if (!value.contains(name))
        refuse(place, fmt::format("'{}' is missing", name.get<std::string>()));
    const json properties = schema.value("properties", json::object());
    const json others = schema.value("additionalProperties", json(true));
    for (const auto& [name, item] : value.items()) {
      const std::string inside = place.empty() ? name : place + "." + name;
      if (properties.contains(name))
        check(item, properties[name], inside);
      else if (others.is_object())
        check(item, others, inside);
      else if (others == json(false))
        refuse_key(place, name, properties);
    }
  }

  [[noreturn]] static void refuse_key(const std::string& place, const std::string& key,
                                      const json& properties) {
    std::vector<std::string> known;
    for (const auto& [name, unused] : properties.items()) known.push_back(name);
    refuse(place, fmt::format("unknown key {}; known are {}{}", in_quotes(key),
                              fmt::join(known, ", "), did_you_mean(key, known)));
  }

  void check_array(const json& value, const json& schema, const std::string& place) const {
    const size_t least = schema.value("minItems", size_t{0});
    const size_t most = schema.value("maxItems", value.size());
    if (value.size() < least || value.size() > most)
      refuse(place, fmt::format("has {} items, {} needed", value.size(),
                                value.size() < least ? fmt::format("at least {}", least)
                                                     : fmt::format("at most {}", most)));
    if (schema.contains("items"))
      for (size_t i = 0; i < value.size(); ++i)
        check(value[i], schema["items"], fmt::format("{}[{}]", place, i));
  }

  static void check_number(double value, const json& schema, const std::string& place) {
    if (schema.contains("minimum") && value < schema["minimum"].get<double>())
      refuse(place, fmt::format("{} is below {}", value, schema["minimum"].get<double>()));
    if (schema.contains("maximum") && value > schema["maximum"].get<double>())
      refuse(place, fmt::format("{} is above {}", value, schema["maximum"].get<double>()));
    if (schema.contains("exclusiveMinimum") && value <= schema["exclusiveMinimum"].get<double>())
      refuse(place,
             fmt::format("{} is not above {}", value, schema["exclusiveMinimum"].get<double>()));
  }

  const json& root_;
};

}  // namespace

void check_schema(const json& value, const json& schema) {
  Checker(schema).check(value, schema, "");
}

}  // namespace vidattn

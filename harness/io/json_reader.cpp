#include "harness/io/json_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "attention/nearest.h"
#include "harness/io/file.h"
#include "harness/io/one_line.h"

namespace vidattn {
namespace {

using nlohmann::json;

const json kNull;

/// What stands there, short enough for a message.
std::string found(const json& value) {
  constexpr size_t kLongest = 60;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return in_quotes(text.size() > kLongest ? text.substr(0, kLongest) + "..." : text);
  }
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  return value.is_object() ? "an object" : value.dump();
}

bool is_plain(const std::string& key) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !key.empty() && key.find_first_not_of(kPlain) == std::string::npos;
}

std::optional<int64_t> whole_number(const json& value) {
  constexpr double kExact = 9007199254740992;  // 2^53: beyond, a double stands for several
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    const bool whole = std::abs(number) <= kExact && number == std::trunc(number);
    return whole ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
  }
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  return value.is_number_integer() ? std::optional(value.get<int64_t>()) : std::nullopt;
}

}  // namespace

void JsonReader::refuse(const std::string& what) const {
  throw InputError(place_.empty() ? what : place_ + ": " + what);
}

void JsonReader::expected(const std::string& what) const {
  refuse("expected " + what + ", found " + found(*value_));
}

JsonReader JsonReader::member(const std::string& key, const json& value) const {
  return {value, place_ + joint_ + (is_plain(key) ? key : in_quotes(key)), "."};
}

const JsonReader& JsonReader::object() const {
  if (!value_->is_object()) expected("an object");
  return *this;
}

const JsonReader& JsonReader::object_of(const std::vector<std::string>& known) const {
  for (const auto& [key, value] : object().value_->items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      refuse(fmt::format("unknown key {}; known are {}{}", in_quotes(key), fmt::join(known, ", "),
                         did_you_mean(key, known)));
  return *this;
}

JsonReader JsonReader::at(const std::string& key) const {
  const auto member_at = object().value_->find(key);
  if (member_at == value_->end()) refuse("'" + key + "' is missing");
  return member(key, *member_at);
}

JsonReader JsonReader::maybe(const std::string& key) const {
  if (is_null()) return member(key, kNull);
  const auto member_at = object().value_->find(key);
  return member(key, member_at == value_->end() ? kNull : *member_at);
}

std::vector<std::pair<std::string, JsonReader>> JsonReader::members() const {
  std::vector<std::pair<std::string, JsonReader>> all;
  if (is_null()) return all;
  for (const auto& [key, value] : object().value_->items())
    all.emplace_back(key, member(key, value));
  return all;
}

std::vector<JsonReader> JsonReader::items() const {
  std::vector<JsonReader> all;
  if (is_null()) return all;
  if (!value_->is_array()) expected("a list");
  const std::string joint = joint_[0] == ':' ? joint_ : "";
  for (size_t i = 0; i < value_->size(); ++i)
    all.push_back({(*value_)[i], fmt::format("{}{}[{}]", place_, joint, i), "."});
  return all;
}

int64_t JsonReader::integer(int64_t least, int64_t most) const {
  const auto whole = whole_number(*value_);
  if (whole && *whole >= least && *whole <= most) return *whole;
  const bool bounded = least != std::numeric_limits<int64_t>::min();
  expected(bounded ? fmt::format("a whole number from {} to {}", least, most) : "a whole number");
}

uint64_t JsonReader::natural() const {
  if (value_->is_number_unsigned()) return value_->get<uint64_t>();
  const auto whole = whole_number(*value_);
  if (!whole || *whole < 0) expected("a whole number from 0 to 2^64-1");
  return static_cast<uint64_t>(*whole);
}

double JsonReader::number(double least, double most) const {
  if (value_->is_number())
    if (const auto number = value_->get<double>(); number >= least && number <= most) return number;
  expected(least == std::numeric_limits<double>::lowest()
               ? "a number"
               : fmt::format("a number from {:g} to {:g}", least, most));
}

double JsonReader::number_or_nan() const {
  return is_null() ? std::numeric_limits<double>::quiet_NaN() : number();
}

bool JsonReader::boolean() const {
  if (!value_->is_boolean()) expected("true or false");
  return value_->get<bool>();
}

std::string JsonReader::raw_text() const {
  if (!value_->is_string()) expected("a text");
  return value_->get<std::string>();
}

std::string JsonReader::line() const { return one_line(raw_text()); }

std::string JsonReader::text() const {
  constexpr size_t kLongest = 1 << 16;
  std::string text = raw_text();
  if (!is_one_line(text)) expected("one line of text without control characters");
  if (text.size() > kLongest) refuse(fmt::format("longer than {} bytes", kLongest));
  return text;
}

}  // namespace vidattn

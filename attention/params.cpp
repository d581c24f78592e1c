#include "attention/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "attention/error.h"
#include "attention/nearest.h"

namespace vidattn {
namespace {

std::string number_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

double parse_number(const ParamSpec& spec, const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value))
    throw InputError("parameter " + spec.name + ": '" + text + "' is not a number");
  if (value < spec.min || value > spec.max)
    throw InputError("parameter " + spec.name + ": " + text + " is outside [" +
                     number_text(spec.min) + ", " + number_text(spec.max) + "]");
  return value;
}

int64_t parse_integer(const ParamSpec& spec, const std::string& text) {
  const double value = parse_number(spec, text);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value != std::floor(value) || std::abs(value) > kExact)
    throw InputError("parameter " + spec.name + ": '" + text + "' is not a whole number");
  return static_cast<int64_t>(value);
}

bool parse_bool(const ParamSpec& spec, const std::string& text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  throw InputError("parameter " + spec.name + ": '" + text + "' is neither true nor false");
}

std::string parse_choice(const ParamSpec& spec, const std::string& text) {
  if (spec.choices.empty() ||
      std::find(spec.choices.begin(), spec.choices.end(), text) != spec.choices.end())
    return text;
  throw InputError("parameter " + spec.name + ": unknown choice '" + text +
                   "': " + known_are(text, spec.choices));
}

std::vector<double> parse_list(const ParamSpec& spec, const std::string& text) {
  std::vector<double> values;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string element = text.substr(at, comma - at);
    values.push_back(spec.whole ? static_cast<double>(parse_integer(spec, element))
                                : parse_number(spec, element));
    at = comma + 1;
  }
  if (spec.length > 0 && values.size() != spec.length)
    throw InputError("parameter " + spec.name + ": '" + text + "' has " +
                     std::to_string(values.size()) + " numbers, it needs " +
                     std::to_string(spec.length));
  return values;
}

ParamValue parse(const ParamSpec& spec, const std::string& text) {
  switch (spec.value.index()) {
    case 0:
      return parse_bool(spec, text);
    case 1:
      return parse_integer(spec, text);
    case 2:
      return parse_number(spec, text);
    case 3:
      return parse_choice(spec, text);
    default:
      return parse_list(spec, text);
  }
}

}  // namespace

std::string type_name(const ParamValue& value) {
  constexpr const char* kNames[] = {"bool", "int", "real", "text", "list"};
  return kNames[value.index()];
}

std::string to_text(const ParamValue& value) {
  struct Visitor {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return number_text(v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const std::vector<double>& v) const {
      std::string text;
      for (double element : v) text += (text.empty() ? "" : ",") + number_text(element);
      return text;
    }
  };
  return std::visit(Visitor{}, value);
}

Params::Params(std::vector<ParamSpec> specs) : specs_(std::move(specs)) {
  for (const auto& spec : specs_) values_[spec.name] = spec.value;
}

void Params::set(const std::string& name, const std::string& text) {
  for (const auto& spec : specs_) {
    if (spec.name != name) continue;
    values_[name] = parse(spec, text);
    given_.insert(name);
    return;
  }
  std::vector<std::string> names;
  for (const auto& spec : specs_) names.push_back(spec.name);
  throw InputError("unknown parameter '" + name +
                   "': " + (names.empty() ? "this method has none" : known_are(name, names)));
}

const ParamValue& Params::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error("no parameter " + name);
  return found->second;
}

bool Params::given(const std::string& name) const { return given_.count(name) > 0; }

Params Params::view(const std::vector<ParamSpec>& specs) const {
  Params subset(specs);
  for (const auto& spec : specs) {
    subset.values_[spec.name] = value(spec.name);
    if (given(spec.name)) subset.given_.insert(spec.name);
  }
  return subset;
}

}  // namespace vidattn

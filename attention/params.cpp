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
  if (result.ec != std::errc() || result.ptr != end || std::isnan(value))
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
  std::string known;
  for (const auto& choice : spec.choices) known += (known.empty() ? "" : ", ") + choice;
  throw InputError("parameter " + spec.name + ": '" + text + "' is not one of " + known);
}

std::vector<double> parse_list(const ParamSpec& spec, const std::string& text) {
  std::vector<double> values;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    values.push_back(parse_number(spec, text.substr(at, comma - at)));
    at = comma + 1;
  }
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
    given_[name] = true;
    return;
  }
  std::string known;
  std::vector<std::string> names;
  for (const auto& spec : specs_) {
    known += (known.empty() ? "" : ", ") + spec.name;
    names.push_back(spec.name);
  }
  throw InputError("unknown parameter '" + name + "'" +
                   (known.empty() ? ": this method has none" : ": known are " + known) +
                   did_you_mean(name, names));
}

const ParamValue& Params::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error("no parameter " + name);
  return found->second;
}

bool Params::given(const std::string& name) const { return given_.count(name) > 0; }

std::vector<int64_t> Params::integers(const std::string& name) const {
  std::vector<int64_t> whole;
  for (double element : list(name)) {
    if (element != std::floor(element) || std::abs(element) > 1e15)
      throw InputError("parameter " + name + ": " + number_text(element) +
                       " is not a whole number");
    whole.push_back(static_cast<int64_t>(element));
  }
  return whole;
}

Params Params::view(const std::vector<ParamSpec>& specs) const {
  Params subset(specs);
  for (const auto& spec : specs) {
    subset.values_[spec.name] = value(spec.name);
    if (given(spec.name)) subset.given_[spec.name] = true;
  }
  return subset;
}

template <class T>
const T& Params::get(const std::string& name) const {
  if (const T* typed = std::get_if<T>(&value(name))) return *typed;
  throw std::logic_error("parameter " + name + " has another type");
}

template const bool& Params::get<bool>(const std::string&) const;
template const int64_t& Params::get<int64_t>(const std::string&) const;
template const double& Params::get<double>(const std::string&) const;
template const std::string& Params::get<std::string>(const std::string&) const;
template const std::vector<double>& Params::get<std::vector<double>>(const std::string&) const;

}  // namespace vidattn

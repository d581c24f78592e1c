#include "harness/measure/backend_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/workloads/mask_file.h"

namespace vidattn {

namespace {

/// The name, and the parameters of which `shown(spec)` holds.
template <class Shown>
std::string text_with(const BackendSpec& of, const Shown& shown) {
  std::string text = of.backend->name();
  char separator = ':';
  for (const ParamSpec& spec : of.params.specs()) {
    if (!shown(spec)) continue;
    text += separator + spec.name + "=" + to_text(of.params.value(spec.name));
    separator = ',';
  }
  return text;
}

void apply_preset(const Backend& backend, const std::string& name, Params& params) {
  std::vector<std::string> known;
  for (const Preset& preset : backend.info().presets) {
    known.push_back(preset.name);
    if (preset.name != name) continue;
    for (const auto& [key, value] : preset.settings) params.set(key, value);
    return;
  }
  throw InputError("unknown preset '" + name +
                   "': " + (known.empty() ? "this method has none" : known_are(name, known)));
}

}  // namespace

std::string BackendSpec::text() const {
  return text_with(*this, [&](const ParamSpec& spec) { return params.given(spec.name); });
}

std::string BackendSpec::essence() const {
  return text_with(*this,
                   [&](const ParamSpec& spec) { return params.value(spec.name) != spec.value; });
}

std::string BackendSpec::besides_density() const {
  // Which parameters they are does not hang on the call's size.
  const auto token = std::make_shared<Tensor>(1, 1, 1);
  std::set<std::string> knobs;
  for (const DensityKnob& knob : backend->knobs({.q = token, .k = token, .v = token}, params))
    knobs.insert(knob.param);
  return text_with(*this, [&](const ParamSpec& spec) {
    return params.value(spec.name) != spec.value && !knobs.contains(spec.name);
  });
}

namespace {

void apply_setting(BackendSpec& spec, const std::string& setting) {
  const Backend& backend = *spec.backend;
  const size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError(backend.name() + ": '" + setting + "' is not of the form key=value");
  const std::string key = setting.substr(0, equals), value = setting.substr(equals + 1);
  try {
    if (key == "preset")
      apply_preset(backend, value, spec.params);
    else
      spec.params.set(key, value);
  } catch (const InputError& error) {
    throw InputError(backend.name() + ": " + error.what());
  }
}

}  // namespace

BackendSpec make_backend(const std::string& text, const std::vector<std::string>& settings) {
  BackendSpec spec = parse_backend(text);
  for (const std::string& setting : settings) apply_setting(spec, setting);
  return spec;
}

namespace {

/// Whether a piece sets a parameter of a backend that reads a file; a path that has a '=' has a
/// '/', too.
bool sets_parameter(const std::string& piece) {
  const bool path = piece.find('/') != std::string::npos && !piece.starts_with("file=");
  return piece.find('=') != std::string::npos && !path;
}

void refuse_twins(const BackendSpec& spec, const std::vector<std::string>& settings) {
  std::set<std::string> seen;
  for (const std::string& setting : settings) {
    const std::string key = setting.substr(0, setting.find('='));
    if (!seen.insert(key).second)
      throw InputError(spec.backend->name() + ": " + key + " is given twice");
  }
}

}  // namespace

BackendSpec parse_backend(const std::string& text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const Backend& backend = find_backend(text.substr(0, colon));
  const bool file = reads_file(backend);
  std::vector<std::string> settings;
  for (size_t at = colon + 1; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string piece = text.substr(at, comma - at);
    const bool setting = piece.find('=') != std::string::npos;
    if (!settings.empty() && (file ? !sets_parameter(piece) : !setting))
      settings.back() += "," + piece;
    else
      settings.push_back(piece);
    at = comma + 1;
  }
  if (!settings.empty() && file && !sets_parameter(settings[0]))
    settings[0] = "file=" + settings[0];
  BackendSpec spec{&backend, backend.defaults()};
  refuse_twins(spec, settings);
  for (const std::string& setting : settings) apply_setting(spec, setting);
  return spec;
}

void require_backends(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const BackendSpec spec = parse_backend(text);
    require_file(*spec.backend, spec.params);
  }
}

std::string short_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const bool fraction = text.find_first_of(".e") != std::string::npos;
  if (error != std::errc() || rest != end || !fraction) return text;
  std::string shown = fmt::format("{:.4g}", value);
  return shown.size() < text.size() ? shown : text;
}

std::string short_setting(const std::string& setting) {
  std::string shown;
  for (size_t at = 0; at <= setting.size();) {
    const size_t end = std::min(setting.find_first_of(":=, ", at), setting.size());
    shown += short_number(setting.substr(at, end - at));
    if (end < setting.size()) shown += setting[end];
    at = end + 1;
  }
  return shown;
}

std::vector<std::string> expand_all(const std::vector<std::string>& names) {
  if (names != std::vector<std::string>{"all"}) return names;
  std::vector<std::string> every;
  for (const Backend* backend : backends())
    if (!reads_file(*backend)) every.push_back(backend->name());
  return every;
}

}  // namespace vidattn

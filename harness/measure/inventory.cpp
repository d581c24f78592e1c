#include "harness/measure/inventory.h"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "attention/backend.h"
#include "harness/host/device_list.h"
#include "harness/workloads/kind.h"

namespace vidattn {
namespace {

std::string range_text(const ParamSpec& spec) {
  if (!spec.choices.empty()) return fmt::format("{}", fmt::join(spec.choices, "|"));
  if (std::isinf(spec.min) && std::isinf(spec.max)) return "";
  if (std::isinf(spec.max)) return fmt::format(">= {:g}", spec.min);
  return fmt::format("{:g}..{:g}", spec.min, spec.max);
}

/// A default out of the range cannot be asked for: it stands for what the help says.
bool is_unset(const ParamSpec& spec) {
  const int64_t* value = std::get_if<int64_t>(&spec.value);
  return value != nullptr && static_cast<double>(*value) < spec.min;
}

std::string param_text(const ParamSpec& spec) {
  const std::string value = is_unset(spec) ? "not given" : to_text(spec.value);
  const std::string range = range_text(spec);
  std::string text =
      fmt::format("      {} ({}, default {}{}): {}", spec.name, type_name(spec.value),
                  value.empty() ? "empty" : value, range.empty() ? "" : ", " + range, spec.help);
  if (!spec.source.empty() && spec.source != "-") text += " [" + spec.source + "]";
  return text + "\n";
}

std::string backend_text(const Backend& backend) {
  const BackendInfo& info = backend.info();
  std::string text = fmt::format("  {}: {} [{}]\n", backend.name(), info.title, info.paper);
  if (info.takes_cross) text += "      takes cross-attention\n";
  if (!info.takes_width) text += "      takes only values as wide as the keys\n";
  for (const ParamSpec& spec : info.params) text += param_text(spec);
  for (const Preset& preset : info.presets) {
    text += fmt::format("      preset={}:", preset.name);
    for (const auto& [key, value] : preset.settings) text += fmt::format(" {}={}", key, value);
    text += preset.settings.empty() ? " the defaults\n" : "\n";
  }
  for (const InputSpec& input : info.inputs)
    text += fmt::format("      input {} {}: {}\n", input.name, input.shape, input.help);
  return text;
}

std::string workloads_text() {
  std::string text, synthesized;
  for (const WorkloadKind& kind : workload_kinds()) {
    text += fmt::format("  {}: {}\n", kind.usage(), kind.help);
    if (kind.synthesized) synthesized += (synthesized.empty() ? "" : ", ") + kind.name;
  }
  return text + fmt::format(
                    "      options of all: --grid T,H,W --shots 0,… ; of {}: --heads --dim "
                    "--seed --peak\n",
                    synthesized);
}

}  // namespace

std::string inventory() {
  std::string text = "backends\n";
  for (const Backend* backend : backends()) text += backend_text(*backend);
  text += "devices\n" + device_text(all_device_facts());
  return text + "workloads\n" + workloads_text();
}

}  // namespace vidattn

#include "harness/workloads/dit/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <variant>

#include "attention/error.h"
#include "harness/io/json_file.h"
#include "harness/io/safetensors.h"
#include "harness/workloads/dit/latents.h"

namespace vidattn {
namespace {

// Metadata of the file, all texts: the configuration, and the facts each behind a prefix.
constexpr const char* kConfigKey = "vidattn.dit";
constexpr std::string_view kFactPrefix = "fact.", kStatePrefix = "state.";

/// All that must be there to run the network.
std::vector<DitParameter> needed_arrays(const DitConfig& config) {
  std::vector<DitParameter> all = dit_parameters(config);
  for (const char* name : {"latent.mean", "latent.deviation"})
    all.push_back({name, {kPatchChannels}});
  return all;
}

DitConfig read_config(const Safetensors& file, const std::string& path) {
  const auto found = file.metadata().find(kConfigKey);
  if (found == file.metadata().end())
    throw InputError(fmt::format("{} is no checkpoint of vidattn's DiT: its metadata has no '{}'",
                                 path, kConfigKey));
  return dit_config_from(found->second, path);
}

void check_parameter(const DitArrays& weights, const DitParameter& parameter) {
  const auto found = weights.find(parameter.name);
  if (found == weights.end()) throw InputError(fmt::format("'{}' is missing", parameter.name));
  const Array& array = found->second;
  if (array.shape != parameter.shape)
    throw InputError(fmt::format("'{}' has the shape {}, expected {} for this configuration",
                                 parameter.name, shape_text(array.shape),
                                 shape_text(parameter.shape)));
  array.as<float>(parameter.name.c_str());
}

/// No other names than those that are needed, which are all there.
void check_names(const DitArrays& weights, const std::vector<DitParameter>& needed) {
  if (weights.size() == needed.size()) return;
  for (const auto& [name, array] : weights)
    if (std::none_of(needed.begin(), needed.end(),
                     [&name = name](const DitParameter& other) { return other.name == name; }))
      throw InputError(fmt::format("{} is no parameter of this configuration", in_quotes(name)));
}

void check_arrays(const DitCheckpoint& checkpoint) {
  const std::vector<DitParameter> needed = needed_arrays(checkpoint.config);
  for (const DitParameter& parameter : needed) check_parameter(checkpoint.weights, parameter);
  check_names(checkpoint.weights, needed);
  for (const DitArrays* arrays : {&checkpoint.weights, &checkpoint.state})
    for (const auto& [name, array] : *arrays) require_finite(array, in_quotes(name));
  for (const float value : checkpoint.weights.at("latent.deviation").as<float>("deviation"))
    if (!(value > 0))
      throw InputError(fmt::format("'latent.deviation' holds {}, expected numbers above 0", value));
}

std::map<std::string, std::string> metadata_of(const DitCheckpoint& checkpoint) {
  std::map<std::string, std::string> metadata = {{kConfigKey, to_json(checkpoint.config).dump()}};
  for (const auto& [name, text] : checkpoint.facts)
    metadata[std::string(kFactPrefix) + name] = text;
  return metadata;
}

}  // namespace

void check_checkpoint(const DitCheckpoint& checkpoint, const std::string& where) {
  try {
    check_arrays(checkpoint);
  } catch (const InputError& error) {
    throw InputError(where + ": " + error.what());
  }
}

DitCheckpoint read_checkpoint(const std::filesystem::path& path) {
  return read_checkpoint(Safetensors(path), in_quotes(path.string()));
}

DitCheckpoint read_checkpoint(const Safetensors& file, const std::string& name) {
  DitCheckpoint checkpoint{.config = read_config(file, name)};
  for (const std::string& array : file.names())
    if (array.starts_with(kStatePrefix))
      checkpoint.state[array.substr(kStatePrefix.size())] = file.array(array);
    else
      checkpoint.weights[array] = file.array(array);
  for (const auto& [key, text] : file.metadata())
    if (key.starts_with(kFactPrefix)) checkpoint.facts[key.substr(kFactPrefix.size())] = text;
  check_checkpoint(checkpoint, name);
  return checkpoint;
}

void write_checkpoint(const std::filesystem::path& path, const DitCheckpoint& checkpoint) {
  std::map<std::string, std::variant<const Tensor*, const Array*>> arrays;
  for (const auto& [name, array] : checkpoint.weights) arrays[name] = &array;
  for (const auto& [name, array] : checkpoint.state)
    arrays[std::string(kStatePrefix) + name] = &array;
  write_safetensors(path, arrays, metadata_of(checkpoint));
}

}  // namespace vidattn

#include "harness/workloads/dit/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <string_view>

#include "attention/error.h"
#include "harness/io/arrays/memory_bytes.h"
#include "harness/io/embedded.h"
#include "harness/io/file.h"
#include "harness/io/safetensors.h"
#include "harness/io/sha256.h"

namespace vidattn {
namespace {

struct ShippedModel {
  const char *name, *path;
};

constexpr ShippedModel kShippedModels[] = {
    {kSmallModel, "results/models/nano.safetensors"},
    {kLongModel, "results/models/nano_480p.safetensors"},
};

/// Null for a path.
const ShippedModel* find_shipped(const std::string& name_or_path) {
  const std::string name = name_or_path.empty() ? kSmallModel : name_or_path;
  for (const ShippedModel& model : kShippedModels)
    if (name == model.name) return &model;
  return nullptr;
}

std::string_view bytes_of(const ShippedModel& model) {
  const std::string_view bytes = embedded(model.path);
  if (bytes.empty())
    throw InputError(fmt::format(
        "this build does not carry the trained model {} ({}): name a checkpoint of `vidattn train`",
        model.name, model.path));
  return bytes;
}

}  // namespace

std::vector<std::string> shipped_models() {
  std::vector<std::string> names;
  for (const ShippedModel& model : kShippedModels) names.emplace_back(model.name);
  return names;
}

bool is_shipped(const std::string& name_or_path) { return find_shipped(name_or_path) != nullptr; }

DitCheckpoint load_model(const std::string& name_or_path) {
  const ShippedModel* shipped = find_shipped(name_or_path);
  if (shipped == nullptr) {
    if (!std::filesystem::exists(name_or_path))
      throw InputError(fmt::format("cannot read {}: No such file or directory; vidattn carries {}",
                                   in_quotes(name_or_path), fmt::join(shipped_models(), ", ")));
    return read_checkpoint(name_or_path);
  }
  return read_checkpoint(
      Safetensors(std::make_shared<MemoryBytes>(bytes_of(*shipped), shipped->path)), shipped->path);
}

std::string model_sha256(const std::string& name_or_path) {
  const ShippedModel* shipped = find_shipped(name_or_path);
  return shipped == nullptr ? sha256_file(name_or_path) : sha256(bytes_of(*shipped));
}

}  // namespace vidattn

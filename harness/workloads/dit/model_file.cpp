#include "harness/workloads/dit/model_file.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>

#include "attention/error.h"
#include "harness/io/arrays/memory_bytes.h"
#include "harness/io/embedded.h"
#include "harness/io/safetensors.h"
#include "harness/io/sha256.h"

namespace vidattn {
namespace {

std::string_view shipped_bytes() {
  const std::string_view bytes = embedded(kShippedModel);
  if (bytes.empty())
    throw InputError(fmt::format(
        "this build carries no trained model ({}): name a checkpoint of `vidattn train`",
        kShippedModel));
  return bytes;
}

}  // namespace

DitCheckpoint load_model(const std::string& path) {
  if (!path.empty()) return read_checkpoint(path);
  return read_checkpoint(Safetensors(std::make_shared<MemoryBytes>(shipped_bytes(), kShippedModel)),
                         kShippedModel);
}

std::string model_sha256(const std::string& path) {
  return path.empty() ? sha256(shipped_bytes()) : sha256_file(path);
}

}  // namespace vidattn

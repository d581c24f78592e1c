#pragma once

#include <string>

#include "harness/workloads/dit/checkpoint.h"

namespace vidattn {

/// The model that the program carries: `nano`, whose command, log and curves lie beside it in
/// results/models.
inline constexpr const char* kShippedModel = "results/models/nano.safetensors";

/// The checkpoint at `path`, or where that is empty the shipped one. Throws InputError as
/// read_checkpoint(), and when this build carries none.
DitCheckpoint load_model(const std::string& path);

/// SHA-256 of its file.
std::string model_sha256(const std::string& path);

}  // namespace vidattn

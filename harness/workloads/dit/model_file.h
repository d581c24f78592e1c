#pragma once

#include <string>
#include <vector>

#include "harness/workloads/dit/checkpoint.h"

namespace vidattn {

/// The models that the program carries, whose commands, logs and curves lie in results/models: all
/// experiments' `nano`, and `nano-480p`, which it became on clips of 81 frames of 832x480.
inline constexpr const char* kSmallModel = "nano";
inline constexpr const char* kLongModel = "nano-480p";
std::vector<std::string> shipped_models();
/// Whether it is one of these, or empty, and no path.
bool is_shipped(const std::string& name_or_path);

/// The shipped model of that name, kSmallModel where it is empty, else the checkpoint at that path.
/// Throws InputError as read_checkpoint(), and when this build does not carry the model.
DitCheckpoint load_model(const std::string& name_or_path);

/// SHA-256 of its file.
std::string model_sha256(const std::string& name_or_path);

}  // namespace vidattn

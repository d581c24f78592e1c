#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "attention/tensor.h"
#include "harness/workloads/dit/config.h"

namespace vidattn {

class Safetensors;

/// Float arrays by name.
using DitArrays = std::map<std::string, Array>;

/// A model as a file (.safetensors): parameters, how it came about and, to go on training, the
/// optimizer's state.
struct DitCheckpoint {
  DitConfig config = {};
  DitArrays weights = {};  ///< of dit_parameters(), and latent.mean and latent.deviation
  DitArrays state = {};    ///< of the training, by name; empty in a model that is only used
  /// Free text by name, as JSON: the command, seed, steps, revision.
  std::map<std::string, std::string> facts = {};
};

/// Throws InputError, beginning with `where`, unless the weights are those of the configuration, by
/// name and shape, and all values are finite.
void check_checkpoint(const DitCheckpoint& checkpoint, const std::string& where);

/// Throws InputError for a file that is no checkpoint, and as check_checkpoint().
DitCheckpoint read_checkpoint(const std::filesystem::path& path);
/// The same of a file that is open; `name` begins the messages.
DitCheckpoint read_checkpoint(const Safetensors& file, const std::string& name);

/// The file appears complete or not at all. Throws InputError when it cannot be written.
void write_checkpoint(const std::filesystem::path& path, const DitCheckpoint& checkpoint);

}  // namespace vidattn

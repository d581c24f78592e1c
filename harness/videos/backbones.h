#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "metrics/video/aesthetic_quality.h"
#include "metrics/video/feature_metrics.h"
#include "metrics/video/networks/network.h"

namespace vidattn {

/// A network that the user gave, with the scores that it makes possible.
struct Backbone {
  std::shared_ptr<const FrameDescriptor> descriptor;
  std::shared_ptr<const Network> network;  ///< what describes
  FeatureScores scores;
  std::optional<AestheticHead> aesthetic;  ///< then it gives aesthetic_quality
};

struct Backbones {
  std::vector<Backbone> all;
  nlohmann::json provenance = nlohmann::json::array();  ///< key, file and SHA-256 of each
  const Backbone* find(const std::string& key) const;   ///< null where it is not given
};

/// Known keys, for help texts: "dino=DINO ViT-B/16, …".
std::string model_keys();

/// What `--model` says alone so that no network is looked for.
constexpr const char* kNoModels = "none";

/// With the network that harness/get_models.sh put where it is found, unless the models name
/// another one of its kind or are kNoModels.
std::vector<std::string> with_found_models(std::vector<std::string> models);
using ModelFiles = std::map<std::string, std::string>;  ///< by key
/// Throws InputError for what is not KEY=FILE, a key that is not among `known`, which
/// are named as `listed`, and one that is there twice.
ModelFiles model_files(const std::vector<std::string>& models,
                       const std::function<bool(const std::string&)>& known,
                       const std::string& listed);

/// Whether load_backbones() knows the key.
bool is_backbone(const std::string& key);

/// Loads what `--model KEY=FILE` names. The networks are run once on a grey square, so that a wrong
/// one is refused before any work. Throws InputError for an unknown or repeated key, a file that is
/// not what the key needs, an output that is not of the architecture's width, or clip_l14 and
/// aesthetic_head without each other.
Backbones load_backbones(const std::vector<std::string>& models);
/// The same of those files whose keys are backbones.
Backbones load_backbones(const ModelFiles& files);

/// Reads {"w": [768 numbers], "b": number}. Throws InputError.
AestheticHead load_aesthetic_head(const std::string& path);

}  // namespace vidattn

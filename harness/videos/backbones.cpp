#include "harness/videos/backbones.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "attention/error.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/json_file.h"
#include "harness/io/places/models.h"
#include "harness/io/sha256.h"
#include "harness/videos/torchscript.h"
#include "metrics/video/model_input.h"

namespace vidattn {
namespace {

constexpr const char* kHeadKey = "aesthetic_head";
constexpr const char* kFoundKey = "efficientnet_lite0";  // of harness/get_models.sh
constexpr size_t kClipLarge = 768;                       // width of CLIP ViT-L/14's image features

/// A network that --model knows.
struct Known {
  const char *key, *architecture;
  int64_t width;  ///< values of its output; another number is another network
  ModelInput input;
  const char *consistency, *cross_shot, *long_range;  ///< names of scores; empty = none
};

/// VBench's names for VBench's networks only.
const std::array<Known, 5>& known_networks() {
  ModelInput dinov2 = dino_input();
  dinov2.bicubic_crop = true;  // its patches of 14 pixels need a multiple of 14 on both sides
  static const std::array<Known, 5> known = {{
      {"dino", "DINO ViT-B/16", 768, dino_input(), "subject_consistency", "cross_shot_dino",
       "long_range_dino"},
      {"dinov2", "DINOv2 ViT-B/14", 768, dinov2, "subject_consistency.dinov2", "cross_shot_dinov2",
       "long_range_dinov2"},
      {"clip", "CLIP ViT-B/32", 512, clip_input(), "background_consistency", "cross_shot_clip",
       "long_range_clip"},
      {kFoundKey, "EfficientNet-lite0", 1280, efficientnet_input(),
       "consistency.efficientnet_lite0", "cross_shot.efficientnet_lite0",
       "long_range.efficientnet_lite0"},
      {"clip_l14", "CLIP ViT-L/14", kClipLarge, clip_input(), "", "", ""},
  }};
  return known;
}

class TorchDescriptor : public FrameDescriptor {
 public:
  TorchDescriptor(const Known& known, std::shared_ptr<const Network> network)
      : known_(known), network_(std::move(network)) {
    const auto side = static_cast<size_t>(known.input.side);
    run({std::vector<float>(3 * side * side, 0), known.input.side, known.input.side});
  }

  std::string name() const override { return known_.key; }
  std::string protocol() const override {
    return fmt::format("{} (TorchScript), shorter side {} {}", known_.architecture,
                       known_.input.side,
                       known_.input.bicubic_crop  ? "bicubic, central square"
                       : known_.input.antialiased ? "bilinear, antialiased, uncropped"
                                                  : "bilinear, uncropped");
  }
  /// What is outside of a region becomes the network's mean colour. The whole frame runs once.
  std::vector<Feature> describe(const cv::Mat& frame,
                                const std::vector<cv::Mat>& regions) const override {
    std::vector<Feature> features;
    Feature whole;
    for (const cv::Mat& region : regions) {
      if (region.empty()) {
        if (whole.empty()) whole = feature_of(frame);
        features.push_back(whole);
        continue;
      }
      const auto& mean = known_.input.mean;
      cv::Mat masked(frame.size(), CV_8UC3,
                     cv::Scalar(255 * mean[2], 255 * mean[1], 255 * mean[0]));
      frame.copyTo(masked, region);
      features.push_back(feature_of(masked));
    }
    return features;
  }

 private:
  Feature feature_of(const cv::Mat& frame) const {
    return unit_length(run(preprocess(frame, known_.input)));
  }

  std::vector<float> run(const Planes& image) const {
    const NetworkInput input{.shape = {1, 3, image.height, image.width},
                             .values = image.values.data()};
    return network_->run({input}, {1, known_.width});
  }

  const Known& known_;
  std::shared_ptr<const Network> network_;
};

const Known* find_network(const std::string& key) {
  for (const Known& known : known_networks())
    if (key == known.key) return &known;
  return nullptr;
}

}  // namespace

const Backbone* Backbones::find(const std::string& key) const {
  for (const Backbone& backbone : all)
    if (backbone.descriptor->name() == key) return &backbone;
  return nullptr;
}

std::string model_keys() {
  std::string text;
  for (const Known& known : known_networks())
    text += fmt::format("{} ({}), ", known.key, known.architecture);
  return text + kHeadKey + " (JSON with w and b)";
}

std::vector<std::string> with_found_models(std::vector<std::string> models) {
  if (models == std::vector<std::string>{kNoModels}) return {};
  const std::string key = std::string(kFoundKey) + "=";
  const bool given = std::any_of(models.begin(), models.end(),
                                 [&](const std::string& model) { return model.starts_with(key); });
  const auto found = found_model(std::string(kFoundKey) + ".pt");
  if (!given && found && torch_available()) models.push_back(key + *found);
  return models;
}

ModelFiles model_files(const std::vector<std::string>& models,
                       const std::function<bool(const std::string&)>& known,
                       const std::string& listed) {
  ModelFiles files;
  for (const std::string& model : models) {
    const size_t equals = model.find('=');
    if (equals == std::string::npos || equals + 1 == model.size())
      throw InputError(fmt::format("--model {}: write KEY=FILE", in_quotes(model)));
    const std::string key = model.substr(0, equals);
    if (!known(key))
      throw InputError(fmt::format("--model: no model {}; known are {}", in_quotes(key), listed));
    if (!files.emplace(key, model.substr(equals + 1)).second)
      throw InputError(fmt::format("--model: {} is given twice", key));
  }
  return files;
}

bool is_backbone(const std::string& key) { return key == kHeadKey || find_network(key) != nullptr; }

AestheticHead load_aesthetic_head(const std::string& path) {
  const nlohmann::json json = read_json(path);
  const JsonReader reader(json, in_quotes(path) + " is not an aesthetic head");
  AestheticHead head;
  reader.read("w", head.weights);
  reader.read("b", head.bias);
  if (head.weights.size() != kClipLarge)
    reader.at("w").refuse(fmt::format("{} numbers, expected {}", head.weights.size(), kClipLarge));
  return head;
}

Backbones load_backbones(const std::vector<std::string>& models) {
  return load_backbones(model_files(models, is_backbone, model_keys()));
}

Backbones load_backbones(const ModelFiles& files) {
  Backbones backbones;
  if (files.contains("clip_l14") != files.contains(kHeadKey))
    throw InputError(
        "--model: aesthetic_quality needs both clip_l14=FILE.pt and "
        "aesthetic_head=FILE.json");
  for (const auto& [key, path] : files) {
    if (!is_backbone(key)) continue;
    backbones.provenance.push_back({{"key", key}, {"file", path}, {"sha256", sha256_file(path)}});
    if (key == kHeadKey) continue;
    const Known& known = *find_network(key);
    Backbone backbone{.network = load_torchscript(key, known.architecture, path)};
    backbone.descriptor = std::make_shared<TorchDescriptor>(known, backbone.network);
    if (*known.consistency != '\0') backbone.scores.consistency = {{known.consistency}};
    backbone.scores.cross_shot = known.cross_shot;
    backbone.scores.long_range = known.long_range;
    if (key == "clip_l14") backbone.aesthetic = load_aesthetic_head(files.at(kHeadKey));
    backbones.all.push_back(std::move(backbone));
  }
  return backbones;
}

}  // namespace vidattn

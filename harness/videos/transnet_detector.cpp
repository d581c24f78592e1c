#include "harness/videos/transnet_detector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/places/models.h"
#include "harness/io/safetensors.h"
#include "harness/io/sha256.h"
#include "harness/workloads/media/bicubic.h"
#include "metrics/shots/transnet/network.h"
#include "metrics/shots/transnet/windows.h"

namespace vidattn {
namespace {

constexpr const char* kFile = "transnetv2.safetensors";

std::shared_ptr<const TransNetNetwork> load_transnet(const std::string& path) {
  const Safetensors file(path);
  TransNetParameters parameters;
  for (const std::string& name : file.names()) parameters.emplace(name, file.array(name));
  try {
    return std::make_shared<TransNetNetwork>(parameters);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{} is no TransNetV2: {}", in_quotes(path), error.what()));
  }
}

class TransNetFinder : public ShotFinder {
 public:
  explicit TransNetFinder(std::shared_ptr<const TransNetNetwork> network)
      : network_(std::move(network)),
        windows_([this](const std::vector<float>& window) { return run(window); }) {}

  void push(const cv::Mat& frame) override { windows_.push(small_.scale(frame)); }
  std::vector<Boundary> boundaries() const override {
    return transnet_boundaries(windows_.probabilities());
  }

 private:
  std::vector<float> run(const std::vector<float>& window) {
    std::vector<float> probabilities = network_->run(window, space_);
    if (!std::all_of(probabilities.begin(), probabilities.end(),
                     [](float p) { return std::isfinite(p); }))
      throw InputError("TransNetV2 gives what is no probability");
    return probabilities;
  }

  std::shared_ptr<const TransNetNetwork> network_;
  TransNetNetwork::Workspace space_;
  BicubicRgb small_{kTransNetSize};
  TransNetWindows windows_;
};

}  // namespace

nlohmann::json network_record(const std::string& path) {
  return {{"file", path}, {"sha256", sha256_file(path)}};
}

std::optional<std::string> found_transnet() { return found_model(kFile); }

TransNet::TransNet(const std::string& path, const std::string& wanted_for)
    : path_(required_model(path, kFile, wanted_for)), network_(load_transnet(path_)) {}

std::unique_ptr<ShotFinder> TransNet::finder() const {
  return std::make_unique<TransNetFinder>(network_);
}

}  // namespace vidattn

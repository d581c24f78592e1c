#include "harness/videos/transnet_detector.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/host/programs/torch_library.h"
#include "harness/io/file.h"
#include "harness/io/places/models.h"
#include "harness/io/sha256.h"
#include "harness/videos/torchscript.h"
#include "harness/workloads/media/bicubic.h"
#include "metrics/shots/transnet.h"

namespace vidattn {

/// The network with what it must give.
class WindowModel {
 public:
  explicit WindowModel(const std::string& path)
      : path_(path), network_(load_torchscript("transnetv2", "TransNetV2", path)) {
    constexpr float kGrey = 128;
    run(std::vector<float>(kTransNetWindow * kTransNetValues, kGrey));
  }

  std::vector<float> run(const std::vector<float>& window) const {
    std::vector<float> output =
        network_->run({{.shape = {1, kTransNetWindow, kTransNetSize.height, kTransNetSize.width, 3},
                        .values = window.data()}},
                      {1, kTransNetWindow});
    if (!std::all_of(output.begin(), output.end(), [](float p) { return p >= 0 && p <= 1; }))
      throw InputError(
          fmt::format("model transnetv2={} gives what is no probability", in_quotes(path_)));
    return output;
  }

 private:
  std::string path_;
  std::shared_ptr<const Network> network_;
};

namespace {

constexpr const char* kFile = "transnetv2.pt";

class TransNetFinder : public ShotFinder {
 public:
  explicit TransNetFinder(std::shared_ptr<const WindowModel> model)
      : model_(std::move(model)),
        windows_([this](const std::vector<float>& window) { return model_->run(window); }) {}

  void push(const cv::Mat& frame) override { windows_.push(small_.scale(frame)); }
  std::vector<Boundary> boundaries() const override {
    return transnet_boundaries(windows_.probabilities());
  }

 private:
  std::shared_ptr<const WindowModel> model_;
  BicubicRgb small_{kTransNetSize};
  TransNetWindows windows_;
};

}  // namespace

nlohmann::json network_record(const std::string& path) {
  return {{"file", path}, {"sha256", sha256_file(path)}};
}

std::optional<std::string> found_transnet() {
  return torch_available() ? found_model(kFile) : std::nullopt;
}

TransNet::TransNet(const std::string& path, const std::string& wanted_for)
    : path_(required_model(path, kFile, wanted_for)),
      model_(std::make_shared<WindowModel>(path_)) {}

std::unique_ptr<ShotFinder> TransNet::finder() const {
  return std::make_unique<TransNetFinder>(model_);
}

}  // namespace vidattn

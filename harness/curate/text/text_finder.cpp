#include "harness/curate/text/text_finder.h"

#include <filesystem>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "attention/error.h"
#include "harness/curate/text/text_detector.h"
#include "harness/io/file.h"
#include "harness/io/places/models.h"
#include "harness/io/sha256.h"

namespace vidattn {
namespace {

constexpr const char* kDetector = "ppocrv4";
constexpr const char* kDetectorFile = "ppocrv4.onnx";
constexpr const char* kWantedFor = "--ocr ppocrv4";

class TesseractFinder : public TextFinder {
 public:
  TesseractFinder(const std::string& language, double confidence)
      : reader_(open_line_reader(language)), confidence_(confidence) {}

  std::vector<TextLine> find(const cv::Mat&, const cv::Mat& luma, const cv::Mat& later) override {
    return find_text(luma, later, *reader_, confidence_);
  }

 private:
  std::unique_ptr<LineReader> reader_;
  double confidence_;
};

/// Lines without words, for nothing reads them; what is less sure is often leaves and fur.
class DetectorFinder : public TextFinder {
 public:
  DetectorFinder(const std::string& file, double confidence)
      : detector_(file, kWantedFor), confidence_(confidence) {}

  std::vector<TextLine> find(const cv::Mat& frame, const cv::Mat&, const cv::Mat&) override {
    std::vector<TextLine> lines;
    for (const TextQuad& quad : detector_.detect(frame)) {
      if (100 * quad.score < confidence_) continue;
      const auto& p = quad.corners;
      const cv::Rect box = cv::boundingRect(std::vector<cv::Point>(p.begin(), p.end()));
      lines.push_back({box & cv::Rect({0, 0}, frame.size()), "", 100 * quad.score});
    }
    return lines;
  }

 private:
  TextDetector detector_;
  double confidence_;
};

TextChoice choose_detector(const std::string& place) {
  std::string file = place;
  if (!place.empty() && std::filesystem::is_directory(place))
    file = (std::filesystem::path(place) / kDetectorFile).string();
  if (!file.empty() && !std::filesystem::exists(file))
    throw InputError(std::string(kWantedFor) + ": there is no " + in_quotes(file) +
                     "; get it by harness/get_models.sh ppocrv4 --into FOLDER");
  TextChoice choice{.detector = required_model(file, kDetectorFile, kWantedFor)};
  choice.sha256 = sha256_file(choice.detector);
  return choice;
}

}  // namespace

std::string TextChoice::identity() const {
  return detector.empty() ? language : std::string(kDetector) + " " + sha256;
}

TextChoice choose_text(const std::string& ocr, const std::string& language) {
  if (ocr == kDetector) return choose_detector({});
  if (ocr.starts_with(std::string(kDetector) + ":") && ocr.back() != ':')
    return choose_detector(ocr.substr(std::string(kDetector).size() + 1));
  if (ocr != "auto" && ocr != "on" && ocr != "off")
    throw InputError("--ocr " + in_quotes(ocr) + ": write auto, on, off or ppocrv4[:FOLDER]");
  if (ocr == "off" || (ocr == "auto" && !ocr_available())) return {};
  return {.language = language};
}

void try_text(const TextChoice& choice) {
  if (!choice.detector.empty()) TextDetector(choice.detector, kWantedFor);
  if (!choice.language.empty()) open_line_reader(choice.language);
}

std::unique_ptr<TextFinder> open_text_finder(const TextChoice& choice, double confidence) {
  if (!choice.detector.empty())
    return std::make_unique<DetectorFinder>(choice.detector, confidence);
  if (choice.language.empty()) return nullptr;
  return std::make_unique<TesseractFinder>(choice.language, confidence);
}

}  // namespace vidattn

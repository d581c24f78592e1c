#include "metrics/video/imaging_quality.h"

#include <cmath>
#include <filesystem>
#include <numbers>
#include <opencv2/imgproc.hpp>
#ifdef VIDATTN_WITH_BRISQUE
#include <opencv2/quality/qualitybrisque.hpp>
#endif

namespace vidattn {
namespace {

constexpr int kGrid = 8;        // of JPEG, MPEG and H.26x transforms
constexpr int kLeastSide = 16;  // two blocks
constexpr int kNearlyBlack = 1, kNearlyWhite = 254;

/// Mean absolute step over grid borders minus that elsewhere, along rows of `luma`.
struct Steps {
  double border = 0, inside = 0;
  int64_t borders = 0, insides = 0;

  void along_rows(const cv::Mat& luma) {
    for (int y = 0; y < luma.rows; ++y) {
      const auto* row = luma.ptr<uchar>(y);
      int all = 0, on_border = 0;
      for (int x = 1; x < luma.cols; ++x) all += std::abs(row[x] - row[x - 1]);
      for (int x = kGrid; x < luma.cols; x += kGrid) on_border += std::abs(row[x] - row[x - 1]);
      border += on_border;
      inside += all - on_border;
    }
    const int64_t per_row = (luma.cols - 1) / kGrid;
    borders += per_row * luma.rows;
    insides += (luma.cols - 1 - per_row) * luma.rows;
  }
  double excess() const {
    return border / static_cast<double>(borders) - inside / static_cast<double>(insides);
  }
};

double blockiness(const cv::Mat& luma) {
  Steps steps;
  steps.along_rows(luma);
  steps.along_rows(luma.t());
  return steps.excess();
}

double noise(const cv::Mat& luma) {
  const cv::Matx33f kernel(1, -2, 1, -2, 4, -2, 1, -2, 1);
  cv::Mat response;
  cv::filter2D(luma, response, CV_16S, kernel);
  const cv::Mat interior = response({1, 1, luma.cols - 2, luma.rows - 2});
  return std::sqrt(std::numbers::pi / 2) / 6 * cv::norm(interior, cv::NORM_L1) /
         static_cast<double>(interior.total());
}

double deviation(const cv::Mat& image) {
  cv::Scalar mean, spread;
  cv::meanStdDev(image, mean, spread);
  return spread[0];
}

double share_in(const cv::Mat& luma, int low, int high) {
  cv::Mat inside;
  cv::inRange(luma, low, high, inside);
  return static_cast<double>(cv::countNonZero(inside)) / static_cast<double>(luma.total());
}

}  // namespace

FrameQuality frame_quality(const cv::Mat& frame) {
  cv::Mat luma, laplacian;
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  cv::Laplacian(luma, laplacian, CV_16S, 1);
  const double edge = deviation(laplacian);
  return {.sharpness = edge * edge,
          .exposure = cv::mean(luma)[0] / 255,
          .contrast = deviation(luma) / 255,
          .shadows = share_in(luma, 0, kNearlyBlack),
          .highlights = share_in(luma, kNearlyWhite, 255),
          .noise = noise(luma),
          .blockiness = blockiness(luma)};
}

struct ImagingQuality::Brisque {
#ifdef VIDATTN_WITH_BRISQUE
  cv::Ptr<cv::quality::QualityBRISQUE> model;
  double compute(const cv::Mat& frame) { return model->compute(frame)[0]; }
#else
  double compute(const cv::Mat&) { return std::nan(""); }
#endif
};

ImagingQuality::ImagingQuality(int stride, const std::string& folder) : stride_(stride) {
#ifdef VIDATTN_WITH_BRISQUE
  const std::string model = folder + "/brisque_model_live.yml";
  const std::string range = folder + "/brisque_range_live.yml";
  for (const std::string& file : {model, range})
    if (!std::filesystem::is_regular_file(file)) {
      missing_ = "undefined: no file " + file + " (Debian's opencv-data has it)";
      return;
    }
  try {
    brisque_ = std::make_unique<Brisque>();
    brisque_->model = cv::quality::QualityBRISQUE::create(model, range);
  } catch (const cv::Exception&) {
    brisque_.reset();
    missing_ = "undefined: " + model + " or " + range + " is damaged";
  }
#else
  missing_ = "undefined: built without OpenCV's quality module (Debian's libopencv-contrib-dev); " +
             folder + " is not read";
#endif
}

ImagingQuality::~ImagingQuality() = default;

void ImagingQuality::add(const cv::Mat& frame, int /*shot*/) {
  possible_ = possible_ && std::min(frame.rows, frame.cols) >= kLeastSide;
  if (!possible_ || frames_++ % stride_ != 0) return;
  frames_judged_.push_back(frame_quality(frame));
  if (!brisque_) return;
  // Its features are ratios of spreads, which a frame of one colour does not have.
  const double badness =
      frames_judged_.back().contrast == 0 ? std::nan("") : brisque_->compute(frame);
  if (std::isfinite(badness))
    brisque_series_.push_back(1 - badness / 100);
  else
    ++flat_;
}

std::vector<VideoScore> ImagingQuality::scores() const {
  const std::string sampled = "1 frame in " + std::to_string(stride_);
  VideoScore brisque{.name = "imaging_quality.brisque",
                     .note = "1 - BRISQUE/100, LIVE model, " + sampled,
                     .series = brisque_series_};
  if (!missing_.empty()) {
    brisque.note = missing_;
  } else if (brisque_series_.empty()) {
    brisque.note = "undefined: no frame of at least 16x16 pixels with more than one grey level";
  } else {
    double sum = 0;
    for (const double value : brisque_series_) sum += value;
    brisque.value = sum / static_cast<double>(brisque_series_.size());
    brisque.details = {{"brisque", 100 * (1 - brisque.value)}, {"flat_frames", flat_}};
  }
  std::vector<VideoScore> out{brisque};
  const auto mean = [&](const std::string& name, double FrameQuality::*member,
                        const std::string& note) {
    VideoScore score{.name = name, .note = note + ", " + sampled};
    double sum = 0;
    for (const FrameQuality& frame : frames_judged_) {
      score.series.push_back(frame.*member);
      sum += frame.*member;
    }
    if (frames_judged_.empty())
      score.note = "undefined: no frame of at least 16x16 pixels";
    else
      score.value = sum / static_cast<double>(frames_judged_.size());
    out.push_back(score);
  };
  mean("sharpness.laplacian", &FrameQuality::sharpness, "variance of luma's Laplacian");
  mean("exposure.mean_luma", &FrameQuality::exposure, "mean luma, 0 to 1");
  mean("contrast.luma_deviation", &FrameQuality::contrast, "standard deviation of luma, 0 to 1");
  mean("clipping.shadows", &FrameQuality::shadows, "share of pixels of luma 0 or 1");
  mean("clipping.highlights", &FrameQuality::highlights, "share of pixels of luma 254 or 255");
  mean("noise.immerkaer", &FrameQuality::noise, "deviation in grey levels, texture included");
  mean("blockiness.grid8", &FrameQuality::blockiness,
       "step over 8x8 borders minus step elsewhere, grey levels");
  return out;
}

namespace {
const RegisterVideoMetric registered_imaging_quality(50, [](const VideoInfo&, int64_t) {
  return std::make_unique<ImagingQuality>();
});
}  // namespace

}  // namespace vidattn

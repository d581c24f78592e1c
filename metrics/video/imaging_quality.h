#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "metrics/video/video_metric.h"

namespace vidattn {

/// Figures of one frame's luma (0 to 255); they need no reference and no model.
struct FrameQuality {
  /// Variance of the 4-neighbour Laplacian (Pech-Pacheco et al. 2000), grey levels squared.
  double sharpness = 0;
  double exposure = 0;    ///< mean luma / 255
  double contrast = 0;    ///< standard deviation of luma / 255
  double shadows = 0;     ///< share of pixels of luma 0 or 1
  double highlights = 0;  ///< share of pixels of luma 254 or 255
  /// Deviation of white noise, grey levels: Immerkær 1996, sqrt(pi/2)/6 times the mean absolute
  /// response to [1 -2 1]ᵀ[1 -2 1]. Fine texture counts as noise.
  double noise = 0;
  /// Mean absolute step across the borders of the 8x8 grid from the top left corner minus that
  /// between all other neighbours, grey levels: 0 without block artefacts.
  double blockiness = 0;
};

/// `frame` is 8UC3 BGR of at least 16x16 pixels.
FrameQuality frame_quality(const cv::Mat& frame);

/// "imaging_quality.brisque" = 1 - BRISQUE/100 (Mittal et al. 2012; OpenCV's implementation and its
/// model trained on LIVE; higher is better as with VBench's MUSIQ score, which it does not
/// predict), and the means of FrameQuality. To keep up with playback only every `stride`-th frame
/// from the first on is judged; the notes say so.
class ImagingQuality : public VideoMetric {
 public:
  static constexpr const char* kModelFolder = "/usr/share/opencv4/quality";

  /// `folder` holds brisque_model_live.yml and brisque_range_live.yml (Debian's opencv-data). Where
  /// they are missing, or the build has no OpenCV quality module, the BRISQUE score is undefined
  /// and its note says why.
  explicit ImagingQuality(int stride = 8, const std::string& folder = kModelFolder);
  ~ImagingQuality() override;

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  struct Brisque;
  std::unique_ptr<Brisque> brisque_;
  std::string missing_;  ///< why there is no BRISQUE
  int stride_;
  int64_t frames_ = 0, flat_ = 0;
  bool possible_ = true;
  std::vector<double> brisque_series_;
  std::vector<FrameQuality> frames_judged_;
};

}  // namespace vidattn

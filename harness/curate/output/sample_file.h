#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <string>

#include "harness/curate/select/samples.h"
#include "harness/curate/shots/segmentation.h"
#include "harness/workloads/media/cut_copy.h"
#include "harness/workloads/media/video_file.h"

namespace vidattn {

/// How a sample came to be.
struct SampleOrigin {
  std::string how;     ///< "copied" or "encoded"
  std::string reason;  ///< why it was not copied
  std::string codec;
};

/// Makes a sample's file from frames that are given in order; none are needed where it is copied.
class SampleFile {
 public:
  SampleFile(std::filesystem::path path, const SamplePlan& plan, double fps,
             const PixelAspect& pixels);

  /// Copies the packets if that can be and gives all frames again; else says why not.
  bool copy(const std::string& video, const CutPoints& points, const Segmentation& segmentation,
            cv::Size frame);
  /// A cropped frame, 8UC3 BGR, which is brought to the sample's size.
  void write(const cv::Mat& frame);
  /// Gives the file its name.
  SampleOrigin commit();

 private:
  std::string obstacle(const CutPoints& points, const Segmentation& segmentation,
                       cv::Size frame) const;

  std::filesystem::path path_;
  const SamplePlan& plan_;
  double fps_;
  PixelAspect pixels_;
  SampleOrigin origin_;
  std::unique_ptr<VideoFile> file_;  ///< of frames that are encoded
};

}  // namespace vidattn

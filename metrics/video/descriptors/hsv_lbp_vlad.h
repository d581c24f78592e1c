#pragma once

#include "metrics/video/descriptors/frame_descriptor.h"

namespace vidattn {

/// Colour, texture and shape of a picture without a trained network, for when no DINO or CLIP is at
/// hand. The frame is shrunk to a shorter side of 160 pixels. Three parts, each of unit length,
/// weighted so that the cosine of two features is 1/2 colour + 1/4 texture + 1/4 shape:
///   colour   joint HSV histogram, 16 x 4 x 4 bins smoothed by one bin, square root (Hellinger)
///   texture  histogram of the 59 uniform local binary patterns of 8 neighbours (Ojala et al.
///            2002), square root
///   shape    VLAD (Jegou et al. 2010) of dense RootSIFT over 32 words, each word's residuals of
///            unit length (Arandjelovic and Zisserman 2013)
class HsvLbpVlad : public FrameDescriptor {
 public:
  std::string name() const override { return "hsv_lbp_vlad"; }
  std::string protocol() const override;
  std::vector<Feature> describe(const cv::Mat& frame,
                                const std::vector<cv::Mat>& regions) const override;
};

}  // namespace vidattn

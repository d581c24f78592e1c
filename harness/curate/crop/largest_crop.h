#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// The largest crop of a frame that keeps its aspect ratio and shares no pixel with any box, exact.
/// Sides are even, as 4:2:0 needs them: of an even height h the width is the even number nearest
/// to h times the ratio, which keeps the ratio to within a pixel. Of several places the one whose
/// centre is nearest to the frame's. Empty where not even two rows are free.
///
/// A crop that fits holds a smaller one that fits, so the height is found by halving. A place that
/// is free can be pushed to the left and then up until the frame or a box stops it: only places at
/// such edges need to be tried. O(n³ log H) for n boxes.
cv::Rect largest_crop(cv::Size frame, const std::vector<cv::Rect>& boxes);

/// Width of a crop of that height, as above.
int crop_width(cv::Size frame, int height);

}  // namespace vidattn

#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// One picture of a comparison with its caption.
struct Panel {
  std::string caption;
  cv::Mat picture;  ///< 8UC3, all panels of one size
};

/// Panels in rows, each with its caption above and below it its difference to the first one, four
/// times as strong around mid-grey (the first one's own place stays empty).
cv::Mat side_by_side(const std::vector<Panel>& panels, int columns = 4);

}  // namespace vidattn

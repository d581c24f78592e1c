#include "metrics/video/networks/padded.h"

namespace vidattn {

NetworkInput Padded::input() const {
  return {.shape = {1, 3, planes.height, planes.width}, .values = planes.values.data()};
}

Padded padded(const cv::Mat& frame, int multiple, float divisor) {
  const int rows = (multiple - frame.rows % multiple) % multiple;
  const int cols = (multiple - frame.cols % multiple) % multiple;
  cv::Mat whole;
  cv::copyMakeBorder(frame, whole, rows / 2, rows - rows / 2, cols / 2, cols - cols / 2,
                     cv::BORDER_REPLICATE);
  whole.convertTo(whole, CV_32FC3);
  Padded out{rgb_planes(whole), {cols / 2, rows / 2, frame.cols, frame.rows}};
  for (float& value : out.planes.values) value /= divisor;
  return out;
}

}  // namespace vidattn

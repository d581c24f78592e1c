#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>

namespace vidattn {

struct ReadLine {
  std::string text;       ///< UTF-8, one line
  double confidence = 0;  ///< 0 to 100
};

/// Reads a line of text.
class LineReader {
 public:
  virtual ~LineReader() = default;
  /// `line` is 8UC1 and shows one line. Nothing that reads as text has confidence 0.
  virtual ReadLine read(const cv::Mat& line) = 0;
  virtual std::string name() const = 0;  ///< "tesseract 5.3.0, eng"
};

/// Whether this build has Tesseract.
bool ocr_available();

/// Opens Tesseract by its plug-in: linked, it would bring a hundred libraries to every start of the
/// tool. Throws InputError where this build has none, or no data for the language ("eng").
std::unique_ptr<LineReader> open_line_reader(const std::string& language);

}  // namespace vidattn

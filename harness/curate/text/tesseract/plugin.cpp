// The plug-in that has Tesseract (line_reader.h).
#include <omp.h>
#include <tesseract/baseapi.h>

#include <memory>

#include "harness/curate/text/line_reader.h"

namespace vidattn {
namespace {

/// Its own parallel regions are for four threads each and cost more than they give: a hundred times
/// where other programs want the processors.
class OneThread {
 public:
  OneThread() { omp_set_max_active_levels(0); }
  ~OneThread() { omp_set_max_active_levels(levels_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int levels_ = omp_get_max_active_levels();
};

class TesseractReader : public LineReader {
 public:
  /// False where the language's data are missing.
  bool open(const char* language) {
    api_.SetVariable("debug_file", "/dev/null");  // before it complains on stderr
    if (api_.Init(nullptr, language, tesseract::OEM_LSTM_ONLY) != 0) return false;
    api_.SetPageSegMode(tesseract::PSM_SINGLE_LINE);
    name_ = std::string("tesseract ") + tesseract::TessBaseAPI::Version() + ", " + language;
    return true;
  }

  ReadLine read(const cv::Mat& line) override {
    constexpr int kDotsPerInch = 150;  // of letters as high as they are shown to it
    const OneThread one_thread;
    api_.SetImage(line.data, line.cols, line.rows, 1, static_cast<int>(line.step));
    api_.SetSourceResolution(kDotsPerInch);
    ReadLine result;
    if (const std::unique_ptr<char[]> text(api_.GetUTF8Text()); text) result.text = text.get();
    result.confidence = result.text.empty() ? 0 : api_.MeanTextConf();
    return result;
  }

  std::string name() const override { return name_; }

 private:
  tesseract::TessBaseAPI api_;
  std::string name_;
};

}  // namespace
}  // namespace vidattn

extern "C" vidattn::LineReader* vidattn_open_tesseract(const char* language) {
  auto reader = std::make_unique<vidattn::TesseractReader>();
  return reader->open(language) ? reader.release() : nullptr;
}

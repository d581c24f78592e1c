#include "harness/curate/text/line_reader.h"

#include "attention/error.h"
#include "harness/host/programs/plugin.h"

namespace vidattn {

#ifdef VIDATTN_TESSERACT_PLUGIN
bool ocr_available() { return true; }

std::unique_ptr<LineReader> open_line_reader(const std::string& language) {
  static const Plugin plugin(VIDATTN_TESSERACT_PLUGIN, "--ocr: Tesseract");
  using Open = LineReader* (*)(const char*);
  std::unique_ptr<LineReader> reader(
      reinterpret_cast<Open>(plugin.function("vidattn_open_tesseract"))(language.c_str()));
  if (!reader)
    throw InputError("--language: Tesseract has no data for \"" + language +
                     "\"; Debian has it as tesseract-ocr-" + language);
  return reader;
}
#else
bool ocr_available() { return false; }

std::unique_ptr<LineReader> open_line_reader(const std::string&) {
  throw InputError(
      "--ocr: this build has no Tesseract; install libtesseract-dev and tesseract-ocr-eng and "
      "build again");
}
#endif

}  // namespace vidattn

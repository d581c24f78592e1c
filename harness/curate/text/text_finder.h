#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/curate/text/find_text.h"

namespace vidattn {

/// Finds the lines of text in a frame.
class TextFinder {
 public:
  virtual ~TextFinder() = default;
  /// `frame` is 8UC3 in BGR, `luma` its luma and `later` that of the frame an eighth of a second
  /// later, both 8UC1.
  virtual std::vector<TextLine> find(const cv::Mat& frame, const cv::Mat& luma,
                                     const cv::Mat& later) = 0;
};

/// What finds text.
struct TextChoice {
  std::string language = {};  ///< of Tesseract's data; empty = it does not read
  std::string detector = {};  ///< file of PP-OCRv4's detector; empty = it is not used
  std::string sha256 = {};    ///< of that file

  bool none() const { return language.empty() && detector.empty(); }
  /// For keys and records: "eng", "ppocrv4 SHA-256", or empty.
  std::string identity() const;
};

/// What `--ocr OCR` and `--language` choose: auto, on, off or ppocrv4[:PLACE], the folder or file
/// of the detector. Throws InputError for another word, and for a file that is not there.
TextChoice choose_text(const std::string& ocr, const std::string& language);
/// Opens it once, so that what cannot be used is refused before any work. Throws InputError.
void try_text(const TextChoice& choice);

/// nullptr where nothing finds text. Lines below `confidence`, 0 to 100, are none: Tesseract's
/// (find_text.h), or the detector's mean probability in percent.
std::unique_ptr<TextFinder> open_text_finder(const TextChoice& choice, double confidence);

}  // namespace vidattn

#include "harness/curate/text/find_text.h"

#include <algorithm>
#include <cctype>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "harness/io/one_line.h"

namespace vidattn {
namespace {

// Of the frame's rows: lines of titles and of small print.
constexpr double kLowestLine = 0.015, kHighestLine = 0.14;
constexpr double kLeastLength = 1.5;  // of a line, in its heights
constexpr double kLeastFill = 0.25;   // share of strong edges in a box
// Grey levels that a stroke stands out by, at least: of bright letters on a busy picture, in which
// fainter edges would tie them to things beside them, and of faint ones.
constexpr double kStrokes[] = {48, 28};
constexpr int kLetterRows = 36;  // at which Tesseract reads best

cv::Mat gradient(const cv::Mat& grey) {
  cv::Mat edges;
  cv::morphologyEx(grey, edges, cv::MORPH_GRADIENT,
                   cv::getStructuringElement(cv::MORPH_ELLIPSE, {3, 3}));
  return edges;
}

/// Strong edges of both frames.
cv::Mat common_strokes(const cv::Mat& frame, const cv::Mat& later, double stroke) {
  cv::Mat strokes = cv::min(gradient(frame), gradient(later));
  cv::threshold(strokes, strokes, stroke, 255, cv::THRESH_BINARY);
  return strokes;
}

cv::Rect padded(cv::Rect box, int by, cv::Size frame) {
  return cv::Rect(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by) &
         cv::Rect({0, 0}, frame);
}

/// As Tesseract likes it: large enough, with room around.
cv::Mat as_line(const cv::Mat& frame, const cv::Rect& box) {
  const double scale = static_cast<double>(kLetterRows) / box.height;
  const cv::Mat part = frame(padded(box, std::max(2, box.height / 5), frame.size()));
  cv::Mat line;
  cv::resize(part, line, {}, scale, scale, scale > 1 ? cv::INTER_CUBIC : cv::INTER_AREA);
  return line;
}

/// Letters and digits of a text, and its other signs without spaces.
struct Signs {
  int letters = 0, others = 0;
};

Signs signs_of(const std::string& text) {
  constexpr unsigned char kPunctuation = 0xe2;  // begins dashes, quotes and symbols in UTF-8
  Signs signs;
  for (const unsigned char c : text) {
    if (c == ' ' || (c >= 0x80 && c < 0xc0)) continue;  // the latter go on a letter
    const bool letter = c != kPunctuation && (c >= 0x80 || std::isalnum(c) != 0);
    ++(letter ? signs.letters : signs.others);
  }
  return signs;
}

/// A long line of letters is text even where single ones are doubtful.
bool is_text(const ReadLine& line, double confidence) {
  constexpr int kLeastLetters = 3, kManyLetters = 8, kPerOther = 4;
  constexpr double kDoubtful = 0.6;
  const Signs signs = signs_of(line.text);
  if (line.confidence >= confidence)
    return signs.letters >= kLeastLetters && signs.letters > signs.others;
  return line.confidence >= kDoubtful * confidence && signs.letters >= kManyLetters &&
         signs.letters >= kPerOther * signs.others;
}

/// Light letters alone, dark on white: what is brighter than all around it.
cv::Mat light_strokes(const cv::Mat& line) {
  constexpr int kAround = 9;  // of kLetterRows
  cv::Mat strokes;
  cv::morphologyEx(line, strokes, cv::MORPH_TOPHAT,
                   cv::getStructuringElement(cv::MORPH_RECT, {kAround, kAround}));
  return 255 - strokes;
}

/// As it is, and where that is no text, its light strokes.
std::optional<ReadLine> read_text(const cv::Mat& line, LineReader& reader, double confidence) {
  for (const bool light : {false, true}) {
    ReadLine read = reader.read(light ? light_strokes(line) : line);
    read.text = one_line(read.text);
    if (is_text(read, confidence)) return read;
  }
  return std::nullopt;
}

/// Whether most of a box lies in lines that were read.
bool is_known(const cv::Rect& box, const std::vector<TextLine>& lines) {
  return std::any_of(lines.begin(), lines.end(), [&](const TextLine& line) {
    return 2 * (box & line.box).area() > box.area();
  });
}

/// Whether two boxes stand side by side, with room for a short word between them.
bool on_one_row(const cv::Rect& a, const cv::Rect& b) {
  const int height = std::max(a.height, b.height);
  const int shared = std::min(a.br().y, b.br().y) - std::max(a.y, b.y);
  const int gap = std::max(a.x, b.x) - std::min(a.br().x, b.br().x);
  return shared > 0.6 * std::min(a.height, b.height) && gap < 3 * height;
}

/// Words of one line as one, with what stands between them.
void join_rows(std::vector<TextLine>& lines) {
  std::sort(lines.begin(), lines.end(),
            [](const TextLine& a, const TextLine& b) { return a.box.x < b.box.x; });
  for (size_t i = 0; i < lines.size(); ++i)
    for (size_t j = i + 1; j < lines.size();) {
      if (!on_one_row(lines[i].box, lines[j].box)) {
        ++j;
        continue;
      }
      lines[i].box |= lines[j].box;
      lines[i].text += " " + lines[j].text;
      lines[i].confidence = std::min(lines[i].confidence, lines[j].confidence);
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(j));
    }
}

}  // namespace

std::vector<cv::Rect> text_candidates(const cv::Mat& frame, const cv::Mat& later, double stroke) {
  const cv::Mat strokes = common_strokes(frame, later, stroke);
  // Gaps between letters and words are less than a letter's height.
  const int gap = std::max(9, frame.rows / 40);
  cv::Mat joined, labels, figures, centres;
  cv::morphologyEx(strokes, joined, cv::MORPH_CLOSE,
                   cv::getStructuringElement(cv::MORPH_RECT, {gap, 3}));
  // Edges of things are thin, letters side by side are not.
  const int low = std::max(4, cvRound(kLowestLine * frame.rows * 0.7));
  cv::morphologyEx(joined, joined, cv::MORPH_OPEN,
                   cv::getStructuringElement(cv::MORPH_RECT, {gap / 2, low}));
  const int count = cv::connectedComponentsWithStats(joined, labels, figures, centres);
  std::vector<std::pair<double, cv::Rect>> found;
  for (int i = 1; i < count; ++i) {
    const int* figure = figures.ptr<int>(i);
    const cv::Rect box(figure[cv::CC_STAT_LEFT], figure[cv::CC_STAT_TOP], figure[cv::CC_STAT_WIDTH],
                       figure[cv::CC_STAT_HEIGHT]);
    const bool as_high = box.height >= std::max(6.0, kLowestLine * frame.rows) &&
                         box.height <= kHighestLine * frame.rows;
    if (!as_high || box.width < kLeastLength * box.height) continue;
    const double fill = static_cast<double>(cv::countNonZero(strokes(box))) / box.area();
    if (fill >= kLeastFill) found.emplace_back(fill, box);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<cv::Rect> boxes;
  for (const auto& one : found) boxes.push_back(one.second);
  return boxes;
}

std::vector<TextLine> find_text(const cv::Mat& frame, const cv::Mat& later, LineReader& reader,
                                double confidence) {
  std::vector<TextLine> lines;
  for (const double stroke : kStrokes) {
    std::vector<cv::Rect> boxes = text_candidates(frame, later, stroke);
    std::erase_if(boxes, [&](const cv::Rect& box) { return is_known(box, lines); });
    if (boxes.size() > kMostLines) boxes.resize(kMostLines);
    for (const cv::Rect& box : boxes) {
      const auto read = read_text(as_line(frame, box), reader, confidence);
      if (!read) continue;
      const cv::Rect whole = padded(box, std::max(2, box.height / 6), frame.size());
      lines.push_back({whole, read->text, read->confidence});
    }
  }
  join_rows(lines);
  return lines;
}

}  // namespace vidattn

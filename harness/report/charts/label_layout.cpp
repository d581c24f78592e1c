#include "harness/report/charts/label_layout.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string_view>
#include <utility>

namespace vidattn {
namespace {

constexpr double kMark = 6;    // half of a mark's side
constexpr double kBeside = 9;  // from a point to a name that belongs to it at sight

/// The name's box in a direction from its point, (1,0) for right of it.
Box box_at(const Named& point, double right, double down, double distance) {
  const double x = point.x + right * (distance + point.width / 2);
  const double y = point.y + down * (distance + point.height / 2);
  return {x - point.width / 2, y - point.height / 2, x + point.width / 2, y + point.height / 2};
}

Box mark_of_point(const Named& point) {
  return {std::min(point.x - kMark, point.left), point.y - kMark,
          std::max(point.x + kMark, point.right), point.y + kMark};
}

/// Advance of a letter in DejaVu Sans, by its kind, as a share of the font's size.
double letter_width(unsigned char letter) {
  constexpr std::string_view kNarrow = "ijlI|.,:;'!()[] ", kWide = "mMwWOQ@%=+<>~";
  if (letter >= 0x80 || kWide.find(static_cast<char>(letter)) != std::string_view::npos) return 1;
  if (kNarrow.find(static_cast<char>(letter)) != std::string_view::npos) return 0.4;
  return letter >= 'A' && letter <= 'Z' ? 0.79 : 0.64;
}

/// Behind the characters of a text that fit into so many pixels, at least one.
size_t end_of_fitting(const std::string& text, double room, double points) {
  size_t end = 0;
  while (end < text.size()) {
    size_t next = end + 1;
    while (next < text.size() && (text[next] & 0xc0) == 0x80) ++next;
    if (end > 0 && text_width(text.substr(0, next), points) > room) break;
    end = next;
  }
  return end;
}

}  // namespace

double text_width(const std::string& text, double points) {
  constexpr double kPdfLetter = 1.135;  // pixels for each point
  double width = 0;
  for (const char c : text)
    if (const auto byte = static_cast<unsigned char>(c); (byte & 0xc0U) != 0x80)
      width += letter_width(byte);
  return kPdfLetter * points * width;
}

std::vector<std::string> wrapped(const std::string& text, double room, double points) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  bool open = false;  // the last line takes more words
  for (std::string word; words >> word; open = true) {
    if (open && text_width(lines.back() + " " + word, points) <= room) {
      lines.back() += " " + word;
      continue;
    }
    while (text_width(word, points) > room) {
      const size_t end = end_of_fitting(word, room, points);
      lines.push_back(word.substr(0, end));
      word.erase(0, end);
    }
    lines.push_back(word);
  }
  return lines;
}

std::vector<std::optional<Box>> place_labels(const std::vector<Named>& points, const Box& area) {
  constexpr std::pair<double, double> kDirections[] = {{1, 0},   {-1, 0}, {1, -1}, {1, 1},
                                                       {-1, -1}, {-1, 1}, {0, -1}, {0, 1}};
  constexpr double kDistances[] = {kBeside, 20, 36, 56, 80};
  std::vector<Box> taken;
  for (const Named& point : points) taken.push_back(mark_of_point(point));
  std::vector<std::optional<Box>> places(points.size());
  for (size_t i = 0; i < points.size(); ++i)
    for (const double distance : kDistances) {
      for (const auto& [right, down] : kDirections) {
        const Box box = box_at(points[i], right, down, distance);
        if (places[i] || !area.holds(box) ||
            std::any_of(taken.begin(), taken.end(), [&](const Box& t) { return t.overlaps(box); }))
          continue;
        places[i] = box;
        taken.push_back(box);
      }
    }
  return places;
}

bool needs_leader(const Named& point, const Box& label) {
  const double across = std::max({label.left - point.x, point.x - label.right, 0.0});
  const double along = std::max({label.top - point.y, point.y - label.bottom, 0.0});
  return std::hypot(across, along) > 2 * kBeside;
}

}  // namespace vidattn

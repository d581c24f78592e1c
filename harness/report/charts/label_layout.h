#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vidattn {

/// About how wide a text is in a chart, in pixels, in letters of so many points: no less than in a
/// PDF, whose letters are the largest.
double text_width(const std::string& text, double points);

/// A text in lines of at most `room` pixels, as text_width() has them. They end between words where
/// those are not longer than a line. None for an empty text.
std::vector<std::string> wrapped(const std::string& text, double room, double points);

struct Box {
  double left, top, right, bottom;

  bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  bool holds(const Box& other) const {
    return other.left >= left && other.right <= right && other.top >= top && other.bottom <= bottom;
  }
};

/// A point that wants its name beside it, in pixels, y downwards.
struct Named {
  double x, y;
  double width, height;  ///< of its name
  double left, right;    ///< ends of its whiskers, which no name covers; x where it has none
};

/// A place for each name near its point, inside `area`, where it covers no mark and no other name;
/// none where there is no such place. The first points choose first. A name that lies further off
/// than its mark's side needs a line to its point: needs_leader().
std::vector<std::optional<Box>> place_labels(const std::vector<Named>& points, const Box& area);

bool needs_leader(const Named& point, const Box& label);

}  // namespace vidattn

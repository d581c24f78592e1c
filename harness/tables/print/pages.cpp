#include "harness/tables/print/pages.h"

#include <algorithm>

#include "harness/io/text/pages.h"

namespace vidattn {
namespace {

/// Lines of a part's head: headings, those of the sub-columns in two, and the title above them.
size_t head_lines(const Part& part) {
  constexpr size_t kHeadings = 3, kTitle = 2;
  return kHeadings + part.lines.size() + (part.title.empty() ? 0 : kTitle);
}

std::vector<Part> cut(const Part& part) {
  constexpr size_t kFewest = 10;  // below a head of any height
  const size_t head = std::min(head_lines(part), kPageLines - kFewest);
  std::vector<Part> pieces;
  for (const auto& [first, last] : even_pages(part.rows.size(), kPageLines - head)) {
    Part& piece = pieces.emplace_back(part);
    piece.rows = {part.rows.begin() + first, part.rows.begin() + last};
  }
  return pieces;
}

}  // namespace

size_t lines_of(const std::vector<Part>& page) {
  size_t lines = 0;
  for (const Part& part : page) lines += head_lines(part) + part.rows.size();
  return lines;
}

size_t lines_of(const std::string& text) {
  constexpr size_t kLine = 110;  // characters of small type
  size_t lines = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines += (end - begin) / kLine + 1;
    begin = end + 1;
  }
  return lines;
}

std::vector<std::vector<Part>> pages_of(const std::vector<Part>& parts) {
  std::vector<std::vector<Part>> pages(1);
  for (const Part& part : parts)
    for (Part& piece : cut(part)) {
      const bool full = lines_of(pages.back()) + head_lines(piece) + piece.rows.size() > kPageLines;
      if (full && !pages.back().empty()) pages.emplace_back();
      pages.back().push_back(std::move(piece));
    }
  return pages;
}

}  // namespace vidattn

#include "harness/io/text/markdown.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "harness/io/text_table.h"
#include "harness/tables/print/formats.h"
#include "harness/tables/print/layout.h"

namespace vidattn {
namespace {

/// Names of the sub-columns, each with its column's: a table of Markdown has one line of headings.
std::vector<std::string> flat_headings(const Part& part) {
  std::vector<std::string> headings = part.stub;
  for (const Part::Column& column : part.columns)
    for (const std::string& sub : column.subs) headings.push_back(column.heading + ": " + sub);
  return headings;
}

TableRows flat_rows(const Part& part) {
  TableRows rows;
  for (const Part::HeadLine& line : part.lines) {
    auto& row = rows.emplace_back(part.stub.size());
    row.back() = line.name;
    for (size_t c = 0; c < part.columns.size(); ++c)
      for (size_t s = 0; s < part.columns[c].subs.size(); ++s)
        row.push_back(s == 0 ? line.values[c] : "");
  }
  for (const Part::Row& from : part.rows) {
    auto& row = rows.emplace_back(from.stub);
    for (const Entry& entry : from.entries)
      row.push_back(entry.text + (entry.notes.empty()
                                      ? ""
                                      : fmt::format(" [{}]", fmt::join(entry.notes, ", "))));
  }
  return rows;
}

/// A list item; a line break of the text is one inside of the item.
std::string item(const std::string& name, const std::string& text) {
  std::istringstream lines(text);
  std::string shown, line;
  while (std::getline(lines, line)) shown += (shown.empty() ? "" : "  \n  ") + markdown_line(line);
  return name.empty() ? "- " + shown + "\n" : fmt::format("- **{}** {}\n", markdown(name), shown);
}

/// Parts with columns of their own below one header, which has the columns of all.
class Sheet {
 public:
  void add(const Table& table, const Part& part) {
    const std::vector<size_t> places = places_of(part);
    const std::string own = table.paper ? "The paper's table" : "Methods";
    for (const auto& cells : flat_rows(part)) {
      auto& row =
          rows_.emplace_back(std::vector{table.label, part.title.empty() ? own : part.title});
      row.resize(header_.size());
      for (size_t i = 0; i < cells.size(); ++i) row[places[i]] = cells[i];
    }
  }

  std::string csv() {
    std::string out = csv_line(header_);
    for (auto& row : rows_) {
      row.resize(header_.size());
      out += csv_line(row);
    }
    return out;
  }

 private:
  /// Where the part's columns stand in the header; those that it lacks are added.
  std::vector<size_t> places_of(const Part& part) {
    std::vector<size_t> places;
    for (std::string heading : flat_headings(part)) {
      if (heading.empty()) heading = "row";
      const auto taken = [&](size_t place) {
        return std::find(places.begin(), places.end(), place) != places.end();
      };
      size_t place = 2;
      while (place < header_.size() && (header_[place] != heading || taken(place))) ++place;
      if (place == header_.size()) header_.push_back(heading);
      places.push_back(place);
    }
    return places;
  }

  std::vector<std::string> header_ = {"table", "part"};
  TableRows rows_;
};

}  // namespace

std::string table_as_markdown(const Table& table) {
  std::string out = fmt::format("## {}: {}\n\n{}\n", markdown(table.label), markdown(table.title),
                                markdown_line(table.where));
  for (const Part& part : parts_of(table, Digits::shown)) {
    const auto headings = flat_headings(part);
    if (!part.title.empty()) out += "\n" + markdown_line(part.title) + ":\n";
    const size_t stub = part.stub.size();
    out += "\n" + markdown_table(headings, flat_rows(part),
                                 std::string(stub, 'l') + std::string(headings.size() - stub, 'r'));
  }
  out += "\n";
  for (const auto& [name, text] : legend_of(table)) out += item(name + ":", text);
  for (const Note& note : table.notes) out += item("[" + note.key + "]", note.text);
  for (const std::string& remark : table.remarks) out += item({}, remark);
  return out;
}

std::string tables_as_csv(const std::vector<Table>& tables) {
  Sheet sheet;
  for (const Table& table : tables)
    for (const Part& part : parts_of(table, Digits::exact)) sheet.add(table, part);
  return sheet.csv();
}

}  // namespace vidattn

#include "harness/tables/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/text/escape.h"
#include "harness/io/text_table.h"

namespace vidattn {
namespace {

/// `digits` significant digits, never an exponent for large numbers.
std::string number(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  return std::abs(value) >= std::pow(10, digits) ? fmt::format("{:.0f}", value)
                                                 : fmt::format("{:.{}g}", value, digits);
}

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:+.1f}%", 100 * share) : "-";
}

std::vector<Origin> origins_of(const Table& table) {
  std::vector<Origin> found;
  for (Origin origin : kOrigins)
    if (std::any_of(table.cells.begin(), table.cells.end(),
                    [&](const Cell& c) { return std::isfinite(c.value(origin)); }))
      found.push_back(origin);
  return found;
}

std::vector<std::string> headers_of(const Table& table) {
  std::vector<std::string> headers = {"row", "column", "unit"};
  for (Origin origin : origins_of(table)) headers.push_back(to_string(origin));
  headers.insert(headers.end(), {"difference", "notes"});
  return headers;
}

std::vector<std::vector<std::string>> rows_of(const Table& table) {
  std::vector<std::vector<std::string>> rows;
  for (const Cell& cell : table.cells) {
    auto& row = rows.emplace_back(std::vector<std::string>{cell.row, cell.column, cell.unit});
    for (Origin origin : origins_of(table))
      row.push_back(number(cell.value(origin), origin == Origin::paper ? 6 : cell.digits));
    // Which value the difference is of matters only where it is not the usual one.
    row.push_back(percent(cell.difference()) +
                  (cell.compared == Origin::measured && std::isfinite(cell.difference())
                       ? " (measured)"
                       : ""));
    row.push_back(fmt::format("{}", fmt::join(cell.notes, " ")));
  }
  return rows;
}

std::string wrapped(const std::string& text, const std::string& first, size_t width) {
  std::string out, line = first;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string word = text.substr(at, end - at);
    if (used > 0 && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line = std::string(first.size(), ' ');
      used = 0;
    }
    line += (used++ > 0 ? " " : "") + word;
    if (end < text.size() && text[end] == '\n') {
      out += line + "\n";
      line = std::string(first.size(), ' ');
      used = 0;
    }
    at = end + 1;
  }
  return out + line + "\n";
}

std::string as_text(const Table& table) {
  std::string out = fmt::format("Table {}: {}\n{}\n\n{}\n", table.name, table.title, table.where,
                                text_table(headers_of(table), rows_of(table)));
  for (const Note& note : table.notes)
    out += wrapped(note.text, fmt::format("[{}] ", note.key), 100);
  return printable_lines(out);
}

std::string as_markdown(const Table& table) {
  const auto headers = headers_of(table);
  std::string out = fmt::format("## Table {}: {}\n\n{}\n\n", markdown(table.name),
                                markdown(table.title), markdown(table.where));
  const std::string figures(headers.size() - 4, 'r');
  out += markdown_table(headers, rows_of(table), "lll" + figures + "l");
  out += "\n";
  for (const Note& note : table.notes) {
    std::istringstream lines(note.text);
    std::string item, line;
    while (std::getline(lines, line))  // a line break inside of a list item
      item += (item.empty() ? "" : "  \n  ") + markdown(line);
    out += fmt::format("- **[{}]** {}\n", note.key, item);
  }
  return out;
}

std::string as_csv(const std::vector<Table>& tables) {
  std::vector<std::string> header{"table", "row", "column", "unit"};
  for (Origin origin : kOrigins) header.push_back(to_string(origin));
  header.insert(header.end(), {"compared", "difference", "notes"});
  std::string out = csv_line(header);
  const auto exact = [](double v) { return std::isfinite(v) ? fmt::format("{}", v) : ""; };
  for (const Table& table : tables)
    for (const Cell& cell : table.cells) {
      std::vector<std::string> fields{table.name, cell.row, cell.column, cell.unit};
      for (Origin origin : kOrigins) fields.push_back(exact(cell.value(origin)));
      fields.insert(fields.end(), {to_string(cell.compared), exact(cell.difference()),
                                   fmt::format("{}", fmt::join(cell.notes, " "))});
      out += csv_line(fields);
    }
  return out;
}

}  // namespace

TableFormat parse_table_format(const std::string& text) {
  if (text == "text" || text == "txt") return TableFormat::text;
  if (text == "markdown" || text == "md") return TableFormat::markdown;
  if (text == "csv") return TableFormat::csv;
  if (text == "json") return TableFormat::json;
  throw InputError("unknown table format '" + text +
                   "': " + known_are(text, {"text", "markdown", "csv", "json"}));
}

nlohmann::json to_json(const Table& table) {
  nlohmann::json json{{"name", table.name},
                      {"title", table.title},
                      {"where", table.where},
                      {"cells", nlohmann::json::array()},
                      {"details", table.details}};
  for (const Cell& cell : table.cells) {
    nlohmann::json values;
    for (const auto& [origin, value] : cell.values)
      values[to_string(origin)] = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
    const double difference = cell.difference();
    json["cells"].push_back(
        {{"row", cell.row},
         {"column", cell.column},
         {"unit", cell.unit},
         {"values", values},
         {"compared", to_string(cell.compared)},
         {"difference", std::isfinite(difference) ? nlohmann::json(difference) : nlohmann::json()},
         {"notes", cell.notes}});
  }
  for (const Note& note : table.notes) json["notes"][note.key] = note.text;
  return json;
}

std::string print_tables(const std::vector<Table>& tables, TableFormat format) {
  if (format == TableFormat::csv) return as_csv(tables);
  if (format == TableFormat::json) {
    nlohmann::json all = nlohmann::json::array();
    for (const Table& table : tables) all.push_back(to_json(table));
    return all.dump(1) + "\n";
  }
  std::string out;
  for (const Table& table : tables)
    out += (out.empty() ? "" : "\n") +
           (format == TableFormat::text ? as_text(table) : as_markdown(table));
  return out;
}

}  // namespace vidattn

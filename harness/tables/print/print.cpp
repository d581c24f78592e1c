#include "harness/tables/print/print.h"

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/json_file.h"
#include "harness/tables/print/formats.h"
#include "harness/tables/print/layout.h"

namespace vidattn {
namespace {

std::string print_table(const Table& table, TableFormat format) {
  switch (format) {
    case TableFormat::markdown:
      return table_as_markdown(table);
    case TableFormat::latex:
      return table_as_latex(table);
    case TableFormat::text:
    case TableFormat::csv:
    case TableFormat::json:
      break;
  }
  return table_as_text(table);
}

}  // namespace

TableFormat parse_table_format(const std::string& text) {
  if (text == "text" || text == "txt") return TableFormat::text;
  if (text == "markdown" || text == "md") return TableFormat::markdown;
  if (text == "latex" || text == "tex") return TableFormat::latex;
  if (text == "csv") return TableFormat::csv;
  if (text == "json") return TableFormat::json;
  throw InputError("unknown table format '" + text +
                   "': " + known_are(text, {"text", "markdown", "latex", "csv", "json"}));
}

nlohmann::json to_json(const Table& given) {
  const Table table = given.settled();
  nlohmann::json json{{"name", table.name},
                      {"label", table.label},
                      {"title", table.title},
                      {"where", table.where},
                      {"cells", nlohmann::json::array()},
                      {"details", table.details}};
  for (const Cell& cell : table.cells) {
    nlohmann::json values;
    for (const auto& [origin, value] : cell.values)
      values[to_string(origin)] = number_or_null(value);
    json["cells"].push_back({{"row", cell.row},
                             {"column", cell.column},
                             {"unit", cell.unit},
                             {"values", values},
                             {"compared", to_string(cell.compared)},
                             {"difference", number_or_null(cell.difference())},
                             {"error", number_or_null(cell.error)},
                             {"notes", cell.notes}});
  }
  for (const auto& [name, text] : legend_of(table)) json["legend"][name] = text;
  for (const Note& note : table.notes) json["notes"][note.key] = note.text;
  if (!table.remarks.empty()) json["remarks"] = table.remarks;
  return json;
}

std::string print_tables(const std::vector<Table>& tables, TableFormat format) {
  if (format == TableFormat::json) {
    nlohmann::json all = nlohmann::json::array();
    for (const Table& table : tables) all.push_back(to_json(table));
    return all.dump(1) + "\n";
  }
  std::vector<Table> settled;
  for (const Table& table : tables) settled.push_back(table.settled());
  if (format == TableFormat::csv) return tables_as_csv(settled);
  std::string out;
  for (const Table& table : settled) out += (out.empty() ? "" : "\n") + print_table(table, format);
  return out;
}

}  // namespace vidattn

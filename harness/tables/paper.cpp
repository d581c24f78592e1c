#include "harness/tables/paper.h"

#include <algorithm>

#include "attention/error.h"
#include "harness/io/embedded.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

nlohmann::json load(const std::string& file, const std::string& folder) {
  if (!folder.empty()) return read_json(folder + "/" + file);
  const std::string_view found = embedded("results/paper/" + file);
  if (found.empty())
    throw InputError("the paper's data results/paper/" + file + " is missing in this program");
  return nlohmann::json::parse(found);
}

PaperRow row_from(const nlohmann::json& json) {
  PaperRow row{json.at("label"), json.at("source")};
  row.groups = json.value("groups", int64_t{0});
  row.tokens = json.value("tokens", int64_t{0});
  row.frames = json.value("frames", int64_t{0});
  for (const auto& value : json.at("values")) row.values.push_back({value.get<std::string>()});
  return row;
}

void check(const PaperTable& table, const std::string& file) {
  const size_t columns = table.columns.size();
  for (const auto* sizes : {&table.column_tokens, &table.column_frames})
    if (!sizes->empty() && sizes->size() != columns)
      throw InputError(file + ": column sizes do not fit the columns");
  for (const PaperRow& row : table.rows) {
    if (row.values.size() != columns)
      throw InputError(file + ": row " + in_quotes(row.label) + " has " +
                       std::to_string(row.values.size()) + " values, expected " +
                       std::to_string(columns));
    for (const Printed& printed : row.values)
      if (printed.text.find_first_not_of("0123456789.") != std::string::npos ||
          std::count(printed.text.begin(), printed.text.end(), '.') > 1 || printed.text == ".")
        throw InputError(file + ": " + in_quotes(printed.text) + " in row " + in_quotes(row.label) +
                         " is no number");
  }
}

}  // namespace

double Printed::value() const { return text.empty() ? std::nan("") : std::stod(text); }

double Printed::unit() const {
  const size_t point = text.find('.');
  return point == std::string::npos ? 1
                                    : std::pow(10, -static_cast<double>(text.size() - point - 1));
}

bool Printed::prints(double computed) const {
  if (text.empty()) return false;
  const double digits = std::round(value() / unit());
  const double exact = computed / unit();
  // Binary fractions: 0.29 / 0.01 may come out a little below 29.
  constexpr double kSlack = 1e-9;
  return std::round(exact) == digits || std::floor(exact + kSlack) == digits;
}

const Printed& PaperTable::at(const std::string& row, const std::string& column) const {
  const auto c = std::find(columns.begin(), columns.end(), column);
  for (const PaperRow& r : rows)
    if (r.label == row && c != columns.end()) return r.values[c - columns.begin()];
  throw InputError("the paper's data for table " + name + " has no cell (" + row + ", " + column +
                   ")");
}

PaperTable paper_table(const std::string& name, const std::string& folder) {
  std::string file = "table" + name + ".json";
  const nlohmann::json json = load(file, folder);
  if (!folder.empty()) file = folder + "/" + file;
  PaperTable table;
  try {
    for (auto [key, target] : {std::pair{"table", &table.name},
                               {"title", &table.title},
                               {"where", &table.where},
                               {"model", &table.model}})
      *target = json.at(key);
    table.columns = json.at("columns");
    table.column_tokens = json.value("column_tokens", std::vector<int64_t>{});
    table.column_frames = json.value("column_frames", std::vector<int64_t>{});
    for (const auto& row : json.at("rows")) table.rows.push_back(row_from(row));
  } catch (const nlohmann::json::exception& error) {
    throw InputError(file + ": " + json_fault(error));
  }
  check(table, file);
  return table;
}

}  // namespace vidattn

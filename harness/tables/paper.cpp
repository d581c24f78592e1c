#include "harness/tables/paper.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

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
  return parse_json(found);
}

/// Digits and at most one point, few enough to be exact; nothing stands for an empty cell.
bool is_number(const std::string& text) {
  constexpr size_t kMostDigits = 15;
  return text.find_first_not_of("0123456789.") == std::string::npos &&
         std::count(text.begin(), text.end(), '.') <= 1 && text != "." &&
         text.size() <= kMostDigits;
}

/// What a table needs of its data, because its cells are computed from them. The file beside the
/// program may be anyone's.
struct Shape {
  const char* table;
  size_t columns;       ///< 0 = any number
  bool groups, tokens;  ///< of every row
  bool column_tokens;   ///< of every column
};
constexpr Shape kShapes[] = {{"4", 2, true, true, false},
                             {"5", 0, true, false, true},
                             {"6", 1, true, true, false},
                             {"11", 0, false, true, false},
                             {"12", 3, false, false, false}};

// A plan is counted at any of these, on router_logits of tokens x groups.
constexpr int64_t kMostGroups = 256, kMostTokens = 1'560'000, kMostFrames = 1'000'000;

const Shape& shape_of(const std::string& table) {
  for (const Shape& shape : kShapes)
    if (table == shape.table) return shape;
  static constexpr Shape kAny{"", 0, false, false, false};
  return kAny;
}

/// A size that must be there, or may be missing and is 0 then.
int64_t size_in(const JsonReader& row, const char* key, int64_t most, bool needed) {
  return needed                     ? row.at(key).integer(1, most)
         : row.maybe(key).is_null() ? 0
                                    : row.at(key).integer(0, most);
}

PaperRow row_from(const JsonReader& json, const Shape& shape) {
  PaperRow row{json.at("label").text(), json.at("source").raw_text(), {}};
  row.stub = {row.label};
  json.read_if("stub", row.stub);
  row.groups = size_in(json, "groups", kMostGroups, shape.groups);
  row.tokens = size_in(json, "tokens", kMostTokens, shape.tokens);
  row.frames = size_in(json, "frames", kMostFrames, false);
  for (const JsonReader& value : json.at("values").items()) {
    row.values.push_back({value.text()});
    if (!is_number(row.values.back().text)) value.expected("a number as it is printed");
  }
  return row;
}

std::vector<int64_t> sizes_of(const JsonReader& list, int64_t most) {
  std::vector<int64_t> sizes;
  for (const JsonReader& size : list.items()) {
    sizes.push_back(size.integer(1, most));
    if (sizes.size() > 1 && sizes[sizes.size() - 2] >= sizes.back())
      size.expected("more than before it");
  }
  return sizes;
}

void check(const PaperTable& table, const Shape& shape, const JsonReader& json) {
  const size_t columns = table.columns.size();
  if (columns == 0 || (shape.columns > 0 && columns != shape.columns))
    json.at("columns").refuse(shape.columns > 0 ? fmt::format("{} are needed", shape.columns)
                                                : "none is there");
  if (table.rows.empty()) json.at("rows").refuse("none is there");
  for (const auto& [key, sizes] :
       {std::pair{"column_tokens", &table.column_tokens}, {"column_frames", &table.column_frames}})
    if (!sizes->empty() && sizes->size() != columns)
      json.at(key).refuse("column sizes do not fit the columns");
  if (shape.column_tokens) json.at("column_tokens");
  if (table.headings.size() != columns) json.at("headings").expected("one for each column");
  for (const PaperRow& row : table.rows) {
    if (row.stub.size() != table.stub.size())
      json.at("rows").refuse(fmt::format("row {} has {} texts in \"stub\", expected {}",
                                         in_quotes(row.label), row.stub.size(), table.stub.size()));
    if (row.values.size() != columns)
      json.at("rows").refuse(fmt::format("row {} has {} values, expected {}", in_quotes(row.label),
                                         row.values.size(), columns));
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
  const std::string file = "table" + name + ".json";
  const nlohmann::json value = load(file, folder);
  const JsonReader json(value, in_quotes(folder.empty() ? file : folder + "/" + file));
  const Shape& shape = shape_of(name);
  PaperTable table;
  for (auto [key, target] : {std::pair{"table", &table.name},
                             {"title", &table.title},
                             {"where", &table.where},
                             {"model", &table.model}})
    json.read(key, *target);
  if (table.name != name) json.at("table").expected(in_quotes(name));
  table.label = "Table " + name;
  json.read_if("label", table.label);
  json.read("columns", table.columns);
  table.headings = table.columns;
  json.read_if("headings", table.headings);
  table.stub = {""};
  json.read_if("stub", table.stub);
  table.column_tokens = sizes_of(json.maybe("column_tokens"), kMostTokens);
  table.column_frames = sizes_of(json.maybe("column_frames"), kMostFrames);
  for (const JsonReader& row : json.at("rows").items()) table.rows.push_back(row_from(row, shape));
  check(table, shape, json);
  return table;
}

}  // namespace vidattn

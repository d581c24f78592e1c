#include "harness/tables/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/programs/gnuplot.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/verify.h"
#include "harness/tables/figure.h"
#include "harness/tables/models.h"
#include "harness/tables/operators/count.h"
#include "harness/tables/paper.h"
#include "harness/tables/print/print.h"

namespace vidattn {
namespace {

std::map<int, MakeTable>& registry() {
  static std::map<int, MakeTable> tables;
  return tables;
}

bool is_figure(const std::string& path) {
  return path.ends_with(".svg") || path.ends_with(".png") || path.ends_with(".pdf");
}

TableFormat format_of(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension().string();
  try {
    return parse_table_format(ending.empty() ? ending : ending.substr(1));
  } catch (const InputError&) {
    throw InputError("--out " + in_quotes(path) +
                     " must end in .txt, .md, .tex, .csv, .json, .svg, .png or .pdf");
  }
}

std::vector<std::pair<std::string, MakeTable>> wanted(const std::string& name) {
  std::vector<std::pair<std::string, MakeTable>> found;
  for (const auto& [number, make] : registry())
    if (name == "all" || name == std::to_string(number))
      found.emplace_back(std::to_string(number), make);
  if (!found.empty()) return found;
  std::vector<std::string> known;
  for (const auto& [number, make] : registry()) known.push_back(std::to_string(number));
  known.emplace_back("all");
  throw InputError("unknown table '" + name + "': " + known_are(name, known));
}

void check_tokens(const TableOptions& options) {
  for (int64_t tokens : options.tokens) {
    grid_480p(tokens, options.temporal_groups);
    if (!options.backends.empty()) continue;  // any length will do
    if (options.name != "11") throw InputError("--tokens is for table 11 and for --backend");
    std::vector<int64_t> rows;
    for (const PaperRow& row : paper_table("11", options.paper).rows) rows.push_back(row.tokens);
    if (std::find(rows.begin(), rows.end(), tokens) == rows.end())
      throw InputError(fmt::format(
          "--tokens {} is no row of table 11: they are {}; with --backend any length will do",
          tokens, fmt::join(rows, ", ")));
  }
}

void check_run(const TableOptions& options) {
  if (options.run.dense_steps > options.run.steps)
    throw InputError("--dense-steps must not exceed --steps");
  const DitModel model =
      find_model(options.model.empty() ? paper_table("12", options.paper).model : options.model);
  if (options.run.dense_layers > model.layers())
    throw InputError(fmt::format("--dense-layers must not exceed the {} layers of {}",
                                 model.layers(), model.title));
}

/// Everything that can be refused before any work.
void check(const TableOptions& options) {
  const bool has_figure =
      (options.name == "6" || options.name == "all") && options.backends.empty();
  const bool has_operator = options.name == "11" || options.name == "12" || options.name == "all";
  for (const auto& entry : wanted(options.name)) paper_table(entry.first, options.paper);
  if (!options.model.empty()) find_model(options.model);
  parse_table_format(options.format);
  find_device(options.device);
  if (is_low_bit(parse_dtype(options.dtype)))
    throw InputError("the paper's tables are measured in f32, bf16 or f16, not in " +
                     options.dtype);
  require_pass(options.pass, find_device(options.device), parse_dtype(options.dtype));
  if (options.pass == Pass::backward && (options.name == "12" || options.name == "all"))
    throw InputError("--pass backward: table 12 has whole iterations; take both");
  for (const std::string& path : options.out) {
    if (!is_figure(path))
      format_of(path);
    else if (!has_figure)
      throw InputError("--out " + in_quotes(path) +
                       ": only Figure 6 (or all), without --backend, is a figure");
    else
      require_gnuplot();
  }
  if (options.measure && !has_operator)
    throw InputError("--measure is for tables 11 and 12; the others count FLOPs");
  for (const std::string& backend : options.backends) parse_backend(backend);
  check_tokens(options);
  if (options.full && !options.measure) throw InputError("--full needs --measure");
  if (options.heads > 0 && !options.measure && options.backends.empty())
    throw InputError("--heads needs --measure or --backend");
  if (options.name == "12" || options.name == "all")
    check_run(options);
  else if (!(options.run == DenoisingRun{}) || options.devices != TableOptions{}.devices)
    throw InputError(
        "--devices, --steps, --cfg-passes and dense steps and layers are for table 12");
}

void write(const std::string& path, const std::vector<Table>& tables, const TableOptions& options) {
  if (is_figure(path)) {
    for (const Table& table : tables)
      if (table.name == "6") write_figure(table, path);
    return;
  }
  const TableFormat format = format_of(path);
  if (format != TableFormat::json) return write_text(path, print_tables(tables, format));
  nlohmann::json record = record_header("table", "1.1", options.arguments);
  record["interrupted"] = interrupted();
  for (const Table& table : tables) record["tables"].push_back(to_json(table));
  write_json(path, record);
}

/// A table that fails does not take those before it away.
void add_table(MakeTable make, const TableOptions& options, std::vector<Table>& made,
               Outputs& outputs) {
  try {
    made.push_back(make(options));
  } catch (const std::exception&) {
    if (made.empty()) throw;
    outputs.write([] { throw; });
  }
}

}  // namespace

RegisterTable::RegisterTable(int number, MakeTable make) { registry().emplace(number, make); }

std::string table_numbers() {
  std::string text;
  for (const auto& [number, make] : registry())
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

ExitCode tables(const TableOptions& options) {
  const auto makers = wanted(options.name);
  check(options);
  Outputs outputs;
  std::vector<Table> made;
  std::string undone;
  for (const auto& [name, make] : makers)
    if (interrupted())
      undone += std::string(undone.empty() ? "" : ", ") + name;
    else
      add_table(make, options, made, outputs);
  outputs.write([&] { print_out("{}", print_tables(made, parse_table_format(options.format))); });
  for (const std::string& path : options.out) outputs.write([&] { write(path, made, options); });
  if (interrupted())
    print_err("interrupted: what was finished is in the tables{}\n",
              undone.empty() ? "" : "; not made: " + undone);
  return outputs.code(ExitCode::fine);
}

}  // namespace vidattn

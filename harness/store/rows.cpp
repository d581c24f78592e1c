#include "harness/store/rows.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <optional>
#include <random>

#include "attention/error.h"
#include "harness/host/environment.h"
#include "harness/io/json_file.h"
#include "harness/store/export.h"
#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

constexpr double kLongestSeconds = 1e12;

using nlohmann::json;

void bind_number(SQLite::Statement& statement, int index, double value) {
  if (std::isfinite(value))
    statement.bind(index, value);
  else
    statement.bind(index);  // NULL
}

std::string make_uid() {
  std::random_device random;  // not seeded: two machines must never make the same one
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// The columns of a row, one after the other. A store may have been altered by hand: a value of
/// another type is an InputError that names the row and the column.
class Columns {
 public:
  Columns(SQLite::Statement& row, std::string place) : row_(row), place_(std::move(place)) {}

  std::string text() { return reader().text(); }
  std::string line() { return reader().line(); }
  int64_t integer() { return reader().integer(); }
  std::optional<int64_t> integer_or_none() {
    const JsonReader value = reader();
    return value.is_null() ? std::nullopt : std::optional(value.integer());
  }
  double number() { return reader().number(); }
  double seconds() { return reader().number(0, kLongestSeconds); }
  double number_or_nan() { return reader().number_or_nan(); }
  /// Gives the JSON that stands in the column to `take` and returns what that returns.
  template <class Take>
  auto parsed(Take take) {
    const JsonReader column = reader();
    const json value = column.placed([&] { return parse_json(column.raw_text()); });
    return take(JsonReader(value, name()));
  }

 private:
  std::string name() const { return place_ + " " + row_.getColumn(at_ - 1).getName(); }
  JsonReader reader() {
    value_ = value_of(row_.getColumn(at_++));
    return JsonReader(value_, name());
  }
  json value_of(const SQLite::Column& column) const {
    if (column.isNull()) return nullptr;
    if (column.isInteger()) return column.getInt64();
    if (column.isFloat()) return column.getDouble();
    if (column.isText()) return column.getString();
    throw InputError(name() + ": bytes, neither a text nor a number");
  }

  SQLite::Statement& row_;
  std::string place_;
  int at_ = 0;
  json value_;  ///< of the last column
};

StoredRun run_of(SQLite::Statement& row) {
  Columns column(row, "run " + row.getColumn(0).getString());
  StoredRun run;
  run.id = column.integer();
  for (std::string* text :
       {&run.uid, &run.suite, &run.started, &run.finished, &run.revision, &run.machine_key})
    *text = column.text();
  run.arguments = column.parsed(arguments_from_json);
  run.environment = column.parsed([](const JsonReader& environment) {
    check_environment(environment);
    return environment.value();
  });
  run.definition = column.parsed([](const JsonReader& definition) {
    return definition.is_null() ? json() : definition.object().value();
  });
  run.preflight = column.parsed(preflight_from_json);
  run.case_count = column.integer();
  return run;
}

Measurement case_of(SQLite::Statement& row) {
  Columns column(row, "case " + row.getColumn(0).getString());
  Measurement c;
  CaseIdentity& id = c.identity;
  c.id = column.integer();
  id.workload = column.line();
  for (std::string* text : {&id.backend, &id.device, &id.dtype}) *text = column.text();
  if (const double density = column.number_or_nan(); std::isfinite(density)) id.density = density;
  c.outcome = parse_outcome(column.text());
  for (std::string* text : {&c.reason, &c.note, &c.command}) *text = column.line();
  for (std::string* text : {&c.process.id, &c.process.started}) *text = column.text();
  c.process.seconds = column.seconds();
  c.process.peak_bytes = column.integer_or_none();
  column.parsed([&](const JsonReader& details) { read_details(details, c); });
  c.setting = column.text();
  id.cold |= column.text() == "cold";
  id.content = column.parsed(
      [](const JsonReader& content) { return content.get<decltype(CaseIdentity::content)>(); });
  id.pass = parse_pass(column.text());
  return c;
}

void read_metrics(const SQLite::Database& database, Measurement& c) {
  SQLite::Statement row(database, "SELECT tag, unit, value, reason FROM metrics WHERE case_id=?");
  row.bind(1, c.id);
  while (row.executeStep()) {
    Columns column(row, fmt::format("metric of case {}", c.id));
    MetricValue& value = c.values[column.text()];
    value.unit = column.text();
    value.value = column.number_or_nan();
    value.reason = column.line();
  }
}

/// A block has no room for NULL: what is unknown is stored as 0.
double known(double seconds) { return seconds > 0 ? seconds : NAN; }

void read_blocks(const SQLite::Database& database, Measurement& c, int version) {
  const std::string added = version < 3   ? "0, 0"
                            : version < 4 ? "cpu_seconds, 0"
                                          : "cpu_seconds, backward_seconds";
  SQLite::Statement row(database,
                        "SELECT block, plan_seconds, run_seconds, dense_seconds, peak_flops, "
                        "position, dense_position, outlier, " +
                            added + " FROM blocks WHERE case_id=? ORDER BY block");
  row.bind(1, c.id);
  while (row.executeStep()) {
    Columns column(row, fmt::format("block of case {}", c.id));
    Block& b = c.blocks.emplace_back();
    b.index = column.integer();
    b.plan_seconds = column.seconds();
    b.run_seconds = column.seconds();
    b.dense_seconds = known(column.number());
    b.peak_flops = column.number();
    b.position = column.integer();
    b.dense_position = column.integer();
    b.outlier = column.text();
    b.cpu_seconds = known(column.number());
    b.backward_seconds = column.seconds();
  }
}

void insert_case_row(SQLite::Database& database, int64_t run_id, Measurement& c) {
  SQLite::Statement row(database,
                        "INSERT INTO cases(run_id, key, workload, backend, device, dtype, density, "
                        "outcome, reason, note, command, process, started, seconds, peak_bytes, "
                        "details, setting, cache, content, pass) "
                        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  const CaseIdentity& id = c.identity;
  row.bind(1, run_id);
  row.bind(2, c.key());
  int i = 3;
  for (const std::string* text : {&id.workload, &id.backend, &id.device, &id.dtype})
    row.bind(i++, *text);
  bind_number(row, i++, id.density.value_or(NAN));
  row.bind(i++, to_string(c.outcome));
  for (const std::string* text :
       {&c.reason, &c.note, &c.command, &c.process.id, &c.process.started})
    row.bind(i++, *text);
  row.bind(i++, c.process.seconds);
  if (c.process.peak_bytes) row.bind(i, *c.process.peak_bytes);
  row.bind(++i, json_line(details_json(c)));
  row.bind(++i, c.setting);
  row.bind(++i, id.cold ? "cold" : "warm");
  row.bind(++i, json_line(id.content));
  row.bind(++i, to_string(id.pass));
  row.exec();
  c.id = database.getLastInsertRowid();
}

void insert_metrics(SQLite::Database& database, const Measurement& c) {
  SQLite::Statement row(database, "INSERT INTO metrics VALUES(?,?,?,?,?)");
  for (const auto& [tag, metric] : c.values) {
    row.reset();
    row.clearBindings();
    row.bind(1, c.id);
    row.bind(2, tag);
    row.bind(3, metric.unit);
    bind_number(row, 4, metric.value);
    row.bind(5, metric.reason);
    row.exec();
  }
}

void insert_blocks(SQLite::Database& database, const Measurement& c) {
  SQLite::Statement row(database, "INSERT INTO blocks VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  for (const Block& b : c.blocks) {
    row.reset();
    row.bind(1, c.id);
    row.bind(2, b.index);
    int i = 3;
    for (double value : {b.plan_seconds, b.run_seconds, b.dense_seconds, b.peak_flops})
      row.bind(i++, std::isfinite(value) ? value : 0);
    row.bind(i++, b.position);
    row.bind(i++, b.dense_position);
    row.bind(i++, b.outlier);
    row.bind(i++, std::isfinite(b.cpu_seconds) ? b.cpu_seconds : 0);
    row.bind(i, b.backward_seconds);
    row.exec();
  }
}

}  // namespace

std::vector<StoredRun> select_runs(const SQLite::Database& database) {
  std::vector<StoredRun> runs;
  SQLite::Statement row(database,
                        "SELECT id, uid, suite, started, finished, revision, machine_key, "
                        "arguments, environment, definition, preflight, "
                        "(SELECT count(*) FROM cases WHERE run_id=runs.id) FROM runs "
                        "ORDER BY id");
  while (row.executeStep()) runs.push_back(run_of(row));
  return runs;
}

std::vector<Measurement> select_cases(const SQLite::Database& database, int64_t run_id,
                                      int version) {
  const std::string added = version < 2   ? "'', 'warm', '{}', 'forward'"
                            : version < 4 ? "setting, cache, content, 'forward'"
                                          : "setting, cache, content, pass";
  SQLite::Statement row(database,
                        "SELECT id, workload, backend, device, dtype, density, outcome, reason, "
                        "note, command, process, started, seconds, peak_bytes, details, " +
                            added + " FROM cases WHERE run_id=? ORDER BY id");
  row.bind(1, run_id);
  std::vector<Measurement> cases;
  while (row.executeStep()) cases.push_back(case_of(row));
  for (Measurement& c : cases) {
    read_metrics(database, c);
    read_blocks(database, c, version);
    modernize(c);
  }
  return cases;
}

void insert_run(SQLite::Database& database, StoredRun& run) {
  if (run.uid.empty()) run.uid = make_uid();
  SQLite::Statement row(database,
                        "INSERT INTO runs(uid, suite, started, finished, revision, machine_key, "
                        "arguments, environment, definition, preflight) "
                        "VALUES(?,?,?,?,?,?,?,?,?,?)");
  int i = 1;
  for (const std::string* text :
       {&run.uid, &run.suite, &run.started, &run.finished, &run.revision, &run.machine_key})
    row.bind(i++, *text);
  row.bind(i++, json_line(run.arguments));
  row.bind(i++, json_line(run.environment));
  row.bind(i++, json_line(run.definition));
  row.bind(i++, json_line(to_json(run.preflight)));
  row.exec();
  run.id = database.getLastInsertRowid();
}

void delete_cases(SQLite::Database& database, int64_t run_id, int64_t kept) {
  for (const char* what : {"blocks WHERE case_id", "metrics WHERE case_id", "cases WHERE id"}) {
    SQLite::Statement row(
        database, fmt::format("DELETE FROM {} IN (SELECT id FROM cases WHERE run_id=? ORDER BY id "
                              "LIMIT -1 OFFSET ?)",
                              what));
    row.bind(1, run_id);
    row.bind(2, kept);
    row.exec();
  }
}

void insert_case(SQLite::Database& database, int64_t run_id, Measurement& c) {
  insert_case_row(database, run_id, c);
  insert_metrics(database, c);
  insert_blocks(database, c);
}

}  // namespace vidattn

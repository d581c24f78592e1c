#include "harness/store/rows.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <random>

#include "harness/store/measurement_json.h"

namespace vidattn {
namespace {

using nlohmann::json;

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

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

/// The columns of a row, one after the other.
class Columns {
 public:
  explicit Columns(SQLite::Statement& row) : row_(row) {}
  std::string text() { return next().getString(); }
  json parsed() { return json::parse(text()); }
  int64_t integer() { return next().getInt64(); }
  double number() {
    const SQLite::Column column = next();
    return column.isNull() ? NAN : column.getDouble();
  }

 private:
  SQLite::Column next() { return row_.getColumn(at_++); }
  SQLite::Statement& row_;
  int at_ = 0;
};

StoredRun run_of(SQLite::Statement& row) {
  Columns column(row);
  StoredRun run;
  run.id = column.integer();
  for (std::string* text :
       {&run.uid, &run.suite, &run.started, &run.finished, &run.revision, &run.machine_key})
    *text = column.text();
  run.arguments = column.parsed().get<std::vector<std::string>>();
  for (json* part : {&run.environment, &run.definition, &run.preflight}) *part = column.parsed();
  run.case_count = column.integer();
  return run;
}

Measurement case_of(SQLite::Statement& row) {
  Columns column(row);
  Measurement c;
  CaseIdentity& id = c.identity;
  c.id = column.integer();
  for (std::string* text : {&id.workload, &id.backend, &id.device, &id.dtype})
    *text = column.text();
  if (const double density = column.number(); std::isfinite(density)) id.density = density;
  c.outcome = parse_outcome(column.text());
  for (std::string* text : {&c.reason, &c.note, &c.command, &c.process.id, &c.process.started})
    *text = column.text();
  c.process.seconds = column.number();
  if (const double bytes = column.number(); std::isfinite(bytes))
    c.process.peak_bytes = static_cast<int64_t>(bytes);
  read_details(column.parsed(), c);
  c.setting = column.text();
  id.cold |= column.text() == "cold";
  id.content = column.parsed().get<std::map<std::string, std::string>>();
  return c;
}

void read_metrics(const SQLite::Database& database, Measurement& c) {
  SQLite::Statement row(database, "SELECT tag, unit, value, reason FROM metrics WHERE case_id=?");
  row.bind(1, c.id);
  while (row.executeStep()) {
    Columns column(row);
    MetricValue& value = c.values[column.text()];
    value.unit = column.text();
    value.value = column.number();
    value.reason = column.text();
  }
}

/// A block has no room for NULL: what is unknown is stored as 0.
double known(double seconds) { return seconds > 0 ? seconds : NAN; }

void read_blocks(const SQLite::Database& database, Measurement& c) {
  SQLite::Statement row(database,
                        "SELECT block, plan_seconds, run_seconds, dense_seconds, peak_flops, "
                        "position, dense_position, outlier FROM blocks WHERE case_id=? "
                        "ORDER BY block");
  row.bind(1, c.id);
  while (row.executeStep()) {
    Columns column(row);
    Block& b = c.blocks.emplace_back();
    b.index = column.integer();
    b.plan_seconds = column.number();
    b.run_seconds = column.number();
    b.dense_seconds = known(column.number());
    b.peak_flops = column.number();
    b.position = column.integer();
    b.dense_position = column.integer();
    b.outlier = column.text();
  }
}

void insert_case_row(SQLite::Database& database, int64_t run_id, Measurement& c) {
  SQLite::Statement row(database,
                        "INSERT INTO cases(run_id, key, workload, backend, device, dtype, density, "
                        "outcome, reason, note, command, process, started, seconds, peak_bytes, "
                        "details, setting, cache, content) "
                        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
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
  row.bind(++i, text_of(details_json(c)));
  row.bind(++i, c.setting);
  row.bind(++i, id.cold ? "cold" : "warm");
  row.bind(++i, text_of(id.content));
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
  SQLite::Statement row(database, "INSERT INTO blocks VALUES(?,?,?,?,?,?,?,?,?)");
  for (const Block& b : c.blocks) {
    row.reset();
    row.bind(1, c.id);
    row.bind(2, b.index);
    int i = 3;
    for (double value : {b.plan_seconds, b.run_seconds, b.dense_seconds, b.peak_flops})
      row.bind(i++, std::isfinite(value) ? value : 0);
    row.bind(i++, b.position);
    row.bind(i++, b.dense_position);
    row.bind(i, b.outlier);
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
  const std::string added = version < 2 ? "'', 'warm', '{}'" : "setting, cache, content";
  SQLite::Statement row(database,
                        "SELECT id, workload, backend, device, dtype, density, outcome, reason, "
                        "note, command, process, started, seconds, peak_bytes, details, " +
                            added + " FROM cases WHERE run_id=? ORDER BY id");
  row.bind(1, run_id);
  std::vector<Measurement> cases;
  while (row.executeStep()) cases.push_back(case_of(row));
  for (Measurement& c : cases) {
    read_metrics(database, c);
    read_blocks(database, c);
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
  row.bind(i++, text_of(run.arguments));
  for (const json* part : {&run.environment, &run.definition, &run.preflight})
    row.bind(i++, text_of(*part));
  row.exec();
  run.id = database.getLastInsertRowid();
}

void insert_case(SQLite::Database& database, int64_t run_id, Measurement& c) {
  insert_case_row(database, run_id, c);
  insert_metrics(database, c);
  insert_blocks(database, c);
}

}  // namespace vidattn

#include "harness/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <cmath>
#include <map>

#include "harness/io/json_file.h"
#include "harness/store/bencher.h"
#include "harness/store/export.h"
#include "harness/store/google_benchmark.h"
#include "harness/store/measurement_json.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::stored_case;
using testing::stored_run;
using testing::TemporaryFolder;

TEST(Store, GivesBackWhatWasStored) {
  const TemporaryFolder folder;
  StoredRun run = stored_run();
  Measurement one = stored_case("one"), two = stored_case("two");
  two.identity.density.reset();
  two.process.peak_bytes.reset();
  two.outcome = Outcome::timed_out;
  {
    Store store(folder / "v.db", Store::Mode::write);
    store.begin_run(run);
    store.add_case(run.id, one);
    store.add_case(run.id, two);
    store.finish_run(run.id, "2026-02-01T00:00:00Z");
  }
  const StoredRun read = Store(folder / "v.db").load_run("latest");
  run.finished = "2026-02-01T00:00:00Z";
  run.cases = {one, two};
  EXPECT_EQ(to_json(read), to_json(run));
  EXPECT_TRUE(std::isnan(read.cases[0].metric("group_balance")));
  EXPECT_EQ(read.case_count, 2);
}

TEST(Store, ReadsTheDensityThatWasAskedForByItsOlderName) {
  Measurement c = stored_case("one");
  c.identity.density = 0.25;
  nlohmann::json record = to_json(c);
  EXPECT_EQ(record["density_target"], 0.25);
  EXPECT_FALSE(record.contains("density")) << "the measured one is among the metrics";
  record["density"] = record["density_target"];
  record.erase("density_target");
  EXPECT_EQ(measurement_from_json(JsonReader(record)).identity.density, 0.25);
}

TEST(Store, KeepsWhatIsKnownOfHeadsAndOfTheCall) {
  const TemporaryFolder folder;
  StoredRun run = stored_run();
  Measurement c = stored_case("one");
  c.per_head = {{0.5, NAN}, {0.1, 0.2}, {0.9, NAN}, {0, 3}};
  c.workload = WorkloadFacts{.name = "tensors:a", .heads = 2};
  c.workload->call = {3, -1, 1, 8, "a dog runs", "a.safetensors"};
  Store store(folder / "v.db", Store::Mode::write);
  store.begin_run(run);
  store.add_case(run.id, c);
  const Measurement read = store.load_run("latest").cases.at(0);
  EXPECT_EQ(read.workload->call, c.workload->call);
  EXPECT_EQ(read.per_head.recall[0], 0.5);
  EXPECT_TRUE(std::isnan(read.per_head.recall[1]));
  EXPECT_EQ(read.per_head.relative_l2, c.per_head.relative_l2);
  EXPECT_TRUE(std::isnan(read.per_head.cosine[1]));
  EXPECT_EQ(read.per_head.keyless, c.per_head.keyless);
  nlohmann::json damaged = details_json(c);
  damaged["per_head"]["cosine"].push_back(1);
  Measurement ignored;
  expect_input_error([&] { read_details(JsonReader(damaged), ignored); }, "per_head");
}

TEST(Store, AnExportedRunIsTheSameAfterImport) {
  const TemporaryFolder folder;
  StoredRun run = stored_run();
  Measurement c = stored_case("one");
  Store store(folder / "a.db", Store::Mode::write);
  store.begin_run(run);
  store.add_case(run.id, c);
  write_json((folder / "e.json").string(), export_runs({store.load_run("1")}));
  Store other(folder / "b.db", Store::Mode::write);
  const auto runs = read_export((folder / "e.json").string());
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_TRUE(other.add_run(runs[0]));
  EXPECT_FALSE(other.add_run(runs[0])) << "a run is added once";
  EXPECT_EQ(to_json(other.load_run(run.uid)), to_json(store.load_run("1")));
}

TEST(Store, GoogleBenchmarkFormatHasOneRepetitionPerBlock) {
  StoredRun run = stored_run();
  run.cases = {stored_case("one"), stored_case("two")};
  run.cases[1].outcome = Outcome::crashed;
  run.cases[1].reason = "signal 11";
  const nlohmann::json json = google_benchmark_json(run);
  ASSERT_EQ(json["benchmarks"].size(), 6U) << "compare.py needs a time of every entry";
  EXPECT_EQ(json["benchmarks"][0]["run_type"], "iteration");
  EXPECT_EQ(json["benchmarks"][1]["repetition_index"], 1);
  EXPECT_DOUBLE_EQ(json["benchmarks"][0]["real_time"].get<double>(), 5e6);
  EXPECT_EQ(json["context"]["vidattn_untimed"][testing::key_of("two")], "crashed: signal 11");
  for (const char* key : {"date", "host_name", "num_cpus", "mhz_per_cpu", "library_build_type"})
    EXPECT_TRUE(json["context"].contains(key)) << key;
}

/// As Google Benchmark 1.7.1 prints them with --benchmark_repetitions.
TEST(Store, GoogleBenchmarkFormatHasAggregates) {
  StoredRun run = stored_run();
  run.cases = {stored_case("one"), stored_case("two")};
  run.cases[0].blocks[0].run_seconds = 0.002;  // 3 ms and 5.1 ms with planning
  run.cases[1].blocks.resize(1);
  const nlohmann::json list = google_benchmark_json(run)["benchmarks"];
  ASSERT_EQ(list.size(), 7U) << "one repetition has no aggregates";
  const std::map<std::string, double> expected = {{"mean", 4.05e6},
                                                  {"median", 4.05e6},
                                                  {"stddev", 2.1e6 / std::sqrt(2)},
                                                  {"cv", 2.1 / std::sqrt(2) / 4.05}};
  for (size_t i = 2; i < 6; ++i) {
    const std::string name = list[i]["aggregate_name"];
    EXPECT_EQ(list[i]["name"], testing::key_of("one") + "_" + name);
    EXPECT_EQ(list[i]["run_name"], testing::key_of("one"));
    EXPECT_EQ(list[i]["run_type"], "aggregate");
    EXPECT_EQ(list[i]["aggregate_unit"], name == "cv" ? "percentage" : "time");
    EXPECT_EQ(list[i]["repetitions"], 2);
    EXPECT_FALSE(list[i].contains("repetition_index"));
    EXPECT_NEAR(list[i]["real_time"].get<double>() / expected.at(name), 1, 1e-9) << name;
  }
}

TEST(Store, BencherFormatNamesMeasuresWithTheirEnds) {
  StoredRun run = stored_run();
  run.cases = {stored_case("one"), stored_case("two")};
  run.cases[0].values["ratio_high"].value = NAN;
  run.cases[1].outcome = Outcome::crashed;
  const nlohmann::json json = bencher_json(run);
  ASSERT_EQ(json.size(), 1U) << "a tracker must not take a crash for a time";
  const nlohmann::json& one = json[testing::key_of("one")];
  EXPECT_NEAR(one["latency"]["value"].get<double>(), 5.05e6, 1);
  EXPECT_NEAR(one["latency"]["lower_value"].get<double>(), 5e6, 1);
  EXPECT_NEAR(one["latency"]["upper_value"].get<double>(), 5.1e6, 1);
  EXPECT_EQ(one["ratio"], (nlohmann::json{{"value", 0.5}, {"lower_value", 0.49}}));
  EXPECT_EQ(one["pairs"], (nlohmann::json{{"value", 1000}}));
  EXPECT_FALSE(one.contains("group_balance")) << "unknown figures are no numbers";
}

TEST(Store, FindsRunsByIdUidAndSuite) {
  const TemporaryFolder folder;
  Store store(folder / "v.db", Store::Mode::write);
  StoredRun first = stored_run("a"), second = stored_run("b");
  store.begin_run(first);
  store.begin_run(second);
  EXPECT_EQ(store.load_run("latest").id, second.id);
  EXPECT_EQ(store.load_run("latest:a").id, first.id);
  EXPECT_EQ(store.load_run(first.uid.substr(0, 8)).id, first.id);
  expect_input_error([&] { store.load_run("17"); }, "1 (a, 2026-01-31T00:00:00Z), 2 (b");
}

TEST(Store, RefusesFilesThatAreNotItsOwn) {
  const TemporaryFolder folder;
  expect_input_error([&] { Store(folder / "none.db"); }, "no such file");
  testing::write_bytes(folder / "text.db", std::string(5000, 'x'));
  expect_input_error([&] { Store(folder / "text.db"); }, "not a vidattn store");
  SQLite::Database((folder / "other.db").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE t(x)");
  expect_input_error([&] { Store(folder / "other.db"); }, "not of vidattn");
  Store(folder / "new.db", Store::Mode::write);
  SQLite::Database((folder / "new.db").string(), SQLite::OPEN_READWRITE)
      .exec("PRAGMA user_version=99");
  expect_input_error([&] { Store(folder / "new.db"); },
                     "schema version 99, this program knows 1 to 4");
  testing::write_bytes(folder / "broken.json", "{\"format\": 3");
  expect_input_error([&] { read_export((folder / "broken.json").string()); }, "broken.json");
}

/// SQLite takes these for something else than a file of that name, and keeps nothing or elsewhere.
TEST(Store, IsARegularFileAtItsPath) {
  const TemporaryFolder folder;
  for (const char* name : {"", ":memory:", ":x", "file:x.db", "file:x.db?mode=memory"})
    expect_input_error([&] { Store(name, Store::Mode::write); }, "a file's name is needed");
  expect_input_error([&] { Store(folder.path(), Store::Mode::write); }, "it is a folder");
  expect_input_error([&] { Store("/dev/null", Store::Mode::write); }, "it is a special file");
  expect_input_error([&] { Store(folder / "no" / "v.db", Store::Mode::write); },
                     "its folder does not exist");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Store, ACaseStandsOnceInARunAndAFailedOneLeavesNothing) {
  const TemporaryFolder folder;
  Store store(folder / "v.db", Store::Mode::write);
  StoredRun run = stored_run();
  Measurement c = stored_case("one");
  store.begin_run(run);
  store.add_case(run.id, c);
  expect_input_error([&] { store.add_case(run.id, c); }, "another program");
  Measurement twice = stored_case("two");
  twice.blocks.push_back(twice.blocks[0]);  // breaks off in the middle of the transaction
  expect_input_error([&] { store.add_case(run.id, twice); }, "unchanged");
  EXPECT_EQ(store.load_run("1").cases.size(), 1U);
}

TEST(Store, ABlockWithoutADenseControlIsKept) {
  const TemporaryFolder folder;
  StoredRun run = stored_run();
  run.cases = {stored_case("one")};
  run.cases[0].blocks[1].dense_seconds = NAN;
  run.cases[0].blocks[1].peak_flops = NAN;
  Store store(folder / "v.db", Store::Mode::write);
  EXPECT_TRUE(store.add_run(run));
  write_json((folder / "e.json").string(), export_runs({store.load_run("1")}));
  Store other(folder / "w.db", Store::Mode::write);
  EXPECT_TRUE(other.add_run(read_export((folder / "e.json").string())[0]));
  for (const Store* s : {&store, &other}) {
    const auto blocks = s->load_run("1").cases[0].blocks;
    EXPECT_TRUE(std::isnan(blocks[1].dense_seconds));
    EXPECT_EQ(blocks[1].run_seconds, run.cases[0].blocks[1].run_seconds);
    EXPECT_EQ(log_ratios(blocks).size(), 1U);
  }
}

TEST(Store, ADamagedOutcomeNamesTheFile) {
  const TemporaryFolder folder;
  {
    Store store(folder / "v.db", Store::Mode::write);
    StoredRun run = stored_run();
    run.cases = {stored_case("one")};
    store.add_run(run);
  }
  SQLite::Database(folder / "v.db", SQLite::OPEN_READWRITE).exec("UPDATE cases SET outcome='fine'");
  expect_input_error([&] { Store(folder / "v.db").load_run("1"); }, "v.db");
}

TEST(Store, GoogleBenchmarkFormatHasTheCpuTimeWhereItIsKnown) {
  StoredRun run = stored_run();
  run.cases = {stored_case("one")};
  for (Block& b : run.cases[0].blocks) b.cpu_seconds = 2 * b.seconds();
  const nlohmann::json measured = google_benchmark_json(run);
  for (const auto& entry : measured["benchmarks"]) {
    const double factor = entry.value("aggregate_unit", "") == "percentage" ? 1 : 2;
    EXPECT_NEAR(entry["cpu_time"].get<double>(), factor * entry["real_time"].get<double>(), 1e-3);
  }
  EXPECT_FALSE(measured["context"].contains("vidattn_note"));
  run.cases[0].blocks[0].cpu_seconds = NAN;
  const nlohmann::json unknown = google_benchmark_json(run);
  EXPECT_EQ(unknown["benchmarks"][0]["cpu_time"], unknown["benchmarks"][0]["real_time"]);
  EXPECT_TRUE(unknown["context"].contains("vidattn_note"));
}

TEST(Store, CasesThatAreNotFinalAreReplaced) {
  const TemporaryFolder folder;
  Store store(folder / "a.db", Store::Mode::write);
  StoredRun run = stored_run();
  run.cases = {stored_case("one"), stored_case("two")};
  run.cases[0].blocks[0].cpu_seconds = 0.25;
  const int64_t id = store.add_run(run).value();
  StoredRun other = stored_run();
  other.uid = "another";
  other.cases = {stored_case("two")};
  store.add_run(other);
  Measurement second = stored_case("two"), third = stored_case("three");
  second.blocks.resize(1);
  store.put_cases(id, 1, {second, third});
  const StoredRun found = store.load_run(std::to_string(id));
  ASSERT_EQ(found.cases.size(), 3U);
  EXPECT_EQ(found.cases[0].blocks[0].cpu_seconds, 0.25);
  EXPECT_TRUE(std::isnan(found.cases[0].blocks[1].cpu_seconds));
  EXPECT_EQ(found.cases[1].blocks.size(), 1U);
  EXPECT_EQ(found.cases[2].key(), third.key());
  EXPECT_EQ(store.load_run("another").cases.at(0).blocks.size(), other.cases[0].blocks.size());
}

}  // namespace
}  // namespace vidattn

// Records of runs in which any value may be another: each is refused when it comes in, or nothing
// that is made of runs later minds.
#include "harness/compare/ci_baseline.h"
#include "harness/compare/compare.h"
#include "harness/io/json_file.h"
#include "harness/measure/record/catalogue.h"
#include "harness/report/labels.h"
#include "harness/report/report.h"
#include "harness/report/run_table.h"
#include "harness/store/export.h"
#include "harness/store/google_benchmark.h"
#include "harness/store/history.h"
#include "harness/store/run_file.h"
#include "tests/harness/altered.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_altered_read_or_refused;
using testing::stored_case;
using testing::stored_run;

/// A run in which every part of a record is there.
StoredRun full_run() {
  StoredRun run = stored_run();
  run.uid = "0123456789abcdef";
  run.environment["machine"] = {{"cpu", "a CPU"}, {"logical_cores", 2}, {"l2_bytes", nullptr}};
  run.environment["software"]["revision"] = "abc";
  run.environment["state"].update(
      {{"load_average", {0.5, 1, 2}}, {"governor", nullptr}, {"frequency_mhz", 2000.5}});
  run.environment["measured"] = {{"memory_bandwidth_gbs", 10}};
  run.preflight = {{"load", PreflightCheck::State::warn, "busy"}};
  Measurement m = stored_case("one");
  m.plan.density_per_head = {0.25};
  m.plan.branches = {{"stga", 0.25, {1000}}};
  m.plan.stages = {{"sort", 0.1, 100, 10}};
  m.plan.figures["balance"] = 1;
  m.timing->fed_gflops = {1, 2};
  m.process.error_output = "two\nlines";
  m.workload = {"film",
                60,
                2,
                2,
                16,
                {3, 4, 5},
                0,
                {0},
                {{"seed", 1}, {"qkv", {{"peak_target", 0.2}}}},
                {{"q", "11"}, {"k", "22"}}};
  run.cases = {m};
  return run;
}

/// Everything that is made of runs without measuring or drawing.
void use(const std::vector<StoredRun>& runs) {
  const std::string page = report_page(report_data(runs, runs));
  EXPECT_NE(page.find("script"), std::string::npos);
  for (const StoredRun& run : runs) {
    google_benchmark_json(run);
    const Baseline baseline = make_baseline(run, "why", nullptr);
    baseline.tolerances(run);
    run_csv(run.cases);
    run_latex(run.cases, label_cases({run}, workload_names({run})).labels);
    reasons_text(run.cases);
    preflight_invalid(run.preflight);
    export_runs({run});
  }
}

TEST(AlteredRuns, ExportsAreReadOrRefused) {
  const json valid = parse_json(export_runs({full_run()}).dump());
  use(runs_from_json(JsonReader(valid)));
  EXPECT_GT(expect_altered_read_or_refused(
                valid, [](const json& altered) { use(runs_from_json(JsonReader(altered))); }),
            500);
}

TEST(AlteredRuns, AreComparedOrRefused) {
  const testing::TemporaryFolder folder;
  const json valid = parse_json(export_runs({full_run()}).dump());
  testing::write_bytes(folder / "a.json", valid.dump());
  const CompareOptions options{.sides = {folder / "a.json", folder / "b.json"}};
  expect_altered_read_or_refused(valid, [&](const json& altered) {
    testing::write_bytes(folder / "b.json", altered.dump());
    compare_stored_runs(options);
  });
}

TEST(AlteredRuns, FilesOfRunAreReadOrRefused) {
  MainJob job;
  job.run = full_run();
  job.workload = *job.run.cases[0].workload;
  job.fma_peak_gflops = {100, 101};
  job.devices = {{"cpu", {{"cores", 2}}}};
  const json valid = parse_json(main_job_record(job).dump());
  const auto read = [](const json& altered) {
    const MainJob read = main_job_from_record(JsonReader(altered));
    run_text(read);
    main_job_record(read);
    use({read.run});
  };
  read(valid);
  EXPECT_GT(expect_altered_read_or_refused(valid, read), 500);
}

TEST(AlteredRuns, OldFilesAreReadOrRefused) {
  json valid = read_json(VIDATTN_SOURCE_DIR "/tests/harness/store/old/run_1_1.json");
  valid["cases"].erase(valid["cases"].begin() + 2, valid["cases"].end());
  const auto read = [](const json& altered) {
    use({main_job_from_record(JsonReader(altered)).run});
  };
  read(valid);
  EXPECT_GT(expect_altered_read_or_refused(valid, read), 300);
}

/// Pictures are drawn of a workload that is built again, of whatever size the record claims.
TEST(AlteredRuns, NoWorkloadIsBuiltOfASizeThatOnlyARecordHas) {
  for (const auto& [place, value] :
       std::vector<std::pair<const char*, json>>{{"length", 1 << 30},
                                                 {"grid", {1 << 20, 1000, 1000}},
                                                 {"heads", 1 << 20},
                                                 {"dim", 1 << 20}}) {
    json data = report_data({full_run()}, {});
    data["workloads"][0][place] = value;
    add_pictures(data, false);
    EXPECT_EQ(data["workloads"][0]["picture_note"],
              "No pictures: the workload could not be built again: it is too large")
        << place;
  }
}

/// A run of a stranger must not make a report read what its reader did not name.
TEST(AlteredRuns, FilesThatARunNamesAreOpenedOnlyWhenTold) {
  for (const char* name :
       {"tensors:/no/such/folder", "video:/no/such/film.mp4", "dit:/no/such/net"}) {
    json data = report_data({full_run()}, {});
    data["workloads"][0]["name"] = name;
    json opened = data;
    add_pictures(data, false);
    EXPECT_NE(data["workloads"][0]["picture_note"].get<std::string>().find("--open-inputs"),
              std::string::npos);
    add_pictures(opened, true);
    EXPECT_NE(opened["workloads"][0]["picture_note"].get<std::string>().find("/no/such"),
              std::string::npos);
  }
}

TEST(AlteredRuns, TextsThatComeInAreOneLine) {
  StoredRun run = full_run();
  run.cases[0].reason = run.cases[0].note = run.cases[0].command = "a\nb";
  run.arguments.push_back("--out=a\nb");
  const auto read = [](const StoredRun& run) {
    const json record = export_runs({run});
    return runs_from_json(JsonReader(record)).at(0);
  };
  const StoredRun back = read(run);
  for (const auto& text : {back.cases[0].reason, back.cases[0].note, back.cases[0].command})
    EXPECT_EQ(text, "a b");
  EXPECT_EQ(back.arguments, run.arguments);
  EXPECT_EQ(back.cases[0].process.error_output, "two\nlines");
  run.cases[0].setting = "a\x1b[2Jb";
  EXPECT_THROW(read(run), InputError);
}

}  // namespace
}  // namespace vidattn

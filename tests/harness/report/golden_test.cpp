// A fixed run of made-up times, golden/run.json, as every printer shows it, byte by byte. After a
// change that is meant, VIDATTN_REWRITE_GOLDEN=1 harness_test --gtest_filter='Golden*' writes the
// files anew; the difference then belongs into the same commit.
#include <cstdlib>
#include <functional>

#include "harness/compare/check_report.h"
#include "harness/io/json_file.h"
#include "harness/report/labels.h"
#include "harness/report/run_table.h"
#include "harness/store/run_file.h"
#include "tests/harness/files.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

const std::string kGolden = VIDATTN_SOURCE_DIR "/tests/harness/report/golden/";

MainJob fixed_job() {
  const nlohmann::json record = read_json(kGolden + "run.json");
  return main_job_from_record(JsonReader(record));
}

std::string paper_table(std::string (*print)(const std::vector<Measurement>&,
                                             const std::vector<std::string>&)) {
  const MainJob job = fixed_job();
  return print(job.run.cases, label_cases({job.run}, workload_names({job.run})).labels);
}

CheckReport fixed_check() {
  StoredRun run = fixed_job().run;
  run.machine_key = "m1";
  run.started = "2026-02-01T00:00:00Z";
  return judge_run(read_baseline(kGolden + "baseline.json"), run);
}

void expect_golden(const std::string& name, const std::string& printed) {
  if (std::getenv("VIDATTN_REWRITE_GOLDEN") != nullptr)
    testing::write_bytes(kGolden + name, printed);
  EXPECT_EQ(printed, testing::read_bytes(kGolden + name)) << name;
}

TEST(Golden, ConsoleTable) { expect_golden("run.txt", run_text(fixed_job())); }

TEST(Golden, Json) { expect_golden("run.json", main_job_record(fixed_job()).dump(1) + "\n"); }

TEST(Golden, Csv) { expect_golden("run.csv", run_csv(fixed_job().run.cases)); }

TEST(Golden, Markdown) {
  expect_golden("run.md", paper_table(run_markdown));
  expect_golden("check.md", check_markdown(fixed_check()));
}

TEST(Golden, Latex) { expect_golden("run.tex", paper_table(run_latex)); }

TEST(Golden, JUnit) { expect_golden("check.xml", check_junit(fixed_check())); }

TEST(Golden, CheckOnTheConsole) { expect_golden("check.txt", check_text(fixed_check())); }

}  // namespace
}  // namespace vidattn

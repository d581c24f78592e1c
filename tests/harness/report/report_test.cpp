#include "harness/report/report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <fstream>
#include <sstream>

#include "harness/report/labels.h"
#include "harness/report/run_table.h"
#include "harness/workloads/media/picture.h"
#include "tests/harness/browser.h"
#include "tests/harness/files.h"
#include "tests/harness/hostile.h"
#include "tests/harness/latex.h"
#include "tests/harness/report/cases.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::case_of;
using testing::run_of;

std::string contents(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Report, DataHoldsFrontRatiosAndTheCommand) {
  const std::vector<double> ratios{0.5, 0.51, 0.49, 0.5, 0.52, 0.5, 0.5};
  const json data =
      report_data({run_of({case_of("full", 1, 0, {}), case_of("good", 2, 0.1, ratios),
                           case_of("worse", 1.5, 0.2, {0.6}), case_of("fast", 4, 0.5, ratios)})},
                  {});
  ASSERT_EQ(data["comparisons"].size(), 1U);
  std::vector<std::string> front;
  for (const json& p : data["comparisons"][0]["points"])
    if (p["front"]) front.push_back(p["name"]);
  EXPECT_EQ(front, (std::vector<std::string>{"good", "fast", "full"}));
  EXPECT_DOUBLE_EQ(data["cases"][1]["ratio"]["ratio"], 0.5);
  EXPECT_LE(data["cases"][1]["ratio"]["low"], 0.5);
  EXPECT_TRUE(data["cases"][2]["ratio"]["low"].is_null());  // one block has no interval
  EXPECT_EQ(data["runs"][0]["command"], "vidattn run --workload 'video:my clip'\\''s.mp4'");
}

/// Tags of the columns of the page, and those of the printed table.
std::pair<std::string, std::string> columns_in(const std::string& dtype) {
  std::vector<Measurement> cases{case_of("full", 1, 0, {}), case_of("good", 2, 0.1, {0.5})};
  cases[1].identity.dtype = dtype;
  std::pair<std::string, std::string> tags;
  const json data = report_data({run_of(cases)}, {});
  for (const json& column : data["columns"]) tags.first += column["tag"].get<std::string>() + " ";
  for (const MetricInfo* metric : run_columns({}, cases))
    tags.second += std::string(metric->tag) + " ";
  return tags;
}

TEST(Report, PartedErrorsAreShownWhereATypeOfLowBitsWasMeasured) {
  for (const char* tag : {"selection_error", "quantisation_error"}) {
    for (const char* dtype : {"int8", "fp8"}) {
      EXPECT_NE(columns_in(dtype).first.find(tag), std::string::npos) << dtype;
      EXPECT_NE(columns_in(dtype).second.find(tag), std::string::npos) << dtype;
    }
    EXPECT_EQ(columns_in("bf16").first.find(tag), std::string::npos);
    EXPECT_EQ(columns_in("bf16").second.find(tag), std::string::npos);
    const auto asked = run_columns({.names = {tag}}, {});
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0]->tag, tag);
  }
}

TEST(Report, TheTitleNamesWorkloadMachineDayAndRevision) {
  StoredRun run = run_of({case_of("full", 1, 0, {})});
  run.environment["machine"] = {{"cpu", "A CPU"}, {"logical_cores", 2}};
  run.revision = "abc";
  EXPECT_EQ(report_data({run}, {})["title"], "film · A CPU (2 cores) · revision abc");
  run.started = "2026-01-31T10:00:00Z";
  EXPECT_EQ(report_data({run}, {})["title"], "film · A CPU (2 cores) · 2026-01-31 · revision abc");
  StoredRun later = run;
  later.started = "2026-02-01T10:00:00Z";
  EXPECT_EQ(report_data({run, later, run}, {})["title"],
            "film · A CPU (2 cores) · 2026-01-31 and 2026-02-01 · revision abc");
}

TEST(Report, PartsOfTheTimeAddUpToTheMedians) {
  Measurement c = case_of("x", 2, 0.1, {0.5});
  c.values["plan_time"] = {"s", 0.5};
  c.values["run_time"] = {"s", 2};
  const auto parts = [&](double first, double second) {
    c.plan.stages = {{.name = "a", .seconds = first}, {.name = "b", .seconds = second}};
    std::vector<double> seconds;
    const json data = report_data({run_of({c})}, {});
    for (const json& part : data["cases"][0]["times"]) seconds.push_back(part["seconds"]);
    return seconds;
  };
  EXPECT_EQ(parts(0.125, 0.25), (std::vector<double>{0.125, 0.25, 0.125, 2}));
  // One slow planning does not make the median longer.
  EXPECT_EQ(parts(1, 3), (std::vector<double>{0.125, 0.375, 0, 2}));
}

TEST(Report, RooflineCountsEveryByteOnce) {
  Measurement c = case_of("x", 2, 0.1, {0.5});
  c.workload = WorkloadFacts{.length = 100, .heads = 4, .kv_heads = 2, .dim = 8};
  c.values["attention_flops"] = {"flop", 1e6};
  c.values["index_memory"] = {"byte", 600};
  StoredRun run = run_of({c});
  EXPECT_TRUE(report_data({run}, {})["cases"][0]["bandwidth"].is_null());
  run.environment["measured"]["memory_bandwidth_gbs"] = 10.0;
  const json drawn = report_data({run}, {})["cases"][0];
  EXPECT_DOUBLE_EQ(drawn["bandwidth"], 1e10);
  // q and o of 4 heads, k and v of 2, in float32.
  EXPECT_DOUBLE_EQ(drawn["intensity"], 1e6 / (4 * 100 * 8 * (4 + 4 + 2 + 2) + 600));
}

TEST(Report, ValidityNamesWhatIsWrong) {
  Measurement fails = case_of("bad", 2, 0.1, {});
  fails.outcome = Outcome::crashed;
  fails.reason = "signal 11";
  Measurement above = case_of("above", 2, 0.1, {});
  above.values["share_of_peak"] = {"1", 1.1};
  mistrust_above_peak(above);
  const json data = report_data({run_of({fails, above, case_of("few", 2, 0.1, {0.5})})}, {});
  const json& found = data["runs"][0]["validity"];
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0]["level"], "invalid");
  EXPECT_NE(found[0]["text"].get<std::string>().find("signal 11"), std::string::npos);
  EXPECT_NE(
      found[1]["text"].get<std::string>().find("mistrusted: ran at 110% of the measured peak"),
      std::string::npos);
  EXPECT_EQ(found[2]["level"], "warn");
  EXPECT_EQ(
      report_data({run_of({case_of("full", 1, 0, {})})}, {})["runs"][0]["validity"][0]["level"],
      "pass");
}

TEST(Report, PageEndsNoScriptEarlyAndAsksNobody) {
  Measurement c = case_of("x", 2, 0.1, {0.5});
  c.reason = "</script><script>alert(1)</script>";
  const std::string page = report_page(report_data({run_of({c})}, {}));
  EXPECT_EQ(page.find("</script><script>alert"), std::string::npos);
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
  EXPECT_EQ(page.find("<link"), std::string::npos);
}

TEST(Report, LatexEscapesNames) {
  const std::string table = run_latex({case_of("moga_stga", 2, 0.1, {})}, {"moga_stga"});
  EXPECT_NE(table.find("moga\\_stga & 0.5 & 500 & 2 & - & 0.1 & - & - \\\\"), std::string::npos)
      << table;
}

TEST(Report, LabelsTellRunsApart) {
  const Measurement c = case_of("frame", 2, 0.1, {});
  const std::vector<StoredRun> runs{run_of({c}), run_of({c})};
  EXPECT_EQ(label_cases(runs, workload_names(runs)).labels,
            (std::vector<std::string>{"frame (run 1)", "frame (run 2)"}));
}

/// A run of one case on a workload.
StoredRun run_on(const std::string& workload, std::array<int64_t, 3> grid) {
  Measurement c = case_of("frame", 2, 0.1, {});
  c.workload = WorkloadFacts{workload, 128, 2, 2, 64, grid};
  return run_of({c});
}

TEST(Report, LabelsNameTheWorkload) {
  const auto labels = [](const std::vector<StoredRun>& runs) {
    return label_cases(runs, workload_names(runs)).labels;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(labels({run_on("film", {2, 8, 8}), run_on("video:a.mp4", {2, 8, 8})}),
            (Texts{"frame (film) (run 1)", "frame (video:a.mp4) (run 2)"}));
  EXPECT_EQ(labels({run_on("film", {2, 8, 8}), run_on("film", {4, 4, 8})}),
            (Texts{"frame (film, 2x8x8) (run 1)", "frame (film, 4x4x8) (run 2)"}));
  StoredRun other = run_on("film", {2, 8, 8});
  other.cases[0].workload->sha256["q"] = "11";
  EXPECT_EQ(
      labels({run_on("film", {2, 8, 8}), other}),
      (Texts{"frame (film, 2x8x8, number 1) (run 1)", "frame (film, 2x8x8, number 2) (run 2)"}));
  StoredRun unknown = run_on("old", {});
  unknown.cases[0].workload.reset();
  EXPECT_EQ(labels({run_on("film", {2, 8, 8}), run_on("dit", {2, 8, 8}), unknown})[2],
            "frame (film) (run 3)")
      << "what the identity says of it";
}

TEST(Report, TablesOfHostileNamesCompile) {
  const testing::TemporaryFolder folder;
  const std::string pwned = folder / "pwned";
  std::vector<StoredRun> runs;
  for (const std::string& text : testing::hostile_texts(pwned)) {
    runs.push_back(run_on(text, {2, 8, 8}));
    runs.back().cases[0].setting = "map:file=" + text;
    runs.back().cases[0].values["realised_share"] = {"1", 4.11};
  }
  WrittenFiles files(folder.path());
  write_tables(runs, files);
  const std::string latex = testing::read_bytes(folder / "table.tex");
  EXPECT_NE(latex.find("& disturbed &"), std::string::npos) << latex;
  if (!testing::has_latex()) GTEST_SKIP() << "no pdflatex: nothing was compiled";
  testing::compiled(latex, "onecolumn");
  EXPECT_FALSE(fs::exists(pwned));
}

TEST(Report, ADisturbedCaseIsMarkedInEveryTable) {
  Measurement c = case_of("frame", 2, 0.1, {1, 1});
  c.values["realised_share"] = {"1", 4.11};
  MainJob job;
  job.run = run_of({c});
  const testing::TemporaryFolder folder;
  WrittenFiles files(folder.path());
  write_tables({job.run}, files);
  for (const std::string& text :
       {run_text(job), testing::read_bytes(folder / "table.tex"),
        testing::read_bytes(folder / "table.md"), testing::read_bytes(folder / "table.csv")}) {
    EXPECT_NE(text.find("disturbed"), std::string::npos) << text;
    EXPECT_EQ(text.find(" 4.11 "), std::string::npos) << text;
  }
  const json data = report_data({job.run}, {});
  EXPECT_EQ(data["cases"][0]["disturbed"], true);
  const auto marked = [](const json& column) { return column["marks_disturbed"] == true; };
  EXPECT_EQ(std::count_if(data["columns"].begin(), data["columns"].end(), marked), 1);
}

/// A page made from a real sweep, and opened in the browser.
class ReportPage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("vidattn_report_test_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    setenv("VIDATTN_MEASURE_LIMITS", "1", 1);  // a roof has a bandwidth
    const ToolResult sweep = run_tool(
        "sweep --quiet --grid 4,8,10 --heads 1 --dim 32 --repeat 7 --density 0.3,0.6 --backend "
        "full "
        "--backend moga --backend vmoba --out " +
        (folder_ / "run.json").string());
    ASSERT_EQ(sweep.exit_code, 0) << sweep.err;
    const ToolResult made = run_tool("report --quiet " + (folder_ / "run.json").string() +
                                     " --out " + (folder_ / "report.html").string() +
                                     " --figures " + (folder_ / "figures").string());
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  /// The page's document after its scripts and `probe` ran; the browser's log in `log`.
  static std::string open(const std::string& probe, const std::string& flags, std::string& log) {
    std::string page = contents(folder_ / "report.html");
    page.insert(page.rfind("</body>"), "<script>" + probe + "</script>");
    std::ofstream(folder_ / "probed.html") << page;
    return testing::document_of(folder_ / "probed.html", flags, log);
  }
  static inline fs::path folder_;
};

TEST_F(ReportPage, ChartsSortingAndPicturesWorkInARealBrowserSlow) {
  if (!testing::has_browser()) GTEST_SKIP() << "chromium is not installed";
  const std::string probe = R"(
    addEventListener('load', () => {
      const result = {};
      for (const id of ['pareto', 'ratios', 'density-recall', 'density-error', 'density-speedup', 'times',
                        'roofline', 'memory'])
        result[id] = [...document.querySelectorAll(`#${id} canvas`)].reduce((sum, canvas) =>
          Chart.getChart(canvas).data.datasets.reduce((n, set) => n + set.data.length, sum), 0);
      result.compared = document.querySelectorAll('#pareto canvas').length;
      const column = name => {
        const heads = [...document.querySelectorAll('#cases th')];
        const at = heads.findIndex(th => th.textContent === name);
        heads[at].querySelector('button').click();
        return [...document.querySelectorAll('#cases tbody tr')].map(tr => +tr.children[at].textContent);
      };
      result.equal = equal.length;
      result.up = column('total ms');
      result.down = column('total ms');
      result.images = [...document.images].filter(i => i.complete && i.naturalWidth > 0).length;
      result.broken = document.images.length - result.images;
      document.getElementById('theme').click();
      result.theme = document.documentElement.dataset.theme;
      dispatchEvent(new Event('beforeprint'));
      result.printed = document.documentElement.dataset.theme;
      dispatchEvent(new Event('afterprint'));
      result.after = document.documentElement.dataset.theme;
      result.title = document.getElementById('title').textContent;
      result.wide = document.documentElement.scrollWidth - innerWidth;
      document.body.dataset.probe = JSON.stringify(result);
    });)";
  for (const char* width : {"1280,900", "390,844"}) {
    std::string log;
    const std::string document = open(probe, std::string("--window-size=") + width, log);
    const size_t at = document.find("data-probe=\"");
    ASSERT_NE(at, std::string::npos) << log;
    std::string text = document.substr(at + 12, document.find('"', at + 12) - at - 12);
    for (size_t q; (q = text.find("&quot;")) != std::string::npos;) text.replace(q, 6, "\"");
    const json found = json::parse(text);
    const int equal = found["equal"];  // the others missed their density
    EXPECT_GE(equal, 2) << text;
    EXPECT_LT(equal, 5) << text;
    EXPECT_EQ(found["ratios"], equal + 1) << "all but full, and a line of two points " << text;
    EXPECT_EQ(found["roofline"], 8) << "five cases and a roof of three corners " << text;
    for (const char* id : {"density-recall", "density-error", "density-speedup"})
      EXPECT_EQ(found[id], 4) << id << ": all but full " << text;
    // Each of two densities has full attention beside the methods that reached it.
    EXPECT_EQ(found["compared"], 2) << text;
    EXPECT_GE(found["pareto"], equal + 1) << text;
    EXPECT_EQ(found["times"], 6 * equal) << text;
    EXPECT_EQ(found["memory"], 2 * equal) << text;
    auto up = found["up"].get<std::vector<double>>(),
         down = found["down"].get<std::vector<double>>();
    ASSERT_EQ(up.size(), 5U);
    EXPECT_TRUE(std::is_sorted(up.begin(), up.end())) << text;
    EXPECT_TRUE(std::is_sorted(down.rbegin(), down.rend())) << text;
    EXPECT_GE(found["images"], 8) << text;  // mask and visible keys of four methods and full
    EXPECT_EQ(found["broken"], 0);
    EXPECT_EQ(found["theme"], "dark");
    EXPECT_EQ(found["printed"], "light") << "whatever the screen shows";
    EXPECT_EQ(found["after"], "dark");
    EXPECT_TRUE(found["title"].get<std::string>().starts_with("film · ")) << text;
    EXPECT_LE(found["wide"], 0) << width << " " << text;
    EXPECT_EQ(log.find("CONSOLE"), std::string::npos) << log;
  }
}

TEST_F(ReportPage, FiguresAndTablesAreWritten) {
  EXPECT_NE(contents(folder_ / "figures/table.tex").find("\\bottomrule"), std::string::npos);
  size_t pictures = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "figures"))
    if (entry.path().extension() == ".png" || entry.path().extension() == ".jpg") {
      EXPECT_FALSE(read_picture(entry.path()).empty()) << entry.path();
      ++pictures;
    }
  EXPECT_GE(pictures, 8U);
  if (std::system("command -v gnuplot >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "gnuplot is not installed";
  for (const char* name : {"ratios", "density_recall", "density_error", "density_speedup", "times",
                           "roofline", "memory", "pareto_film_4x8x10_density_0.3"}) {
    const std::string file = folder_ / "figures" / name;
    EXPECT_NE(contents(file + ".svg").find("</svg>"), std::string::npos) << name;
    EXPECT_TRUE(contents(file + ".pdf").starts_with("%PDF")) << name;
  }
}

TEST_F(ReportPage, RunsKeptWithDbAreListedComparedAndReported) {
  const std::string db = " --db " + (folder_ / "kept.db").string();
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(run_tool("run --quiet --grid 3,4,5 --heads 1 --dim 16 --repeat 6 --backend full "
                       "--backend stga" +
                       db)
                  .exit_code,
              0);
  const ToolResult compared = run_tool("compare run:1 run:2" + db);
  EXPECT_NE(compared.out.find("stga"), std::string::npos) << compared.out << compared.err;
  const ToolResult history = run_tool("history" + db);
  EXPECT_NE(history.out.find("2 runs"), std::string::npos) << history.out << history.err;
  const std::string page = (folder_ / "kept.html").string();
  ASSERT_EQ(run_tool("report run:latest --no-pictures --out " + page + db).exit_code, 0);
  EXPECT_NE(contents(page).find("\"history\":[{"), std::string::npos);
}

TEST_F(ReportPage, ARunWithoutFullAttentionIsKept) {
  const std::string db = " --db " + (folder_ / "alone.db").string();
  const ToolResult run = run_tool(
      "run --quiet --grid 3,4,5 --heads 1 --dim 16 --repeat 6 --backend stga --backend frame" + db);
  EXPECT_TRUE(ran_right(run)) << run.err;
  const std::string page = (folder_ / "alone.html").string();
  const ToolResult made = run_tool("report run:latest --no-pictures --out " + page + db);
  EXPECT_NE(made.out.find("2 cases of 1 run"), std::string::npos) << made.out << made.err;
}

TEST_F(ReportPage, BadInputGivesOneLineAndExitCodeThree) {
  const std::string run = (folder_ / "run.json").string(), page = (folder_ / "x.html").string();
  for (const std::string& arguments :
       {"report --out " + page, "report " + run, "report missing.json --out " + page,
        "report moga --out " + page, "report " + run + " --out /nonexistent/x.html",
        "report " + run + " --db missing.db --out " + page,
        "report " + run + " --out " + page + " --figures /proc/figures",
        "report run:7 --db missing.db --out " + page}) {
    const ToolResult result = run_tool(arguments);
    EXPECT_EQ(result.exit_code, 3) << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(page)) << "before any work";
  }
  const std::string figures = (folder_ / "refused").string();
  for (const std::string& arguments :
       {"report missing.json --out " + page + " --figures " + figures,
        "report " + run + " --db missing.db --out " + page + " --figures " + figures}) {
    EXPECT_EQ(run_tool(arguments).exit_code, 3) << arguments;
    EXPECT_FALSE(fs::exists(figures)) << "nothing was put there";
  }
}

}  // namespace
}  // namespace vidattn

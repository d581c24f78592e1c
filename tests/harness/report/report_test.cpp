#include "harness/report/report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "attention/backend.h"
#include "harness/report/labels.h"
#include "harness/report/pictures.h"
#include "harness/report/run_table.h"
#include "harness/workloads/media/picture.h"
#include "metrics/plan/stats.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string contents(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Measurement case_of(const std::string& backend, double speedup, double error,
                    std::vector<double> ratios) {
  Measurement c;
  c.identity = {"film", backend, "cpu", "f32"};
  c.setting = backend;
  c.values["speedup"] = {"1", speedup};
  c.values["relative_l2"] = {"1", error};
  c.values["total_time"] = {"s", 1 / speedup};
  c.values["density"] = {"1", 1 / speedup};
  for (double ratio : ratios) {
    Block block;
    block.run_seconds = ratio;
    block.dense_seconds = 1;
    c.blocks.push_back(block);
  }
  return c;
}

StoredRun run_of(std::vector<Measurement> cases) {
  StoredRun run;
  run.uid = "test";
  run.arguments = {"/path/vidattn", "run", "--workload", "video:my clip's.mp4"};
  run.environment = {{"state", {{"load_average", {0.1, 0.1, 0.1}}, {"threads", 2}}}};
  run.cases = std::move(cases);
  return run;
}

TEST(Report, DataHoldsFrontRatiosAndTheCommand) {
  const std::vector<double> ratios{0.5, 0.51, 0.49, 0.5, 0.52, 0.5, 0.5};
  const json data =
      report_data({run_of({case_of("full", 1, 0, {}), case_of("good", 2, 0.1, ratios),
                           case_of("worse", 1.5, 0.2, {0.6}), case_of("fast", 4, 0.5, ratios)})},
                  {});
  std::vector<bool> front;
  for (const json& c : data["cases"]) front.push_back(c["front"]);
  EXPECT_EQ(front, (std::vector<bool>{true, true, false, true}));
  EXPECT_DOUBLE_EQ(data["cases"][1]["ratio"]["ratio"], 0.5);
  EXPECT_LE(data["cases"][1]["ratio"]["low"], 0.5);
  EXPECT_TRUE(data["cases"][2]["ratio"]["low"].is_null());  // one block has no interval
  EXPECT_EQ(data["runs"][0]["command"], "vidattn run --workload 'video:my clip'\\''s.mp4'");
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
  EXPECT_NE(table.find("moga\\_stga & 0.5 & 500 & 2 & 0.1 & - & - \\\\"), std::string::npos)
      << table;
}

TEST(Report, LabelsTellRunsApart) {
  const Measurement c = case_of("frame", 2, 0.1, {});
  EXPECT_EQ(label_cases({run_of({c}), run_of({c})}).labels,
            (std::vector<std::string>{"frame (run 1)", "frame (run 2)"}));
}

TEST(Pictures, MaskIsThePlansMaskWhereEveryTokenHasAPixel) {
  const Inputs in = random_video(3, 4, 5, 2, 8);
  const Backend& backend = find_backend("stga");
  const Plan plan = backend.plan(in, backend.defaults());
  const cv::Mat picture = mask_picture(plan, in, 0);
  const Array mask = plan_mask(plan, in);
  const auto& bits = mask.as<uint8_t>("mask");
  ASSERT_EQ(picture.rows, 60);
  for (int i = 0; i < 60; ++i)
    for (int j = 0; j < 60; ++j)
      ASSERT_EQ(picture.at<uchar>(i, j), bits[i * 60 + j] ? 255 : 0) << i << " " << j;
}

TEST(Pictures, SmallMaskKeepsTheDensity) {
  const Inputs in = random_video(4, 6, 10, 1, 8);
  const Backend& frame = find_backend("frame");
  const cv::Mat picture = mask_picture(frame.plan(in, frame.defaults()), in, 0, 16);
  ASSERT_EQ(picture.rows, 16);
  EXPECT_NEAR(cv::mean(picture)[0] / 255, 0.25, 0.01);
}

TEST(Pictures, FramesShowSegmentsAndVisibleKeys) {
  const Inputs in = random_video(4, 6, 10, 1, 8);
  const Backend& frame = find_backend("frame");
  const Plan plan = frame.plan(in, frame.defaults());
  const auto latent = frames_to_show(in.grid);
  EXPECT_EQ(latent, (std::vector<int64_t>{0, 1, 2, 3}));
  const cv::Mat segments = segment_picture(plan, in, 0, latent, {});
  // One colour in a frame, another in the next one.
  EXPECT_EQ(segments.at<cv::Vec3b>(2, 2), segments.at<cv::Vec3b>(30, 50));
  EXPECT_NE(segments.at<cv::Vec3b>(2, 2), segments.at<cv::Vec3b>(2, 70));
  const cv::Mat visible = visible_picture(plan, in, 0, in.grid.token(0, 0, 0), latent, {});
  EXPECT_NE(visible.at<cv::Vec3b>(30, 50), visible.at<cv::Vec3b>(30, 70));
  const Backend& full = find_backend("full");
  EXPECT_TRUE(segment_picture(full.plan(in, full.defaults()), in, 0, latent, {}).empty());
}

TEST(Pictures, DataUriIsAPngOfAMaskAndAJpegOfFrames) {
  cv::Mat mask(5, 7, CV_8UC1), frames(5, 7, CV_8UC3);
  cv::randu(mask, 0, 255);
  cv::randu(frames, 0, 255);
  const std::string png = data_uri(mask), jpeg = data_uri(frames);
  EXPECT_EQ(png.substr(0, 22), "data:image/png;base64,");
  EXPECT_EQ((png.size() - 22) % 4, 0U);
  EXPECT_EQ(jpeg.substr(0, 27), "data:image/jpeg;base64,/9j/");  // a JPEG's first bytes
  EXPECT_EQ((jpeg.size() - 23) % 4, 0U);
}

/// A page made from a real sweep, and opened in the browser.
class ReportPage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("vidattn_report_test_" + std::to_string(getpid()));
    fs::create_directories(folder_);
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
    const std::string command =
        "timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-background-networking "
        "--virtual-time-budget=3000 --enable-logging=stderr --user-data-dir=" +
        (folder_ / "profile").string() + " " + flags + " --dump-dom file://" +
        (folder_ / "probed.html").string() + " 2>" + (folder_ / "log").string();
    FILE* pipe = popen(command.c_str(), "r");
    const std::string document = read_all(pipe);
    pclose(pipe);
    log = contents(folder_ / "log");
    return document;
  }
  static bool has_browser() { return std::system("command -v chromium >/dev/null 2>&1") == 0; }
  static inline fs::path folder_;
};

TEST_F(ReportPage, ChartsSortingAndPicturesWorkInARealBrowserSlow) {
  if (!has_browser()) GTEST_SKIP() << "chromium is not installed";
  const std::string probe = R"(
    addEventListener('load', () => {
      const result = {};
      for (const id of ['pareto', 'forest', 'density-error', 'density-speed', 'roofline', 'memory']) {
        const chart = Chart.getChart(id);
        result[id] = chart ? chart.data.datasets.reduce((n, set) => n + set.data.length, 0) : -1;
      }
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
      result.wide = document.documentElement.scrollWidth - innerWidth;
      document.body.dataset.probe = JSON.stringify(result);
    });)";
  for (const char* width : {"1200,900", "390,844"}) {
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
    EXPECT_EQ(found["forest"], equal + 1) << "all but full, and a line of two points " << text;
    EXPECT_EQ(found["roofline"], 8) << "five cases and a roof of three corners " << text;
    // One method at least has two densities on so small a grid.
    for (const char* id : {"density-error", "density-speed"})
      EXPECT_GE(found[id], 2) << id << " " << text;
    EXPECT_GE(found["pareto"], equal) << text;
    EXPECT_EQ(found["memory"], 2 * equal) << text;
    auto up = found["up"].get<std::vector<double>>(),
         down = found["down"].get<std::vector<double>>();
    ASSERT_EQ(up.size(), 5U);
    EXPECT_TRUE(std::is_sorted(up.begin(), up.end())) << text;
    EXPECT_TRUE(std::is_sorted(down.rbegin(), down.rend())) << text;
    EXPECT_GE(found["images"], 8) << text;  // mask and visible keys of four methods and full
    EXPECT_EQ(found["broken"], 0);
    EXPECT_EQ(found["theme"], "dark");
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
  for (const char* name :
       {"pareto", "ratios", "density_error", "density_speedup", "roofline", "memory"})
    EXPECT_NE(contents(folder_ / "figures" / (std::string(name) + ".svg")).find("</svg>"),
              std::string::npos)
        << name;
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
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string page = (folder_ / "alone.html").string();
  const ToolResult made = run_tool("report run:latest --no-pictures --out " + page + db);
  EXPECT_NE(made.out.find("2 cases of 1 runs"), std::string::npos) << made.out << made.err;
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
}

}  // namespace
}  // namespace vidattn

// Charts as gnuplot draws them.
#include <gtest/gtest.h>

#include <regex>

#include "harness/host/programs/program.h"
#include "harness/io/text/shortened.h"
#include "harness/report/report.h"
#include "tests/harness/files.h"
#include "tests/harness/report/cases.h"

namespace vidattn {
namespace {

using testing::case_of;
using testing::run_of;

class ChartFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_program("gnuplot").empty()) GTEST_SKIP() << "gnuplot is not installed";
  }
  /// A chart of a run of these cases as SVG; empty where there is none.
  static std::string drawn(const std::vector<Measurement>& cases, const std::string& chart) {
    const testing::TemporaryFolder folder;
    WrittenFiles files(folder.path());
    write_figures(report_data({run_of(cases)}, {}), files);
    EXPECT_TRUE(files.complete());
    const std::string path = folder / (chart + ".svg");
    return std::filesystem::exists(path) ? testing::read_bytes(path) : "";
  }
};

size_t matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  return static_cast<size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()));
}

Measurement at_density(const std::string& setting, double density) {
  Measurement c = case_of(setting, 1 / density, 0.1, {density});
  c.values["recall_mean"] = {"1", 0.5 + density / 2};
  return c;
}

TEST_F(ChartFiles, LeaveTheLongestNameItsRoom) {
  constexpr double kWidth = 301.6;  // pixels of the name in a PDF, as pdftotext -bbox has it
  const std::string name = "vmoba:temporal_chunk=5,topk=100008";
  ASSERT_EQ(characters(name), 34U);
  Measurement named = case_of(name, 2, 0.1, {0.5});
  for (const char* chart : {"ratios", "memory"}) {
    named.values["index_memory"] = {"byte", 1e6};
    const std::string svg = drawn({named}, chart);
    std::smatch place;
    ASSERT_TRUE(std::regex_search(
        svg, place,
        std::regex("translate\\(([0-9.]+),[0-9.]+\\)\"[^>]*text-anchor=\"end\">\\s*"
                   "<text>(?:<tspan[^>]*>)?" +
                   name)))
        << svg;
    EXPECT_GE(std::stod(place[1]), kWidth) << "it ends there";
    EXPECT_LT(std::stod(place[1]), 350) << "and begins near the edge";
  }
}

TEST_F(ChartFiles, JoinOnlyWhatDiffersInItsDensity) {
  const auto of_kinds = [](const std::string& first, const std::string& second) {
    return std::vector{at_density("vmoba:chunk_kind=" + first + ",threshold=0.1", 0.1),
                       at_density("vmoba:chunk_kind=" + second + ",threshold=0.2", 0.2),
                       at_density("vmoba:chunk_kind=" + first + ",threshold=0.3", 0.3),
                       at_density("vmoba:chunk_kind=" + second + ",threshold=0.4", 0.4)};
  };
  const std::string one = drawn(of_kinds("spatial", "spatial"), "density_recall");
  const std::string two = drawn(of_kinds("spatial", "temporal"), "density_recall");
  const auto lines =
      [](const std::string& svg) {  // of the marks' one colour, the legend's included
        std::smatch path;
        EXPECT_TRUE(std::regex_search(svg, path, std::regex("stroke='rgb\\(159,[^>]*'/>"))) << svg;
        return matches(path.str(), "M[0-9]");
      };
  EXPECT_EQ(lines(two), lines(one) + 1) << two;
  EXPECT_EQ(matches(one, ">vmoba:chunk_kind="), 0U);
  for (const char* kind : {">vmoba:chunk_kind=spatial<", ">vmoba:chunk_kind=temporal<"})
    EXPECT_GT(matches(two, kind), 0U) << kind;
}

TEST_F(ChartFiles, TitlesSayWhatIntervalsThereAre) {
  const std::vector<double> few = {0.5, 0.5}, enough(7, 0.5);
  const auto title = [](const std::vector<Measurement>& cases) {
    const std::string svg = drawn(cases, "ratios");
    std::smatch found;
    EXPECT_TRUE(std::regex_search(svg, found, std::regex("<title>([^<]*)</title>")));
    return std::string(found[1]);
  };
  EXPECT_EQ(title({case_of("stga", 2, 0.1, few)}),
            "time over full attention's (too few blocks for intervals): film");
  EXPECT_EQ(title({case_of("stga", 2, 0.1, enough)}),
            "time over full attention's, with 95% intervals: film");
  EXPECT_EQ(title({case_of("stga", 2, 0.1, enough), case_of("moga", 2, 0.1, few)}),
            "time over full attention's, with 95% intervals where there are blocks enough: film");
}

/// Of 19 methods, a flaw and the front, names once stood in the midst of the data.
TEST_F(ChartFiles, KeepTheLegendBesideThePlot) {
  const std::vector<std::string> methods = {
      "full", "bigbird", "bsa",          "ditfastattn", "draft", "dsa", "moba",
      "moc",  "moga",    "nabla",        "nsa",         "sla",   "sol", "subblock",
      "svg2", "vmoba",   "random_block", "xattention",  "sta"};
  std::vector<Measurement> cases;
  for (const std::string& method : methods) cases.push_back(at_density(method, 0.3));
  cases.back().values["keyless_tokens"] = {"tokens", 16};
  const std::string svg = drawn(cases, "pareto");
  const std::regex place(
      "translate\\(([0-9.]+),[0-9.]+\\)\"[^>]*>\\s*<text>(?:<tspan[^>]*>)?(front|tokens left "
      "out)<");
  size_t seen = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), place), end; at != end; ++at, ++seen)
    EXPECT_GT(std::stod((*at)[1]), 700) << (*at)[2];
  EXPECT_EQ(seen, 2U) << svg;
}

TEST_F(ChartFiles, SayWhichCasesTheyDoNotShow) {
  std::vector<Measurement> cases = {at_density("sta", 0.25), at_density("stga", 0.1)};
  for (Measurement& c : cases) {
    c.identity.density = 0.25;
    c.values["density_target"] = {"1", 0.25};
  }
  for (const char* chart : {"pareto", "ratios"}) {
    const std::string svg = drawn(cases, chart);
    EXPECT_NE(svg.find("not shown: stga (missed the density asked for)"), std::string::npos) << svg;
  }
  const Measurement missed = cases.back();
  cases.pop_back();
  EXPECT_EQ(drawn(cases, "pareto").find("not shown"), std::string::npos);
  Measurement full = at_density("full", 1);
  full.values["index_memory"] = {"byte", 1e6};
  EXPECT_EQ(drawn({full, missed}, "memory"), "") << "full attention alone says nothing";
}

/// Names of stages once stood on one line, which ended with the picture.
TEST_F(ChartFiles, NameEveryStageOfATime) {
  Measurement c = at_density("sta", 0.25);
  const std::vector<std::string> stages = {"means of all chunks", "gates and thresholds of heads",
                                           "selection of chunks", "lists of blocks, sorted"};
  for (const std::string& stage : stages)
    c.plan.stages.push_back({.name = stage, .seconds = 0.001});
  c.values["plan_time"] = {"s", 0.01};
  c.values["run_time"] = {"s", 0.02};
  const std::string svg = drawn({c}, "times");
  for (const std::string& stage : stages)
    for (std::istringstream words(stage); !words.eof();) {
      std::string word;
      words >> word;
      EXPECT_NE(svg.find(word), std::string::npos) << word << "\n" << svg;
    }
}

TEST_F(ChartFiles, MarkWhatTheTableMarks) {
  Measurement flawed = at_density("radial", 0.3);
  flawed.identity.density = 0.25;
  flawed.values["density_target"] = {"1", 0.25};
  flawed.values["keyless_tokens"] = {"tokens", 16};
  flawed.plan.density_per_head = {0.3, 0.3};
  const std::string svg = drawn({flawed, at_density("stga", 0.25)}, "density_recall");
  for (const char* flaw : {">missed<", ">tokens left out<"})
    EXPECT_EQ(matches(svg, flaw), 1U) << svg;
  EXPECT_EQ(matches(svg, ">disturbed<"), 0U);
  EXPECT_EQ(matches(drawn({flawed}, "heads"), ">radial \\(missed\\) \\(tokens left out\\)<"), 1U);
}

}  // namespace
}  // namespace vidattn

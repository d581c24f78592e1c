// Runs whose names do something where they are taken for more than names, and figures that cannot
// be written.
#include "tests/harness/hostile.h"

#include <sys/resource.h>

#include <csignal>
#include <map>
#include <sstream>

#include "harness/compare/check_report.h"
#include "harness/host/programs/program.h"
#include "harness/io/json_file.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/shortened.h"
#include "harness/report/charts/plane.h"
#include "harness/report/report.h"
#include "harness/report/run_table.h"
#include "harness/store/export.h"
#include "harness/store/run_file.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::hostile_texts;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

const std::vector<std::string> kDrawn = {"pareto",          "density_recall", "density_error",
                                         "density_speedup", "roofline",       "ratios",
                                         "times",           "heads",          "memory"};

/// All files of a chart in a folder: one for each panel.
std::vector<fs::path> files_of(const fs::path& folder, const std::string& chart,
                               const std::string& suffix) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(chart) && entry.path().extension() == suffix)
      found.push_back(entry.path());
  return found;
}

bool has_gnuplot() { return !find_program("gnuplot").empty(); }

/// A case that stands in every figure, with the text wherever it may have one.
Measurement named_by(const std::string& text, double speedup) {
  Measurement c = testing::stored_case("one");
  c.identity.backend = c.identity.workload = c.identity.device = text;
  c.setting = c.reason = c.note = c.command = text;
  c.workload = WorkloadFacts{.name = text, .length = 100, .heads = 1, .kv_heads = 1, .dim = 8};
  for (const auto& [tag, value] :
       std::initializer_list<std::pair<const char*, double>>{{"speedup", speedup},
                                                             {"total_time", 1 / speedup},
                                                             {"density", 1 / speedup},
                                                             {"density_target", 0.25},
                                                             {"recall_mean", 0.5},
                                                             {"plan_time", 0.1 / speedup},
                                                             {"run_time", 0.9 / speedup},
                                                             {"relative_l2", 0.1 * speedup},
                                                             {"flop_rate", 1e9},
                                                             {"attention_flops", 1e6 * speedup},
                                                             {"index_memory", 1e6},
                                                             {"peak_extra_memory", 2e6}})
    c.values[tag] = {"1", value};
  c.identity.density.reset();
  c.plan.density_per_head = {0.1, 0.2};
  c.plan.stages = {{.name = text, .seconds = 0.01}};
  for (Block& block : c.blocks) block.dense_seconds = speedup * block.run_seconds;
  return c;
}

StoredRun run_named_by(const std::string& text) {
  StoredRun run = testing::stored_run(text);
  run.uid = run.revision = run.started = run.machine_key = text;
  run.arguments = {text, text};
  run.cases = {named_by(text, 2), named_by("full", 1), named_by("other", 3)};
  return run;
}

TEST(Hostile, NamesInFiguresAndTablesDoNothing) {
  const TemporaryFolder folder;
  const std::string made = folder / "pwned";
  StoredRun run = testing::stored_run();
  const std::vector<std::string> texts = hostile_texts(made);
  for (size_t i = 0; i < texts.size(); ++i) {
    run.cases.push_back(named_by(texts[i], 2 + 0.1 * static_cast<double>(i)));
    // A few panels of several cases, every one with a hostile name.
    Measurement& c = run.cases.back();
    c.identity.device = c.identity.workload = c.workload->name = texts[i % 4];
  }
  WrittenFiles files(folder.path());
  write_tables({run}, files);
  if (has_gnuplot()) write_figures(report_data({run}, {}), files);
  EXPECT_TRUE(files.complete());
  if (has_gnuplot()) {
    for (const std::string& chart : kDrawn)
      for (const char* suffix : {".svg", ".pdf"})
        EXPECT_GE(files_of(folder.path(), chart, suffix).size(), 4U) << chart << suffix;
  }
  EXPECT_FALSE(fs::exists(made));
  for (const std::string& name : files.names()) {
    const std::string written = read_bytes(folder / name);
    EXPECT_GT(written.size(), 1000U) << name;
    const bool keeps_texts = name == "table.csv" || name.ends_with(".pdf");
    EXPECT_FALSE(!keeps_texts && testing::has_controls(written)) << name;
  }
  EXPECT_EQ(read_bytes(folder / "table.tex").find("\\input"), std::string::npos);
  EXPECT_EQ(read_bytes(folder / "table.tex").find("\\write18"), std::string::npos);
}

TEST(Hostile, NamesInVerdictsAreNames) {
  for (const std::string& text : hostile_texts("x")) {
    StoredRun run = run_named_by(text);
    const Baseline baseline = make_baseline(run, text, nullptr);
    run.cases[0].values["pairs"].value += 1;
    run.cases[1].outcome = Outcome::crashed;
    const CheckReport report = judge_run(baseline, run);
    const std::string junit = check_junit(report);
    EXPECT_NE(junit.find("name=\"" + xml(report.cases[0].key) + "\""), std::string::npos) << junit;
    EXPECT_EQ(std::count(junit.begin(), junit.end(), '\n'), 8) << junit;
    EXPECT_FALSE(testing::has_controls(junit)) << text;
    EXPECT_FALSE(testing::has_controls(check_markdown(report))) << text;
    EXPECT_FALSE(testing::has_controls(check_text(report))) << text;
    EXPECT_EQ(check_markdown(report).find(" <script"), std::string::npos);
    // One line for each case that did not pass, whatever its name holds.
    const std::string said = reasons_text(run.cases);
    EXPECT_LE(std::count(said.begin(), said.end(), '\n'), 6) << said;
  }
}

/// `vidattn report` of a run, beside a folder for its figures.
class HostileTool : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
    fs::copy_file(VIDATTN_SOURCE_DIR "/tests/harness/report/golden/run.json", folder_ / "run.json");
  }
  /// With `settings` before the command, as a shell takes them.
  ToolResult report(const std::string& settings = "", const std::string& figures = "fig") const {
    return run_shell("cd '" + folder_.path().string() + "' && " + settings + " " + VIDATTN_TOOL +
                     " report run.json --no-pictures --quiet --out r.html --figures \"" + figures +
                     "\"");
  }
  TemporaryFolder folder_;
};

TEST_F(HostileTool, RunsOfOthersDoNothing) {
  const std::string made = folder_ / "pwned";
  std::vector<std::string> texts = hostile_texts(made);
  // Controls need not get as far as here.
  std::erase_if(texts, [](const std::string& text) {
    return text.empty() || testing::has_controls(text) || text.find('\n') != std::string::npos;
  });
  json run = json::parse(read_bytes(folder_ / "run.json"));
  for (size_t i = 0; i < texts.size();) {
    for (json& c : run["cases"])
      c["backend"] = c["setting"] = c["reason"] = c["note"] = texts[i++ % texts.size()];
    write_bytes(folder_ / "run.json", run.dump());
    const ToolResult result = report();
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    for (const std::string& chart : kDrawn)
      EXPECT_FALSE(files_of(folder_ / "fig", chart, ".svg").empty()) << chart;
    std::string memory;
    for (const fs::path& file : files_of(folder_ / "fig", "memory", ".svg"))
      memory += read_bytes(file);
    const StoredRun read = read_run(folder_ / "run.json", "");
    const json data = report_data({read}, {});
    for (size_t c = 0; c < read.cases.size(); ++c) {
      const std::string label = shortened(data["cases"][c]["short"], 34);
      const bool drawn = memory.find("<text>" + testing::in_svg(label) + "<") != std::string::npos;
      const Measurement& m = read.cases[c];
      EXPECT_EQ(drawn, m.values.contains("total_time") && !m.missed_density()) << label;
    }
    EXPECT_FALSE(fs::exists(made)) << run["cases"];
  }
}

TEST(Hostile, StoredRunsOfOthersDoNothing) {
  const TemporaryFolder folder;
  const std::string text =
      "`touch pwned` $(touch pwned) '\"|<b> \xe2\x80\xae"
      "desrever \xc3\xa9";
  const StoredRun run = run_named_by(text);
  write_json(folder / "e.json", export_runs({run}));
  write_baseline(folder / "b.json", make_baseline(run, text, nullptr));
  const auto tool = [&](const std::string& arguments) {
    return run_shell("cd " + folder.path().string() + " && " VIDATTN_TOOL " " + arguments);
  };
  ASSERT_EQ(tool("import e.json --db s.db").exit_code, 0);
  for (const std::string command :
       {"runs --db s.db", "history --db s.db --metric ratio", "compare run:latest e.json --db s.db",
        "export latest --db s.db --out o.json",
        "export latest --db s.db --format google-benchmark --out g.json",
        "export latest --db s.db --format bmf --out f.json",
        ("check --db s.db --baseline b.json --run latest --out c.json --junit j.xml --markdown "
         "m.md")}) {
    const ToolResult result = tool(command);
    EXPECT_LT(result.exit_code, 3) << command << result.err;
    EXPECT_FALSE(testing::has_controls(result.out + result.err)) << command << result.out;
  }
  for (const char* file : {"j.xml", "m.md"}) {
    const std::string written = read_bytes(folder / file);
    EXPECT_GT(written.size(), 500U) << file;
    EXPECT_FALSE(testing::has_controls(written)) << written;
  }
  EXPECT_FALSE(fs::exists(folder / "pwned"));
}

TEST(Hostile, RefusalsSendNothingToTheTerminal) {
  for (const char* arguments :
       {"run --workload \"$(printf '\\033]0;x\\007')\"",
        "run --backend \"$(printf '\\302\\233x')\"", "table \"$(printf '\\342\\200\\256')\"",
        "\"$(printf '\\033[2J')\""}) {
    const ToolResult result = run_tool(arguments);
    EXPECT_EQ(result.exit_code, 3) << arguments;
    EXPECT_FALSE(testing::has_controls(result.out + result.err)) << arguments << result.err;
    EXPECT_NE(result.err.find("\\u"), std::string::npos) << arguments << result.err;
  }
}

TEST_F(HostileTool, FoldersMayHaveAnyName) {
  const std::string name = "it's\n'; touch pwned; '\\`touch pwned\\`\\$(touch pwned)";
  fs::create_directory(folder_ / "it's temporary");
  const ToolResult result = report("TMPDIR=\"$PWD/it's temporary\"", name);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_FALSE(fs::exists(folder_ / "pwned"));
  std::map<std::string, size_t> drawn;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
    ++drawn[entry.path().extension()];
  EXPECT_GE(drawn[".svg"], kDrawn.size());
  EXPECT_EQ(drawn[".pdf"], drawn[".svg"]);
}

TEST_F(HostileTool, WithoutGnuplotFiguresAreRefusedBeforeAnyWork) {
  const ToolResult result = report("PATH=" + folder_.path().string());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "vidattn: figures need gnuplot: install the package gnuplot-nox\n");
  EXPECT_EQ(result.out, "");
  EXPECT_FALSE(fs::exists(folder_ / "r.html"));
}

TEST_F(HostileTool, AFigureThatCannotBeWrittenLeavesTheOthers) {
  const std::string blocked = "ratios_film_21x30x52_on_cpu_in_f32.svg";
  fs::create_directories(folder_ / "fig" / blocked);
  const ToolResult result = report();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(result.err.starts_with("warning: no " + blocked + ": cannot write ")) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_TRUE(fs::exists(folder_ / "r.html"));
  EXPECT_NE(result.out.find("table.tex table.md table.csv pareto.svg pareto.pdf "),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find(" ratios_film_21x30x52_on_cpu_in_f32.pdf "), std::string::npos)
      << result.out;
}

/// A limit on the size of files stands in for a full disk: the page is larger than every figure.
TEST_F(HostileTool, APageThatCannotBeWrittenLeavesTheFigures) {
  const ToolResult result = report("ulimit -f 200;");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "vidattn: cannot write \"r.html\": File too large\n");
  EXPECT_NE(result.out.find("fig: table.tex table.md table.csv pareto.svg"), std::string::npos)
      << result.out;
  EXPECT_TRUE(fs::exists(folder_ / "fig/pareto.svg"));
}

TEST_F(HostileTool, AGnuplotThatIsKilledLeavesTheTables) {
  fs::create_directory(folder_ / "bin");
  write_bytes(folder_ / "bin/gnuplot", "#!/bin/sh\necho '<svg>'; kill -9 $$\n");
  fs::permissions(folder_ / "bin/gnuplot", fs::perms::owner_all);
  const ToolResult result = report("PATH=\"$PWD/bin:$PATH\"");
  EXPECT_EQ(result.exit_code, 3);
  std::istringstream lines(result.err);
  size_t missing = 0;
  for (std::string line; std::getline(lines, line); ++missing) {
    EXPECT_TRUE(line.starts_with("warning: no ")) << line;
    EXPECT_TRUE(line.ends_with(": gnuplot was ended by signal 9")) << line;
  }
  EXPECT_GE(missing, 2 * kDrawn.size());
  for (const std::string& chart : kDrawn)
    EXPECT_TRUE(files_of(folder_ / "fig", chart, ".svg").empty()) << chart;
  EXPECT_NE(result.out.find("\nfig: table.tex table.md table.csv\n"), std::string::npos)
      << result.out;
}

TEST(Hostile, AFullDiskLeavesNoFileThatIsCutOff) {
  const auto write_in_little_room = [] {
    const TemporaryFolder folder;
    json data{{"cases", {{{"label", "large"}}}},
              {"panels", json::array()},
              {"comparisons", json::array()}};
    const std::string encoded(4000, 'A');
    data["cases"][0]["pictures"] = {{"a", "data:image/png;base64," + encoded},
                                    {"b", "data:image/png;base64,AAAA"}};
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit room{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &room);
    WrittenFiles files(folder.path());
    write_figures(data, files);
    EXPECT_EQ(files.names(), std::vector<std::string>{"large_b.png"});
    EXPECT_FALSE(files.complete());
    EXPECT_FALSE(fs::exists(folder / "large_a.png"));
    EXPECT_EQ(fs::file_size(folder / "large_b.png"), 3U);
    fs::remove_all(folder.path());
    std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
  };
  EXPECT_EXIT(write_in_little_room(), ::testing::ExitedWithCode(0),
              "warning: no large_a.png: cannot write .*File too large");
}

}  // namespace
}  // namespace vidattn

#include "harness/tables/tables.h"

#include <gtest/gtest.h>

#include <chrono>

#include "attention/device.h"
#include "harness/tables/flops.h"
#include "harness/tables/generation/projection.h"
#include "harness/tables/models.h"
#include "harness/tables/operators/count.h"
#include "harness/tables/print/print.h"
#include "tests/harness/files.h"
#include "tests/harness/hostile.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

using Maker = Table (*)(const TableOptions&);
const std::pair<const char*, Maker> kMakers[] = {
    {"4", table4}, {"5", table5}, {"6", table6}, {"11", table11}, {"12", table12}};

std::string note_text(const Table& table, const std::string& part) {
  for (const Note& note : table.notes)
    if (note.text.find(part) != std::string::npos) return note.text;
  return {};
}

TEST(Tables, OtherDevicesAreNotHeldAgainstThePapers) {
  TableOptions options;
  options.devices = 1;
  const Table table = table12(options);
  for (const Cell& cell : table.cells) EXPECT_TRUE(std::isnan(cell.value(Origin::paper)));
  EXPECT_NE(note_text(table, "8 devices"), "");
}

TEST(Tables, Table5HasTheSparsityOfEveryDuration) {
  Table table = table5({});
  for (const auto& [row, sparsity] : {std::pair{"MoGA (M=5)", 71.25}, {"MoGA (M=20)", 86.25}}) {
    const Cell* cell = table.find(row, "10 s, sparsity");
    ASSERT_NE(cell, nullptr) << row;
    EXPECT_NEAR(cell->value(Origin::model), sparsity, 1e-9);  // 1 - 1/M - 1/16 - 1/40
  }
}

// Cell by cell: what the paper prints is what the cell shows.
TEST(Tables, EveryPrintedCellIsThere) {
  for (const auto& [name, make] : kMakers) {
    Table table = make({});
    const PaperTable paper = paper_table(name);
    for (const PaperRow& row : paper.rows)
      for (size_t c = 0; c < paper.columns.size(); ++c) {
        if (row.values[c].text.empty()) continue;
        Cell* cell = table.find(row.label, paper.columns[c]);
        ASSERT_NE(cell, nullptr) << name << ": " << row.label << ", " << paper.columns[c];
        EXPECT_EQ(cell->value(Origin::paper), row.values[c].value()) << row.label;
        EXPECT_TRUE(std::isfinite(cell->value(Origin::model))) << row.label;
      }
  }
}

TEST(Tables, EveryDifferenceAboveFivePercentHasANote) {
  for (const auto& [name, make] : kMakers) {
    const Table table = make({});
    for (const Cell& cell : table.cells)
      if (std::abs(cell.difference()) > kNoteAbove) {
        ASSERT_FALSE(cell.notes.empty()) << name << ": " << cell.row;
        for (const std::string& key : cell.notes)
          EXPECT_TRUE(std::any_of(table.notes.begin(), table.notes.end(),
                                  [&](const Note& n) { return n.key == key && !n.text.empty(); }));
      }
  }
}

TEST(Tables, Table4SparsitiesAreExactButForM16) {
  Table table = table4({});
  for (const PaperRow& row : paper_table("4").rows) {
    const double model = table.find(row.label, "Sparsity %")->value(Origin::model);
    if (row.groups == 16)
      EXPECT_NEAR(model, 85, 1e-9);
    else
      EXPECT_NEAR(model, row.values[0].value(), 1e-9) << row.label;
  }
  EXPECT_NE(note_text(table, "4 of 5 printed sparsities").find("closed form of M=10"),
            std::string::npos);
  EXPECT_NE(note_text(table, "Tables 4 and 5 at 10 s").find("disagree"), std::string::npos);
}

TEST(Tables, Table5FullAttentionAgreesFrom10Seconds) {
  Table table = table5({});
  const PaperTable paper = paper_table("5");
  for (size_t c = 1; c < paper.columns.size(); ++c)
    EXPECT_TRUE(paper.rows[0].values[c].prints(
        table.find("Full Attention", paper.columns[c])->value(Origin::model)));
  EXPECT_NEAR(table.find("Full Attention", "5 s")->difference(), -0.07, 0.005);
  EXPECT_NE(note_text(table, "32760 tokens").find("take 0.2830"), std::string::npos);
  EXPECT_NE(note_text(table, "32760 tokens").find("4 other durations 4 agree"), std::string::npos);
}

TEST(Tables, Table5NotesSayWhichCountsFit) {
  const Table table = table5({});
  const std::string others = note_text(table, "10 s and more");
  EXPECT_NE(others.find("12 of 12 cells, worst 1.5%: whole model/M + FFN"), std::string::npos)
      << others;
  const std::string shortest = note_text(table, "5 s: the dense layers alone");
  EXPECT_NE(shortest.find("3 of 3 cells"), std::string::npos) << shortest;
  EXPECT_NE(shortest.find("0.065 (M=10), 0.051 (M=20)"), std::string::npos) << shortest;
}

TEST(Tables, CountedPlansAreNeverBelowTheClosedForm) {
  for (const auto& make : {table4, table5}) {
    const Table table = make({});
    for (const Cell& cell : table.cells) {
      if (cell.unit != "PFLOP") continue;
      EXPECT_GE(cell.value(Origin::balanced), cell.value(Origin::model) * (1 - 1e-12)) << cell.row;
      EXPECT_LE(cell.value(Origin::balanced), cell.value(Origin::model) * 1.04) << cell.row;
      EXPECT_GE(cell.value(Origin::skewed), cell.value(Origin::balanced)) << cell.row;
    }
  }
}

TEST(Tables, Table11TheoreticalSpeedups) {
  Table table = table11({});
  const std::tuple<const char*, const char*, double> expected[] = {
      {"5 s", "Speedup (M=5)", 3.2},
      {"5 s", "Speedup (M=20)", 6.15},
      {"30 s", "Speedup (M=5)", 3.69},
      {"30 s", "Speedup (M=20)", 8.28}};
  for (const auto& [row, column, value] : expected)
    EXPECT_NEAR(table.find(row, column)->value(Origin::model), value, 0.01) << row << column;
  const Cell* realised = table.find("30 s", "Realised (M=5)");
  EXPECT_NEAR(realised->value(Origin::model), 3.12 / 3.692, 1e-3);
  EXPECT_TRUE(std::isnan(realised->value(Origin::paper))) << "the paper does not print it";
}

TEST(Tables, Table12TakesTheEndToEndSpeedupApart) {
  Table table = table12({});
  EXPECT_NEAR(table.find("Attention's share of FLOPs", "Full Attention")->value(Origin::model),
              0.863, 0.001);
  EXPECT_NEAR(table.find("Generation speedup by time (Amdahl)", "MoGA (M=5)")->value(Origin::model),
              1.67, 0.005);
  TableOptions warm;
  warm.run.dense_steps = 10;
  Table later = table12(warm);
  const auto gain = [](Table& t) {
    return t.find("Generation speedup by FLOPs", "MoGA (M=5)")->value(Origin::model);
  };
  EXPECT_LT(gain(later), gain(table));
}

TEST(Tables, OtherModelsHaveNoPaperValues) {
  TableOptions options;
  options.model = "hunyuanvideo";
  for (const auto& [name, make] : kMakers) {
    const Table table = make(options);
    for (const Cell& cell : table.cells)
      EXPECT_TRUE(std::isnan(cell.value(Origin::paper))) << name << ": " << cell.row;
  }
}

TEST(Tables, AModelFileIsNamedAndNotHeldAgainstThePaper) {
  const TemporaryFolder folder;
  TableOptions options;
  options.model = (folder / "mine.json").string();
  for (const auto& [number, make] : kMakers) {
    const std::string name = paper_table(number).model;  // makes it no paper's model
    write_bytes(folder / "mine.json",
                R"({"name": ")" + name +
                    R"(", "dim": 2048, "heads": 16, "ffn_dim": 8192, "text_tokens": 512,
                     "blocks": [{"kind": "cross_attention", "count": 32}]})");
    const Table table = make(options);
    EXPECT_TRUE(table.title.starts_with(name)) << table.title;
    EXPECT_EQ(table.where, "model " + name);
    for (const char* paper : {"printed", "the paper prints", "paper's"})
      EXPECT_EQ(note_text(table, paper), "") << number;
    for (const Cell& cell : table.cells)
      EXPECT_TRUE(std::isnan(cell.value(Origin::paper))) << number << ": " << cell.row;
  }
}

TEST(Projection, PartsAddUpAndInvert) {
  const DitModel wan = find_model("wan2.1-14b");
  const PassTimes times = pass_times(wan, 187200, 4.745, 150e12, 8);
  EXPECT_NEAR(times.forward.attention, 23.7, 0.05);
  EXPECT_NEAR(times.forward.rest, 3.8, 0.05);
  EXPECT_NEAR(tokens_for_training_time(times, 187200, times.training()), 187200, 1e-6);
}

// Cross-attention is attention, and no linear layer, wherever a backward pass is counted.
TEST(Projection, TheBackwardPassIsThatOfTheCostModel) {
  constexpr double kRate = 150e12;
  for (const char* name : {"wan2.1-14b", "hunyuanvideo"}) {
    const DitModel model = find_model(name);
    const PassCost forward = forward_cost(model, {31200}), backward = backward_cost(forward);
    // At one rate for everything, times are FLOPs.
    const double seconds = forward.attention_flops() / kRate / static_cast<double>(model.layers());
    const PassTimes times = pass_times(model, 31200, seconds, kRate, 1);
    EXPECT_NEAR(times.forward.total() * kRate / forward.flops(), 1, 1e-12);
    EXPECT_NEAR(times.backward.total() * kRate / backward.flops(), 1, 1e-12);
    EXPECT_NEAR(times.training() * kRate / (2 * forward.flops() + backward.flops()), 1, 1e-12);
  }
}

TEST(Projection, AMeasuredBackwardPassStandsForItself) {
  const DitModel model = find_model("wan2.1-1.3b");
  OperatorTime time{.label = "full", .tokens = 31200};
  time.plan_seconds = 0.5;
  time.run_seconds = 1.5;
  time.backward_seconds = 7;
  const PassTimes modelled = pass_times(model, time, 1e12);
  time.pass = Pass::both;
  const PassTimes measured = pass_times(model, time, 1e12);
  const auto layers = static_cast<double>(model.layers());
  EXPECT_DOUBLE_EQ(measured.forward.attention, 2 * layers);
  EXPECT_DOUBLE_EQ(measured.backward.attention, 7 * layers);
  EXPECT_DOUBLE_EQ(modelled.backward.attention, 2.5 * 2 * layers);
  EXPECT_EQ(measured.backward.rest, modelled.backward.rest);
}

TEST(TableTool, AllTablesTakeLessThanTenSeconds) {
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  const ToolResult result = run_tool("table all --out " + (folder / "all.json").string());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LT(passed.count(), 10);
  const auto record = nlohmann::json::parse(read_bytes(folder / "all.json"));
  EXPECT_EQ(record["tables"].size(), 5U);
  EXPECT_TRUE(record.contains("environment"));
  EXPECT_EQ(record["tables"][1]["details"]["cost"].size(), 20U);
}

TEST(TableTool, DrawsTheFigure) {
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  const TemporaryFolder folder;
  const ToolResult result =
      run_tool("table 6 --out " + (folder / "f.svg").string() + " --out " +
               (folder / "f.png").string() + " --out " + (folder / "f.pdf").string());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(read_bytes(folder / "f.pdf").starts_with("%PDF"));
  EXPECT_NE(read_bytes(folder / "f.svg").find("</svg>"), std::string::npos);
  EXPECT_EQ(read_bytes(folder / "f.png").substr(1, 3), "PNG");
}

TEST(TableTool, LabelsInTheFigureDoNothing) {
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no gnuplot";
  const TemporaryFolder folder;
  const std::string made = folder / "pwned";
  for (const char* name : {"table4.json", "table5.json", "table6.json", "table11.json"})
    std::filesystem::copy_file(VIDATTN_SOURCE_DIR "/results/paper/" + std::string(name),
                               folder / name);
  std::vector<std::string> texts = testing::hostile_texts(made);
  std::erase_if(texts, [](const std::string& text) {
    return text.find('\n') != std::string::npos || testing::has_controls(text);
  });
  for (size_t i = 0; i < texts.size();) {
    auto paper = nlohmann::json::parse(read_bytes(folder / "table5.json"));
    for (auto& row : paper["rows"]) row["label"] = texts[i++ % texts.size()];
    write_bytes(folder / "table5.json", paper.dump());
    const ToolResult result = run_tool("table 6 --paper " + folder.path().string() + " --out " +
                                       (folder / "f.svg").string());
    EXPECT_EQ(result.exit_code, 0) << paper["rows"] << result.err;
    EXPECT_NE(read_bytes(folder / "f.svg").find("</svg>"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(made)) << paper["rows"];
  }
}

TEST(TableTool, WithoutGnuplotTheFigureIsRefusedInOneLine) {
  const TemporaryFolder folder;
  const std::string command = "PATH=" + folder.path().string() + " " + VIDATTN_TOOL +
                              " table 6 --out " + (folder / "f.svg").string() + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  const std::string out = read_all(pipe);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 3);
  EXPECT_EQ(out, "vidattn: figures need gnuplot: install the package gnuplot-nox\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "f.svg"));
}

TEST(TableTool, BadInputIsOneLineAndExit3) {
  const TemporaryFolder folder;
  write_bytes(folder / "bad.json", "{\"name\": 3}");
  const std::pair<std::string, std::string> cases[] = {
      {"table 7", "known are 4, 5, 6, 11, 12, all"},
      {"table 5 --model wan9", "unknown model 'wan9'"},
      {"table 5 --model " + (folder / "bad.json").string(), "name: expected a text, found 3"},
      {"table 5 --paper " + folder.path().string(), "table5.json"},
      {"table 5 --measure", "--measure is for tables 11 and 12"},
      {"table 6 --backend vsa --out x.svg", "only Figure 6 (or all), without --backend"},
      {"table 5 --tokens 31200", "--tokens is for table 11 and for --backend"},
      {"table 11 --backend nothing", "unknown backend 'nothing'"},
      {"table 11 --tokens 1000", "no whole number of 480p frames"},
      {"table 11 --tokens 1560", "--tokens 1560 is no row of table 11: they are 31200, "},
      {"table 11 --out x.pdf", "only Figure 6"},
      {"table 6 --out x.eps", "must end in"},
      {"table 6 --format xml", "unknown table format"},
      {"table 12 --dense-steps 51", "--dense-steps must not exceed"},
      {"table 12 --dense-layers 41", "must not exceed the 40 layers"},
      {"table 11 --full", "--full needs --measure"},
      {"table 11 --repeat 2", "--repeat requires --measure"},
      {"table 11 --heads 2", "--heads needs --measure or --backend"},
      {"table 4 --steps 10", "are for table 12"},
      {"table 5 --workload tensors:x", "unknown workload"},
      {"table 5 --out /nowhere/x.json", "/nowhere"}};
  for (const auto& [arguments, message] : cases) expect_refused(arguments, message);
}

}  // namespace
}  // namespace vidattn

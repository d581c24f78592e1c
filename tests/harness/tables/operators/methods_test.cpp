#include "harness/tables/operators/methods.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <set>

#include "harness/host/interrupt.h"
#include "harness/tables/flops.h"
#include "harness/tables/models.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

constexpr int64_t kTokens = 3120;  // two frames

TableOptions methods(std::vector<std::string> backends) {
  TableOptions options;
  options.backends = std::move(backends);
  options.tokens = {kTokens};
  options.heads = 1;
  return options;
}

std::vector<std::string> columns(const Table& table, const std::string& unit) {
  std::vector<std::string> found;
  for (const Cell& cell : table.cells)
    if (cell.unit == unit) found.push_back(cell.column);
  return found;
}

bool has_note(const Table& table, const std::string& part) {
  return std::any_of(table.notes.begin(), table.notes.end(),
                     [&](const Note& n) { return n.text.find(part) != std::string::npos; });
}

TEST(Methods, LengthsAreThePapersEachOnce) {
  const auto labels = [](const char* table) {
    std::string text;
    for (const TableLength& l : paper_lengths(paper_table(table)))
      text += l.label + "=" + std::to_string(l.tokens) + ";";
    return text;
  };
  EXPECT_EQ(labels("4"), "62400 tokens=62400;");
  EXPECT_EQ(labels("5"), "5 s=31200;10 s=62400;15 s=93600;20 s=124800;30 s=187200;");
  EXPECT_EQ(labels("6"), "187200 tokens=187200;");
  EXPECT_EQ(labels("11"), "5 s=31200;10 s=62400;20 s=124800;30 s=187200;");
}

TEST(Methods, RowsArePublishedAndAtTheDensitiesOfMogaStga) {
  const Table table = table11(methods({"svg2", "full", "frame", "svg2:top_p=0.5"}));
  EXPECT_EQ(columns(table, "density"),
            (std::vector<std::string>{"full", "svg2 published", "svg2 at density 0.7625",
                                      "svg2 at density 0.6125", "frame published", "svg2:top_p=0.5",
                                      "svg2:top_p=0.5 at density 0.7625",
                                      "svg2:top_p=0.5 at density 0.6125"}));
  for (const Cell& cell : table.cells) {
    EXPECT_EQ(cell.row, "3120 tokens");
    const size_t at = cell.column.find("at density ");
    if (at == std::string::npos) continue;
    EXPECT_NEAR(cell.value(Origin::workload), std::stod(cell.column.substr(at + 11)), 0.01);
  }
}

TEST(Methods, ADensityOutOfReachIsSaid) {
  const Table table = table11(methods({"moga:num_groups=2"}));
  EXPECT_TRUE(has_note(table, "The knob comes no nearer to the density"));
}

TEST(Methods, WhatAMethodRefusesIsANoteAndTheOthersGoOn) {
  const Table table = table11(methods({"svg2:context_length=99999", "frame"}));
  EXPECT_EQ(columns(table, "density"), (std::vector<std::string>{"full", "frame published"}));
  EXPECT_TRUE(has_note(table, "svg2:context_length=99999"));
}

TEST(Methods, EveryTableHasThem) {
  const DitModel model = find_model("wan2.1-1.3b");
  for (const auto& make : {table4, table5, table6}) {
    Table table = make(methods({"frame"}));
    const double density = table.find("3120 tokens", "frame published")->value(Origin::workload);
    EXPECT_DOUBLE_EQ(density, 0.5);
    const Cell& pflops = table.cells.back();
    EXPECT_EQ(pflops.unit, "PFLOP");
    EXPECT_DOUBLE_EQ(pflops.value(Origin::workload),
                     forward_cost(model, {kTokens, density}).flops() * 1e-15);
  }
  EXPECT_EQ(columns(table12(methods({"frame"})), "x by FLOPs").size(), 2U);
}

TEST(Methods, DensityInRunIsEachRowsOwn) {
  const Table table = table12(methods({"vmoba"}));
  std::set<double> found;
  for (const Cell& cell : table.cells)
    if (cell.unit == "density in run" && cell.column != "full")
      found.insert(cell.value(Origin::workload));
  EXPECT_GE(found.size(), 2U);
  EXPECT_EQ(found.size(), columns(table, "density").size() - 1);
}

TEST(Methods, TimesAreOfTheSameRounds) {
  TableOptions options = methods({"frame"});
  options.measure = true;
  options.repeat = 2;
  options.sample_gflop = 1;
  const Table table = table11(options);
  EXPECT_EQ(columns(table, "ms"), (std::vector<std::string>{"full", "frame published"}));
  EXPECT_EQ(table.details["operators"][1]["rounds"].size(), 2U);
}

[[noreturn]] void interrupt_after_the_first_row() {
  catch_interrupts();
  const TableOptions options = methods({"frame", "vsa"});
  Table table;
  add_methods(table, find_model("wan2.1-1.3b"), {{"short", kTokens}, {"long", 2 * kTokens}},
              options, [&](const TableLength& length, const OperatorTime& time, const auto&) {
                table.add({length.label, time.label, "density"});
                if (table.cells.size() == 1) std::raise(SIGINT);
              });
  const bool kept =
      columns(table, "density") == std::vector<std::string>{"full", "frame published"};
  const bool named = has_note(table, "Not done, interrupted: vsa at short, everything at long.");
  std::_Exit(kept ? named ? 0 : 2 : 1);
}

TEST(MethodsDeathTest, AnInterruptKeepsWhatIsFinishedAndNamesTheRest) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(interrupt_after_the_first_row(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace vidattn

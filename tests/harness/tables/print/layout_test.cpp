#include "harness/tables/print/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "harness/tables/notes.h"
#include "harness/tables/print/print.h"
#include "harness/tables/tables.h"
#include "tests/harness/files.h"
#include "tests/harness/tables/made.h"

namespace vidattn {
namespace {

const std::pair<const char*, Table (*)(const TableOptions&)> kTables[] = {
    {"4", table4}, {"5", table5}, {"6", table6}, {"11", table11}, {"12", table12}};

using Texts = std::vector<std::string>;

Texts texts_of(const Part::Row& row) {
  Texts texts;
  for (const Entry& entry : row.entries) texts.push_back(entry.text);
  return texts;
}

// A reader finds each printed number in the row and the column in which the paper has it.
TEST(Layout, EveryPrintedNumberStandsWhereThePaperHasIt) {
  for (const auto& [name, make] : kTables) {
    const PaperTable paper = paper_table(name);
    const Part part = parts_of(make({}), Digits::shown).at(0);
    EXPECT_EQ(part.title, "");
    EXPECT_EQ(part.stub, paper.stub);
    ASSERT_EQ(part.columns.size(), paper.columns.size()) << name;
    ASSERT_EQ(part.rows.size(), paper.rows.size()) << name;
    for (size_t r = 0; r < paper.rows.size(); ++r) {
      EXPECT_EQ(part.rows[r].stub, paper.rows[r].stub);
      size_t first = 0;
      for (size_t c = 0; c < paper.columns.size(); ++c) {
        EXPECT_EQ(part.columns[c].heading, paper.headings[c]);
        EXPECT_EQ(part.columns[c].subs.at(0), "paper");
        EXPECT_EQ(part.rows[r].entries.at(first).text, paper.rows[r].values[c].text) << name;
        first += part.columns[c].subs.size();
      }
    }
  }
}

TEST(Layout, NothingButWhatIsPrintedIsThePapers) {
  for (const auto& [name, make] : kTables) {
    const Table table = make({});
    const PaperTable paper = paper_table(name);
    for (const Cell& cell : table.cells) {
      if (!std::isfinite(cell.value(Origin::paper))) continue;
      EXPECT_EQ(cell.printed, paper.at(cell.row, cell.column).text) << name << ": " << cell.row;
    }
    const auto parts = parts_of(table, Digits::shown);
    for (size_t p = 1; p < parts.size(); ++p)
      for (const Part::Column& column : parts[p].columns)
        EXPECT_NE(column.subs.at(0), "paper") << name;
  }
}

TEST(Layout, ADifferenceIsOfTheValueToItsLeft) {
  const auto parts = parts_of(testing::measured_table(), Digits::shown);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].columns.at(0).subs, (Texts{"paper", "closed form", "measured", "difference"}));
  EXPECT_EQ(texts_of(parts[0].rows.at(0)), (Texts{"2.00", "3", "2.5 ±1.2%", "+25.0%"}));
  EXPECT_EQ(parts[0].rows[0].entries[3].notes, Texts{"1"});
  EXPECT_EQ(parts[1].columns.at(0).subs, Texts{"skewed"});
  EXPECT_EQ(texts_of(parts[1].rows.at(0)), Texts{"2.75"});
}

TEST(Layout, ExactDigitsHaveErrorsAndNotesApart) {
  const Part part = parts_of(testing::measured_table(), Digits::exact).at(0);
  EXPECT_EQ(part.columns.at(0).subs,
            (Texts{"paper", "closed form", "measured", "measured ± %", "difference", "notes"}));
  EXPECT_EQ(texts_of(part.rows.at(0)), (Texts{"2.00", "3", "2.5", "1.2", "25", "1"}));
}

TEST(Layout, OtherMethodsHaveARowEach) {
  const auto parts = parts_of(testing::methods_table(), Digits::shown);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].stub, (Texts{"length", "method"}));
  ASSERT_EQ(parts[0].rows.size(), 2U);
  EXPECT_EQ(parts[0].rows[1].stub, (Texts{"5 s", "sta"}));
  EXPECT_EQ(texts_of(parts[0].rows[1]), (Texts{"0.25", "1234"}));
}

TEST(Layout, ALegendNamesWhatOccursAndNothingElse) {
  Texts names;
  for (const auto& [name, text] : legend_of(testing::measured_table())) {
    names.push_back(name);
    EXPECT_FALSE(text.empty()) << name;
  }
  EXPECT_EQ(names, (Texts{"paper", "closed form", "skewed", "measured", "±", "difference"}));
  EXPECT_EQ(legend_of(testing::methods_table()).size(), 2U);
}

TEST(Layout, AZeroPercentageHasNoSign) {
  for (const double nearly : {-0.00024, 0.0, 0.00024}) EXPECT_EQ(percent(nearly), "0.0%");
  EXPECT_EQ(percent(0.0006), "+0.1%");
  EXPECT_EQ(percent(-0.126), "-12.6%");
  EXPECT_EQ(percent(NAN), "-");
}

TEST(PrintTables, FormatsHoldTheSameCells) {
  const Table table = table5({});
  const auto json = nlohmann::json::parse(print_tables({table}, TableFormat::json));
  ASSERT_EQ(json[0]["cells"].size(), table.cells.size());
  EXPECT_EQ(json[0]["cells"][0]["values"]["paper"], 0.28);
  EXPECT_EQ(json[0]["cells"][0]["notes"][0], "1");
  EXPECT_TRUE(json[0]["legend"].contains("skewed"));
  EXPECT_NE(print_tables({table}, TableFormat::markdown)
                .find("| PFLOPs | Full Attention | 0.28 | 0.2605 | -6.9% [1] | 0.88 |"),
            std::string::npos);
  EXPECT_NE(print_tables({table}, TableFormat::text).find("+47.5%"), std::string::npos);
  testing::expect_input_error([] { parse_table_format("xml"); },
                              "text, markdown, latex, csv, json");
}

TEST(PrintTables, CsvIsThePapersTableWithAllDigits) {
  const std::string csv = print_tables({testing::measured_table()}, TableFormat::csv);
  EXPECT_EQ(csv,
            "table,part,Length,Speedup: paper,Speedup: closed form,Speedup: measured,Speedup: "
            "measured ± %,Speedup: difference,Speedup: notes,Speedup: skewed\n"
            "Table 1,The paper's table,5 s,2.00,3,2.5,1.2,25,1,\n"
            "Table 1,Counted on executed plans,5 s,,,,,,,2.75\n");
}

// A reader by column names finds the same ones in every line.
TEST(PrintTables, CsvOfAllTablesHasOneHeader) {
  std::istringstream csv(
      print_tables({testing::measured_table(), testing::methods_table()}, TableFormat::csv));
  std::string line, last;
  std::vector<size_t> fields;
  for (; std::getline(csv, line); last = line)
    fields.push_back(std::count(line.begin(), line.end(), ','));
  EXPECT_EQ(fields, std::vector<size_t>(5, fields.at(0)));
  EXPECT_EQ(last, "Table 1,Methods,,,,,,,,,5 s,sta,0.25,1234.5");
}

TEST(PrintTables, NotesOnNoCellAreRemarksWithoutANumber) {
  Table table = testing::measured_table();
  table.notes.insert(table.notes.begin(), {"2", "on everything"});
  const Table settled = table.settled();
  EXPECT_EQ(settled.cells[0].notes, Texts{"1"});
  EXPECT_EQ(settled.notes.at(0).text, "a note");
  EXPECT_EQ(settled.remarks, Texts{"on everything"});
  EXPECT_NE(print_tables({table}, TableFormat::markdown).find("\n- on everything\n"),
            std::string::npos);
  EXPECT_NE(print_tables({table}, TableFormat::text).find("\n- on everything\n"),
            std::string::npos);
  EXPECT_EQ(to_json(table)["remarks"][0], "on everything");
}

TEST(PrintTables, EveryNumberedNoteIsReferredTo) {
  for (const auto& [name, make] : kTables) {
    const Table made = make({}), table = made.settled();
    for (const Note& note : table.notes)
      EXPECT_TRUE(std::any_of(table.cells.begin(), table.cells.end(),
                              [&](const Cell& cell) {
                                return std::find(cell.notes.begin(), cell.notes.end(), note.key) !=
                                       cell.notes.end();
                              }))
          << name << ": " << note.text;
    EXPECT_EQ(table.notes.size() + table.remarks.size(), made.notes.size()) << name;
  }
}

TEST(PrintTables, TheFigureIsCalledOne) {
  const Table figure = table6({});
  for (const TableFormat format : {TableFormat::text, TableFormat::markdown, TableFormat::latex,
                                   TableFormat::csv, TableFormat::json}) {
    const std::string text = print_tables({figure}, format);
    EXPECT_NE(text.find("Figure 6"), std::string::npos);
    EXPECT_EQ(text.find("Table 6"), std::string::npos);
  }
}

TEST(Notes, TextsHaveTheirFigures) {
  EXPECT_EQ(note_text("any.undone", fmt::arg("what", "20 s")), "Not done, interrupted: 20 s.");
  EXPECT_THROW(note_text("any.undone"), fmt::format_error);
  EXPECT_THROW(note_template("any.nothing"), std::logic_error);
  EXPECT_THROW(note_template("nothing"), std::logic_error);
}

}  // namespace
}  // namespace vidattn

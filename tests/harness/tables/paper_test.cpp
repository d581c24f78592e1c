#include "harness/tables/paper.h"

#include <gtest/gtest.h>

#include "harness/io/embedded.h"
#include "tests/harness/files.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;
using testing::write_bytes;

const char* const kNames[] = {"4", "5", "6", "11", "12", "13"};

TEST(Printed, IsMatchedByRoundingOrCuttingOff) {
  const Printed p{"6.94"};
  EXPECT_DOUBLE_EQ(p.unit(), 0.01);
  EXPECT_TRUE(p.prints(6.9353));
  EXPECT_TRUE(p.prints(6.9449));
  EXPECT_TRUE(p.prints(6.9499));
  EXPECT_FALSE(p.prints(6.9501));
  EXPECT_FALSE(p.prints(6.9349));
  EXPECT_TRUE(Printed{"0.29"}.prints(0.29));
  EXPECT_TRUE(Printed{"0"}.prints(0.4));
  EXPECT_FALSE(Printed{""}.prints(0));
  EXPECT_TRUE(std::isnan(Printed{""}.value()));
}

TEST(Paper, FilesInTheProgramAreThoseOfTheRepository) {
  for (const std::string& path : embedded_in("results/paper/"))
    EXPECT_EQ(embedded(path), testing::read_bytes(std::string(VIDATTN_SOURCE_DIR) + "/" + path));
  EXPECT_EQ(embedded_in("results/paper/").size(), std::size(kNames) + 1) << "and their notes";
}

TEST(Paper, QuotesStandInThePaper) {
  const std::string file = VIDATTN_SOURCE_DIR "/../shared/paper/moga.md";
  const std::string text = testing::read_bytes(file);
  if (text.empty()) GTEST_SKIP() << "the paper's text is not at " << file;
  for (const char* name : kNames)
    for (const PaperRow& row : paper_table(name).rows)
      EXPECT_NE(text.find(row.source), std::string::npos) << name << ": " << row.label;
}

TEST(Paper, EveryValueIsInItsRowsQuote) {
  for (const char* name : kNames) {
    const PaperTable table = paper_table(name);
    EXPECT_FALSE(table.rows.empty()) << name;
    for (const PaperRow& row : table.rows) {
      EXPECT_FALSE(row.source.empty()) << name << ": " << row.label;
      std::string quote = row.source;
      std::erase(quote, ',');  // 1,423.52
      for (const Printed& value : row.values)
        EXPECT_NE(quote.find(value.text), std::string::npos) << name << ": " << value.text;
    }
  }
}

TEST(Paper, FramesAndTokensAgree) {
  const PaperTable five = paper_table("5");
  for (size_t c = 0; c < five.columns.size(); ++c)
    EXPECT_EQ((1 + (five.column_frames[c] - 1) / 4) * 30 * 52, five.column_tokens[c]);
  for (const char* name : {"4", "6", "11"})
    for (const PaperRow& row : paper_table(name).rows)
      EXPECT_EQ((1 + (row.frames - 1) / 4) * 30 * 52, row.tokens);
}

TEST(Paper, PrintedSpeedupsAreTheRatiosOfPrintedTimes) {
  const PaperTable latency = paper_table("11");
  for (const PaperRow& row : latency.rows)
    for (const char* m : {"5", "20"}) {
      const std::string number = m;
      const double ratio = latency.value(row.label, "Full Attention ms") /
                           latency.value(row.label, "MoGA (M=" + number + ") ms");
      EXPECT_TRUE(latency.at(row.label, "Speedup (M=" + number + ")").prints(ratio))
          << row.label << " " << ratio;
    }
}

TEST(Paper, MissingAndMalformedDataIsRefused) {
  expect_input_error([] { paper_table("7"); }, "results/paper/table7.json is missing");
  const TemporaryFolder folder;
  const auto load = [&] { paper_table("4", folder.path().string()); };
  expect_input_error(load, "table4.json");
  write_bytes(folder / "table4.json", "{");
  expect_input_error(load, "not valid JSON");
  write_bytes(folder / "table4.json", "{\"table\": \"4\"}");
  expect_input_error(load, "table4.json");
  const std::string good(embedded("results/paper/table4.json"));
  const auto refuses = [&](const std::string& from, const std::string& to,
                           const std::string& message) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    write_bytes(folder / "table4.json", text);
    expect_input_error(load, message);
  };
  refuses("\"0.88\"", "\"0,88\"", "rows[0].values[1]: expected a number as it is printed");
  refuses("\"stub\": [\"1\"]", "\"stub\": []", "has 0 texts in \"stub\", expected 1");
  refuses("[\"Sparsity (%)\", \"PFLOPs\"]", "[\"PFLOPs\"]", "headings: expected one for each");
  refuses("[\"0\", \"0.88\"]", "[\"0\"]", "has 1 values, expected 2");
  write_bytes(folder / "table4.json", good);
  EXPECT_NO_THROW(load());
  EXPECT_THROW(paper_table("4").at("M=3", "PFLOPs"), InputError);
}

}  // namespace
}  // namespace vidattn

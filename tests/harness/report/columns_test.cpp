#include "harness/report/columns.h"

#include <gtest/gtest.h>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

const std::vector<ColumnName> kKnown = {{"density", "density"},
                                        {"relative_l2", "rel L2"},
                                        {"psnr.minus_full", "to full"},
                                        {"ssim.minus_full", "to full"}};

std::vector<size_t> places_of(const std::vector<std::string>& names) {
  return chosen_places({.names = names}, kKnown, {"density"});
}

TEST(Columns, GoByTagOrTitleInTheOrderWanted) {
  EXPECT_EQ(places_of({"rel L2", "density"}), (std::vector<size_t>{1, 0}));
  EXPECT_EQ(places_of({"relative_l2", "ssim.minus_full"}), (std::vector<size_t>{1, 3}));
  EXPECT_EQ(places_of({}), std::vector<size_t>{0});
}

TEST(Columns, CapitalLettersAreAsGoodAsSmallOnes) {
  EXPECT_EQ(places_of({"Rel l2", "DENSITY", "PSNR.minus_full"}), (std::vector<size_t>{1, 0, 2}));
  EXPECT_EQ(chosen_places({.names = {"B"}}, {{"b", "x"}, {"c", "B"}}, {}), std::vector<size_t>{1})
      << "the very title comes before a tag in other letters";
  testing::expect_input_error([] { places_of({"TO FULL"}); },
                              "column \"TO FULL\" may be psnr.minus_full or ssim.minus_full");
}

TEST(Columns, NoneOrSeveralOfATitleAreRefused) {
  testing::expect_input_error([] { places_of({"rel L3"}); },
                              "no column \"rel L3\"; did you mean rel L2?");
  testing::expect_input_error([] { places_of({"Densty"}); },
                              "no column \"Densty\"; did you mean density?");
  testing::expect_input_error([] { places_of({"what"}); },
                              "no column \"what\": known are density, relative_l2, ");
  testing::expect_input_error([] { places_of({"to full"}); },
                              "column \"to full\" may be psnr.minus_full or ssim.minus_full");
}

TEST(Columns, EveryCommandTakesTitles) {
  const std::string small = " --quiet --grid 2,4,4 --heads 1 --dim 16";
  const ToolResult run = run_tool("run --columns \"In Run,rel L2,backward ms\" --repeat 1" + small +
                                  " --backend full --backend vmoba");
  EXPECT_TRUE(ran_right(run)) << run.err;
  EXPECT_NE(run.out.find("in run   rel L2"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("no case has backward ms; "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("vmoba: mean of 3 kinds of layers, of densities "), std::string::npos)
      << run.out;
  const ToolResult compared =
      run_tool("compare full frame --time 0.2 --columns \"recall p5\"" + small);
  EXPECT_NE(compared.out.find("recall p5"), std::string::npos) << compared.out << compared.err;
  for (const char* line : {"quality film --columns \"IoU shot,PSNR\" --backend none",
                           "restore film --columns \"PSNR repeated\" --backend none"})
    expect_refused(line, "none");  // by its backend, not by its columns
}

}  // namespace
}  // namespace vidattn

#include "harness/dit/training/curves.h"

#include <gtest/gtest.h>

#include "tests/harness/files.h"

namespace vidattn {
namespace {

using nlohmann::json;

/// The panels of the page, as its script gets them.
json panels_of(const std::vector<json>& lines) {
  const testing::TemporaryFolder folder;
  write_curves(folder / "c.html", "training", lines);
  const std::string page = testing::read_bytes(folder / "c.html"), tag = "application/json\">";
  const size_t from = page.find(tag) + tag.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(TrainingCurves, AreAPanelForEachNumberAndOneForEachBlock) {
  const json panels = panels_of({{{"step", 3}, {"loss", 2}, {"balance_switch", {1, 4}}},
                                 {{"step", 4}, {"loss", 1}, {"balance_switch", {2, 5}}}});
  ASSERT_EQ(panels.size(), 9U);
  EXPECT_EQ(panels[0]["curves"][0]["points"], (json{{3, 2.0}, {4, 1.0}}));
  EXPECT_EQ(panels[1]["curves"][1]["name"], "block 1");
  EXPECT_EQ(panels[1]["curves"][1]["points"], (json{{3, 4.0}, {4, 5.0}}));
}

TEST(TrainingCurves, LeaveOutWhatIsNoNumber) {
  const json panels = panels_of({{{"step", 0}, {"loss", "x"}, {"balance_switch", {1}}},
                                 {{"step", 1}, {"loss", {2}}, {"balance_switch", {1, 2}}}});
  EXPECT_EQ(panels[0]["curves"][0]["points"], json::array());
  EXPECT_EQ(panels[1]["curves"][1]["points"], (json::array({{1, 2.0}})));
  EXPECT_EQ(panels[2]["curves"], json::array());
  EXPECT_EQ(panels_of({}).size(), 5U);
}

}  // namespace
}  // namespace vidattn

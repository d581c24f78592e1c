#include "harness/measure/record/catalogue.h"

#include <set>

#include "tests/harness/files.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

TEST(Catalogue, EveryMetricIsDeclaredOnceAndExplained) {
  std::set<std::string> tags;
  for (const MetricInfo& m : catalogue()) {
    EXPECT_TRUE(tags.insert(m.tag).second) << m.tag << " stands twice";
    EXPECT_GT(std::string(m.meaning).size(), 10U) << m.tag;
    EXPECT_NE(m.meaning[std::string(m.meaning).size() - 1], '.') << m.tag;
    EXPECT_NE(m.unit[0], 0) << m.tag;
    const bool column = m.table != MetricTable::none || m.in(kPage | kLatex | kSuite | kCompare);
    EXPECT_EQ(column, m.header[0] != 0) << m.tag << ": a header is for tables";
    EXPECT_EQ(find_metric(m.tag), &m);
  }
  EXPECT_EQ(find_metric("nonsense"), nullptr);
}

TEST(Catalogue, OnlyWhatIsTheSameInEveryRunIsGuarded) {
  for (const MetricInfo* m : metrics_in(kGuarded))
    EXPECT_TRUE(m->kind == MetricKind::exact || m->kind == MetricKind::fidelity) << m->tag;
}

TEST(Catalogue, CellsAreScaledAndRounded) {
  Measurement m;
  m.values["index_memory"] = {"byte", 3 * 1024 * 1024};
  m.values["total_time"] = {"s", 0.0123456};
  m.values["speedup"] = {"1", NAN, "full attention was not timed beside it"};
  EXPECT_EQ(find_metric("index_memory")->cell(m), "3");
  EXPECT_EQ(find_metric("total_time")->cell(m), "12.35");
  EXPECT_EQ(find_metric("speedup")->cell(m), "-");
  EXPECT_EQ(find_metric("density")->cell(m), "-");
}

TEST(Catalogue, ASpeedupHasItsInterval) {
  Measurement m;
  m.identity.backend = "stga";
  m.values["speedup"] = {"1", 2};
  EXPECT_EQ(find_metric("speedup")->cell(m), "2") << "unknown after two blocks";
  m.values["ratio_low"] = {"1", 0.48};
  m.values["ratio_high"] = {"1", 0.52};
  EXPECT_EQ(find_metric("speedup")->cell(m), "2 [1.92, 2.08]");
  m.identity.backend = "full";
  EXPECT_EQ(find_metric("speedup")->cell(m), "2");
}

/// What `vidattn list --metrics` prints belongs between the two markers.
TEST(Catalogue, TheReadmeHasItsGlossary) {
  const std::string readme = testing::read_bytes(VIDATTN_SOURCE_DIR "/README.md");
  const std::string begin = "<!-- vidattn list --metrics -->\n", end = "<!-- end -->";
  const size_t from = readme.find(begin);
  ASSERT_NE(from, std::string::npos);
  const size_t at = from + begin.size();
  EXPECT_EQ(readme.substr(at, readme.find(end, at) - at), glossary());
}

}  // namespace
}  // namespace vidattn

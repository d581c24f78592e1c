// Models and paper tables in which any value may be another.
#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/tables/models.h"
#include "harness/tables/paper.h"
#include "metrics/model/cost_model.h"
#include "metrics/model/memory_model.h"
#include "tests/harness/altered.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_altered_read_or_refused;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(AlteredData, ModelsAreReadOrRefused) {
  const json valid = parse_json(embedded("harness/tables/models/hunyuanvideo.json"));
  const int refused = expect_altered_read_or_refused(valid, [](const json& altered) {
    const DitModel model = model_from_json(JsonReader(altered));
    EXPECT_GT(model.parameters(), 0);
    EXPECT_GT(forward_cost(model, {1560}).flops(), 0);
    EXPECT_GT(estimate_memory(model, 1560, {}).weights, 0);
  });
  EXPECT_GT(refused, 100);
}

TEST(AlteredData, TheLargestModelStaysInside64Bits) {
  DitModel model{"m", "m", "m", 1 << 20, 1, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20};
  for (BlockKind kind :
       {BlockKind::cross_attention, BlockKind::double_stream, BlockKind::single_stream}) {
    model.blocks = {{kind, 100'000}};
    model.validate();
    EXPECT_GT(model.parameters(), int64_t{1} << 60);
  }
}

class AlteredPaper : public ::testing::Test {
 protected:
  static json valid(const std::string& name) {
    return parse_json(embedded("results/paper/table" + name + ".json"));
  }
  std::string write(const std::string& name, const json& table) const {
    write_bytes(folder_ / ("table" + name + ".json"), table.dump());
    return folder_.path().string();
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(AlteredPaper, TablesAreReadOrRefused) {
  for (const char* name : {"4", "5", "6", "11", "12"}) {
    const int refused = expect_altered_read_or_refused(valid(name), [&](const json& altered) {
      const PaperTable table = paper_table(name, write(name, altered));
      EXPECT_EQ(table.name, name);
      for (const PaperRow& row : table.rows)
        for (const Printed& value : row.values) value.prints(value.value());
    });
    EXPECT_GT(refused, 100) << name;
  }
}

/// What would be a divisor of 0, a size below 0, or memory for nothing.
TEST_F(AlteredPaper, SizesThatCellsAreComputedFromAreNeededAndBounded) {
  for (const char* name : {"4", "5", "6"})
    for (const json& groups : {json(), json(0), json(-1), json(1 << 20)}) {
      json table = valid(name);
      table["rows"][1]["groups"] = groups;
      testing::expect_input_error([&] { paper_table(name, write(name, table)); }, "rows[1]");
    }
  json table = valid("4");
  table["rows"][0].erase("groups");
  expect_refused("table 4 --paper " + write("4", table), "rows[0]: 'groups' is missing");
  table = valid("4");
  table["rows"][0]["tokens"] = int64_t{1} << 40;
  expect_refused("table 4 --paper " + write("4", table), "rows[0].tokens: expected");
  table = valid("5");
  table.erase("column_tokens");
  expect_refused("table 5 --paper " + write("5", table), "'column_tokens' is missing");
  table = valid("4");
  table["rows"] = json::array();
  expect_refused("table 4 --paper " + write("4", table), "rows: none is there");
  table = valid("4");
  table["rows"][0]["values"][0] = std::string(400, '9');
  expect_refused("table 4 --paper " + write("4", table), "expected a number as it is printed");
}

}  // namespace
}  // namespace vidattn

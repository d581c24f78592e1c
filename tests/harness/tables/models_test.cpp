#include "harness/tables/models.h"

#include <gtest/gtest.h>

#include "harness/io/json_file.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;
using testing::write_bytes;

constexpr const char* kOwn = R"({"name": "own", "dim": 64, "heads": 4, "ffn_dim": 128,
  "text_tokens": 8, "blocks": [{"kind": "cross_attention", "count": 2}]})";

TEST(Models, ComeWithTheProgram) {
  const auto names = model_names();
  EXPECT_EQ(names,
            (std::vector<std::string>{"hunyuanvideo", "mmdit", "wan2.1-1.3b", "wan2.1-14b"}));
  for (const std::string& name : names) EXPECT_EQ(find_model(name).name, name);
  const DitModel wan = find_model("wan2.1-14b");
  EXPECT_EQ(wan.layers(), 40);
  EXPECT_EQ(wan.dim, 5120);
  EXPECT_EQ(wan.heads, 40);
  EXPECT_EQ(wan.ffn_dim, 13824);
  EXPECT_EQ(find_model("hunyuanvideo").layers(), 60);
}

TEST(Models, AreReadFromTheUsersFile) {
  const TemporaryFolder folder;
  write_bytes(folder / "own.json", kOwn);
  const DitModel model = find_model((folder / "own.json").string());
  EXPECT_EQ(model.name, "own");
  EXPECT_EQ(model.layers(), 2);
  EXPECT_EQ(model.text_dim, 4096);
}

TEST(Models, RefuseWhatIsNoModel) {
  expect_input_error([] { find_model("wan3"); }, "known are hunyuanvideo, mmdit, wan2.1-1.3b");
  expect_input_error([] { find_model("missing/model.json"); }, "missing/model.json");
  const auto refuses = [](const std::string& from, const std::string& to,
                          const std::string& message) {
    std::string text = kOwn;
    text.replace(text.find(from), from.size(), to);
    const nlohmann::json json = parse_json(text);
    expect_input_error([&] { model_from_json(JsonReader(json, "own.json")); }, message);
  };
  refuses("\"dim\"", "\"width\"", "unknown key \"width\"");
  refuses("\"heads\": 4, ", "", "'heads' is missing");
  refuses("64", "\"64\"", "own.json: dim: expected a whole number, found \"64\"");
  refuses("64", "64.5", "dim: expected a whole number, found 64.5");
  refuses("64", "18446744073709551615", "dim: expected a whole number");
  refuses("64", "-64", "dim is -64");
  refuses("\"heads\": 4", "\"heads\": 3", "not a multiple");
  refuses("cross_attention", "linear", "blocks[0].kind: unknown block kind 'linear'");
  refuses("\"count\": 2", "\"count\": 0", "block count is 0");
  refuses("\"count\"", "\"number\"", "blocks[0]: unknown key \"number\"");
  refuses("\"count\": 2", "\"count\": 100000}, {\"kind\": \"cross_attention\", \"count\": 1",
          "more than 100000 blocks");
}

TEST(Models, EveryBrokenFileIsRefusedInOneLine) {
  const TemporaryFolder folder;
  const auto path = folder / "own.json";
  write_bytes(path, kOwn);
  const int refused = testing::expect_read_or_refused(
      kOwn, path, [](const auto& file) { find_model(file.string()); });
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace vidattn

#include "harness/io/json_file.h"

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

std::string nested_lists(int depth) { return repeated("[", depth) + repeated("]", depth); }

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[1,]", "{'a': 1}", "nan", "[1] 2", "\"\xff\"", "// x\n1"})
    expect_input_error([&] { parse_json(text); }, "not valid JSON");
}

TEST(ParseJson, RefusesNumbersBeyondDouble) {
  expect_input_error([] { parse_json("[1e999]"); }, "1e999");
  expect_input_error([] { parse_json("{\"a\": -" + repeated("9", 400) + "}"); }, "not valid JSON");
  EXPECT_EQ(parse_json("1e308"), 1e308);
}

TEST(ParseJson, RefusesDeepNestingBeforeItIsBuilt) {
  EXPECT_EQ(parse_json(nested_lists(64)).size(), 1U);
  for (const std::string& text : {nested_lists(65), repeated("[", 200'000),
                                  repeated("{\"a\":", 200'000), repeated("[{\"a\":", 200'000)})
    expect_input_error([&] { parse_json(text); }, "nested deeper than 64 levels");
}

TEST(ParseJson, RefusesAKeyThatStandsTwice) {
  expect_input_error([] { parse_json(R"([{"a": {"b": 1, "c": 2, "b": 3}}])"); },
                     "the key \"b\" stands twice");
  EXPECT_EQ(parse_json(R"({"a": {"a": 1}, "b": {"a": 2}})").size(), 2U);
}

TEST(ReadJson, NamesTheFile) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.json", "[");
  expect_input_error([&] { read_json(folder / "a.json"); }, "a.json\": not valid JSON");
  expect_input_error([&] { read_json(folder / "b.json"); }, "b.json\": No such file");
  expect_input_error([&] { read_json(folder.path()); }, "it is a folder");
  std::filesystem::resize_file(folder / "a.json", uint64_t{1} << 40);
  expect_input_error([&] { read_json(folder / "a.json"); }, "too large");
}

TEST(ReadJson, LinesAreNumbered) {
  const TemporaryFolder folder;
  write_bytes(folder / "a.jsonl", "1\n\n \r\n[2]");
  std::vector<nlohmann::json> lines;
  read_json_lines(folder / "a.jsonl", [&](const JsonReader& line) {
    lines.push_back(line.value());
    if (lines.size() == 2)
      expect_input_error([&] { line.items()[0].text(); }, "a.jsonl\" line 4: [0]: expected a text");
  });
  EXPECT_EQ(lines, (std::vector<nlohmann::json>{1, {2}}));
  write_bytes(folder / "a.jsonl", "1\n[");
  expect_input_error([&] { read_json_lines(folder / "a.jsonl", [](const JsonReader&) {}); },
                     "line 2: not valid JSON");
  lines.clear();
  const auto take = [&](const JsonReader& line) { lines.push_back(line.value()); };
  EXPECT_EQ(read_whole_json_lines(folder / "a.jsonl", take), 2);
  EXPECT_EQ(lines, (std::vector<nlohmann::json>{1}));
  write_bytes(folder / "a.jsonl", "[");
  EXPECT_EQ(read_whole_json_lines(folder / "a.jsonl", take), 0);
}

TEST(JsonTool, EveryReaderRefusesNestingAndHugeNumbersInOneLine) {
  const TemporaryFolder folder;
  const std::string file = (folder / "a.json").string(), lines = (folder / "a.jsonl").string(),
                    store = " --db " + (folder / "a.db").string();
  std::filesystem::create_directories(folder / "v/moga/a");
  const std::string vector = (folder / "v/moga/a/case.json").string();
  for (const std::string& text : {repeated("[", 200'000), std::string("{\"format\": 1e999}")}) {
    for (const std::string& path : {file, lines, vector}) write_bytes(path, text);
    for (const std::string& line :
         {"run " + file, "import " + file + store, "report " + file + " --out " + lines + ".html",
          "compare " + file + " " + file, "check --baseline " + file + " --run 1" + store,
          "table 4 --model " + file, "shots --score " + lines,
          "metrics film --model clip_l14=x --model aesthetic_head=" + file})
      expect_refused(line);
    const ToolResult conform = run_tool("conform " + (folder / "v").string());
    EXPECT_EQ(conform.exit_code, 1) << conform.err;
  }
}

}  // namespace
}  // namespace vidattn

#include "harness/io/json_reader.h"

#include "harness/io/json_file.h"
#include "harness/io/one_line.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_input_error;

TEST(JsonReader, NamesThePlaceWhatIsExpectedAndWhatIsThere) {
  const json value = parse_json(R"({"cases": [{"grid": [1, "x", 3]}], "odd key": {"a": true}})");
  const JsonReader root(value, "\"f.json\"");
  expect_input_error([&] { root.at("cases").items()[0].at("grid").get<std::vector<int64_t>>(); },
                     "\"f.json\": cases[0].grid[1]: expected a whole number, found \"x\"");
  expect_input_error([&] { root.at("odd key").at("a").number(); },
                     "\"f.json\": \"odd key\".a: expected a number, found true");
  expect_input_error([&] { root.at("cases").at("a"); },
                     "\"f.json\": cases: expected an object, found a list of 1");
  expect_input_error([&] { root.at("none"); }, "\"f.json\": 'none' is missing");
  expect_input_error([&] { root.items(); }, "\"f.json\": expected a list, found an object");
  expect_input_error([&] { root.object_of({"case"}); },
                     "unknown key \"cases\"; known are case; did you mean case?");
  expect_input_error([&] { JsonReader(value).at("cases").text(); }, "cases: expected a text");
}

TEST(JsonReader, WholeNumbersKeepToTheirRange) {
  const json value = parse_json("[2, 2.0, 2.5, 1e300, 18446744073709551615, -1, 4294967296]");
  const auto items = JsonReader(value).items();
  EXPECT_EQ(items[0].integer(), 2);
  EXPECT_EQ(items[1].get<int>(), 2);
  for (size_t i : {2, 3, 4}) EXPECT_THROW(items[i].integer(), InputError) << i;
  EXPECT_EQ(items[4].get<uint64_t>(), UINT64_MAX);
  EXPECT_THROW(items[5].get<uint64_t>(), InputError);
  EXPECT_THROW(items[6].get<int>(), InputError);
  EXPECT_EQ(items[6].get<int64_t>(), int64_t{1} << 32);
  expect_input_error([&] { items[0].integer(3, 5); }, "a whole number from 3 to 5, found 2");
  expect_input_error([&] { items[0].number(3, 5); }, "a number from 3 to 5, found 2");
}

TEST(JsonReader, NullIsWhatIsMissing) {
  const json value = parse_json(R"({"a": null, "b": 5})");
  const JsonReader root(value);
  for (const char* key : {"a", "none"}) {
    EXPECT_TRUE(std::isnan(root.maybe(key).number_or_nan()));
    EXPECT_TRUE(root.maybe(key).maybe("below").is_null());
    EXPECT_TRUE(root.maybe(key).items().empty());
    int kept = 7;
    root.read_if(key, kept);
    EXPECT_EQ(kept, 7);
  }
  expect_input_error([&] { root.maybe("b").maybe("below"); }, "b: expected an object, found 5");
  int64_t target = 0;
  expect_input_error([&] { root.read("a", target); }, "a: expected a whole number, found null");
}

TEST(JsonReader, TextsAreOneLine) {
  const std::string controls[] = {"a\nb", "\x1b[2J", "a\x7f",
                                  "\xc2\x9b"
                                  "2J",
                                  std::string("a\0b", 3)};
  for (const std::string& text : controls) {
    const json value = text;
    expect_input_error([&] { JsonReader(value).text(); }, "without control characters");
    EXPECT_TRUE(is_one_line(JsonReader(value).line()));
    EXPECT_EQ(JsonReader(value).raw_text(), text);
  }
  EXPECT_EQ(JsonReader(json("grün – 模")).text(), "grün – 模");
  EXPECT_EQ(one_line("\n a\r\n\tb\x1b"), " a b");
  const json long_one = std::string(1 << 17, 'a');
  expect_input_error([&] { JsonReader(long_one).text(); }, "longer than 65536 bytes");
}

}  // namespace
}  // namespace vidattn

#include "attention/params.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

Params example() {
  return Params({{"flag", true, "A bool."},
                 {"count", int64_t{5}, "An int.", "", 1, 100},
                 {"ratio", 0.5, "A real.", "", 0, 1},
                 {"mode", std::string("a"), "A text.", "", {}, {}, {"a", "b"}},
                 {"sizes", std::vector<double>{1, 2}, "A list.", "", 0},
                 {.name = "tile", .value = std::vector<double>{4, 4}, .whole = true, .length = 2}});
}

TEST(Params, ParsesWhatItPrints) {
  Params params = example();
  params.set("flag", "false");
  params.set("count", "7");
  params.set("ratio", "0.1");
  params.set("mode", "b");
  params.set("sizes", "3,4.5,6");
  params.set("tile", "6,8");
  const std::pair<const char*, const char*> printed[] = {{"flag", "false"},    {"count", "7"},
                                                         {"ratio", "0.1"},     {"mode", "b"},
                                                         {"sizes", "3,4.5,6"}, {"tile", "6,8"}};
  for (const auto& [name, text] : printed) EXPECT_EQ(to_text(params.value(name)), text) << name;
}

TEST(Params, RefusesWhatDoesNotFit) {
  const std::pair<const char*, const char*> bad[] = {
      {"flag", "yes"},    {"count", "0"},    {"count", "101"},  {"count", "1.5"}, {"count", ""},
      {"count", "5x"},    {"ratio", "-0.1"}, {"ratio", "nan"},  {"ratio", "1e9"}, {"ratio", "-inf"},
      {"mode", "c"},      {"sizes", "1,,2"}, {"sizes", "-1"},   {"sizes", "1,x"}, {"unknown", "1"},
      {"count", "1e300"}, {"tile", "4"},     {"tile", "4,4,4"}, {"tile", "4,1.5"}};
  for (const auto& [name, text] : bad) {
    Params params = example();
    EXPECT_THROW(params.set(name, text), InputError) << name << "=" << text;
  }
}

TEST(Params, AViewKeepsValues) {
  Params params = example();
  params.set("count", "9");
  const Params view = params.view({params.specs()[1]});
  EXPECT_EQ(to_text(view.value("count")), "9");
  EXPECT_TRUE(view.given("count"));
}

}  // namespace
}  // namespace vidattn

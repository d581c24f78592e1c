#include "attention/methods/fields.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

struct Part : ParamFields {
  Part(const ParamFields& of, const char* help) : ParamFields(of), help_(help) {}
  const char* help_;
  int64_t slots = integer("slots", -1, help_);
};

struct Example : ParamFields {
  using ParamFields::ParamFields;
  bool on = flag("on", true, "A flag.");
  int64_t count = integer("count", 5, "A count.", "the paper", 1, 100);
  double ratio = real("ratio", 0.5, "A ratio.");
  bool ratio_given = given("ratio");
  std::string mode = choice("mode", {"a", "b"}, "A mode.");
  std::string words = text("words", "", "Words.");
  std::vector<double> sizes = reals("sizes", "Sizes.", "", 0);
  std::vector<int64_t> shots = integers("shots", "Shots.");
  std::array<int64_t, 3> tile = integers("tile", {6, 8, 4}, "A tile.", "", 1);
  Part part{*this, "Slots."};
};

TEST(ParamFields, DescribeThemselvesInTheOrderOfTheMembers) {
  const auto specs = specs_of<Example>();
  std::string listed;
  for (const ParamSpec& spec : specs)
    listed += spec.name + ":" + type_name(spec.value) + "=" + to_text(spec.value) + " ";
  EXPECT_EQ(listed,
            "on:bool=true count:int=5 ratio:real=0.5 mode:text=a words:text= sizes:list= "
            "shots:list= tile:list=6,8,4 slots:int=-1 ");
  EXPECT_EQ(specs[1].help, "A count.");
  EXPECT_EQ(specs[1].source, "the paper");
  EXPECT_EQ(specs[1].min, 1);
  EXPECT_EQ(specs[1].max, 100);
  EXPECT_EQ(specs[3].choices, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(specs[8].help, "Slots.");
}

TEST(ParamFields, HoldTheDefaultsUntilValuesAreSet) {
  Params params(specs_of<Example>());
  const Example before(params);
  EXPECT_EQ(before.tile, (std::array<int64_t, 3>{6, 8, 4}));
  EXPECT_EQ(before.ratio, 0.5);
  EXPECT_FALSE(before.ratio_given);
  const std::pair<const char*, const char*> settings[] = {
      {"on", "false"},    {"count", "7"},   {"ratio", "0.5"},  {"mode", "b"},  {"words", "some"},
      {"sizes", "3,4.5"}, {"shots", "0,9"}, {"tile", "1,2,3"}, {"slots", "11"}};
  for (const auto& [name, text] : settings) params.set(name, text);
  const Example after(params);
  EXPECT_FALSE(after.on);
  EXPECT_EQ(after.count, 7);
  EXPECT_TRUE(after.ratio_given);
  EXPECT_EQ(after.mode, "b");
  EXPECT_EQ(after.words, "some");
  EXPECT_EQ(after.sizes, (std::vector<double>{3, 4.5}));
  EXPECT_EQ(after.shots, (std::vector<int64_t>{0, 9}));
  EXPECT_EQ(after.tile, (std::array<int64_t, 3>{1, 2, 3}));
  EXPECT_EQ(after.part.slots, 11);
}

TEST(ParamFields, RangesLengthsAndWholeNumbersAreCheckedWhenSet) {
  Params params(specs_of<Example>());
  const std::pair<const char*, const char*> bad[] = {
      {"count", "101"},    {"sizes", "-1"},   {"shots", "0,1.5"},  {"tile", "1,2"}, {"tile", ""},
      {"tile", "1,2,3,4"}, {"tile", "0,1,1"}, {"tile", "1,1,1.5"}, {"mode", "c"}};
  for (const auto& [name, text] : bad)
    EXPECT_THROW(params.set(name, text), InputError) << name << "=" << text;
}

TEST(Facts, AreHeldAgainstParametersThatWereChanged) {
  Params params(specs_of<Example>());
  const auto check = [&] {
    check_facts("method", {{"count", int64_t{3}}, {"words", std::string("given")}}, params);
  };
  EXPECT_NO_THROW(check());  // defaults are not checked
  params.set("count", "3");
  params.set("words", "given per token");
  EXPECT_NO_THROW(check());
  params.set("words", "none");
  EXPECT_THROW(check(), InputError);
  params.set("words", "given");
  params.set("count", "4");
  try {
    check();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "method: count=4, but it is 3");
  }
}

}  // namespace
}  // namespace vidattn

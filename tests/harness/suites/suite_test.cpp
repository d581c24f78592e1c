#include "harness/suites/suite.h"

#include "harness/io/json_schema.h"
#include "ready_suites.h"
#include "tests/harness/altered.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_input_error;

json small() {
  return {
      {"name", "small"}, {"workloads", {{{"grid", {4, 6, 8}}}}}, {"backends", {"full", "stga"}}};
}

TEST(Suite, IsTheProductOfItsLists) {
  json suite = small();
  suite["backends"].push_back(
      {{"backend", "moga"}, {"parameters", {{"num_groups", {3, 5}}, {"use_gate", false}}}});
  suite["dtypes"] = {"f32", "bf16"};
  suite["densities"] = {0.1, 0.5};
  const Suite parsed = parse_suite(suite);
  // full once per storage type; stga and two settings of moga at two densities each
  ASSERT_EQ(parsed.cases.size(), 2U * (1 + 3 * 2));
  EXPECT_EQ(named_case(parsed.cases[3], parsed.cases[3].backends[0]).key(),
            "moga:num_groups=3,use_gate=false on cpu f32 at density 0.1, film --grid 4,6,8 --heads "
            "2 --dim 128 --seed 1");
}

TEST(Suite, EveryKeyReachesTheCase) {
  json suite = small();
  suite["backends"] = {"stga"};
  suite["workloads"][0].update(
      {{"shots", {0, 2}}, {"heads", 3}, {"dim", 16}, {"seed", 7}, {"peak", 0.5}});
  suite["timing"] = {{"seconds", 2},    {"interval", 0.5}, {"min_blocks", 3},
                     {"max_blocks", 9}, {"cache", "cold"}, {"order_seed", 4}};
  suite["limits"] = {{"seconds", 5}, {"memory_gib", 0.5}};
  suite["pass"] = "both";
  const Suite parsed = parse_suite(suite);
  EXPECT_EQ(
      named_case(parsed.cases[0], "stga").command,
      "vidattn case --workload film --grid 4,6,8 --shots 0,2 --heads 3 --dim 16 --seed 7 "
      "--peak 0.5 --backend stga --device cpu --dtype f32 --pass both --seconds 2 --interval 0.5 "
      "--min-blocks 3 --max-blocks 9 --order-seed 4 --cold");
  EXPECT_EQ(parsed.limits.seconds, 5);
  EXPECT_EQ(parsed.limits.memory_bytes, int64_t{1} << 29);
}

TEST(Suite, RefusesWhatItDoesNotKnow) {
  const auto refuse = [](const char* place, const json& value, const std::string& message) {
    json suite = small();
    suite[json::json_pointer(place)] = value;
    expect_input_error([&] { parse_suite(suite); }, message);
  };
  const testing::TemporaryFolder folder;
  testing::write_bytes((folder / "s.json").string(), R"({"name": "a", "name": "b"})");
  expect_input_error([&] { load_suite((folder / "s.json").string()); }, "\"name\" stands twice");
  refuse("/worklods", 1, "unknown key \"worklods\"; known are $schema, backends");
  refuse("/workloads/0/size", 1, "workloads[0]: unknown key \"size\"");
  refuse("/workloads/0/grid", {1, 2}, "workloads[0].grid: has 2 items, at least 3");
  refuse("/workloads/0/heads", 0, "workloads[0].heads: 0 is below 1");
  refuse("/workloads/0/heads", "two", "is not of type integer");
  refuse("/densities", {0.0}, "densities[0]: 0 is below 1e-09");
  refuse("/pass", "sideways", "not one of forward, backward, both");
  refuse("/dtypes", {"f64"}, "not one of f32, bf16, f16");
  refuse("/timing", {{"secs", 1}}, "timing: unknown key \"secs\"");
  refuse("/backends", {"nope"}, "nope");
  refuse("/backends", {"stga:nope=1"}, "nope");
  refuse("/backends", {{{"backend", "stga"}}}, "backends[0]: 'parameters' is missing");
  refuse("/backends", {"full", "full"}, "twice");
  refuse("/devices", {"abacus"}, "abacus");
  refuse("/name", "", "name: must not be empty");
  json unnamed = small();
  unnamed.erase("name");
  expect_input_error([&] { parse_suite(unnamed); }, "'name' is missing");
}

TEST(Suite, AlteredSuitesAreReadOrRefused) {
  json suite = small();
  suite["backends"].push_back(
      {{"backend", "moga"}, {"parameters", {{"num_groups", {3, 5}}, {"use_gate", false}}}});
  suite["workloads"][0].update({{"shots", {0}}, {"heads", 2}, {"dim", 16}, {"seed", 7}});
  suite.update({{"dtypes", {"f32"}}, {"devices", {"cpu"}}, {"densities", {0.5}}});
  suite["timing"] = {{"seconds", 2}, {"min_blocks", 3}, {"cache", "cold"}, {"order_seed", 4}};
  suite["limits"] = {{"seconds", 5}, {"memory_gib", 0.5}};
  const int refused = testing::expect_altered_read_or_refused(suite, [](const json& altered) {
    for (const CaseRequest& request : parse_suite(altered).cases) case_arguments(request);
  });
  EXPECT_GT(refused, 300);
}

TEST(Suite, ASlipThatMakesMillionsOfCasesIsRefused) {
  json values = json::array();
  for (int i = 1; i < 400; ++i) values.push_back(i);
  json suite = small();
  suite["backends"] = {
      {{"backend", "moga"}, {"parameters", {{"num_groups", values}, {"use_gate", values}}}}};
  expect_input_error([&] { parse_suite(suite); }, "backends[0]: more than 100000 combinations");
}

TEST(Suite, ReadySuitesAreValid) {
  for (const auto& [name, text] : kReadySuites) {
    const Suite suite = load_suite(name);
    EXPECT_EQ(suite.name, name);
    EXPECT_FALSE(suite.cases.empty());
  }
  expect_input_error([] { load_suite("no_such.json"); }, "ready suites ci, paper, quick, trained");
}

TEST(Suite, ABrokenFileIsOneLine) {
  const testing::TemporaryFolder folder;
  testing::write_bytes(folder / "s.json", "{\"name\":\n 3,,}");
  expect_input_error([&] { load_suite((folder / "s.json").string()); }, "not valid JSON");
}

TEST(JsonSchema, DoesNotPassOverKeywordsInSilence) {
  EXPECT_THROW(check_schema(1, {{"multipleOf", 2}}), std::logic_error);
}

}  // namespace
}  // namespace vidattn

#include "harness/workloads/dit/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/io/safetensors.h"
#include "tests/harness/files.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::random_checkpoint;
using testing::TemporaryFolder;
using testing::tiny_config;

/// Reads back what was written; the message of a bad one must name `part`.
void expect_bad(const DitCheckpoint& checkpoint, const std::string& part) {
  const TemporaryFolder folder;
  const auto path = folder / "bad.safetensors";
  write_checkpoint(path, checkpoint);
  expect_input_error([&] { read_checkpoint(path); }, part);
}

TEST(DitConfig, SizesAreThoseOfTheTable) {
  EXPECT_EQ(dit_sizes(), (std::vector<std::string>{"tiny", "nano", "micro"}));
  EXPECT_EQ(dit_config("nano").tokens(), 768);
  EXPECT_EQ(dit_config("micro").tokens(), 3000);
  EXPECT_EQ(dit_config("micro").dim(), 64);
  expect_input_error([] { dit_config("nanno"); }, "did you mean");
}

TEST(DitConfig, ComesBackFromJsonAndBadOnesAreNamed) {
  DitConfig config = dit_config("micro");
  config.groups = 5;
  EXPECT_EQ(dit_config_from(to_json(config).dump(), "x"), config);
  const auto refused = [&](const char* key, const nlohmann::json& value, const char* part) {
    nlohmann::json json = to_json(config);
    json[key] = value;
    expect_input_error([&] { dit_config_from(json.dump(), "file x"); }, part);
  };
  refused("channels", "many", "file x: channels: expected a whole number");
  refused("heads", 3, "file x: 256 channels make no 3 heads");
  refused("blocks", 0, "blocks");
  refused("groups", -1, "groups");
  refused("grid", {1, 2}, "grid: expected a list of frames, height and width");
  refused("grid", {64, 32, 33}, "grid: expected at most 65536 tokens");
  refused("colour", 1, "unknown key");
  expect_input_error([] { dit_config_from("{", "file x"); }, "file x");
  expect_input_error([] { dit_config_from("{}", "file x"); }, "'size' is missing");
}

TEST(DitConfig, ParametersAreSortedAndRoutersOnlyWhereThereAreGroups) {
  const auto parameters = dit_parameters(tiny_config(2, 3));
  EXPECT_TRUE(std::is_sorted(parameters.begin(), parameters.end(),
                             [](auto& a, auto& b) { return a.name < b.name; }));
  EXPECT_EQ(parameters.size(), dit_parameters(tiny_config(2, 0)).size() + 2);
  const auto router = std::find_if(parameters.begin(), parameters.end(), [](auto& parameter) {
    return parameter.name == "blocks.1.router.weight";
  });
  ASSERT_NE(router, parameters.end());
  EXPECT_EQ(router->shape, (std::vector<int64_t>{3, 32}));
}

TEST(DitCheckpoint, ComesBackAsItWas) {
  const TemporaryFolder folder;
  DitCheckpoint made = random_checkpoint(tiny_config(2, 3));
  made.state["adam.step"] = {{1}, std::vector<int32_t>{17}};
  made.facts["command"] = R"("vidattn train")";
  write_checkpoint(folder / "a.safetensors", made);
  const DitCheckpoint read = read_checkpoint(folder / "a.safetensors");
  EXPECT_EQ(read.config, made.config);
  EXPECT_EQ(read.facts, made.facts);
  EXPECT_EQ(read.state.at("adam.step").values, made.state.at("adam.step").values);
  ASSERT_EQ(read.weights.size(), made.weights.size());
  for (const auto& [name, array] : made.weights)
    EXPECT_EQ(read.weights.at(name).values, array.values) << name;
}

TEST(DitCheckpoint, BadOnesAreOneLine) {
  const DitCheckpoint good = random_checkpoint(tiny_config());
  DitCheckpoint bad = good;
  bad.weights.erase("blocks.0.ffn.0.bias");
  expect_bad(bad, "bad.safetensors\": 'blocks.0.ffn.0.bias' is missing");
  bad = good;
  bad.weights["patch.weight"] = {{64, 32}, std::vector<float>(64 * 32)};
  expect_bad(bad, "has the shape [64,32], expected [32,64]");
  bad = good;
  std::get<std::vector<float>>(bad.weights["words"].values)[35] = NAN;
  expect_bad(bad, "\"words\"[1,3] is nan");
  bad = good;
  bad.state["momentum"] = {{1}, std::vector<float>{INFINITY}};
  expect_bad(bad, "\"momentum\"[0] is inf");
  bad = good;
  bad.weights["blocks.0.q_norm"] = {{32}, std::vector<int32_t>(32)};
  expect_bad(bad, "blocks.0.q_norm");
  bad = good;
  bad.weights["blocks.1.q_norm"] = {{32}, std::vector<float>(32)};
  expect_bad(bad, "is no parameter of this configuration");
  bad = good;
  std::get<std::vector<float>>(bad.weights["latent.deviation"].values)[0] = 0;
  expect_bad(bad, "expected numbers above 0");
  bad = good;
  bad.config.heads = 3;
  expect_bad(bad, "32 channels make no 3 heads");
}

TEST(DitCheckpoint, OtherFilesAreNone) {
  const TemporaryFolder folder;
  expect_input_error([&] { read_checkpoint(folder / "none.safetensors"); }, "none.safetensors");
  testing::write_bytes(folder / "text", "no checkpoint at all");
  expect_input_error([&] { read_checkpoint(folder / "text"); }, "safetensors");
  const Array array{{1}, std::vector<float>{1}};
  write_safetensors(folder / "other", {{"x", &array}});
  expect_input_error([&] { read_checkpoint(folder / "other"); },
                     "is no checkpoint of vidattn's DiT");
}

}  // namespace
}  // namespace vidattn

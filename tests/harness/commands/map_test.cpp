#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "harness/io/npy.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"

/// Masks of one's own on the command line.
namespace vidattn {
namespace {

using testing::read_bytes;
using testing::TemporaryFolder;

class MapCommand : public ::testing::Test {
 protected:
  MapCommand() {
    const Inputs in = random_inputs(3 * 5 * 7 + 4, 2, 16);
    write_npy(call_ / "q.npy", *in.q);
    write_npy(call_ / "k.npy", *in.k);
    write_npy(call_ / "v.npy", *in.v);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string attend(const std::string& rest) const {
    const std::string call = call_.path().string();
    return "attend --q " + call + "/q.npy --k " + call + "/k.npy --v " + call +
           "/v.npy --grid 3,5,7 " + rest;
  }
  std::string run(const std::string& backends) const {
    return "run --quiet --repeat 1 --workload tensors:" + call_.path().string() +
           " --grid 3,5,7 --backend full " + backends + " --out " + path("r.json");
  }
  nlohmann::json load(const std::string& name) const {
    return nlohmann::json::parse(read_bytes(path(name)));
  }

 private:
  TemporaryFolder folder_, call_;
};

TEST_F(MapCommand, APlanIsWrittenAndJudgedAgain) {
  const std::string method = "ssta:tile=1,2,4,window=1,1,1,topk=3";
  const ToolResult wrote =
      run_tool(attend("--backend " + method + " --block-map " + path("map.safetensors") +
                      " --mask " + path("mask.npy") + " --out " + path("want.npy")));
  ASSERT_EQ(wrote.exit_code, 0) << wrote.err;
  const ToolResult blocks =
      run_tool(attend("--backend map:" + path("map.safetensors") + " --out " + path("blocks.npy")));
  ASSERT_EQ(blocks.exit_code, 0) << blocks.err;
  EXPECT_EQ(read_bytes(path("blocks.npy")), read_bytes(path("want.npy")));
  const ToolResult result =
      run_tool(run("--backend " + method + " --backend map:" + path("map.safetensors") +
                   " --backend map:" + path("mask.npy")));
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  const auto cases = load("r.json")["cases"];
  ASSERT_EQ(cases.size(), 4U);
  for (size_t i = 2; i < 4; ++i)
    for (const char* tag : {"density", "recall_mean", "relative_l2"})
      EXPECT_NEAR(cases[i]["metrics"][tag]["value"].get<double>(),
                  cases[1]["metrics"][tag]["value"].get<double>(), 1e-6)
          << tag << cases[i];
}

/// The record holds the mask's own hash, and pictures are of the mask that was measured alone.
TEST_F(MapCommand, AMaskThatChangedIsAnotherCaseAndIsNotDrawn) {
  const auto write = [&](uint8_t corner) {
    write_npy(path("map.npy"), Array{{2, 2}, std::vector<uint8_t>{1, corner, 0, 1}});
  };
  const std::string report =
      "report --quiet --open-inputs " + path("r.json") + " --out " + path("r.html");
  write(0);
  ASSERT_EQ(run_tool(run("--backend map:" + path("map.npy"))).exit_code, 0);
  const auto first = load("r.json")["cases"][1]["content"];
  ASSERT_TRUE(first.contains("block_map")) << first;
  const ToolResult drawn = run_tool(report);
  EXPECT_EQ(drawn.err.find("no longer"), std::string::npos) << drawn.err;
  write(1);
  const ToolResult changed = run_tool(report);
  EXPECT_NE(changed.err.find("its file no longer makes the plan that was measured"),
            std::string::npos)
      << changed.err;
  ASSERT_EQ(run_tool(run("--backend map:" + path("map.npy"))).exit_code, 0);
  EXPECT_NE(load("r.json")["cases"][1]["content"]["block_map"], first["block_map"]);
}

/// What a token without keys gets is 0, which nobody should have to find out.
TEST_F(MapCommand, TokensWithoutKeysAreNamed) {
  write_npy(path("map.npy"), Array{{3, 2}, std::vector<uint8_t>{1, 1, 0, 0, 0, 1}});
  const ToolResult result =
      run_tool(attend("--backend map:" + path("map.npy") + ",block_q=40 --stats " + path("s.json") +
                      " --lse " + path("lse.npy") + " --out " + path("o.npy")));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("\n40 tokens see no keys"), std::string::npos) << result.out;
  EXPECT_EQ(load("s.json")["keyless_tokens"], 40);
  EXPECT_EQ(load("s.json")["uncovered_tokens"], 0);
  const std::vector<float> lse = std::get<std::vector<float>>(read_npy(path("lse.npy")).values);
  EXPECT_EQ(std::count(lse.begin(), lse.end(), -std::numeric_limits<float>::infinity()), 2 * 40);
  const ToolResult whole = run_tool(attend("--backend full --out " + path("o.npy")));
  EXPECT_EQ(whole.out.find("see no keys"), std::string::npos) << whole.out;
}

TEST_F(MapCommand, MapsOfWideIntegersAreTaken) {
  write_npy(path("block_map.npy"), Array{{2, 2}, std::vector<int32_t>{1, 0, 0, 1}});
  const ToolResult lists =
      run_tool(attend("--backend map:" + path("block_map.npy") + " --out " + path("o.npy")));
  EXPECT_EQ(lists.exit_code, 0) << lists.err;
  write_npy(path("x.npy"), Array{{2, 3}, std::vector<int32_t>{1, 0, 0, 1, 1, 0}});
  expect_refused(attend("--backend map:" + path("x.npy") + " --out " + path("o.npy")),
                 "has only 0 and 1, but its integers would be lists of blocks");
}

TEST_F(MapCommand, WhatDoesNotFitIsOneLine) {
  write_npy(path("map.npy"), Array{{1, 3, 2}, std::vector<uint8_t>(6)});
  expect_refused(attend("--backend map:" + path("map.npy") + ",block_q=64 --out " + path("o.npy")),
                 "the mask has 3 query blocks, block_q=64 of 109 tokens makes 2");
  expect_refused(attend("--backend map --out " + path("o.npy")), "map needs a mask: map:FILE");
  expect_refused("run --quiet --workload film --grid 2,4,4 --backend full --backend map:" +
                     path("missing.npy"),
                 "missing.npy");
  expect_refused(attend("--backend full --out " + path("o.npy") + " --block-map " + path("m.npy")),
                 "must end in .safetensors");
}

}  // namespace
}  // namespace vidattn

#include "harness/workloads/capture/options.h"

#include "harness/io/json_reader.h"
#include "tests/harness/tool.h"
#include "tests/harness/workloads/capture/captures.h"

namespace vidattn {
namespace {

using testing::Call;
using testing::capture_request;
using testing::expect_input_error;
using testing::safetensors_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

const CaptureOptions kAll{.attention = "cross",
                          .layout = "bhld",
                          .heads = 4,
                          .prefix = 0,
                          .valid = 30,
                          .batch_entry = 1,
                          .layer = 3,
                          .step = 7,
                          .head_range = "0-3"};

TEST(CaptureOptions, AreWrittenAndReadAlike) {
  const nlohmann::json object = capture_json(kAll);
  EXPECT_EQ(object["prefix"], 0);
  EXPECT_EQ(read_capture_options(JsonReader(object)), kAll);
  EXPECT_TRUE(capture_json({}).empty());
  const nlohmann::json bad = {{"layer", -1}};
  expect_input_error([&] { read_capture_options(JsonReader(bad)); }, "layer");
}

TEST(CaptureOptions, StandInTheLineThatReproducesACase) {
  WorkloadRequest request = capture_request("dump");
  request.capture = kAll;
  request.scale = 0.25;
  EXPECT_EQ(workload_arguments(request), (std::vector<std::string>{"--workload",    "tensors:dump",
                                                                   "--scale",       "0.25",
                                                                   "--attention",   "cross",
                                                                   "--layout",      "bhld",
                                                                   "--head-range",  "0-3",
                                                                   "--heads",       "4",
                                                                   "--prefix",      "0",
                                                                   "--valid",       "30",
                                                                   "--batch-entry", "1",
                                                                   "--layer",       "3",
                                                                   "--step",        "7"}));
}

TEST(CaptureOptions, TheToolTakesThem) {
  const TemporaryFolder folder;
  const Call call{.tokens = 24, .heads = 4, .kv_heads = 4, .dim = 32};
  std::vector<testing::RawTensor> tensors;
  for (int i = 0; i < 3; ++i)
    tensors.push_back({std::string(1, "qkv"[i]), "F32", {1, 4, 24, 32}, call.bytes(i, "hld")});
  const std::string file = folder / "a.safetensors", record = folder / "r.json";
  write_bytes(file, safetensors_bytes(tensors));
  const std::string job = "--workload tensors:" + file +
                          " --layout bhld --prefix 2 --grid 2,2,4 "
                          "--valid 23 --head-range 1-2 --scale 0.25";
  const ToolResult result =
      run_tool("run --quiet --repeat 1 --backend full --out " + record + " " + job);
  EXPECT_TRUE(ran_right(result)) << result.err;
  EXPECT_NE(result.err.find("1 of 24 tokens are padding"), std::string::npos) << result.err;
  EXPECT_NE(result.out.find("23 tokens (grid 2x2x4"), std::string::npos) << result.out;
  const std::string written = testing::read_bytes(record);
  EXPECT_NE(written.find("\"softmax_scale\": 0.25"), std::string::npos);
  EXPECT_NE(written.find("\"head_range\": \"1-2\""), std::string::npos);
  EXPECT_EQ(run_tool("report --open-inputs " + record + " --out " + (folder / "r.html").string())
                .exit_code,
            0);
  EXPECT_EQ(testing::read_bytes(folder / "r.html").find("could not be built again"),
            std::string::npos);
  expect_refused("run --backend full --layout xyz --workload tensors:" + file,
                 "the layout \"xyz\"");
}

}  // namespace
}  // namespace vidattn

// Runs over many calls of a capture, by the whole tool.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/io/npy.h"
#include "harness/store/run_file.h"
#include "harness/store/store.h"
#include "tests/harness/browser.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/harness/workloads/capture/made_capture.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::MadeCapture;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

const std::string kFew = " --backend full --backend sta --repeat 1 ";

class CallsRun : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(calls()); }
  std::filesystem::path calls() const { return folder_ / "calls"; }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  /// A run over the folder, read as the capture says.
  std::string arguments(const MadeCapture& capture, const std::string& more) const {
    return "run --workload tensors:" + calls().string() + capture.options() + more + " --out " +
           path("r.json");
  }
  ToolResult run(const MadeCapture& capture, const std::string& more) const {
    return run_tool(arguments(capture, "--quiet " + more));
  }
  json record() const { return json::parse(read_bytes(path("r.json"))); }

  TemporaryFolder folder_;
};

std::set<std::string> keys_of(const json& record) {
  std::set<std::string> keys;
  for (const json& c : record["cases"]) keys.insert(c["key"]);
  return keys;
}

/// Means and worst heads as a reader of the cases would compute them.
void expect_aggregated(const json& over, const json& cases) {
  double sum = 0, lowest = 2;
  int64_t count = 0;
  json at;
  for (const json& c : cases) {
    if (c["backend"] != over["backend"]) continue;
    ++count;
    sum += c["metrics"]["recall_mean"]["value"].get<double>();
    const auto recall = c["details"]["per_head"]["recall"].get<std::vector<double>>();
    EXPECT_EQ(recall.size(), 8U);
    for (size_t head = 0; head < recall.size(); ++head)
      if (recall[head] < lowest) {
        lowest = recall[head];
        at = {{"head", head}, {"call", c["details"]["workload"]["call"]}, {"value", lowest}};
      }
  }
  EXPECT_EQ(over["calls"], count);
  EXPECT_NEAR(over["metrics"]["recall_mean"]["value"].get<double>(),
              sum / static_cast<double>(count), 1e-12);
  EXPECT_EQ(over["worst"]["recall"], at);
}

/// A mask of other heads than the capture's: the other methods are measured in every call.
TEST_F(CallsRun, AMethodsFileThatDoesNotFitCostsTheOthersNothing) {
  MadeCapture capture;
  capture.write(calls());
  write_npy(path("three_heads.npy"), Array{{3, 2, 2}, std::vector<uint8_t>(12, 1)});
  const ToolResult result =
      run(capture, kFew + "--layer 0 --backend map:" + path("three_heads.npy"));
  EXPECT_EQ(result.exit_code, 3) << result.out;
  EXPECT_NE(result.out.find("refused"), std::string::npos) << result.out;
  int passed = 0, refused = 0;
  const json written = record();
  for (const json& c : written["cases"]) {
    passed += c["outcome"] == "passed";
    refused += c["outcome"] == "refused";
  }
  EXPECT_GT(refused, 1);
  EXPECT_EQ(passed, 2 * refused);
}

TEST_F(CallsRun, EveryCallIsACaseAndOneTableIsOverAll) {
  MadeCapture capture;
  capture.write(calls());
  const ToolResult result = run(capture,
                                "--backend full --backend sta --backend svg --backend vmoba "
                                "--backend moga --density 0.25 --repeat 1 --db " +
                                    path("v.db"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json record = this->record();
  EXPECT_EQ(record["cases"].size(), 60U);
  EXPECT_EQ(keys_of(record).size(), 60U);
  ASSERT_EQ(record["over_calls"].size(), 5U);
  for (const json& over : record["over_calls"]) {
    EXPECT_EQ(over["passed"], 12) << over["backend"];
    expect_aggregated(over, record["cases"]);
    EXPECT_EQ(over["speedup"]["clusters"], 12);
    EXPECT_EQ(over["speedup"]["clustered_by"], "call");
  }
  EXPECT_EQ(record["over_calls"][1]["worst_heads"].size(), 3U);
  for (const char* part : {"12 calls; layers 0,1,2,3; steps 0,1,2\n", "heads of lowest recall",
                           "95% interval over 12 calls", "(layer "})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << result.out;
  const StoredRun stored = Store(path("v.db")).load_run("latest");
  EXPECT_EQ(stored.cases.size(), 60U);
  EXPECT_EQ(stored.cases[7].workload->call->source, "step00_block01.safetensors");
  EXPECT_EQ(read_run(path("r.json"), "").cases[7].key(), stored.cases[7].key());
  const ToolResult compared = run_tool("compare " + path("r.json") + " " + path("r.json"));
  EXPECT_NE(compared.out.find("layer 3, step 2"), std::string::npos) << compared.err;
}

/// The report of the record in r.json, in the browser: a map for every method, along layers
/// and along steps.
TEST_F(CallsRun, TheReportMapsHeadsOverLayersAndSteps) {
  MadeCapture capture{.frames = 3, .height = 6, .width = 10, .text = 7, .padding = 4};
  capture.write(calls());
  ASSERT_EQ(run(capture, "--backend full --backend sta --backend svg --backend moga --repeat 1")
                .exit_code,
            0);
  ASSERT_EQ(run_tool("report --quiet --no-pictures " + path("r.json") + " --out " + path("r.html"))
                .exit_code,
            0);
  if (!testing::has_browser()) GTEST_SKIP() << "chromium is not installed";
  std::string log;
  const std::string document = testing::document_of(path("r.html"), "", log);
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (size_t at = 0; (at = document.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count("<table class=\"heat\">"), 6) << log;
  EXPECT_EQ(count("title=\"layer 3, head 7: recall "), 3);
  EXPECT_EQ(count("title=\"step 2, head 0: recall "), 3);
  EXPECT_EQ(log.find("Uncaught"), std::string::npos) << log;
}

TEST_F(CallsRun, ChosenCallsAndHeads) {
  MadeCapture capture;
  capture.heads = 4;
  capture.write(calls());
  ASSERT_EQ(run(capture, "--layers 0,2 --steps 1-2 --heads 2-3" + kFew).exit_code, 0);
  const json plural = record();
  EXPECT_EQ(plural["cases"].size(), 8U);
  EXPECT_EQ(plural["cases"][3]["details"]["per_head"]["recall"].size(), 2U);
  EXPECT_EQ(plural["cases"][3]["details"]["workload"]["call"]["first_head"], 2);
  ASSERT_EQ(run(capture, "--layer 0,2 --step 1-2 --head-range 2-3" + kFew).exit_code, 0);
  EXPECT_EQ(keys_of(record()), keys_of(plural));
  ASSERT_EQ(run(capture, "--layer 2 --step 1 --head-range 2-3" + kFew).exit_code, 0);
  for (const std::string& key : keys_of(record()))
    EXPECT_TRUE(keys_of(plural).contains(key)) << key;
  EXPECT_FALSE(record().contains("over_calls"));
}

TEST_F(CallsRun, BadChoicesAreRefused) {
  MadeCapture capture{.steps = 1, .blocks = 2, .heads = 1};
  capture.write(calls());
  const std::string here = " --workload tensors:" + calls().string() + capture.options() + kFew;
  expect_refused("run --layer 0,5" + here, "no call of layer 5: there are layer 0, 1");
  expect_refused("run --layer 0,x" + here, "--layer");
  expect_refused("run --layers 0" + here, "not in range 1 to 100000");
  expect_refused("run --layout hdl" + here, "nothing can run");  // the trouble of every call
  expect_refused("run --heads 0,2" + here, "no range of heads");
  expect_refused("run --grid 2,4,4 --layers 0,1" + kFew, "is none");
  expect_refused("run --grid 2,4,4 --heads 0-1" + kFew, "a choice from a capture");
  expect_refused("case --backend full --layer 0,1 --workload tensors:" + calls().string(),
                 "one call of a capture is needed");
  expect_refused("case --backend full --workload tensors:" + calls().string(),
                 "choose with --layer and --step");
}

TEST_F(CallsRun, WhatCannotBeReadIsNamedAndTheOthersGoOn) {
  MadeCapture capture{.steps = 1, .blocks = 3, .heads = 2};
  capture.write(calls());
  write_bytes(calls() / "step00_block07.safetensors", "no safetensors");
  write_bytes(calls() / "step00_block01.safetensors",  // fewer tokens than the run is told of
              testing::safetensors_bytes(testing::Call{.tokens = 6}.tensors()));
  const ToolResult result = run(capture, kFew + "--db " + path("v.db"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(record()["cases"].size(), 4U);
  ASSERT_EQ(record()["unreadable"].size(), 2U);
  EXPECT_EQ(record()["unreadable"][0]["source"], "step00_block07.safetensors");
  EXPECT_EQ(record()["unreadable"][1]["source"], "step00_block01.safetensors");
  EXPECT_NE(result.out.find("left out: step00_block01.safetensors: "), std::string::npos);
  EXPECT_NE(result.out.find("2 calls; layers 0,2"), std::string::npos) << result.out;
  EXPECT_EQ(Store(path("v.db")).load_run("latest").cases.size(), 4U);
}

TEST_F(CallsRun, PartsOfCallsAreNamedAndOtherFilesAreNot) {
  MadeCapture capture{.steps = 1, .blocks = 2, .heads = 1};
  capture.write(calls());
  const std::vector<testing::RawTensor> whole = testing::Call{}.tensors();
  write_bytes(calls() / "step00_block02.safetensors",
              testing::safetensors_bytes({whole[0], whole[1]}));
  write_bytes(calls() / "step00_block03.safetensors",
              testing::safetensors_bytes({{"x", "F32", {1}, std::string(4, '\0')}}));
  EXPECT_EQ(run(capture, kFew).exit_code, 3);
  EXPECT_EQ(record()["cases"].size(), 4U);
  ASSERT_EQ(record()["unreadable"].size(), 1U);
  EXPECT_EQ(record()["unreadable"][0]["source"], "step00_block02.safetensors");
  const std::string reason = record()["unreadable"][0]["reason"];
  EXPECT_NE(reason.find("has \"q\", \"k\", but no v"), std::string::npos) << reason;
  EXPECT_EQ(run(capture, "--layer 0-1" + kFew).exit_code, 0) << "it was not asked for";
  const ToolResult length = run(capture, "--layer 0-1 --layers 7 --steps 9" + kFew);
  EXPECT_NE(length.err.find("--layers 7 is the depth"), std::string::npos) << length.err;
  EXPECT_EQ(length.err.find("--steps 9"), std::string::npos) << "there is one step";
}

TEST_F(CallsRun, PromptsAreClusters) {
  MadeCapture capture{.steps = 1, .blocks = 2, .heads = 2};
  capture.write(calls(), "a_");
  capture.prompt = "two cats sleep";
  capture.write(calls(), "b_");
  ASSERT_EQ(run(capture, kFew).exit_code, 0);
  EXPECT_EQ(keys_of(record()).size(), 8U) << "of one layer and step, told apart by their files";
  EXPECT_EQ(record()["over_calls"][1]["speedup"]["clusters"], 2);
  EXPECT_EQ(record()["over_calls"][1]["speedup"]["clustered_by"], "prompt");
}

TEST_F(CallsRun, AnInterruptKeepsTheCallsBefore) {
  MadeCapture capture{.steps = 1, .blocks = 9, .heads = 2};
  capture.write(calls());
  const std::string err = path("err"), command = std::string(VIDATTN_TOOL) + " " +
                                                 arguments(capture, kFew + "--db " + path("v.db"));
  const ToolResult result =
      run_shell(command + " 2>" + err + " & run=$!; until grep -q 'call 3/9' " + err +
                "; do sleep 0.01; done; kill -TERM $run; wait $run");
  EXPECT_EQ(result.exit_code, 130) << result.err;
  const json record = this->record();
  EXPECT_TRUE(record["interrupted"].get<bool>());
  EXPECT_GE(record["cases"].size(), 4U);
  EXPECT_LT(record["cases"].size(), 18U);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(record["cases"][i]["outcome"], "passed");
  EXPECT_EQ(Store(path("v.db")).load_run("latest").cases.size(), record["cases"].size());
  EXPECT_NE(result.out.find("interrupted: what was measured until then"), std::string::npos);
}

TEST_F(CallsRun, AKillKeepsTheCallsBefore) {
  MadeCapture capture{.steps = 1, .blocks = 9, .heads = 2};
  capture.write(calls());
  const std::string err = path("err"), command = std::string(VIDATTN_TOOL) + " " +
                                                 arguments(capture, kFew + "--db " + path("v.db"));
  run_shell(command + " 2>" + err + " & run=$!; until grep -q 'call 3/9' " + err +
            "; do sleep 0.01; done; kill -KILL $run; wait $run");
  const json record = this->record();
  EXPECT_TRUE(record["interrupted"].get<bool>());
  EXPECT_GE(record["cases"].size(), 4U);
  EXPECT_LT(record["cases"].size(), 18U);
  for (const json& c : record["cases"]) EXPECT_EQ(c["outcome"], "passed");
  EXPECT_EQ(record["over_calls"][1]["passed"].get<size_t>(), record["cases"].size() / 2);
  const StoredRun stored = Store(path("v.db")).load_run("latest");
  EXPECT_GE(stored.cases.size(), 4U);
  EXPECT_EQ(stored.finished, "");
  for (const Measurement& c : stored.cases) EXPECT_EQ(c.blocks.size(), 1U);
}

TEST_F(CallsRun, WhatIsRefusedLeavesNothing) {
  MadeCapture capture{.steps = 1, .blocks = 3, .heads = 1};
  capture.write(calls());
  // Every call is a skip: sta wants a grid.
  const std::string db = path("v.db");
  const ToolResult result =
      run_tool("run --quiet --workload tensors:" + calls().string() +
               " --backend sta --repeat 1 --out " + path("r.json") + " --db " + db);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(path("r.json")));
  EXPECT_TRUE(Store(db).list_runs().empty());
}

TEST_F(CallsRun, TheReportAndCompareNameTheCallsInFull) {
  MadeCapture capture{.steps = 2, .blocks = 2, .heads = 2};
  capture.write(calls(), "a_");
  capture.prompt = "two cats sleep";
  capture.write(calls(), "b_");
  ASSERT_EQ(run(capture, kFew).exit_code, 0);
  const ToolResult compared = run_tool("compare " + path("r.json") + " " + path("r.json"));
  for (const char* name :
       {"layer 1, step 0, prompt \"a dog runs\"", "layer 1, step 0, prompt \"two cats sleep\""})
    EXPECT_NE(compared.out.find(name), std::string::npos) << compared.out << compared.err;
  ASSERT_EQ(run_tool("report --quiet --no-pictures " + path("r.json") + " --out " + path("r.html"))
                .exit_code,
            0);
  const std::string page = read_bytes(path("r.html"));
  EXPECT_NE(page.find("\"title\":\"tensors:" + calls().string() +
                      "/: 8 calls; layers 0,1; steps 0,1; 2 prompts\""),
            std::string::npos);
  // Heads are named where those of the calls differ.
  const std::string some = " --layer 0 --step 0 " + kFew;
  ASSERT_EQ(run(capture, some + "--head-range 0-1").exit_code, 0);
  std::filesystem::rename(path("r.json"), path("all.json"));
  ASSERT_EQ(run(capture, some + "--head-range 1").exit_code, 0);
  const ToolResult heads = run_tool("compare " + path("r.json") + " " + path("all.json"));
  EXPECT_NE(heads.err.find("no case in common"), std::string::npos) << heads.out << heads.err;
}

TEST_F(CallsRun, FiguresHaveTheHeatMaps) {
  MadeCapture capture{.steps = 2, .blocks = 3, .heads = 4};
  capture.write(calls());
  ASSERT_EQ(run(capture, "--backend full --backend sta --backend moga --repeat 1").exit_code, 0);
  const ToolResult made = run_tool("report --quiet --no-pictures " + path("r.json") + " --out " +
                                   path("r.html") + " --figures " + path("figures"));
  if (made.err.find("gnuplot") != std::string::npos) GTEST_SKIP() << "gnuplot is not installed";
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const char* name : {"recall_by_layer_sta", "recall_by_layer_moga", "recall_by_step_sta",
                           "recall_by_step_moga"}) {
    const std::string file = path("figures/") + name;
    const std::string picture = read_bytes(file + ".svg");
    EXPECT_NE(picture.find("recall of each head by"), std::string::npos) << name;
    EXPECT_NE(picture.find("mean of 6 calls"), std::string::npos) << name;
    EXPECT_TRUE(read_bytes(file + ".pdf").starts_with("%PDF")) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(path("figures/recall_by_layer_full.svg")));
}

}  // namespace
}  // namespace vidattn

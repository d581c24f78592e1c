#include "tests/harness/tool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/io/npy.h"
#include "harness/store/store.h"
#include "tests/paths.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

class Tool : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("vidattn_tool_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    const Inputs in = random_video(3, 4, 5, 2, 16);
    write_npy(folder_ / "q.npy", *in.q);
    write_npy(folder_ / "k.npy", *in.k);
    write_npy(folder_ / "v.npy", *in.v);
    write_npy(folder_ / "logits.npy", *random_array({60, 5}, 3));
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string qkv() const {
    return " --q " + path("q.npy") + " --k " + path("k.npy") + " --v " + path("v.npy") + " ";
  }
  std::string attend(const std::string& rest) const {
    return "attend" + qkv() + "--out " + path("o.npy") + " " + rest;
  }
  static nlohmann::json load(const std::string& file) {
    std::ifstream stream(file);
    return nlohmann::json::parse(stream);
  }

  fs::path folder_;
};

TEST_F(Tool, AttendWritesOutputLseMaskAndStats) {
  const ToolResult result = run_tool(
      attend("--backend stga --grid 3,4,5 --shots 0,1 --set hs=1 --lse " + path("lse.npy") +
             " --mask " + path("mask.npy") + " --stats " + path("stats.json")));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_npy_tensor(path("o.npy")).length(), 60);
  EXPECT_EQ(read_npy(path("lse.npy")).shape, (std::vector<int64_t>{60, 2}));
  const Array mask = read_npy(path("mask.npy"));
  EXPECT_EQ(mask.shape, (std::vector<int64_t>{1, 60, 60}));
  const auto& bits = mask.as<uint8_t>("mask");
  const double density = static_cast<double>(std::count(bits.begin(), bits.end(), 1)) / 3600;
  EXPECT_DOUBLE_EQ(load(path("stats.json"))["density"].get<double>(), density);
}

TEST_F(Tool, AttendOfACombinedPlanWritesOneLsePerBranch) {
  const ToolResult result = run_tool(attend("--backend moga_stga --grid 3,4,5 --router-logits " +
                                            path("logits.npy") + " --lse " + path("lse.npy")));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* branch : {"moga", "stga", "frame"})
    EXPECT_TRUE(fs::exists(folder_ / ("lse_" + std::string(branch) + ".npy")));
}

TEST_F(Tool, AttendInLowBitsSaysWhatMultiplied) {
  ASSERT_EQ(run_tool("attend --backend full" + qkv() + "--out " + path("f32.npy")).exit_code, 0);
  for (const char* dtype : {"int8", "fp8"}) {
    const ToolResult result = run_tool("attend --backend full" + qkv() + "--dtype " + dtype +
                                       " --out " + path("low.npy") + " --stats " + path("s.json"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const std::string unit = load(path("s.json"))["low_bit_unit"];
    EXPECT_NE(result.out.find(std::string(dtype) + ", " + unit), std::string::npos) << result.out;
    const double error =
        relative_l2(read_npy_tensor(path("low.npy")), read_npy_tensor(path("f32.npy")));
    EXPECT_GT(error, 1e-4) << dtype;
    EXPECT_LT(error, 0.1) << dtype;
  }
}

TEST_F(Tool, DevicesAgreeOnTheSameFiles) {
  for (const char* device : {"cpu", "reference"})
    ASSERT_EQ(run_tool("attend --backend full" + qkv() + "--device " + device + " --out " +
                       path(std::string(device) + ".npy"))
                  .exit_code,
              0);
  EXPECT_LT(relative_l2(read_npy_tensor(path("cpu.npy")), read_npy_tensor(path("reference.npy"))),
            2e-6);
}

TEST_F(Tool, RunComparesBackendsAndWritesEverythingAsJson) {
  const ToolResult result = run_tool(
      "run --quiet --grid 4,6,8 --heads 1 --dim 16 --repeat 2 --backend full --backend "
      "moga:num_groups=3 --backend stga:hs=1,shots=0,2,temporal_group=1 --out " +
      path("run.json"));
  ASSERT_TRUE(ran_right(result)) << result.err;
  const nlohmann::json json = load(path("run.json"));
  EXPECT_EQ(json["schema_version"], "3.0");
  EXPECT_TRUE(json["environment"].contains("machine"));
  EXPECT_EQ(json["workload"]["sha256"]["q"].get<std::string>().size(), 64U);
  ASSERT_EQ(json["cases"].size(), 3U);
  for (const auto& test : json["cases"]) {
    EXPECT_EQ(test["outcome"], "passed");
    EXPECT_EQ(test["blocks"].size(), 2U);
    EXPECT_LE(test["metrics"]["check_error"]["value"].get<double>(), 2e-5);
    EXPECT_DOUBLE_EQ(test["metrics"]["density"]["value"].get<double>() +
                         test["metrics"]["sparsity"]["value"].get<double>(),
                     1);
  }
  EXPECT_EQ(json["cases"][2]["backend"], "stga:hs=1,shots=0,2,temporal_group=1");
  EXPECT_TRUE(json["cases"][0]["metrics"]["group_balance"]["value"].is_null());
  EXPECT_TRUE(json["cases"][0]["metrics"]["group_balance"].contains("reason"));
}

TEST_F(Tool, RunPrintsWhatAReaderComparesOrTheColumnsAskedFor) {
  const std::string run =
      "run --quiet --grid 4,6,8 --heads 1 --dim 16 --backend full --backend sta --density 0.3";
  const auto headers = [](const std::string& out) {
    const size_t at = out.find("\nbackend");
    return out.substr(at + 1, out.find('\n', at + 1) - at - 1);
  };
  const ToolResult few = run_tool(run), chosen = run_tool(run + " --columns run_time,cosine"),
                   all = run_tool(run + " --all-columns");
  std::istringstream words(headers(few.out));
  std::string names;
  for (std::string word; words >> word;) names += word + " ";
  EXPECT_EQ(names,
            "backend density target recall of blocks of tokens rel L2 total ms speedup realised "
            "plan% ");
  EXPECT_NE(few.out.find(" ["), std::string::npos) << "a speedup has its interval";
  EXPECT_EQ(few.out.find("preflight"), std::string::npos) << "left out of these tests";
  std::istringstream two(headers(chosen.out));
  names.clear();
  for (std::string word; two >> word;) names += word + " ";
  EXPECT_EQ(names, "backend run ms cosine ");
  EXPECT_NE(all.out.find("check"), std::string::npos);
  EXPECT_NE(all.out.find("GFLOP/s"), std::string::npos);
  expect_refused(run + " --columns density,nonsense", "known are density, density_target");
}

TEST_F(Tool, ARunWithoutFullAttentionSaysWhyItHasNoSpeedups) {
  const std::string run = "run --quiet --repeat 1 --grid 4,6,8 --heads 1 --dim 16 --backend sta";
  const std::string why = "no speedups: full attention was not run beside";
  EXPECT_NE(run_tool(run).out.find(why), std::string::npos);
  EXPECT_EQ(run_tool(run + " --backend full").out.find(why), std::string::npos);
}

TEST_F(Tool, TheFolderOfTheStoreIsMadeAndFewerThreadsThanCoresAreAMachineOfTheirOwn) {
  std::ofstream(path("s.json")) << R"({"name": "s", "workloads": [{"grid": [3, 4, 5], "heads": 1,
      "dim": 16}], "backends": ["sta"], "timing": {"seconds": 0.1}})";
  const std::string run = "cd " + folder_.string() + " && OMP_NUM_THREADS=";
  const std::string suite = std::string(" ") + VIDATTN_TOOL + " run s.json --quiet";
  for (const char* threads : {"1", "2"})
    ASSERT_TRUE(ran_right(run_shell(run + threads + suite))) << threads;
  const Store store(path("results/vidattn.db"));
  const StoredRun one = store.load_run("1"), two = store.load_run("2");
  if (one.environment["machine"]["physical_cores"] == 1) GTEST_SKIP() << "one thread is all";
  EXPECT_TRUE(one.machine_key.ends_with("-1t")) << one.machine_key;
  EXPECT_NE(two.machine_key, one.machine_key);
}

TEST_F(Tool, ColumnsThatNoCaseHasAreNamed) {
  const std::string run = "run --quiet --grid 4,6,8 --heads 1 --dim 16 --backend full";
  const std::string line = "no case has backward_time, density_target; --all-columns shows";
  const ToolResult none = run_tool(run + " --columns backward_time,density_target"),
                   some = run_tool(run + " --columns backward_time,density,density_target");
  EXPECT_TRUE(ran_right(none));
  EXPECT_NE(none.out.find(line), std::string::npos) << none.out;
  EXPECT_EQ(none.out.find("\nbackend"), std::string::npos) << none.out;
  EXPECT_NE(some.out.find(line), std::string::npos) << some.out;
  EXPECT_NE(some.out.find("\nbackend  density\n"), std::string::npos) << some.out;
}

TEST_F(Tool, NotesOfSeveralTypesSayWhichTheyAreOfAndOneOfAllIsSaidOnce) {
  const ToolResult result = run_tool(
      "run --quiet --grid 4,6,8 --heads 1 --dim 16 --backend full --backend sta --backend stga "
      "--density 0.01 --dtype f32 --dtype fp8");
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (size_t at = 0; (at = result.out.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count("fp8 is emulated in float32 on cpu"), 1) << result.out;
  EXPECT_EQ(count("\nsta [cpu f32]: "), 1) << result.out;
  EXPECT_EQ(count("\nsta [cpu fp8]: "), 1) << result.out;
}

TEST_F(Tool, RunSaysWhatTheMachineIsLike) {
  const ToolResult result =
      run_shell("VIDATTN_MEASURE_LIMITS=1 " VIDATTN_TOOL
                " run --quiet --grid 4,6,8 --heads 1 --dim 16 --backend full --out " +
                path("r.json"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("\npreflight: "), std::string::npos) << result.out;
  EXPECT_EQ(load(path("r.json"))["preflight"].size(), 5U);
}

TEST_F(Tool, SweepMeasuresItsControl) {
  const ToolResult result =
      run_tool("sweep --quiet --grid 4,6,8 --heads 1 --dim 16 --backend sta --density 0.3 --out " +
               path("s.json"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json json = load(path("s.json"));
  ASSERT_EQ(json["cases"].size(), 2U);
  EXPECT_EQ(json["cases"][0]["backend"], "full");
  EXPECT_TRUE(json["cases"][1]["metrics"]["speedup"]["value"].is_number());
}

TEST_F(Tool, AnInterruptCutsALongRunShortSlow) {
  // Full attention of 1e5 tokens, run twice for its check, takes far longer than these seconds; the
  // film is made in half of them.
  const ToolResult result =
      run_shell(std::string("timeout --foreground --preserve-status -s INT 6 ") + VIDATTN_TOOL +
                " run --quiet --whole --grid 65,30,52 --heads 1 --dim 32 --backend full --out " +
                path("r.json"));
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_EQ(load(path("r.json"))["cases"][0]["outcome"], "interrupted");
}

TEST_F(Tool, TheMainJobIsOfTrainedAttentionUnlessTheFilmIsAskedFor) {
  const std::string run = "run --quiet --repeat 1 --grid 3,4,5 --backend full";
  for (const auto& [more, first_line] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "workload dit:nano-480p: 60 tokens (grid 3x4x5"},
           {" --seed 2", "workload dit:nano-480p: 60 tokens"},
           {" --workload dit", "workload dit: 60 tokens"},
           {" --workload film", "workload film: 60 tokens"},
           {" --heads 1 --dim 16", "workload film: 60 tokens (grid 3x4x5, shots at 0), 1 head"},
           {" --shots 0,2", "workload film: 60 tokens (grid 3x4x5, shots at 0,2)"},
           {" --peak 0.5", "workload film"},
           {" --masks characters", "workload film"}}) {
    const ToolResult result = run_tool(run + more);
    ASSERT_TRUE(ran_right(result)) << more << result.err;
    EXPECT_EQ(result.out.rfind(first_line, 0), 0U) << more << "\n" << result.out;
  }
}

TEST_F(Tool, RunTakesTheUsersTensorsAndSkipsWhatTheyCannotFeed) {
  const ToolResult result =
      run_tool("run --quiet --repeat 1 --workload tensors:" + folder_.string() +
               " --backend full --backend moga --backend frame --out " + path("run.json"));
  ASSERT_TRUE(ran_right(result)) << result.err;
  const nlohmann::json json = load(path("run.json"));
  EXPECT_EQ(json["cases"][0]["outcome"], "passed");
  EXPECT_EQ(json["cases"][1]["outcome"], "passed") << "the keys feed its router";
  EXPECT_EQ(json["cases"][2]["outcome"], "skipped");
  EXPECT_NE(json["cases"][2]["reason"].get<std::string>().find("grid"), std::string::npos);
}

TEST_F(Tool, ListAndEnvNameWhatThereIs) {
  const ToolResult list = run_tool("list");
  for (const char* text :
       {"moga_stga", "num_groups (int, default 5, 1..65536)", "reference:", "video:PATH"})
    EXPECT_NE(list.out.find(text), std::string::npos) << text;
  const ToolResult env = run_tool("env --json");
  EXPECT_TRUE(nlohmann::json::parse(env.out).contains("software"));
}

TEST_F(Tool, FilmIsWritten) {
  const ToolResult result =
      run_tool("film --frames 5 --width 64 --height 48 --out " + path("film.avi"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(fs::file_size(folder_ / "film.avi"), 1000U);
}

TEST_F(Tool, BadInputGivesOneLineAndExitCodeThree) {
  std::ofstream(folder_ / "text.npy") << "not an array";
  std::ofstream(folder_ / "text.mp4") << "not a video";
  fs::create_directories(folder_ / "vectors/moga/broken");
  write_npy(folder_ / "short.npy", *random_array({59, 2, 16}, 1));
  Array poisoned = *random_array({60, 2, 16}, 1);
  std::get<0>(poisoned.values)[77] = NAN;
  write_npy(folder_ / "nan.npy", poisoned);
  const std::string q = " --q " + path("q.npy"), k = " --k " + path("k.npy"),
                    v = " --v " + path("v.npy"), out = " --out " + path("o.npy") + " ";
  const std::string few = "run --quiet --workload film --grid 2,2,2 --backend ";
  const std::string bad[] = {
      "",
      "nonsense",
      "run --backend nonsense",
      "run --backend moga:groups=5",
      "run --backend moga:num_groups=0",
      "run --backend moga:num_groups=five",
      "run --backend moga:num_groups",
      "run --backend moga:preset=wan",
      "run --device gpu",
      "run --dtype f8",
      "run --repeat 0",
      "run --grid 1,2",
      "run --grid 0,4,4",
      "run --grid 2,4,4",
      "run --workload dit --dim 64",
      "run --workload dit --heads 2",
      "run --workload dit --peak 0.5",
      "run --grid 99999999,99999,99999",
      "run --grid a,b,c",
      "run --dim 12x",
      "run --heads 0",
      "run --workload nonsense",
      "run --workload video:" + path("missing.mp4"),
      "run --workload video:" + path("text.mp4"),
      "run --workload video:" + folder_.string(),
      "run --workload tensors:" + path("missing"),
      "run --grid 3,4,5 --shots 1,2",
      "run --grid 3,4,5 --shots ''",
      "attend --backend stga --grid 3,4,5 --shots ''" + q + k + v + out,
      "run --grid 3,4,5 --shots 0,9",
      "run --grid 3,4,5 --shots 0,2,2",
      few + "sta:tile=4",
      few + "moba:cu_seqlens=0,3 --backend vsa:num_tiles=9,9,9",
      "run --out /nonexistent/folder/x.json",
      "attend --backend full" + q + k + out,
      "attend --backend full" + q + k + v + " --out /nonexistent/o.npy",
      "attend --backend full" + q + k + " --v " + path("missing.npy") + out,
      "attend --backend full" + q + k + " --v " + path("text.npy") + out,
      "attend --backend full" + q + k + " --v " + path("short.npy") + out,
      "attend --backend full" + q + k + " --v " + path("nan.npy") + out,
      "attend --backend full" + q + k + " --v " + folder_.string() + out,
      "attend --backend stga" + q + k + v + out,
      "attend --backend stga --grid 3,4,6" + q + k + v + out,
      "attend --backend stga --grid 4,4,5" + q + k + v + out,
      "attend --backend stga --shots 0,2" + q + k + v + out,
      "attend --backend moga --router-logits " + path("q.npy") + q + k + v + out,
      "attend --backend moga --set num_groups=4 --router-logits " + path("logits.npy") + q + k + v +
          out,
      "attend --backend full --router-logits " + path("logits.npy") + q + k + v + out,
      "attend --backend full --set scale=2" + q + k + v + out,
      "attend --backend full --input x" + q + k + v + out,
      "run --seed -1",
      "attend --backend full" + q + k + v + " --out ''",
      "attend --backend full" + q + k + v + out + "--lse " + path("o.npy"),
      "attend --backend full" + q + k + v + "--out " + path("q.npy"),
      "conform " + std::string(VIDATTN_SOURCE_DIR) + "/tests/vectors --write /proc/nothing",
      "attend --backend full --dtype double" + q + k + v + out,
      "conform " + path("missing"),
      "conform " + path("vectors") + " --device gpu",
      "conform " + path("vectors"),
      "film --out " + path("film.txt"),
      "film --frames 0 --out " + path("film.avi"),
  };
  for (const std::string& arguments : bad) expect_refused(arguments);
}

}  // namespace
}  // namespace vidattn

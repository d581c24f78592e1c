#include "harness/conform/conform.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attention/backend.h"
#include "attention/cpu/units/simd.h"
#include "harness/conform/test_vector.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "tests/harness/altered.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

const std::string kOwn = std::string(VIDATTN_SOURCE_DIR) + "/tests/vectors";
/// More cases, where there are some.
const std::string kShared = std::string(VIDATTN_SOURCE_DIR) + "/../shared/reference";

TEST(Conform, EveryMethodHasVectors) {
  for (const Backend* backend : backends())
    EXPECT_TRUE(fs::is_directory(kOwn + "/" + backend->name())) << backend->name();
}

TEST(Conform, OwnVectorsPassOnEveryDeviceAndType) {
  for (const char* options : {"", " --device reference", " --dtype bf16", " --dtype f16",
                              " --dtype int8", " --dtype fp8"}) {
    const ToolResult result = run_tool("conform " + kOwn + options);
    EXPECT_EQ(result.exit_code, 0) << options << "\n" << result.out;
    EXPECT_NE(result.out.find(" 0 failed, 0 unsupported"), std::string::npos) << result.out;
  }
}

TEST(Conform, SlowOwnVectorsOnEveryInstructionSet) {
  for (const std::string& simd : cpu_simd_targets())
    for (const char* dtype : {"f32", "bf16", "f16", "int8", "fp8"}) {
      const ToolResult result =
          run_tool("conform " + kOwn + " --simd " + simd + " --dtype " + dtype);
      EXPECT_EQ(result.exit_code, 0) << simd << " " << dtype << "\n" << result.out;
      EXPECT_NE(result.out.find(" 0 failed, 0 unsupported"), std::string::npos) << result.out;
    }
}

TEST(Conform, UnknownInstructionSetIsRefused) {
  const ToolResult result = run_tool("conform " + kOwn + " --simd MMX");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.err.find("cannot use the instruction set 'MMX'"), std::string::npos);
}

/// Under the validation layers: a message fails the case.
TEST(Conform, VectorsPassOnVulkanSlow) {
  const ToolResult list = run_tool("list");
  if (list.out.find("vulkan:0") == std::string::npos) GTEST_SKIP() << "no Vulkan device";
  setenv("VIDATTN_VULKAN_VALIDATION", "1", 1);
  for (const std::string& folder : {kOwn, kShared})
    for (const char* dtype : {"f32", "f16", "bf16"}) {
      if (!fs::exists(folder)) continue;
      const ToolResult result = run_tool("conform " + folder + " --device vulkan --dtype " + dtype);
      EXPECT_EQ(result.exit_code, 0) << dtype << "\n" << result.out << result.err;
      EXPECT_NE(result.out.find(" 0 failed"), std::string::npos) << result.out;
    }
  unsetenv("VIDATTN_VULKAN_VALIDATION");
}

TEST(Conform, SlowSharedVectorsOnEveryInstructionSet) {
  if (!fs::exists(kShared)) GTEST_SKIP() << "no vectors at " << kShared;
  for (const std::string& simd : cpu_simd_targets()) {
    const ToolResult result = run_tool("conform " + kShared + " --simd " + simd);
    EXPECT_EQ(result.exit_code, 0) << simd << "\n" << result.out;
  }
}

TEST(Conform, SharedVectorsPassOnTheReferenceDevice) {
  if (!fs::exists(kShared)) GTEST_SKIP() << "no vectors at " << kShared;
  const ToolResult result = run_tool("conform " + kShared + " --device reference");
  EXPECT_EQ(result.exit_code, 0) << result.out;
}

/// A case with one thing changed must fail and say what.
class ChangedCase : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("vidattn_conform_" + std::to_string(getpid()));
    folder_ = root_ / "moga/tie";
    fs::create_directories(folder_.parent_path());
    fs::copy(kOwn + "/moga/tie", folder_, fs::copy_options::recursive);
  }
  void TearDown() override { fs::remove_all(root_); }

  void replace_in_json(const std::string& from, const std::string& to) {
    std::ifstream in(folder_ / "case.json");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    std::ofstream(folder_ / "case.json") << text.replace(at, from.size(), to);
  }
  void expect(int exit_code, const std::string& part) {
    const ToolResult result = run_tool("conform " + root_.string());
    EXPECT_EQ(result.exit_code, exit_code) << result.out << result.err;
    EXPECT_NE(result.out.find(part), std::string::npos) << result.out;
  }

  fs::path root_, folder_;
};

TEST_F(ChangedCase, AMethodsOwnFolderIsTaken) {
  for (const std::string end : {"", "/", "/."}) {
    const ToolResult result = run_tool("conform " + (root_ / "moga").string() + end);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    EXPECT_NE(result.out.find("pass         moga/tie"), std::string::npos) << result.out;
  }
}

TEST_F(ChangedCase, UnchangedPasses) { expect(0, "pass         moga/tie"); }

TEST_F(ChangedCase, WrongOutputFails) {
  Array o = read_npy(folder_ / "o.npy");
  std::get<0>(o.values)[5] += 1e-3F;
  write_npy(folder_ / "o.npy", o);
  expect(1, "fail         moga/tie: o[0,0,5] is ");
}

TEST_F(ChangedCase, WrongGradientsFail) {
  for (const char* name : {"dq", "dk", "dv", "drouter_logits"}) {
    const fs::path file = folder_ / (std::string(name) + ".npy");
    const Array right = read_npy(file);
    Array wrong = right;
    std::get<0>(wrong.values)[5] += 1e-2F;
    write_npy(file, wrong);
    expect(1, "fail         moga/tie: " + std::string(name) + ": relative L2 error ");
    write_npy(file, right);
  }
  Array d_o = read_npy(folder_ / "do.npy");
  std::get<0>(d_o.values)[5] += 1e-2F;
  write_npy(folder_ / "do.npy", d_o);
  expect(1, "(and 3 more)");
}

/// A folder of gradients alone, made from a case whose files it does not keep.
TEST_F(ChangedCase, GradientsThatTheCaseDoesNotListAreChecked) {
  fs::remove(folder_ / "gate.npy");
  expect(1, "gate.npy");
  for (const char* name : {"do", "dq", "dk", "dv", "drouter_logits"})
    replace_in_json("\"" + std::string(name) + "\"", "\"" + std::string(name) + "_elsewhere\"");
  expect(0, ", gradients within ");
  Array dv = read_npy(folder_ / "dv.npy");
  std::get<0>(dv.values)[5] += 1e-2F;
  write_npy(folder_ / "dv.npy", dv);
  expect(1, "dv: relative L2 error ");
}

TEST_F(ChangedCase, AMissingFileIsNamedBeforeAnyWork) {
  for (const char* name : {"o", "do", "drouter_logits", "router_logits", "k"}) {
    const fs::path file = folder_ / (std::string(name) + ".npy");
    const Array array = read_npy(file);
    fs::remove(file);
    expect(1, "fail         moga/tie: moga/tie: " + std::string(name) +
                  ".npy is missing, which case.json lists");
    write_npy(file, array);
  }
}

TEST_F(ChangedCase, AMissingFileOfGradientsThatTheCaseDoesNotListIsNamed) {
  for (const char* name : {"do", "dq", "dk", "dv", "drouter_logits"})
    replace_in_json("\"" + std::string(name) + "\"", "\"" + std::string(name) + "_elsewhere\"");
  for (const char* name : {"do", "dq", "dv", "drouter_logits"}) {
    const fs::path file = folder_ / (std::string(name) + ".npy");
    const Array array = read_npy(file);
    fs::remove(file);
    expect(1, std::string(name) + ".npy is missing, which belongs to the gradients beside it");
    write_npy(file, array);
  }
  fs::remove(folder_ / "router_logits.npy");
  expect(1, "the input router_logits.npy is missing, which case.json lists");
}

TEST_F(ChangedCase, LinksInACircleAreOfTheirCaseAlone) {
  fs::remove(folder_ / "q.npy");
  fs::create_symlink("q.npy", folder_ / "q.npy");
  expect(1, "fail         moga/tie: ");
  fs::remove(folder_ / "case.json");
  fs::create_symlink("case.json", folder_ / "case.json");
  expect(1, "fail         moga/tie: ");
}

TEST_F(ChangedCase, WrongGroupFails) {
  Array group = read_npy(folder_ / "group.npy");
  std::get<1>(group.values)[9] += 1;
  write_npy(folder_ / "group.npy", group);
  expect(1, "group[9] is ");
}

TEST_F(ChangedCase, WrongDensityFails) {
  replace_in_json("0.2646", "0.2647");
  expect(1, "density is 0.2646, expected 0.2647");
}

TEST_F(ChangedCase, WrongBalanceLossFails) {
  replace_in_json("0.0634783", "0.0644783");
  expect(1, "loss_eq8 is ");
}

TEST_F(ChangedCase, WrongShapeFails) {
  write_npy(folder_ / "lse.npy", Array{{100, 1}, std::vector<float>(100)});
  expect(1, "lse has shape [100,2], expected [100,1]");
}

TEST_F(ChangedCase, UnknownParameterIsReportedAsUnsupported) {
  replace_in_json("\"use_gate\"", "\"use_gates\"");
  expect(3, "unsupported  moga/tie: unknown parameter 'use_gates'");
}

TEST_F(ChangedCase, UnknownMethodIsReportedAsUnsupported) {
  replace_in_json("\"method\": \"moga\"", "\"method\": \"toga\"");
  expect(3, "unsupported  moga/tie: unknown backend 'toga'");
}

TEST_F(ChangedCase, OneThatIsSupportedIsEnoughToPass) {
  fs::copy(kOwn + "/moga", folder_.parent_path(),
           fs::copy_options::recursive | fs::copy_options::skip_existing);
  replace_in_json("\"method\": \"moga\"", "\"method\": \"toga\"");
  expect(0, "unsupported  moga/tie: unknown backend 'toga'");
}

TEST(Conform, AMisspeltMethodIsRefused) {
  expect_refused("conform " + kOwn + " --only mgoa", "did you mean moga?");
}

TEST_F(ChangedCase, TruncatedFilesAndJsonFail) {
  fs::resize_file(folder_ / "v.npy", 900);
  expect(1, "fail         moga/tie: ");
  fs::resize_file(folder_ / "case.json", 40);
  expect(1, "moga/tie/case.json\": not valid JSON");
}

TEST_F(ChangedCase, AlteredCasesAreReadOrRefused) {
  nlohmann::json valid = read_json(folder_ / "case.json");
  for (const char* untouched : {"provenance", "notes", "shapes"}) valid.erase(untouched);
  valid["tolerance"]["o_max_abs"] = 1e-5;
  const int refused =
      testing::expect_altered_read_or_refused(valid, [&](const nlohmann::json& altered) {
        testing::write_bytes(folder_ / "case.json", altered.dump());
        const TestCase test = load_case(folder_);
        test.tolerance("o_max_abs", 0);
        case_calls(test, case_backend(test));
      });
  EXPECT_GT(refused, 50);
}

TEST_F(ChangedCase, NoFileOfAnotherFolderIsNamed) {
  replace_in_json("\"files\": {", "\"files\": {\"../../q\": {},");
  expect(1, "files: expected names of arrays beside it");
}

TEST_F(ChangedCase, WriteStoresWhatWasComputed) {
  const ToolResult result =
      run_tool("conform " + root_.string() + " --write " + (root_ / "out").string());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(read_npy(root_ / "out/moga/tie/o.npy").shape, (std::vector<int64_t>{100, 2, 16}));
  EXPECT_TRUE(fs::exists(root_ / "out/moga/tie/group.npy"));
}

}  // namespace
}  // namespace vidattn

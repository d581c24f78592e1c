// Every reader of the tool takes regular files only: a named pipe would be waited for.
#include <sys/stat.h>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

class SpecialFiles : public ::testing::Test {
 protected:
  /// A named pipe and a folder, each with what stands around it.
  void make(const std::string& name) {
    for (const char* kind : {"pipe", "folder"}) {
      const fs::path path = folder_ / kind / name;
      fs::create_directories(path.parent_path());
      if (kind[0] == 'p')
        ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
      else
        fs::create_directory(path);
    }
  }
  /// Runs a line with the special file's folder in place of every @.
  void expect_ended(const std::string& line, int exit_code = 3) {
    for (const char* kind : {"pipe", "folder"}) {
      std::string arguments = line;
      for (size_t at; (at = arguments.find('@')) != std::string::npos;)
        arguments.replace(at, 1, (folder_ / kind).string());
      const ToolResult result =
          run_shell("timeout -k 1 60 " + std::string(VIDATTN_TOOL) + " " + arguments);
      EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.out << result.err;
      EXPECT_LE(std::count(result.err.begin(), result.err.end(), '\n'), 1) << arguments << "\n"
                                                                           << result.err;
    }
  }
  testing::TemporaryFolder folder_;
};

TEST_F(SpecialFiles, AsArrays) {
  make("q.npy");
  make("t.safetensors");
  const std::string out = (folder_ / "o.npy").string();
  expect_ended("attend --backend full --q @/q.npy --k @/q.npy --v @/q.npy --out " + out);
  expect_ended("run --workload tensors:@/t.safetensors");
  fs::remove_all(folder_ / "pipe" / "t.safetensors");
  fs::remove_all(folder_ / "folder" / "t.safetensors");
  expect_ended("run --workload tensors:@");
}

TEST_F(SpecialFiles, AsVectors) {
  make("moga/tie/case.json");
  expect_ended("conform @", 1);
}

TEST_F(SpecialFiles, AsVideos) {
  make("v.mp4");
  expect_ended("run --workload video:@/v.mp4");
  expect_ended("shots @");
  for (const char* command : {"metrics", "restore", "quality", "videodiff film"})
    expect_ended(std::string(command) + " @/v.mp4");
}

TEST_F(SpecialFiles, AsPictures) {
  make("1.png");
  for (const char* command : {"shots", "metrics", "videodiff film"})
    expect_ended(std::string(command) + " @");
}

TEST_F(SpecialFiles, AsJson) {
  make("f.json");
  make("table4.json");
  for (const char* line :
       {"run @/f.json", "report @/f.json --out @/r.html", "compare @/f.json @/f.json",
        "check --baseline @/f.json", "import @/f.json", "table 4 --model @/f.json",
        "table 4 --paper @", "shots --score @/f.json"})
    expect_ended(line);
}

TEST_F(SpecialFiles, AsModelsAndStores) {
  make("m.pt");
  make("s.db");
  expect_ended("metrics film --model dino=@/m.pt");
  for (const char* line : {"runs --db @/s.db", "history --db @/s.db", "run quick --db @/s.db",
                           "export latest --db @/s.db --out @/o.json"})
    expect_ended(line);
}

}  // namespace
}  // namespace vidattn

// No command destroys what it reads, a store, or another of its results.
#include "harness/cli/claims.h"

#include <filesystem>
#include <set>

#include "harness/cli/command.h"
#include "harness/io/npy.h"
#include "harness/io/places/roles.h"
#include "harness/store/store.h"
#include "tests/harness/files.h"
#include "tests/harness/stored.h"
#include "tests/harness/tool.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;
using testing::expect_input_error;
using testing::read_bytes;
using testing::write_bytes;

/// Options by whose names people expect a file to be written.
const std::set<std::string> kWritten{
    "--out",   "--json",      "--markdown", "--junit",   "--lse",           "--mask",
    "--stats", "--block-map", "--write",    "--figures", "--folder",        "--dq",
    "--dk",    "--dv",        "--db",       "--dinput",  "--drouter-logits"};

bool is_text(const Option& option) {
  return std::holds_alternative<std::string*>(option.target) ||
         std::holds_alternative<std::vector<std::string>*>(option.target);
}

void set_text(const Option& option, const std::string& text) {
  if (const auto* one = std::get_if<std::string*>(&option.target)) **one = text;
  if (const auto* several = std::get_if<std::vector<std::string>*>(&option.target))
    **several = {text};
}

TEST(Claims, EveryOptionThatWritesSaysSo) {
  size_t found = 0;
  for (const Command& command : make_commands())
    for (const Option& option : command.options)
      if (is_text(option) && kWritten.contains(option.name)) {
        EXPECT_NE(option.writes, Written::nothing) << command.name << " " << option.name;
        ++found;
      }
  EXPECT_GT(found, 40U);
}

/// All pairs of an option that writes a file and another one of the same command.
TEST(Claims, WhatOneOptionWritesNoOtherOfItsCommandNames) {
  const testing::TemporaryFolder folder;
  const std::string file = folder / "a", otherwise = folder.path() / "." / "a";
  write_bytes(file, "x");
  const size_t commands = make_commands().size();
  size_t pairs = 0;
  const auto named = [](const Option& option, const std::string& path) {
    return option.writes == Written::named_file ? "q=" + path : path;
  };
  for (size_t c = 0; c < commands; ++c) {
    const Command sizes = make_commands()[c];
    for (size_t w = 0; w < sizes.options.size(); ++w)
      for (size_t o = 0; o < sizes.options.size(); ++o) {
        const Command command = make_commands()[c];  // with fresh targets
        const Option &written = command.options[w], &other = command.options[o];
        const bool writes = written.writes != Written::nothing && written.writes != Written::folder;
        if (!writes || w == o || !is_text(other) || !other.choices.empty() ||
            other.writes == Written::folder)
          continue;
        const FileRoles roles;
        set_text(written, named(written, file));
        set_text(other, named(other, otherwise));
        expect_input_error([&] { claim_files(command.options); }, "name the same file");
        ++pairs;
      }
  }
  EXPECT_GT(pairs, 350U);
}

/// Lines of commands with files that they would have destroyed.
class KeptFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    StoredRun run = testing::run_of_two();
    Store(at("s.db"), Store::Mode::write).add_run(run);
    const Inputs in = random_video(3, 4, 5, 2, 16);
    fs::create_directory(at("capture"));
    for (const auto& [name, tensor] : {std::pair{"q", in.q}, {"k", in.k}, {"v", in.v}}) {
      write_npy(at(std::string(name) + ".npy"), *tensor);
      write_npy(at("capture/" + std::string(name) + ".npy"), *tensor);
    }
    write_bytes(at("r.json"), "{}");
    write_bytes(at("clip.avi"), "no video");
    fs::create_symlink(folder_.path(), at("here"));
  }
  std::string at(const std::string& name) const { return folder_ / name; }
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      if (entry.is_regular_file()) files[entry.path()] = read_bytes(entry.path());
    return files;
  }
  /// "@" stands for the folder, "%" for another way to it.
  void expect_kept(std::string line, const std::string& part) const {
    for (size_t i; (i = line.find_first_of("@%")) != std::string::npos;)
      line.replace(i, 1, line[i] == '@' ? folder_.path().string() : at("here"));
    const auto before = contents();
    expect_refused(line, part);
    EXPECT_EQ(contents(), before) << line;
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(KeptFiles, OnTheLine) {
  const std::string attend = "attend --backend full --q @/q.npy --k @/k.npy --v @/v.npy ";
  for (const std::string& line :
       {attend + "--out %/k.npy",
        attend + "--out @/o.npy --stats %/o.npy",
        attend + "--out @/o.npy --router-logits @/r.npy --lse %/o.npy",
        attend + "--out @/o.npy --hidden @/r.json --mask %/r.json",
        attend + "--out @/o.npy --input gate=@/r.json --stats %/r.json",
        attend + "--out @/o.npy --grad @/q.npy --dinput q=%/q.npy",
        attend + "--out @/o.npy --grad @/q.npy --dq @/d.npy --dinput k=%/d.npy",
        std::string("export latest --db @/s.db --out %/s.db"),
        std::string("export latest --db @/s.db --out %/s.db-journal"),
        std::string("export latest --db @/s.db --out %/s.db-wal"),
        std::string("history --db @/s.db --out %/s.db"),
        std::string("import @/s.db --db %/s.db"),
        std::string("merge @/s.db --db %/s.db"),
        std::string("report @/r.json --out %/r.json"),
        std::string("report run:1 --db @/s.db --out %/s.db"),
        std::string("compare @/r.json @/q.npy --out %/r.json"),
        std::string("compare run:1 run:1 --db @/s.db --out %/s.db"),
        std::string("compare full moga --binary A=@/r.json --binary B=@/q.npy --out %/r.json"),
        std::string("run --out @/x --db %/x"),
        std::string("run --workload video:@/clip.avi --out %/clip.avi"),
        std::string("run --workload tensors:@/r.json#a --out %/r.json"),
        std::string("run --backend map:@/r.json --out %/r.json"),
        std::string("sweep --out @/x --db %/x"),
        std::string("selftest --workload tensors:@/r.json --out %/r.json"),
        std::string("table 6 --model @/r.json --out %/r.json"),
        std::string("table 4 --out @/a.md --out %/a.md"),
        std::string("project --devices @/r.json --out %/r.json"),
        std::string("check --baseline @/r.json --out %/r.json"),
        std::string("check --baseline @/r.json --suite @/q.npy --accept x --junit %/q.npy"),
        std::string("check --baseline @/r.json --markdown @/a --junit %/a"),
        std::string("quality @/clip.avi --out %/clip.avi"),
        std::string("restore @/clip.avi --out %/clip.avi"),
        std::string("metrics film @/clip.avi --out %/clip.avi"),
        std::string("metrics film --model dino=@/r.json --out %/r.json"),
        std::string("shots --score @/r.json --out %/r.json"),
        std::string("videodiff film @/clip.avi --out %/clip.avi"),
        std::string("generate --checkpoint @/r.json --out %/r.json"),
        std::string("generate --captions @/r.json --json %/r.json"),
        std::string("experiment pixels --checkpoint @/r.json --json %/r.json"),
        std::string("study report @ --ratings @/r.json --out %/r.json")})
    expect_kept(line, "name the same file");
}

TEST_F(KeptFiles, BehindTheLine) {
  write_bytes(at("averaged.safetensors"), "x");
  for (const char* name : {"clean.avi", "full.avi"}) write_bytes(at(name), "no video");
  write_bytes(at("moga_full.mp4"), "captions");
  for (const auto& [line, part] : std::vector<std::pair<std::string, std::string>>{
           {"run --grid 3,4,5 --workload tensors:@/capture --out %/capture/k.npy",
            "would overwrite"},
           {"metrics film @ --out %/clip.avi", "would overwrite"},
           {"run --grid 3,4,5 --out @/s.db", "belongs to a store of runs"},
           {"film --out @/s.db", "belongs to a store of runs"},
           {"run --grid 3,4,5 --out @/s.db-shm", "belongs to a store of runs"},
           {"train --steps 1 --fine-tune @/averaged.safetensors --out %", "name the same file"},
           {"check --suite quick --accept x --baseline @/new --junit %/new", "name the same file"},
           {"restore @/clean.avi --folder %", "name the same file"},
           {"report @/new --out %/page --figures %/page", "name the same file"},
           {"restore @/full.avi --folder % --backend stga", "name the same file"},
           {"generate --backend full --backend stga --captions @/moga_full.mp4 --out %/moga.mp4",
            "name the same file"}})
    expect_kept(line, part);
  const std::string vectors = std::string(VIDATTN_SOURCE_DIR) + "/tests/vectors";
  fs::create_directory(at("v"));
  fs::copy(vectors + "/moga", at("v/moga"), fs::copy_options::recursive);
  expect_kept("conform @/v --write %/v", "would overwrite the test vectors");
  expect_kept("conform @/v/moga --write %/v", "would overwrite the test vectors");
  expect_kept("conform " + vectors + "/moga --write %/v", "would overwrite the test vectors");
}

TEST_F(KeptFiles, TheBranchesOfACombinedPlan) {
  const std::string attend = "attend --backend moga_stga --grid 3,4,5 --set num_groups=2 --q " +
                             at("q.npy") + " --k " + at("k.npy") + " --v " + at("v.npy") +
                             " --out " + at("o.npy") + " --lse " + at("lse.npy");
  ASSERT_EQ(run_tool(attend).exit_code, 0) << run_tool(attend).err;
  std::vector<std::string> branches;
  for (const auto& entry : fs::directory_iterator(fs::path(at("lse.npy")).parent_path()))
    if (entry.path().filename().string().starts_with("lse_")) branches.push_back(entry.path());
  ASSERT_GE(branches.size(), 2U);
  for (const std::string& branch : branches) {
    const auto before = contents();
    expect_refused(attend + " --stats " + branch, "name the same file");
    EXPECT_EQ(contents(), before);
  }
}

}  // namespace
}  // namespace vidattn

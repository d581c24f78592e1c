#include "harness/host/programs/program.h"

#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "attention/cancel.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

ProgramResult run_sh(const std::string& script) {
  return run_program({.program = "sh", .arguments = {"-c", script}});
}

void make_program(const std::filesystem::path& path, const std::string& text) {
  write_bytes(path, text);
  ::chmod(path.c_str(), 0755);
}

TEST(Program, ArgumentsArriveAsTheyAre) {
  const std::vector<std::string> words = {"a b", "", "'; exit 1 #", "\"$(exit 1)\"", "x\ny",
                                          "`x`", "*"};
  std::vector<std::string> arguments = {"[%s]"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  const ProgramResult end = run_program({.program = "printf", .arguments = arguments});
  EXPECT_TRUE(end.fine()) << end.trouble();
  EXPECT_EQ(end.out, "[a b][]['; exit 1 #][\"$(exit 1)\"][x\ny][`x`][*]");
}

TEST(Program, InputAndOutputMayBeLargeAndHoldAnyByte) {
  std::string bytes(5'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 8);
  EXPECT_EQ(run_program({.program = "cat", .arguments = {}, .input = bytes}).out, bytes);
  EXPECT_EQ(run_program({.program = "cat", .arguments = {}}).out, "");
  // Nobody reads it: neither a signal nor a wait.
  EXPECT_TRUE(run_program({.program = "true", .arguments = {}, .input = bytes}).fine());
}

TEST(Program, TellsHowItEnded) {
  const ProgramResult failed = run_sh("echo first >&2; echo last >&2; echo >&2; exit 7");
  EXPECT_EQ(failed.code, 7);
  EXPECT_FALSE(failed.fine());
  EXPECT_EQ(failed.trouble(), "failed: last");
  const ProgramResult killed = run_sh("kill -9 $$");
  EXPECT_TRUE(killed.signalled);
  EXPECT_EQ(killed.trouble(), "was ended by signal 9");
}

TEST(Program, IsEndedWhenItTakesTooLongOrWritesTooMuch) {
  const TemporaryFolder folder;
  const std::string file = (folder / "file").string();
  const ProgramResult slow = run_program({.program = "sleep", .arguments = {"60"}, .seconds = 0.2});
  EXPECT_FALSE(slow.fine());
  EXPECT_EQ(slow.trouble(), "took too long");
  const ProgramCall large{.program = "dd",
                          .arguments = {"if=/dev/zero", "of=" + file, "bs=1000", "count=10"},
                          .most_file_bytes = 5000};
  EXPECT_EQ(run_program(large).trouble(), "wrote a file that is too large");
  EXPECT_EQ(std::filesystem::file_size(file), 5000U);
}

TEST(Program, HasNoFilesOfOurs) {
  const TemporaryFolder folder;
  std::FILE* ours = std::fopen((folder / "ours").c_str(), "we");
  ASSERT_NE(ours, nullptr);
  const std::string open = run_sh("readlink /proc/self/fd/* | grep -E 'ours|memfd'").out;
  std::fclose(ours);
  EXPECT_EQ(open.find("ours"), std::string::npos) << open;
  EXPECT_EQ(std::count(open.begin(), open.end(), '\n'), 2) << open;  // its stdin and stderr
}

TEST(Program, OneThatIsMissingOrNoProgramIsRefused) {
  const TemporaryFolder folder;
  expect_input_error([] { run_program({.program = "no-such-program", .arguments = {}}); },
                     "no program \"no-such-program\"");
  write_bytes(folder / "text", "x");
  expect_input_error([&] { run_program({.program = folder / "text", .arguments = {}}); },
                     "no program");
  make_program(folder / "script", "no first line that names an interpreter");
  expect_input_error([&] { run_program({.program = folder / "script", .arguments = {}}); },
                     "cannot start");
}

TEST(Program, PathIsSearchedButNeverTheCurrentFolder) {
  const TemporaryFolder folder;
  make_program(folder / "here", "#!/bin/sh\n");
  const std::string path = std::getenv("PATH");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  ::setenv("PATH", (":" + path + ":").c_str(), 1);
  EXPECT_EQ(find_program("here"), "");
  EXPECT_NE(find_program("./here"), "");
  ::setenv("PATH", (path + ":" + folder.path().string()).c_str(), 1);
  EXPECT_EQ(find_program("here"), folder / "here");
  ::setenv("PATH", path.c_str(), 1);
  std::filesystem::current_path(before);
}

TEST(Program, EndsWhenWeAreInterruptedWhereItShould) {
  std::thread interrupting([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    runs_cancelled = true;
  });
  const ProgramResult end =
      run_program({.program = "sleep", .arguments = {"60"}, .until_interrupted = true});
  interrupting.join();
  EXPECT_TRUE(run_sh("exit 0").fine());  // others may still be needed to write what there is
  runs_cancelled = false;
  EXPECT_TRUE(end.signalled);
}

TEST(ProgramDeathTest, EndsWhenWeDie) {
  const TemporaryFolder folder;
  const std::string pid = folder / "pid";
  const pid_t us = ::fork();
  if (us == 0) {
    run_program(
        {.program = "sh",
         .arguments = {"-c", "echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 60", pid}});
    std::_Exit(0);
  }
  while (!std::filesystem::exists(pid)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const pid_t program = std::stoi(read_bytes(pid));
  EXPECT_EQ(::kill(program, 0), 0);
  ::kill(us, SIGKILL);
  ::waitpid(us, nullptr, 0);
  for (int i = 0; i < 1000 && ::kill(program, 0) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_NE(::kill(program, 0), 0);
}

}  // namespace
}  // namespace vidattn

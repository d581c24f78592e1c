#include "harness/store/run_file.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(RunFile, NamesTheCommandThatWroteIt) {
  for (const auto& [words, tool] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"vidattn", "run", "--repeat", "7"}, "vidattn run"},
           {{"vidattn", "sweep", "--quiet"}, "vidattn sweep"},
           {{"vidattn", "--simd", "AVX2", "sweep"}, "vidattn sweep"},
           {{"vidattn", "--simd=AVX2", "sweep"}, "vidattn sweep"},
           {{}, "vidattn run"}}) {
    MainJob job;
    job.run.arguments = words;
    EXPECT_EQ(main_job_record(job)["tool"], tool);
  }
}

}  // namespace
}  // namespace vidattn

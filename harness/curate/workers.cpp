#include "harness/curate/workers.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <thread>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/process.h"
#include "harness/host/progress.h"
#include "harness/io/one_line.h"

namespace vidattn {
namespace {

// For a captioner that runs to be ended, and its files to be removed.
constexpr double kGraceSeconds = 5;

std::string last_line(const std::string& text) {
  std::istringstream stream(text);
  std::string line, last;
  while (std::getline(stream, line))
    if (!line.empty()) last = line;
  constexpr std::string_view kName = "vidattn: ";
  return one_line(last.starts_with(kName) ? last.substr(kName.size()) : last);
}

/// Empty = all went well.
std::string trouble_of(const ProcessResult& result) {
  if (result.end == ProcessResult::End::signalled)
    return fmt::format("its process was ended by signal {}", result.code);
  if (result.code == 0) return {};
  const std::string said = last_line(result.err);
  return said.empty() ? fmt::format("its process ended with code {}", result.code) : said;
}

/// Processes inherit these.
void share_processors(int64_t jobs) {
  const std::string threads = std::to_string(std::max<int64_t>(1, omp_get_num_procs() / jobs));
  for (const char* name : {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT"})
    ::setenv(name, threads.c_str(), 1);
}

}  // namespace

int64_t jobs_for(int64_t given, size_t videos) {
  const int64_t most = given > 0 ? given : omp_get_num_procs();
  return std::clamp<int64_t>(most, 1, std::max<int64_t>(1, static_cast<int64_t>(videos)));
}

std::map<std::string, std::string> run_workers(const WorkerStep& step,
                                               const std::vector<std::string>& videos) {
  std::map<std::string, std::string> troubles;
  if (videos.empty()) return troubles;
  share_processors(step.jobs);
  Progress progress(step.label, static_cast<int64_t>(videos.size()));
  std::mutex mutex;
  std::atomic<size_t> next = 0;
  int64_t done = 0;
  const auto work = [&] {
    for (size_t i = next++; i < videos.size() && !interrupted(); i = next++) {
      std::vector<std::string> arguments(step.arguments.begin() + 1, step.arguments.end());
      arguments.insert(arguments.end(), {"--worker", step.name + ":" + videos[i]});
      std::string trouble;
      try {
        const ProcessResult result = run_self(arguments, {.grace_seconds = kGraceSeconds});
        if (result.end == ProcessResult::End::interrupted) return;
        trouble = trouble_of(result);
      } catch (const InputError& error) {
        trouble = error.what();
      }
      const std::lock_guard<std::mutex> lock(mutex);
      if (!trouble.empty()) troubles[videos[i]] = trouble;
      progress.update(++done);
    }
  };
  std::vector<std::jthread> threads;
  for (int64_t i = 0; i < step.jobs; ++i) threads.emplace_back(work);
  threads.clear();  // joins
  return troubles;
}

}  // namespace vidattn

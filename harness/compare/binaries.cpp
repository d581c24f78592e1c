#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "attention/cancel.h"
#include "attention/error.h"
#include "attention/methods/cross.h"
#include "harness/compare/compare.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/host/programs/program.h"
#include "harness/io/npy.h"
#include "harness/io/text/system_reason.h"
#include "harness/measure/engine/engine.h"
#include "harness/store/run_file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

// Timed runs inside one process; its fastest counts. The process itself is one of two of its side
// in a block, so that the placement of its memory varies as well. A process also starts, reads its
// inputs and checks its cases: short cases are timed for about as long as that takes.
constexpr int kLeastRepeat = 5, kMostRepeat = 200;

/// A folder that goes away with its content.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = fs::temp_directory_path() / "vidattn_compare_XXXXXX";
    if (!mkdtemp(name.data()))
      throw InputError(fmt::format("cannot make a folder {}: {}", name, system_reason(errno)));
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Runs a vidattn program; throws InputError with its last line on stderr when it fails.
void run_quietly(const std::string& program, const std::vector<std::string>& arguments) {
  const ProgramResult end =
      run_program({.program = fs::absolute(program),
                   .arguments = arguments,
                   .environment = {"VIDATTN_MEASURE_LIMITS=0"},  // 0.3 s that no timing here needs
                   .until_interrupted = true});
  if (interrupted()) return;  // as it was
  // 1: an equality check failed, 2: a case is mistrusted. The cases tell.
  if (end.signalled || end.code > 2) throw InputError(fmt::format("{} {}", program, end.trouble()));
}

std::string list(const std::vector<int64_t>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

/// Everything that the methods need of a workload, as files, and the options that name it: both
/// programs attend over the same bytes, even if they would make other ones themselves.
std::vector<std::string> write_workload(const Workload& workload, const fs::path& folder) {
  const Inputs& in = workload.inputs;
  fs::create_directories(folder);
  write_npy(folder / "q.npy", *in.q);
  write_npy(folder / "k.npy", *in.k);
  write_npy(folder / "v.npy", *in.v);
  for (const auto& [name, array] : in.extra) write_npy(folder / (name + ".npy"), *array);
  std::vector<std::string> options{"--workload", "tensors:" + folder.string()};
  if (in.grid.known()) {
    options.insert(options.end(),
                   {"--grid", list({in.grid.frames, in.grid.height, in.grid.width})});
    options.insert(options.end(), {"--shots", list(in.grid.shots)});
  }
  if (is_cross(in) && in.keys() == in.length())
    options.insert(options.end(), {"--attention", "cross"});
  return options;
}

/// The command line of one process, without its repetitions and output file.
std::vector<std::string> run_arguments(const CompareOptions& options,
                                       const std::vector<std::string>& workload) {
  std::vector<std::string> arguments{"run", "--quiet"};
  arguments.insert(arguments.end(), workload.begin(), workload.end());
  const auto add = [&](const char* option, const std::string& value) {
    arguments.insert(arguments.end(), {option, value});
  };
  for (const std::string& backend : options.sides) add("--backend", backend);
  for (const std::string& device : options.devices) add("--device", device);
  for (DType dtype : options.dtypes) add("--dtype", to_string(dtype));
  if (options.pass != Pass::forward) add("--pass", to_string(options.pass));
  if (!options.densities.empty())
    add("--density", fmt::format("{}", fmt::join(options.densities, ",")));
  return arguments;
}

void require_runnable(const std::string& program) {
  if (access(program.c_str(), X_OK) != 0)
    throw InputError(fmt::format("{} cannot be run: {}", program, system_reason(errno)));
}

/// One of the two programs.
class Program {
 public:
  Program(std::string path, std::vector<std::string> arguments, const fs::path& out)
      : path_(std::move(path)), arguments_(std::move(arguments)), out_(out) {
    arguments_.insert(arguments_.end(), {"--out", out_.string()});
  }

  /// Runs it once and returns the fastest run of every case; NaN where there is none.
  std::vector<RunTimes> run(int repeat) {
    std::vector<std::string> arguments = arguments_;
    arguments.insert(arguments.end(), {"--repeat", std::to_string(repeat)});
    run_quietly(path_, arguments);
    if (interrupted()) return {};
    if (!fs::exists(out_))
      throw InputError(fmt::format("{} wrote no results: is it a vidattn program?", path_));
    last_ = read_run(out_, "");
    std::vector<RunTimes> times;
    for (const Measurement& c : last_.cases) {
      RunTimes fastest{NAN, NAN};
      for (const Block& block : c.blocks)
        if (!(fastest.seconds() <= block.seconds())) {
          fastest = {block.plan_seconds, block.run_seconds};
          fastest.backward = block.backward_seconds;
        }
      times.push_back(fastest);
    }
    return times;
  }
  const StoredRun& last() const { return last_; }
  std::string title() const { return fmt::format("{} (revision {})", path_, last_.revision); }

 private:
  std::string path_;
  std::vector<std::string> arguments_;
  fs::path out_;
  StoredRun last_;
};

/// Runs each in one process, which also warms the file cache and tells which cases there are, and
/// again with twice the repetitions: what these add is the share of a process that is timed.
/// Returns how many repetitions take as long as the rest, if as many blocks as needed still fit
/// into the budget.
int choose_repeat(Program& a, Program& b, const Policy& paired) {
  const auto seconds_with = [&](int repeat) {
    return seconds_each(1, [&] {
      a.run(repeat);
      b.run(repeat);
    });
  };
  const double pair_seconds = paired.seconds / static_cast<double>(2 * paired.min_blocks);
  if (seconds_with(1) > pair_seconds) return kLeastRepeat;  // no room for more
  const double once = seconds_with(kLeastRepeat), twice = seconds_with(2 * kLeastRepeat);
  const double each = std::max(1e-6, (twice - once) / kLeastRepeat);
  const double rest = std::max(0.0, once - kLeastRepeat * each);
  const double allowed = pair_seconds - rest;
  return static_cast<int>(
      std::clamp(std::min(rest, allowed) / each, 1.0 * kLeastRepeat, 1.0 * kMostRepeat));
}

Contender contender_of(const std::string& name, Program& program, int repeat) {
  return {name, [&program, repeat](int64_t /*in a row: a process is never too short*/) {
            auto cases = program.run(repeat);
            throw_if_cancelled();  // the process was as well, and may not have finished
            return cases;
          }};
}

}  // namespace

ComparisonResult compare_binaries(const CompareOptions& options) {
  const TemporaryFolder folder;
  const fs::path tensors = folder.path() / "workload";
  for (const char* side : {"A", "B"}) require_runnable(options.binaries.at(side));
  const Workload workload = build_workload(options.workload);
  const auto complete = run_arguments(options, write_workload(workload, tensors));
  Program a(options.binaries.at("A"), complete, folder.path() / "a.json");
  Program b(options.binaries.at("B"), complete, folder.path() / "b.json");
  const Policy paired = compare_policy(options, "program by program");
  const int repeat = choose_repeat(a, b, paired);
  if (a.last().cases.size() != b.last().cases.size())
    throw InputError("the two programs make different cases of this command line");
  const Timings timings =
      time_contenders({contender_of("A", a, repeat), contender_of("B", b, repeat)}, paired);
  const std::vector<CaseTimes>& timed = timings.contenders[1].cases;
  if (timed.empty()) timings.rethrow_failure();
  ComparisonResult result;
  for (const ContenderTimes& side : timings.contenders)
    if (side.failure)
      result.failure = fmt::format("{}: {}; what was measured until then was judged", side.name,
                                   failure_text(side.failure));
  result.a = a.title();
  result.b = b.title();
  result.protocol = fmt::format(
      "time is {}; blocks of four processes, ABBA or BAAB by a fair coin, fastest of {} "
      "runs in each of\nthe side's two processes, {:g} s together and at least {} blocks",
      timed_text(options.pass), repeat, options.seconds, paired.min_blocks);
  result.workload = workload_facts(workload);
  for (size_t i = 0; i < a.last().cases.size(); ++i) {
    ComparedCase& c = result.cases.emplace_back(pair_cases(a.last().cases[i], b.last().cases[i]));
    if (timed.empty()) c.problem = "interrupted before it was timed";
    if (c.problem.empty()) take_blocks(c, timed[i].blocks);
  }
  return result;
}

}  // namespace vidattn

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "attention/blas.h"
#include "attention/error.h"
#include "build_info.h"
#include "harness/attend.h"
#include "harness/bench.h"
#include "harness/conform.h"
#include "harness/density.h"
#include "harness/environment.h"
#include "harness/film.h"
#include "harness/interrupt.h"
#include "harness/inventory.h"
#include "harness/progress.h"
#include "harness/runner.h"

namespace vidattn {
namespace {

constexpr int kUsageError = 3;

// Sent through CLI11 as text, so that its errors name the option.
struct WorkloadTexts {
  std::vector<int64_t> grid, shots;
};

void add_workload_options(CLI::App& app, WorkloadRequest& request, WorkloadTexts& texts) {
  app.add_option("--workload", request.spec, "film | video:FILE | tensors:PATH")
      ->capture_default_str();
  app.add_option("--grid", texts.grid, "latent frames, height and width in tokens: T,H,W")
      ->delimiter(',')
      ->expected(3);
  app.add_option("--shots", texts.shots, "first latent frame of every shot: 0,10,20")
      ->delimiter(',');
  app.add_option("--heads", request.heads, "heads of the synthesized tensors")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--dim", request.dim, "channels per head, a multiple of 8")
      ->capture_default_str()
      ->check(CLI::Range(8, 1024));
  app.add_option("--seed", request.seed, "seed of the film and the projections")
      ->check(CLI::Range(0.0, 1e18))
      ->capture_default_str();
  app.add_option("--peak", request.peak,
                 "softmax peakedness to calibrate to (see README); 0 = default")
      ->capture_default_str();
}

void apply(const WorkloadTexts& texts, WorkloadRequest& request) {
  if (texts.grid.size() == 3) {
    request.frames = texts.grid[0];
    request.height = texts.grid[1];
    request.width = texts.grid[2];
    VideoGrid{request.frames, request.height, request.width}.validate();
  }
  request.shots = texts.shots;
}

/// The subcommands; each keeps its options alive and sets `action`.
class CommandLine {
 public:
  CommandLine(int argc, char** argv) : arguments_(argv, argv + argc) {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "vidattn " VIDATTN_VERSION);
    add_run("run", "the main job: compare backends on one workload", {});
    add_run("sweep", "the frontier: compare backends at a range of densities", "0.1:0.5:0.1");
    add_attend();
    add_conform();
    add_film();
    add_bench();
    app_.add_subcommand("list", "backends, devices and workloads with their parameters")
        ->callback([this] {
          action_ = [] {
            fmt::print("{}", inventory());
            return 0;
          };
        });
    auto* env = app_.add_subcommand("env", "the machine, the build and the libraries");
    env->add_flag("--json", json_, "as JSON");
    env->callback([this] {
      action_ = [this] {
        const nlohmann::json found = environment();
        fmt::print("{}\n", json_ ? found.dump(1) : environment_text(found));
        return 0;
      };
    });
  }

  int parse_and_run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
      return app_.exit(help);
    } catch (const CLI::CallForVersion& version) {
      return app_.exit(version);
    } catch (const CLI::ParseError& error) {
      throw InputError(error.what());
    }
    return action_();
  }

 private:
  void add_run(const std::string& name, const std::string& help, const std::string& densities) {
    auto* app = app_.add_subcommand(name, help);
    add_workload_options(*app, run_.workload, texts_);
    app->add_option("--backend", run_.backends, "NAME[:key=value,…]; may be repeated, or all");
    app->add_option("--density", densities_,
                    "solve each backend's knob for these densities: 0.25, 0.1,0.2 or from:to:step" +
                        (densities.empty() ? "" : "; default " + densities));
    app->add_option("--steps", run_.steps, "steps of the denoising run for `in run`")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000));
    app->add_option("--layers", run_.layers, "layers of the model for `in run`")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000));
    app->add_option("--device", run_.devices, "device; may be repeated")->capture_default_str();
    app->add_option("--dtype", dtypes_, "f32, bf16 or f16; may be repeated");
    app->add_option("--repeat", run_.repeat, "timed blocks")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000));
    app->add_option("--out", run_.out, "JSON file for everything measured");
    app->add_flag("--whole", run_.whole,
                  "never extrapolate full attention from a sample of its rows");
    app->add_flag("--quiet", run_.quiet, "no progress");
    app->callback([this, densities] {
      action_ = [this, densities] {
        apply(texts_, run_.workload);
        if (densities_.empty()) densities_ = densities;
        if (!densities_.empty()) run_.densities = parse_densities(densities_);
        if (run_.backends.empty())
          run_.backends = {"full", "moga", "moga:num_groups=20", "stga", "moga_stga"};
        if (run_.backends == std::vector<std::string>{"all"}) run_.backends = all_backends();
        if (!dtypes_.empty()) run_.dtypes.clear();
        for (const std::string& dtype : dtypes_) run_.dtypes.push_back(parse_dtype(dtype));
        run_.arguments = arguments_;
        return vidattn::run(run_);
      };
    });
  }

  void add_attend() {
    auto* app = app_.add_subcommand("attend", "one operator on your own .npy files");
    app->add_option("--backend", attend_.backend, "method, see `vidattn list`")->required();
    app->add_option("--q", attend_.q, "queries, [L,H,D]")->required();
    app->add_option("--k", attend_.k, "keys, [L,H,D]")->required();
    app->add_option("--v", attend_.v, "values, [L,H,D]")->required();
    app->add_option("--router-logits", attend_inputs_["router_logits"], "router scores, [L,M]");
    app->add_option("--hidden", attend_inputs_["hidden"], "hidden states, [L,C]");
    app->add_option("--input", named_inputs_,
                    "further input of the method: name=file.npy; may be repeated");
    app->add_option("--grid", texts_.grid, "T,H,W")->delimiter(',')->expected(3);
    app->add_option("--shots", texts_.shots, "0,10,20")->delimiter(',');
    app->add_option("--set", attend_.settings, "parameter key=value; may be repeated");
    app->add_option("--device", attend_.device, "device")->capture_default_str();
    app->add_option("--dtype", dtype_, "f32, bf16 or f16")->capture_default_str();
    app->add_option("--out", attend_.out, "output, [L,H,D] float32")->required();
    app->add_option("--lse", attend_.lse,
                    "log-sum-exp, [L,H] float32; one file per branch of a combined plan");
    app->add_option("--mask", attend_.mask, "visible pairs of all branches, uint8 [1 or H,L,L]");
    app->add_flag("--force-mask", attend_.force_mask, "write a mask of more than 4,096 tokens");
    app->add_option("--stats", attend_.stats, "JSON file of the executed plan's figures");
    app->callback([this] {
      action_ = [this] {
        WorkloadRequest request;
        apply(texts_, request);
        attend_.grid = {request.frames, request.height, request.width};
        if (!texts_.shots.empty()) attend_.grid.shots = texts_.shots;
        attend_.dtype = parse_dtype(dtype_);
        for (const auto& [name, path] : attend_inputs_)
          if (!path.empty()) attend_.inputs[name] = path;
        for (const std::string& named : named_inputs_) {
          const size_t equals = named.find('=');
          if (equals == std::string::npos)
            throw InputError("--input '" + named + "' is not name=file.npy");
          attend_.inputs[named.substr(0, equals)] = named.substr(equals + 1);
        }
        attend(attend_);
        return 0;
      };
    });
  }

  void add_conform() {
    auto* app =
        app_.add_subcommand("conform", "check test vectors: METHOD/CASE/case.json below a folder");
    app->add_option("folder", conform_.folder, "folder of test vectors")->required();
    app->add_option("--device", conform_.device, "device")->capture_default_str();
    app->add_option("--dtype", dtype_, "f32, bf16 or f16")->capture_default_str();
    app->add_option("--only", conform_.only, "one method");
    app->add_option("--write", conform_.write, "folder for the computed arrays");
    app->callback([this] {
      action_ = [this] {
        conform_.dtype = parse_dtype(dtype_);
        return conform(conform_);
      };
    });
  }

  void add_film() {
    auto* app = app_.add_subcommand("film", "write vidattn's own film as a video file");
    app->add_option("--out", film_path_, "video file: .mp4 or .avi")->required();
    app->add_option("--seed", film_.seed, "seed")->capture_default_str();
    app->add_option("--frames", film_.frames, "frames")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000000));
    app->add_option("--width", film_.width, "pixels")
        ->capture_default_str()
        ->check(CLI::Range(16, 8192));
    app->add_option("--height", film_.height, "pixels")
        ->capture_default_str()
        ->check(CLI::Range(16, 8192));
    app->callback([this] {
      action_ = [this] {
        Progress progress("rendering", 1000);
        write_film(film_, film_path_,
                   [&](double share) { progress.update(static_cast<int64_t>(share * 1000)); });
        return 0;
      };
    });
  }

  void add_bench() {
    auto* app = app_.add_subcommand("bench", "kernel speed against this machine's measured limits");
    app->add_option("--device", bench_.device, "device")->capture_default_str();
    app->add_option("--seconds", bench_.seconds, "least time for each line")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 3600.0));
    app->add_flag("--quick", bench_.quick, "a short list");
    app->add_option("--out", bench_.out, "JSON file");
    app->callback([this] { action_ = [this] { return bench(bench_); }; });
  }

  static std::vector<std::string> all_backends() {
    std::vector<std::string> names;
    for (const Backend* backend : backends()) names.push_back(backend->name());
    return names;
  }

  CLI::App app_{
      "vidattn: benchmark and evaluation of sparse attention for video diffusion transformers"};
  std::vector<std::string> arguments_;
  std::function<int()> action_;
  RunOptions run_;
  AttendOptions attend_;
  ConformOptions conform_;
  BenchOptions bench_;
  FilmSpec film_;
  WorkloadTexts texts_;
  std::string dtype_ = "f32", film_path_, densities_;
  std::vector<std::string> dtypes_, named_inputs_;
  std::map<std::string, std::string> attend_inputs_;
  bool json_ = false;
};

}  // namespace
}  // namespace vidattn

int main(int argc, char** argv) {
  vidattn::choose_blas_core(argv);
  try {
    return vidattn::CommandLine(argc, argv).parse_and_run(argc, argv);
  } catch (const vidattn::InputError& error) {
    fmt::print(stderr, "vidattn: {}\n", error.what());
    return vidattn::kUsageError;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "vidattn: out of memory\n");
    return vidattn::kUsageError;
  }
}

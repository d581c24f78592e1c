#include "attention/backend.h"
#include "harness/cli/command.h"
#include "harness/tables/tables.h"

namespace vidattn {
namespace {

// `--backend all` at the paper's longest sequence would take hours; the shortest shows every
// method, and half a second of work a run is enough to compare them.
constexpr int64_t kTokensForAll = 31200;
constexpr double kSampleForAll = 100;

TableOptions complete(TableOptions options, bool sample_given, const CommandLine& line) {
  if (options.backends == std::vector<std::string>{"all"}) {
    options.backends.clear();
    for (const Backend* backend : backends()) options.backends.push_back(backend->name());
    if (options.tokens.empty()) options.tokens = {kTokensForAll};
    if (!sample_given) options.sample_gflop = kSampleForAll;
  }
  options.arguments = line.arguments;
  return options;
}

const RegisterCommand registered(15, [](CommandLine& line) {
  auto options = std::make_shared<TableOptions>();
  TableOptions& o = *options;
  auto* app = line.app.add_subcommand(
      "table", "MoGA's efficiency tables: paper, closed form, counted and measured side by side");
  app->add_option("name", o.name, "4, 5, 6 (Figure 6), 11, 12 or all")->required();
  auto* measure =
      app->add_flag("--measure", o.measure, "tables 11 and 12: time the operators on this machine");
  app->add_flag("--full", o.full, "measure all heads and queries, however long it takes");
  app->add_option("--model", o.model,
                  "wan2.1-1.3b, wan2.1-14b, hunyuanvideo, mmdit or your JSON file");
  app->add_option("--backend", o.backends,
                  "the table for other methods: NAME[:key=value,…]; may be repeated, or all (at "
                  "31,200 tokens and --sample 100 unless given)");
  app->add_option("--tokens", o.tokens,
                  "table 11: rows to make, by their tokens; with --backend any lengths")
      ->delimiter(',');
  app->add_option(
      "--workload", o.workload,
      "film or video:PATH: count on its plans, too (with --backend the default is film)");
  app->add_option("--temporal-groups", o.temporal_groups, "shots of equal length for STGA")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app->add_option("--device", o.device, "device")->capture_default_str();
  app->add_option("--dtype", o.dtype, "f32, bf16 or f16")->capture_default_str();
  app->add_option("--heads", o.heads,
                  "heads measured, scaled up to the model's; default: as many as 4 GB of q, k, v "
                  "and output hold, with --backend 2")
      ->check(CLI::Range(1, 1024));
  CLI::Option* sample = app->add_option("--sample", o.sample_gflop,
                                        "GFLOP of one measured run, scaled up to the whole")
                            ->capture_default_str()
                            ->check(CLI::Range(1.0, 1e9))
                            ->needs(measure);
  app->add_option("--repeat", o.repeat, "timed runs, interleaved")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000))
      ->needs(measure);
  app->add_option("--devices", o.devices, "table 12: devices of the sequence parallelism")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app->add_option("--steps", o.run.steps, "table 12: denoising steps of a generation")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app->add_option("--cfg-passes", o.run.passes, "table 12: forward passes of a step")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app->add_option("--dense-steps", o.run.dense_steps, "table 12: first steps with full attention")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app->add_option("--dense-layers", o.run.dense_layers,
                  "table 12: first layers with full attention")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app->add_option("--format", o.format, "of what is printed: text, markdown, csv or json")
      ->capture_default_str();
  app->add_option(
      "--out", o.out,
      "file, kind by its ending: .txt .md .csv .json, .svg and .png for the figure; may "
      "be repeated");
  app->add_option("--paper", o.paper, "folder with other paper data (tableN.json)");
  app->callback([&line, options, sample] {
    line.action = [&line, options, given = sample->count() > 0] {
      return tables(complete(*options, given, line));
    };
  });
});

}  // namespace
}  // namespace vidattn

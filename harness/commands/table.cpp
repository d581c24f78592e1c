#include <memory>

#include "attention/backend.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/tables/tables.h"

namespace vidattn::table_command {
namespace {

// `--backend all` at the paper's longest sequence would take hours; the shortest shows every
// method, and half a second of work a run is enough to compare them.
constexpr int64_t kTokensForAll = 31200;
constexpr double kSampleForAll = 100;

struct Given {
  TableOptions table;
  std::string pass = "forward";
  bool sample = false;  ///< --sample stands on the line
};

TableOptions complete(const Given& given, const Arguments& arguments) {
  TableOptions options = given.table;
  if (options.backends == std::vector<std::string>{"all"}) {
    options.backends.clear();
    for (const Backend* backend : backends()) options.backends.push_back(backend->name());
    if (options.tokens.empty()) options.tokens = {kTokensForAll};
    if (!given.sample) options.sample_gflop = kSampleForAll;
  }
  options.pass = parse_pass(given.pass);
  options.arguments = arguments;
  return options;
}

/// What is counted and measured.
std::vector<Option> subject(Given& given) {
  TableOptions& o = given.table;
  return {
      Option("name", &o.name, table_numbers() + " or all; 6 is Figure 6").required(),
      Option("--measure", &o.measure, "tables 11 and 12: time the operators on this machine"),
      Option("--full", &o.full, "measure all heads and queries, however long it takes"),
      Option("--model", &o.model, "wan2.1-1.3b, wan2.1-14b, hunyuanvideo, mmdit or your JSON file"),
      Option("--backend", &o.backends,
             "the table for other methods: NAME[:key=value,…]; may be repeated, or all (at "
             "31,200 tokens and --sample 100 unless given)"),
      Option("--tokens", &o.tokens,
             "table 11: rows to make, by their tokens; with --backend any lengths"),
      Option("--workload", &o.workload,
             "film or video:PATH: count on its plans, too (with --backend the default is "
             "film)"),
      Option("--temporal-groups", &o.temporal_groups, "shots of equal length for STGA").in(1, 1000),
      device_option(o.device),
      dtype_option(o.dtype),
      pass_option(given.pass).needs("--measure"),
      Option("--heads", &o.heads,
             "heads measured, scaled up to the model's; default: as many as 4 GB of q, k, v "
             "and output hold, with --backend 2")
          .in(1, 1024),
      Option("--sample", &o.sample_gflop,
             "GFLOP of one measured run, scaled up to the whole; more where that is too few "
             "query blocks")
          .in(1, 1e9)
          .needs("--measure")
          .tells(given.sample),
      Option("--repeat", &o.repeat, "timed runs, interleaved").in(1, 100000).needs("--measure")};
}

std::vector<Option> generation(TableOptions& o) {
  return {
      Option("--devices", &o.devices, "table 12: devices of the sequence parallelism")
          .in(1, 100000),
      Option("--steps", &o.run.steps, "table 12: denoising steps of a generation").in(1, 100000),
      Option("--cfg-passes", &o.run.passes, "table 12: forward passes of a step").in(1, 100),
      Option("--dense-steps", &o.run.dense_steps, "table 12: first steps with full attention")
          .in(0, 100000),
      Option("--dense-layers", &o.run.dense_layers, "table 12: first layers with full attention")
          .in(0, 100000)};
}

std::vector<Option> output(TableOptions& o) {
  return {Option("--format", &o.format, "of what is printed: text, markdown, latex, csv or json"),
          Option("--out", &o.out,
                 "file, kind by its ending: .txt .md .tex .csv .json, .svg .png .pdf for Figure 6; "
                 "may be repeated")
              .written(),
          Option("--paper", &o.paper, "folder with other paper data (tableN.json)")};
}

const RegisterCommand registered([] {
  auto given = std::make_shared<Given>();
  TableOptions& o = given->table;
  return Command{
      "table", "MoGA's efficiency tables: paper, closed form, counted and measured side by side",
      joined({subject(*given), generation(o), output(o)}),
      [given](const Arguments& arguments) { return tables(complete(*given, arguments)); }};
});

}  // namespace
}  // namespace vidattn::table_command

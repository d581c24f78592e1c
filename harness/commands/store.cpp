#include "harness/store/store.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text_table.h"
#include "harness/store/export.h"
#include "harness/store/google_benchmark.h"

namespace vidattn {
namespace {

struct Options {
  std::string db = kDefaultStore, file, format = "vidattn";
  std::vector<std::string> runs;
};

int list_runs(const Options& options) {
  std::vector<std::vector<std::string>> rows;
  for (const StoredRun& run : Store(options.db).list_runs())
    rows.push_back({std::to_string(run.id), run.uid, run.suite, run.started,
                    run.finished.empty() ? "unfinished" : run.finished,
                    std::to_string(run.case_count), run.machine_key, run.revision});
  fmt::print("{}", text_table({"run", "uid", "suite", "started", "finished", "cases", "machine",
                               "revision"},
                              rows));
  return 0;
}

int export_json(const Options& options) {
  require_writable(options.file);
  const Store store(options.db);
  std::vector<StoredRun> runs;
  for (const std::string& name : options.runs) runs.push_back(store.load_run(name));
  const bool benchmark = options.format == "google-benchmark";
  if (benchmark && runs.size() != 1)
    throw InputError("the format google-benchmark holds one run; " + std::to_string(runs.size()) +
                     " are named");
  write_json(options.file, benchmark ? google_benchmark_json(runs[0]) : export_runs(runs));
  return 0;
}

int import_json(const Options& options) {
  const std::vector<StoredRun> runs = read_export(options.file);
  Store store(options.db, Store::Mode::write);
  for (const StoredRun& run : runs)
    fmt::print("run {} of suite {}: {}\n", run.uid, run.suite,
               store.add_run(run) ? "added" : "is there already");
  return 0;
}

const RegisterCommand registered(62, [](CommandLine& line) {
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* help, int (*action)(const Options&)) {
    auto* app = line.app.add_subcommand(name, help);
    app->add_option("--db", options->db, "SQLite file of stored runs")->capture_default_str();
    app->callback([&line, options, action] { line.action = [=] { return action(*options); }; });
    return app;
  };
  add("runs", "list the stored runs", list_runs);
  auto* out = add("export", "write stored runs as JSON", export_json);
  out->add_option("run", options->runs, "id, uid, latest or latest:SUITE; several may follow")
      ->required();
  out->add_option("--out", options->file, "JSON file")->required();
  out->add_option("--format", options->format, "vidattn, or google-benchmark for its tools")
      ->capture_default_str()
      ->check(CLI::IsMember({"vidattn", "google-benchmark"}));
  add("import", "add exported runs to a store", import_json)
      ->add_option("file", options->file, "JSON file that export wrote")
      ->required();
});

}  // namespace
}  // namespace vidattn

#include "harness/store/store.h"

#include <memory>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/options.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text_table.h"
#include "harness/store/bencher.h"
#include "harness/store/export.h"
#include "harness/store/google_benchmark.h"
#include "harness/suites/shards/merge.h"

namespace vidattn::store_command {
namespace {

struct Given {
  std::string db = kDefaultStore, file, format = "vidattn";
  std::vector<std::string> runs;
};

void list_runs(const Given& given) {
  std::vector<std::vector<std::string>> rows;
  for (const StoredRun& run : Store(given.db).list_runs())
    rows.push_back({std::to_string(run.id), run.uid, run.suite, run.started,
                    run.finished.empty() ? "unfinished" : run.finished,
                    std::to_string(run.case_count), run.machine_key, run.revision});
  print_out("{}", text_table({"run", "uid", "suite", "started", "finished", "cases", "machine",
                              "revision"},
                             rows));
}

/// The formats of others name cases, not runs.
nlohmann::json only_run(const std::vector<StoredRun>& runs, const std::string& format) {
  if (runs.size() != 1)
    throw InputError("the format " + format + " holds one run; " + std::to_string(runs.size()) +
                     " are named");
  return format == "bmf" ? bencher_json(runs[0]) : google_benchmark_json(runs[0]);
}

void export_json(const Given& given) {
  const Store store(given.db);
  std::vector<StoredRun> runs;
  for (const std::string& name : given.runs) runs.push_back(store.load_run(name));
  write_json(given.file,
             given.format == "vidattn" ? export_runs(runs) : only_run(runs, given.format));
  for (const Measurement& c : runs[0].cases)
    if (given.format != "vidattn" && !c.passed())
      print_out("without a time, {}: {}\n", to_string(c.outcome), c.key());
}

void import_json(const Given& given) {
  const std::vector<StoredRun> runs = read_export(given.file);
  Store store(given.db, Store::Mode::write);
  for (const StoredRun& run : runs)
    print_out("run {} of suite {}: {}\n", run.uid, run.suite,
              store.add_run(run) ? "added" : "is there already");
}

const RegisterCommand merging([] {
  auto given = std::make_shared<MergeOptions>();
  return Command{
      "merge",
      "one store of several: the shards of a suite become one run",
      {Option("store", &given->stores, "SQLite files that are read; several may follow").required(),
       db_option(given->db),
       Option("--mixed-revisions", &given->mixed_revisions,
              "shards of several programs become a run each"),
       Option("--partial", &given->partial, "merge though shards are missing or unfinished")},
      [given](const Arguments&) { return merge(*given); }};
});

template <class Run>
Command command(const char* name, const char* help, const std::shared_ptr<Given>& given,
                const std::vector<Option>& more, Run run) {
  return {name, help, joined({{db_option(given->db)}, more}), [given, run](const Arguments&) {
            run(*given);
            return ExitCode::fine;
          }};
}

const RegisterCommand runs([] {
  return command("runs", "list the stored runs", std::make_shared<Given>(), {}, list_runs);
});

const RegisterCommand exporting([] {
  auto given = std::make_shared<Given>();
  return command("export", "write stored runs as JSON", given,
                 {Option("run", &given->runs, "id, uid, latest or latest:SUITE; several may follow")
                      .required(),
                  out_option(given->file, "JSON file").required(),
                  Option("--format", &given->format,
                         "vidattn; for trackers google-benchmark, or bmf (Bencher Metric Format)")
                      .one_of({"vidattn", "google-benchmark", "bmf"})},
                 export_json);
});

const RegisterCommand importing([] {
  auto given = std::make_shared<Given>();
  return command("import", "add exported runs to a store", given,
                 {Option("file", &given->file, "JSON file that export wrote").required()},
                 import_json);
});

}  // namespace
}  // namespace vidattn::store_command

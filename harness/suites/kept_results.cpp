#include "harness/suites/kept_results.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"

namespace vidattn {

KeptResults::KeptResults(std::string file, const std::string& db) : file_(std::move(file)) {
  if (!db.empty()) store_.emplace(db, Store::Mode::write);
}

void KeptResults::keep(const MainJob& job, size_t finished) {
  const auto& cases = job.run.cases;
  if (std::all_of(cases.begin(), cases.end(),
                  [](const Measurement& m) { return m.outcome == Outcome::skipped; }))
    return;
  if (!file_.empty())
    Outputs::keep([&] {
      nlohmann::json record = main_job_record(job);
      record["interrupted"] = true;
      write_json(file_, record);
    });
  if (store_) Outputs::keep([&] { store(job, finished); });
}

void KeptResults::finish(const MainJob& job, Outputs& outputs) {
  if (!file_.empty()) outputs.write([&] { write_json(file_, main_job_record(job)); });
  if (store_) outputs.write([&] { store_or_print(job); });
}

/// The run with its first cases is one transaction, and so is each later part of it.
void KeptResults::store(const MainJob& job, size_t finished) {
  const auto first = static_cast<std::ptrdiff_t>(final_);
  if (run_ == 0)
    run_ = store_->add_run(job.run).value_or(0);
  else
    store_->put_cases(run_, first, {job.run.cases.begin() + first, job.run.cases.end()});
  final_ = finished;
}

/// What neither store nor file took is not lost for it.
void KeptResults::store_or_print(const MainJob& job) {
  try {
    store_end(job);
  } catch (const std::exception&) {
    if (file_.empty()) print_out("{}\n", json_line(main_job_record(job)));
    throw;
  }
}

void KeptResults::store_end(const MainJob& job) {
  const bool was_there = run_ != 0;
  store(job, job.run.cases.size());
  if (was_there && !job.run.finished.empty()) store_->finish_run(run_, job.run.finished);
  print_out("run {} is in {}\n", run_, in_quotes(store_->path().string()));
}

}  // namespace vidattn

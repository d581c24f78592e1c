#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/report/labels.h"
#include "harness/report/report.h"
#include "harness/report/run_table.h"

namespace vidattn {
namespace {

std::vector<Measurement> all_cases(const std::vector<StoredRun>& runs) {
  std::vector<Measurement> cases;
  for (const StoredRun& run : runs) cases.insert(cases.end(), run.cases.begin(), run.cases.end());
  return cases;
}

}  // namespace

std::vector<std::string> write_tables(const std::vector<StoredRun>& runs,
                                      const std::string& folder) {
  const std::filesystem::path into = folder;
  const auto cases = all_cases(runs);
  const auto names = label_cases(runs).labels;
  write_text(into / "table.tex", run_latex(cases, names));
  write_text(into / "table.md", run_markdown(cases, names));
  write_text(into / "table.csv", run_csv(cases));
  return {"table.tex", "table.md", "table.csv"};
}

}  // namespace vidattn

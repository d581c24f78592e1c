#include "harness/study/report/report.h"

#include <fmt/format.h>

#include <filesystem>

#include "attention/error.h"
#include "harness/host/output/outputs.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/markdown.h"
#include "harness/study/report/tables.h"

namespace vidattn {
namespace {

constexpr const char* kStudyReportSchema = "1.0";

std::string as_text(const std::vector<StudyPart>& parts) {
  std::string text;
  for (const StudyPart& part : parts) {
    text += part.heading + "\n" + part.text + "\n";
    if (!part.rows.empty()) text += text_table(part.headers, part.rows);
    text += "\n";
  }
  return text;
}

std::string as_markdown(const std::vector<StudyPart>& parts) {
  std::string text;
  for (const StudyPart& part : parts) {
    text += "## " + markdown(part.heading) + "\n\n" + markdown_line(part.text) + "\n\n";
    if (part.rows.empty()) continue;
    std::string alignment(part.headers.size(), 'r');
    alignment.replace(0, 2,
                      part.headers[1] == "method" || part.headers[1] == "methods" ? "ll" : "lr");
    text += markdown_table(part.headers, part.rows, alignment) + "\n";
  }
  return text;
}

std::string ending_of(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension();
  if (ending != ".json" && ending != ".md" && ending != ".txt")
    throw InputError(fmt::format("--out {}: the ending is .json, .md or .txt", in_quotes(path)));
  return ending;
}

}  // namespace

ExitCode report_study(const StudyReportOptions& options) {
  for (const std::string& path : options.out) ending_of(path);
  const Study study = read_study(options.study);
  const StudyKey key = read_study_key(options.study, study);
  const CollectedRatings ratings = collect_ratings(options.study, study, key, options.ratings);
  const StudyAnalysis analysis = analyse_study(study, key, ratings);
  const std::vector<StudyPart> parts = study_parts(study, key, ratings, analysis);
  Outputs outputs;
  outputs.write([&] { print_out("{}", as_text(parts)); });
  for (const std::string& path : options.out)
    outputs.write([&] {
      const std::string ending = ending_of(path);
      if (ending != ".json")
        return write_text(path,
                          ending == ".md" ? as_markdown(parts) : printable_lines(as_text(parts)));
      nlohmann::json record = record_header("study report", kStudyReportSchema, options.arguments);
      record.update(study_record(study, key, ratings, analysis));
      write_json(path, record);
    });
  return outputs.code(ExitCode::fine);
}

}  // namespace vidattn

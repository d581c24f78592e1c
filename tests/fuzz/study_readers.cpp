// Readers of what raters send and of a study's files (harness/study). Beside the file that is
// fuzzed lie the others of a small study.

#include <fstream>

#include "harness/io/json_file.h"
#include "harness/study/page/page.h"
#include "harness/study/report/tables.h"
#include "harness/study/serve/desk.h"
#include "tests/fuzz/readers.h"
#include "tests/harness/study/studies.h"

namespace vidattn::fuzz {
namespace {

namespace fs = std::filesystem;
using testing::made_up_study;
using testing::MadeUpStudy;

const MadeUpStudy& small_study() {
  static const MadeUpStudy made = made_up_study(StudyKind::pairs, 2, 3, 1);
  return made;
}

void analyse(const StudyKey& key, const CollectedRatings& ratings) {
  const Study& study = small_study().study;
  const StudyAnalysis analysis = analyse_study(study, key, ratings);
  study_parts(study, key, ratings, analysis);
  study_record(study, key, ratings, analysis);
}

void study(const fs::path& file) { study_page(read_study(file.parent_path()), {}); }

/// Two raters who answered every task.
CollectedRatings all_ratings() {
  CollectedRatings all;
  for (const char* name : {"0-0123456789ab", "1-0123456789ab"}) {
    RaterRatings& rater = all.raters.emplace_back(RaterRatings{name});
    for (const int64_t task : small_study().study.plan_of(name[0] - '0'))
      rater.ratings[task] = {name, task, {task % 3 - 1, 1, -1}};
  }
  return all;
}

void key(const fs::path& file) {
  analyse(read_study_key(file.parent_path(), small_study().study), all_ratings());
}

/// What a rater's page saved.
void ratings(const fs::path& file) {
  const MadeUpStudy& made = small_study();
  analyse(made.key, collect_ratings(file.parent_path(), made.study, made.key, {file}));
}

/// The server's file, as it is reported and as the next server takes it up.
void journal(const fs::path& file) {
  const MadeUpStudy& made = small_study();
  const Desk desk(made.study, file);
  analyse(made.key, collect_ratings(file.parent_path(), made.study, made.key, {}));
}

/// What a rater sends to the server.
void message(const fs::path& file) {
  static const fs::path kept = [&] {
    const fs::path path = file.parent_path() / "kept.jsonl";
    std::ofstream(path) << R"({"rater":"0-0123456789ab","joined":"now"})"
                        << "\n";
    return path;
  }();
  static Desk desk(small_study().study, kept);
  std::ifstream in(file, std::ios::binary);
  desk.rate({std::istreambuf_iterator<char>(in), {}});
}

}  // namespace

std::vector<Reader> with_study_readers(std::vector<Reader> others) {
  for (const Reader& reader : {Reader{"study", "study/study.json", study},
                               {"key", "key/key.json", key},
                               {"ratings", "ratings/saved.json", ratings},
                               {"journal", "journal/ratings.jsonl", journal},
                               {"message", "message/body", message}})
    others.push_back(reader);
  return others;
}

}  // namespace vidattn::fuzz

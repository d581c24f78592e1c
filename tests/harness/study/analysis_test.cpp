#include "harness/study/report/analysis.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/io/json_file.h"
#include "harness/study/report/tables.h"
#include "tests/harness/files.h"
#include "tests/harness/study/studies.h"

namespace vidattn {
namespace {

using nlohmann::json;
using testing::expect_input_error;
using testing::made_up_study;
using testing::MadeUpStudy;
using testing::Raters;
using testing::TemporaryFolder;
using testing::write_bytes;

const std::vector<std::vector<double>> kTaste{{7.5, 6, 5}, {6.5, 6.5, 4}, {7, 5.5, 5}};

CollectedRatings rated(const MadeUpStudy& made, int64_t raters, uint64_t seed) {
  const Raters crowd(made.study, made.key, kTaste, seed);
  CollectedRatings all;
  for (int64_t n = 0; n < raters; ++n) {
    RaterRatings& rater = all.raters.emplace_back();
    rater.rater = std::to_string(n) + "-000000000000";
    for (const int64_t task : made.study.plan_of(n))
      rater.ratings[task] = {rater.rater, task, crowd.answers(n, task), 1};
    rater.checks = static_cast<int64_t>(made.key.checks.size());
  }
  return all;
}

/// Which of two methods comes first in the study's key is no one's opinion.
TEST(StudyAnalysis, AgreementOnPairsHasNoOrderOfMethods) {
  const MadeUpStudy made = made_up_study(StudyKind::pairs, 6, 3);
  const CollectedRatings ratings = rated(made, 12, 3);
  StudyKey other = made.key;
  std::swap(other.methods[0], other.methods[1]);
  for (auto& [name, video] : other.videos)
    if (video.method < 2) video.method = 1 - video.method;
  const StudyAnalysis first = analyse_study(made.study, made.key, ratings);
  const StudyAnalysis second = analyse_study(made.study, other, ratings);
  for (size_t q = 0; q < first.agreement.size(); ++q) {
    EXPECT_NEAR(first.agreement[q].ordinal, second.agreement[q].ordinal, 1e-12);
    EXPECT_NEAR(first.agreement[q].interval, second.agreement[q].interval, 1e-12);
    EXPECT_GT(first.agreement[q].ordinal, 0.1);  // tastes that are known
  }
}

/// Thirty raters whose preferences are known, again and again: 95% intervals have the truth in them
/// in about 95 of 100 studies, and equal methods are hardly ever called different.
TEST(StudyAnalysis, IntervalsCoverTheTruthOfThirtyRaters) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 8, 3);
  int intervals = 0, covered = 0, wrong = 0, there = 0, found = 0;
  constexpr int kStudies = 60;
  for (uint64_t seed = 1; seed <= kStudies; ++seed) {
    const StudyAnalysis analysis = analyse_study(made.study, made.key, rated(made, 30, seed));
    for (const MethodMean& mean : analysis.means) {
      const double truth = kTaste[mean.question][mean.method];
      ++intervals;
      covered += mean.kept.low <= truth && truth <= mean.kept.high;
    }
    for (const MethodDifference& d : analysis.differences) {
      const double truth = kTaste[d.question][d.a] - kTaste[d.question][d.b];
      ++intervals;
      covered += d.mean.low <= truth && truth <= d.mean.high;
      wrong += truth == 0 && d.adjusted_p < 0.05;
      found += truth >= 1.5 && d.adjusted_p < 0.05;
      there += truth >= 1.5;
    }
  }
  EXPECT_GE(covered, 0.93 * intervals);
  EXPECT_LE(covered, 0.99 * intervals);
  EXPECT_LE(wrong, 3);
  EXPECT_GE(found, 0.98 * there);
}

TEST(StudyAnalysis, PairsFindTheOrderOfTheMethods) {
  const MadeUpStudy made = made_up_study(StudyKind::pairs, 8, 3);
  const StudyAnalysis analysis = analyse_study(made.study, made.key, rated(made, 30, 1));
  ASSERT_EQ(analysis.strengths.size(), 3U);
  const BradleyTerry& following = analysis.strengths[0];
  EXPECT_GT(following.strength[0], following.strength[1]);
  EXPECT_GT(following.strength[1], following.strength[2]);
  const BradleyTerry& quality = analysis.strengths[1];
  EXPECT_LT(std::abs(quality.strength[0] - quality.strength[1]),
            2.5 * (quality.standard_error[0] + quality.standard_error[1]));
  EXPECT_GT(quality.strength[1], quality.strength[2]);
  for (const MethodDifference& d : analysis.differences) {
    EXPECT_EQ(d.mean.raters, 30);
    EXPECT_GE(d.mean.mean, d.a == 0 && d.b == 1 && d.question == 1 ? -0.3 : 0) << "signs";
  }
  for (const MethodDifference& d : analysis.differences) EXPECT_LE(d.mean.high, 1);
  double shares = 0;
  for (const MethodMean& mean : analysis.means) shares += mean.kept.mean;
  EXPECT_NEAR(shares, 3 * 1.5, 1e-9) << "each pair has one point";
}

/// Whether a stands left or right makes no difference.
TEST(StudyAnalysis, SidesOfAPairAreUndone) {
  const MadeUpStudy made = made_up_study(StudyKind::pairs, 2, 2, 0);
  CollectedRatings all;
  for (int64_t n = 0; n < 8; ++n) {
    RaterRatings& rater = all.raters.emplace_back();
    rater.rater = std::to_string(n) + "-000000000000";
    for (const int64_t task : made.study.plan_of(n)) {
      const bool a_left = made.key.videos.at(made.study.tasks[task].videos[0]).method == 0;
      rater.ratings[task] = {rater.rater, task, {a_left ? -1 : 1, 0, a_left ? 1 : -1}, 1};
    }
  }
  const StudyAnalysis analysis = analyse_study(made.study, made.key, all);
  EXPECT_EQ(analysis.differences[0].mean.mean, 1);  // A always
  EXPECT_EQ(analysis.differences[0].mean.p, 1.0 / 128) << "eight who agree";
  EXPECT_TRUE(std::isinf(analysis.differences[0].mean.high));
  EXPECT_EQ(analysis.differences[1].mean.mean, 0);   // neither
  EXPECT_EQ(analysis.differences[2].mean.mean, -1);  // B always
  EXPECT_TRUE(analysis.strengths[0].strength.empty()) << "no finite strength";
  EXPECT_NEAR(analysis.strengths[1].strength[0], 0, 1e-9);
}

TEST(StudyAnalysis, LeavesOutWhoFailsMoreThanAThirdOfTheChecks) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 4, 2, 3);
  CollectedRatings all = rated(made, 6, 3);
  all.raters[0].failed = 1;  // of three: kept
  all.raters[1].failed = 2;
  all.raters[2].checks = 0;  // went before any check: kept
  for (auto& [task, rating] : all.raters[1].ratings) rating.answers = {10, 10, 10};
  const StudyAnalysis analysis = analyse_study(made.study, made.key, all);
  EXPECT_EQ(analysis.kept, 5);
  EXPECT_EQ(analysis.inattentive, 1);
  EXPECT_EQ(analysis.unjudged, 1);
  EXPECT_EQ(analysis.ratings, 5 * 8) << "checks are no ratings";
  EXPECT_GT(analysis.means[0].of_all, analysis.means[0].kept.mean);
}

TEST(StudyAnalysis, PowerFollowsFromTheVariances) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 8, 2);
  const StudyAnalysis analysis = analyse_study(made.study, made.key, rated(made, 30, 1));
  double before = 1e9;
  for (const PowerRow& row : analysis.power)
    if (row.question == 0 && row.prompts == 8) {
      EXPECT_LT(row.detectable, before);
      before = row.detectable;
    }
  EXPECT_EQ(analysis.power.size(), 3U * 10);
}

class StudyRatings : public ::testing::Test {
 protected:
  void SetUp() override {
    write_json(folder_ / kStudyFile, to_json(made_.study));
    write_json(folder_ / kStudyKeyFile, to_json(made_.key));
  }
  json rating(int64_t place, const json& answers) const {
    return {{"rater", kRater}, {"task", made_.study.plan_of(0)[place]}, {"answers", answers}};
  }
  std::string saved(const json& ratings) const {
    std::string path = folder_ / "saved.json";
    write_json(path, {{"study", made_.study.id}, {"rater", kRater}, {"ratings", ratings}});
    return path;
  }
  CollectedRatings collect(const std::vector<std::string>& files) const {
    const Study study = read_study(folder_.path());
    return collect_ratings(folder_.path(), study, read_study_key(folder_.path(), study), files);
  }

  static constexpr const char* kRater = "0-0123456789ab";
  const MadeUpStudy made_ = made_up_study(StudyKind::scale, 4, 3);
  const TemporaryFolder folder_;
};

TEST_F(StudyRatings, OfServerAndFilesAreOne) {
  expect_input_error([&] { collect({}); }, "no rating yet");
  write_bytes(folder_ / kStudyRatings, json{{"rater", kRater}, {"joined", "now"}}.dump() + "\n" +
                                           rating(0, {1, 2, 3}).dump() + "\n{\"rater\":\"0-01");
  const CollectedRatings all = collect(
      {saved(json::array({rating(0, {1, 2, 3}), rating(1, {4, 5, 6}), rating(2, json::array())}))});
  ASSERT_EQ(all.raters.size(), 1U);
  EXPECT_EQ(all.raters[0].ratings.size(), 3U);
  EXPECT_EQ(all.joined, 1);
  EXPECT_EQ(all.conflicts, 0);
  EXPECT_EQ(collect({saved(json::array({rating(0, {9, 9, 9})}))}).conflicts, 1);
}

TEST_F(StudyRatings, OfAFileThatMakesNoSenseAreRefused) {
  expect_input_error([&] { collect({saved(json::array({rating(0, {1, 2})}))}); }, "3 answers");
  expect_input_error([&] { collect({saved(json::array({rating(0, {1, 2, 30})}))}); }, "answers[2]");
  json other = rating(0, {1, 2, 3});
  other["rater"] = "1-0123456789ab";
  expect_input_error([&] { collect({saved(json::array({other}))}); }, "not the file's rater");
  write_bytes(folder_ / "x.json", "{\"study\":\"another\",\"rater\":\"x\",\"ratings\":[]}");
  expect_input_error([&] { collect({folder_ / "x.json"}); }, "another study");
  write_bytes(folder_ / kStudyRatings, "x\n");
  expect_input_error([&] { collect({}); }, "line 1");
}

TEST_F(StudyRatings, OfAChangedStudyAreRefused) {
  json key = to_json(made_.key);
  key["checks"] = json::object();
  write_json(folder_ / kStudyKeyFile, key);
  expect_input_error([&] { collect({}); }, "checks");
  key["methods"] = std::vector<std::string>(kMostStudyMethods + 1);
  write_json(folder_ / kStudyKeyFile, key);
  expect_input_error([&] { collect({}); }, "at most 50 methods");
  json study = to_json(made_.study);
  study["tasks"][0]["videos"] = {"../../etc/passwd"};
  write_json(folder_ / kStudyFile, study);
  expect_input_error([&] { read_study(folder_.path()); }, "videos");
}

TEST(StudyFiles, AreReadOrRefusedWhateverStandsInThem) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 1, 1, 1);
  const TemporaryFolder folder;
  const auto read = [&](const std::filesystem::path&) {
    const Study study = read_study(folder.path());
    read_study_key(folder.path(), study);
    for (const auto& plan : study.plans) ASSERT_LT(plan.at(0), 2);
  };
  write_json(folder / kStudyKeyFile, to_json(made.key));
  const std::string study = to_json(made.study).dump(), key = to_json(made.key).dump();
  EXPECT_GT(testing::expect_read_or_refused(study, folder / kStudyFile, read), 1000);
  write_bytes(folder / kStudyFile, study);
  EXPECT_GT(testing::expect_read_or_refused(key, folder / kStudyKeyFile, read), 500);
}

std::string told_by(const MadeUpStudy& made, const CollectedRatings& ratings) {
  std::string text;
  const StudyAnalysis analysis = analyse_study(made.study, made.key, ratings);
  for (const StudyPart& part : study_parts(made.study, made.key, ratings, analysis))
    text += part.text + "\n";
  return text;
}

TEST(StudyTables, OneRaterSpeaksOfPromptsAlone) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 4, 2);
  const std::string one = told_by(made, rated(made, 1, 1));
  EXPECT_NE(one.find("8 ratings by 1 rater of 4 prompts and 2 methods."), std::string::npos) << one;
  EXPECT_NE(one.find("of other raters one rater says nothing"), std::string::npos) << one;
  EXPECT_NE(told_by(made, rated(made, 2, 1)).find("other raters and prompts like these"),
            std::string::npos);
  const MadeUpStudy single = made_up_study(StudyKind::scale, 1, 2);
  const CollectedRatings ratings = rated(single, 1, 1);
  EXPECT_NE(told_by(single, ratings).find("One rater and one prompt have no intervals."),
            std::string::npos);
  const json record = study_record(single.study, single.key, ratings,
                                   analyse_study(single.study, single.key, ratings));
  EXPECT_TRUE(record["differences"][0]["holm_p"].is_null());
  EXPECT_TRUE(record["differences"][0]["low"].is_null());
}

TEST(StudyTables, OneMethodHasMeansAndNothingToHoldThemAgainst) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 4, 1);
  const CollectedRatings ratings = rated(made, 3, 1);
  const StudyAnalysis analysis = analyse_study(made.study, made.key, ratings);
  EXPECT_EQ(analysis.means.size(), 3U);
  EXPECT_TRUE(analysis.differences.empty());
  EXPECT_TRUE(analysis.power.empty()) << "of differences";
  const std::string told = told_by(made, ratings);
  EXPECT_NE(told.find("12 ratings by 3 raters of 4 prompts and 1 method."), std::string::npos)
      << told;
}

/// The same video for two raters, another for one of them, who fails the checks; all else is rated.
TEST(StudyTables, VideosThatDidNotPlayAreCountedAndNoRatings) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 4, 2, 0);
  CollectedRatings ratings = rated(made, 3, 1);
  for (const int64_t rater : {0, 1}) ratings.raters[rater].ratings[0].answers.clear();
  ratings.raters[0].ratings[1].answers.clear();
  ratings.raters[0].checks = ratings.raters[0].failed = 2;
  const std::string told = told_by(made, ratings);
  EXPECT_NE(told.find("2 videos did not play, 3 times in all"), std::string::npos) << told;
  EXPECT_NE(told.find("15 ratings by 2 raters"), std::string::npos) << told;
}

TEST(StudyAnalysis, IntervalsEndWhereTheScaleDoes) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 2, 2, 0);
  CollectedRatings ratings = rated(made, 2, 1);
  for (RaterRatings& rater : ratings.raters)
    for (auto& [task, rating] : rater.ratings)
      rating.answers.assign(3, task % 2 == 0 ? 10 : 9 - rater.rater[0] % 2);
  for (const MethodMean& mean : analyse_study(made.study, made.key, ratings).means) {
    EXPECT_LE(mean.kept.mean, mean.kept.high);
    EXPECT_TRUE(mean.kept.high == 10 || std::isinf(mean.kept.high)) << mean.kept.high;
  }
}

/// Of 80 pairs an odd number won is a tie in the third digit, of which printf makes 0.087 and
/// 0.912.
TEST(StudyTables, SharesOfTwoAreOneTogether) {
  const MadeUpStudy made = made_up_study(StudyKind::pairs, 80, 2, 0);
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const CollectedRatings ratings = rated(made, 1, seed);
    const StudyAnalysis analysis = analyse_study(made.study, made.key, ratings);
    const StudyPart means = study_parts(made.study, made.key, ratings, analysis)[1];
    const std::string &first = means.rows[0][2], &second = means.rows[1][2];
    EXPECT_NEAR(std::stod(first) + std::stod(second), 1, 1e-9) << first << " " << second;
  }
}

TEST(StudyTables, ShowWhatThePaperPrinted) {
  const MadeUpStudy made = made_up_study(StudyKind::scale, 4, 3);
  MadeUpStudy named = made;
  named.key.methods = {"moga", "sta", "full"};
  const CollectedRatings ratings = rated(made, 4, 1);
  const StudyAnalysis analysis = analyse_study(made.study, made.key, ratings);
  const std::vector<StudyPart> parts = study_parts(named.study, named.key, ratings, analysis);
  std::vector<std::string> printed;
  for (const auto& row : parts[1].rows) {
    ASSERT_EQ(row.size(), parts[1].headers.size());
    if (row[0] == "consistency") printed.push_back(row[1] + " " + row.back());
  }
  EXPECT_EQ(printed, (std::vector<std::string>{"moga 8.26", "sta ", "full ", "EchoShot 6.37",
                                               "IC-LoRA+Wan 5.03"}));
  for (const StudyPart& part : parts)
    for (const auto& row : part.rows) EXPECT_EQ(row.size(), part.headers.size()) << part.heading;
}

}  // namespace
}  // namespace vidattn

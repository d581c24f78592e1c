#include "harness/study/report/analysis.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "harness/study/report/observations.h"
#include "metrics/statistics/krippendorff.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr double kAlpha = 0.05;

/// What a method was given: ratings, or its wins of pairs.
std::vector<CrossedValue> values_of(const std::vector<Observation>& observations, int64_t method) {
  std::vector<CrossedValue> values;
  for (const Observation& o : observations) {
    const double won = (1 + o.value) / 2;
    if (o.b < 0 && o.a == method) values.push_back({o.rater, o.prompt, o.value});
    if (o.b >= 0 && o.a == method) values.push_back({o.rater, o.prompt, won});
    if (o.b >= 0 && o.b == method) values.push_back({o.rater, o.prompt, 1 - won});
  }
  return values;
}

/// Differences of a and b within a rater and prompt. Of pairs the answers are such already.
std::vector<CrossedValue> differences_of(const std::vector<Observation>& observations, int64_t a,
                                         int64_t b) {
  std::vector<CrossedValue> differences;
  std::map<std::pair<int64_t, int64_t>, double> of_a;
  for (const Observation& o : observations) {
    if (o.b >= 0 && o.a == a && o.b == b) differences.push_back({o.rater, o.prompt, o.value});
    if (o.b < 0 && o.a == a) of_a[{o.rater, o.prompt}] = o.value;
  }
  for (const Observation& o : observations)
    if (const auto found = of_a.find({o.rater, o.prompt});
        o.b < 0 && o.a == b && found != of_a.end())
      differences.push_back({o.rater, o.prompt, found->second - o.value});
  return differences;
}

/// Its interval cut to what there can be; one that is infinite stays so.
CrossedMean within(CrossedMean mean, double least, double most) {
  if (std::isfinite(mean.low)) mean.low = std::max(mean.low, least);
  if (std::isfinite(mean.high)) mean.high = std::min(mean.high, most);
  return mean;
}

/// Of pairs each answer counts as "a over b" and as "b over a": which method is a says nothing.
Agreement agreement_of(const std::vector<Observation>& observations, int64_t question) {
  std::map<std::tuple<int64_t, int64_t, int64_t>, std::vector<double>> by_unit;
  for (const Observation& o : observations) {
    by_unit[{o.prompt, o.a, o.b}].push_back(o.value);
    if (o.b >= 0) by_unit[{o.prompt, o.b, o.a}].push_back(-o.value);
  }
  std::vector<std::vector<double>> units;
  for (auto& [unit, ratings] : by_unit) units.push_back(std::move(ratings));
  return {question, krippendorff_alpha(units, RatingScale::ordinal),
          krippendorff_alpha(units, RatingScale::interval)};
}

BradleyTerry strengths_of(const std::vector<Observation>& observations, int64_t methods) {
  std::vector<Comparison> comparisons;
  for (const Observation& o : observations)
    comparisons.push_back({o.rater, o.prompt, o.a, o.b, (1 + o.value) / 2});
  return bradley_terry(comparisons, methods);
}

class Analyst {
 public:
  Analyst(const Study& study, const StudyKey& key, const CollectedRatings& ratings)
      : study_(study), key_(key), ratings_(ratings) {
    for (const RaterRatings& rater : ratings.raters)
      if (!rater.inattentive()) kept_.push_back(rater);
  }

  StudyAnalysis analyse() {
    count();
    for (int64_t q = 0; q < static_cast<int64_t>(study_questions(study_.kind).size()); ++q) ask(q);
    adjust();
    for (int64_t q = 0; q < static_cast<int64_t>(study_questions(study_.kind).size()); ++q)
      foresee(q);
    return std::move(result_);
  }

 private:
  bool is_check(int64_t task) const { return !study_.tasks[task].instruction.empty(); }
  int64_t methods() const { return static_cast<int64_t>(key_.methods.size()); }

  void count() {
    result_.kept = static_cast<int64_t>(kept_.size());
    result_.inattentive = static_cast<int64_t>(ratings_.raters.size() - kept_.size());
    for (const RaterRatings& rater : kept_) {
      result_.unjudged += rater.checks == 0 && !key_.checks.empty();
      result_.unfinished += rater.ratings.size() < study_.plan_of(rater_number(rater.rater)).size();
      for (const auto& [task, rating] : rater.ratings)
        result_.ratings += !is_check(task) && !rating.answers.empty();
    }
    count_unplayable();
  }

  /// Whoever it was for: an inattentive rater sees as well as another that nothing plays.
  void count_unplayable() {
    std::set<std::set<std::string>> different;
    for (const RaterRatings& rater : ratings_.raters)
      for (const auto& [task, rating] : rater.ratings) {
        if (is_check(task) || !rating.answers.empty()) continue;
        ++result_.unplayable;
        const auto& shown = study_.tasks[task].videos;
        different.insert({shown.begin(), shown.end()});
      }
    result_.unplayable_shown = std::ssize(different);
  }

  void ask(int64_t question) {
    const std::vector<Observation> kept = observations_of(study_, key_, kept_, question);
    const std::vector<Observation> all = observations_of(study_, key_, ratings_.raters, question);
    const auto [low, high] = answer_range(study_.kind);
    const bool shares = study_.kind == StudyKind::pairs;
    const double least = shares ? 0 : static_cast<double>(low), most = static_cast<double>(high);
    for (int64_t a = 0; a < methods(); ++a) {
      result_.means.push_back({question, a, within(crossed_mean(values_of(kept, a)), least, most),
                               crossed_mean(values_of(all, a)).mean});
      for (int64_t b = a + 1; b < methods(); ++b) {
        const std::vector<CrossedValue> values = differences_of(kept, a, b);
        result_.differences.push_back({question, a, b,
                                       within(crossed_mean(values), least - most, most - least), 1,
                                       crossed_variance(values)});
      }
    }
    result_.agreement.push_back(agreement_of(kept, question));
    if (study_.kind == StudyKind::pairs) result_.strengths.push_back(strengths_of(kept, methods()));
  }

  void adjust() {
    std::vector<double> p;
    for (const MethodDifference& difference : result_.differences) p.push_back(difference.mean.p);
    const std::vector<double> adjusted = holm(p);
    for (size_t i = 0; i < adjusted.size(); ++i) result_.differences[i].adjusted_p = adjusted[i];
  }

  /// For this study's prompts and twice as many, and a few numbers of raters. Nothing is foreseen
  /// from a study in which raters and prompts cannot be told apart, or of one method.
  void foresee(int64_t question) {
    const auto prompts = static_cast<int64_t>(study_.prompts.size());
    if (result_.kept < 2 || prompts < 2 || result_.differences.empty()) return;
    const auto level = kAlpha / static_cast<double>(result_.differences.size());
    for (const int64_t shown : {prompts, 2 * prompts})
      for (const int64_t raters : {10, 20, 30, 50, 100}) {
        double worst = 0;
        for (const MethodDifference& d : result_.differences)
          if (d.question == question)
            worst = std::max(worst, detectable_mean(d.variance, static_cast<double>(raters),
                                                    static_cast<double>(shown), level));
        // Ratings that were all the same say nothing of the next ones.
        result_.power.push_back({question, raters, shown, worst > 0 ? worst : NAN});
      }
  }

  const Study& study_;
  const StudyKey& key_;
  const CollectedRatings& ratings_;
  std::vector<RaterRatings> kept_;
  StudyAnalysis result_;
};

}  // namespace

StudyAnalysis analyse_study(const Study& study, const StudyKey& key,
                            const CollectedRatings& ratings) {
  return Analyst(study, key, ratings).analyse();
}

}  // namespace vidattn

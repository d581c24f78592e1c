#include "harness/study/report/tables.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "attention/nearest.h"
#include "harness/io/json_file.h"
#include "harness/io/text/counted.h"
#include "harness/tables/paper.h"

namespace vidattn {
namespace {

using nlohmann::json;

/// Halves go to the even digit, so that two shares that are 1 together are so as they are printed.
std::string number(double value, int digits = 2) {
  if (!std::isfinite(value)) return "–";
  const double scale = std::pow(10, digits), halves = std::round(2 * value * scale);
  const bool tie = std::abs(2 * value * scale - halves) < 1e-9 * (1 + std::abs(halves));
  return fmt::format("{:.{}f}", std::nearbyint(tie ? halves / 2 : value * scale) / scale, digits);
}

/// Whether there is more than one rater or prompt to learn from.
bool is_estimated(const CrossedMean& mean) { return std::isfinite(mean.standard_error); }

/// Of one rater and one prompt there is none.
std::string probability(double p, const CrossedMean& mean) {
  if (!is_estimated(mean)) return "–";
  return p < 0.001 ? "<0.001" : fmt::format("{:.3f}", p);
}

class Teller {
 public:
  Teller(const Study& study, const StudyKey& key, const CollectedRatings& ratings,
         const StudyAnalysis& analysis)
      : study_(study), key_(key), ratings_(ratings), analysis_(analysis) {}

  std::vector<StudyPart> tell() const {
    std::vector<StudyPart> parts{counts(), means()};
    if (!scale()) parts.push_back(strengths());
    if (!analysis_.differences.empty()) parts.push_back(differences());
    parts.push_back(agreement());
    if (!analysis_.power.empty()) parts.push_back(power());
    return parts;
  }

 private:
  bool scale() const { return study_.kind == StudyKind::scale; }
  /// A mean; of pairs it is a share.
  std::string mean(double value) const { return number(value, scale() ? 2 : 3); }
  std::string interval(const CrossedMean& m) const {
    return std::isfinite(m.low) ? mean(m.low) + " to " + mean(m.high) : "–";
  }
  const std::string& question(int64_t q) const { return study_questions(study_.kind)[q].name; }
  std::string pair(const MethodDifference& d) const {
    return key_.methods[d.a] + " - " + key_.methods[d.b];
  }

  StudyPart counts() const {
    std::string text =
        fmt::format("{} by {} of {} and {}.", counted(analysis_.ratings, "rating"),
                    counted(analysis_.kept, "rater"), counted(std::ssize(study_.prompts), "prompt"),
                    counted(std::ssize(key_.methods), "method"));
    const auto add = [&](int64_t count, const std::string& what) {
      if (count > 0) text += fmt::format(" {} {}.", count, what);
    };
    add(analysis_.inattentive,
        "more failed over a third of their attention checks and are left out, but for the column "
        "“with all”");
    add(analysis_.unjudged, "answered no check and are kept");
    add(analysis_.unfinished, "did not finish");
    if (analysis_.unplayable > 0)
      text += fmt::format(" {} did not play, {} in all: no ratings.",
                          scale() ? counted(analysis_.unplayable_shown, "video")
                                  : "A video of " + counted(analysis_.unplayable_shown, "pair"),
                          counted(analysis_.unplayable, "time"));
    if (ratings_.conflicts > 0)
      text += fmt::format(" Not counted: {} of tasks rated before.",
                          counted(ratings_.conflicts, "other rating"));
    return {study_.title, text, {}, {}};
  }

  /// One rater says nothing of others, and one prompt nothing of others.
  std::string intervals_speak_of() const {
    const bool raters = analysis_.kept > 1, prompts = study_.prompts.size() > 1;
    if (!raters && !prompts) return "One rater and one prompt have no intervals.";
    const std::string others = raters && prompts ? "other raters and prompts like these"
                               : raters          ? "other raters like these, for this one prompt"
                                        : "other prompts like these, for this one rater: of other "
                                          "raters one rater says nothing";
    return "Intervals (95%) speak of " + others + ", and end where the scale does.";
  }

  std::string p_means() const {
    return fmt::format(
        "p is how often chance alone would bring a difference at least as large, were there none, "
        "after Holm for {}; a large p is no proof that two are equal.",
        counted(std::ssize(analysis_.differences), "comparison"));
  }

  StudyPart means() const {
    StudyPart part{scale() ? "Means" : "Share of pairs won, a tie half",
                   intervals_speak_of(),
                   {"", "method", "mean", "95%", "raters", "prompts", "with all"},
                   {}};
    if (scale()) {
      part.headers.emplace_back("printed");
      part.text += " Printed: MoGA, Table 13, other videos and raters.";
    }
    for (int64_t q = 0; q < static_cast<int64_t>(study_questions(study_.kind).size()); ++q) {
      for (const MethodMean& one : analysis_.means)
        if (one.question == q) part.rows.push_back(mean_row(one));
      if (scale()) add_printed(question(q), part.rows);
    }
    return part;
  }

  TableRows::value_type mean_row(const MethodMean& of) const {
    TableRows::value_type row{
        question(of.question), key_.methods[of.method],        mean(of.kept.mean),
        interval(of.kept),     std::to_string(of.kept.raters), std::to_string(of.kept.prompts),
        mean(of.of_all)};
    if (scale()) row.emplace_back(printed(question(of.question), key_.methods[of.method]));
    return row;
  }

  /// Of the paper's method of that name; empty where it has none.
  std::string printed(const std::string& question, const std::string& method) const {
    for (const std::string& column : paper_.columns)
      if (lower_case(column) == lower_case(method)) return paper_.at(question, column).text;
    return "";
  }

  void add_printed(const std::string& question, TableRows& rows) const {
    std::set<std::string> own;
    for (const std::string& method : key_.methods) own.insert(lower_case(method));
    for (const std::string& column : paper_.columns)
      if (!own.contains(lower_case(column)))
        rows.push_back({question, column, "", "", "", "", "", paper_.at(question, column).text});
  }

  StudyPart strengths() const {
    StudyPart part{"Bradley-Terry strengths",
                   "Log odds against the mean of the methods, with standard errors over raters and "
                   "prompts; a tie is half a win of each.",
                   {"", "method", "strength", "standard error"},
                   {}};
    for (size_t q = 0; q < analysis_.strengths.size(); ++q) {
      const BradleyTerry& fit = analysis_.strengths[q];
      for (size_t m = 0; m < key_.methods.size(); ++m)
        part.rows.push_back({question(static_cast<int64_t>(q)), key_.methods[m],
                             fit.strength.empty() ? "none finite" : number(fit.strength[m]),
                             fit.strength.empty() ? "–" : number(fit.standard_error[m])});
    }
    return part;
  }

  StudyPart differences() const {
    StudyPart part{"Paired differences",
                   (scale() ? "Within a rater and prompt. "
                            : "How often the first was preferred less how often the second was. ") +
                       p_means(),
                   {"", "methods", "difference", "95%", "p"},
                   {}};
    for (const MethodDifference& d : analysis_.differences)
      part.rows.push_back({question(d.question), pair(d), mean(d.mean.mean), interval(d.mean),
                           probability(d.adjusted_p, d.mean)});
    return part;
  }

  StudyPart agreement() const {
    StudyPart part{"Agreement of the raters",
                   "Krippendorff's alpha: 1 = they agree, 0 = as if drawn by lot.",
                   {"", "ordinal", "interval"},
                   {}};
    for (const Agreement& a : analysis_.agreement)
      part.rows.push_back({question(a.question), number(a.ordinal), number(a.interval)});
    return part;
  }

  StudyPart power() const {
    StudyPart part{"The next study",
                   "The smallest difference that so many raters and prompts find in 80 of 100 "
                   "studies, for the methods that vary most.",
                   {"raters", "prompts"},
                   {}};
    for (const StudyQuestion& asked : study_questions(study_.kind))
      part.headers.push_back(asked.name);
    for (const PowerRow& row : analysis_.power) {
      if (row.question == 0)
        part.rows.push_back({std::to_string(row.raters), std::to_string(row.prompts)});
    }
    const size_t sizes = part.rows.size();
    for (size_t i = 0; i < analysis_.power.size(); ++i)
      part.rows[i % sizes].push_back(mean(analysis_.power[i].detectable));
    return part;
  }

  const Study& study_;
  const StudyKey& key_;
  const CollectedRatings& ratings_;
  const StudyAnalysis& analysis_;
  const PaperTable paper_ = paper_table("13");
};

json mean_json(const CrossedMean& mean) {
  return {{"mean", number_or_null(mean.mean)},
          {"low", number_or_null(mean.low)},
          {"high", number_or_null(mean.high)},
          {"standard_error", number_or_null(mean.standard_error)},
          {"count", mean.count},
          {"raters", mean.raters},
          {"prompts", mean.prompts}};
}

}  // namespace

std::vector<StudyPart> study_parts(const Study& study, const StudyKey& key,
                                   const CollectedRatings& ratings, const StudyAnalysis& analysis) {
  return Teller(study, key, ratings, analysis).tell();
}

json study_record(const Study& study, const StudyKey& key, const CollectedRatings& ratings,
                  const StudyAnalysis& analysis) {
  const auto& questions = study_questions(study.kind);
  json record{{"study", study.id},
              {"title", study.title},
              {"kind", to_string(study.kind)},
              {"methods", key.methods},
              {"raters",
               {{"joined", ratings.joined},
                {"kept", analysis.kept},
                {"inattentive", analysis.inattentive},
                {"without_checks", analysis.unjudged},
                {"unfinished", analysis.unfinished}}},
              {"ratings", analysis.ratings},
              {"unplayable", analysis.unplayable},
              {"unplayable_shown", analysis.unplayable_shown},
              {"conflicts", ratings.conflicts}};
  for (const MethodMean& m : analysis.means) {
    json entry = mean_json(m.kept);
    entry.update({{"question", questions[m.question].name},
                  {"method", key.methods[m.method]},
                  {"mean_with_all", number_or_null(m.of_all)}});
    record["means"].push_back(std::move(entry));
  }
  for (const MethodDifference& d : analysis.differences) {
    json entry = mean_json(d.mean);
    entry.update({{"question", questions[d.question].name},
                  {"a", key.methods[d.a]},
                  {"b", key.methods[d.b]},
                  {"p", number_or_null(is_estimated(d.mean) ? d.mean.p : NAN)},
                  {"holm_p", number_or_null(is_estimated(d.mean) ? d.adjusted_p : NAN)},
                  {"variance",
                   {{"rater", d.variance.rater},
                    {"prompt", d.variance.prompt},
                    {"rest", d.variance.rest}}}});
    record["differences"].push_back(std::move(entry));
  }
  for (const Agreement& a : analysis.agreement)
    record["krippendorff_alpha"].push_back({{"question", questions[a.question].name},
                                            {"ordinal", number_or_null(a.ordinal)},
                                            {"interval", number_or_null(a.interval)}});
  for (size_t q = 0; q < analysis.strengths.size(); ++q)
    record["bradley_terry"].push_back({{"question", questions[q].name},
                                       {"strength", analysis.strengths[q].strength},
                                       {"standard_error", analysis.strengths[q].standard_error}});
  for (const PowerRow& p : analysis.power)
    record["power"].push_back({{"question", questions[p.question].name},
                               {"raters", p.raters},
                               {"prompts", p.prompts},
                               {"detectable", number_or_null(p.detectable)}});
  return record;
}

}  // namespace vidattn

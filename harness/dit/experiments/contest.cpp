#include "harness/dit/experiments/contest.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <utility>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/progress.h"
#include "harness/io/json_file.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {
namespace {

/// A contestant's networks, opened.
struct Entrant {
  std::vector<std::shared_ptr<const DitNetwork>> networks;
  std::vector<BackendSpec> methods;  ///< of each network
};

Entrant enter(const Contestant& contestant) {
  Entrant entrant;
  for (const std::string& path : contestant.models) {
    entrant.networks.push_back(std::make_shared<const DitNetwork>(load_model(path)));
    const DitNetwork& network = *entrant.networks.back();
    entrant.methods.push_back(method_for(network.config(), contestant.backend.empty()
                                                               ? trained_with(network.checkpoint())
                                                               : contestant.backend));
  }
  if (entrant.networks.empty()) throw InputError(contestant.label + " has no network");
  return entrant;
}

/// One clip with one seed, painted by all.
std::vector<ClipScores> paint_all(const ExperimentRequest& request,
                                  const std::vector<Entrant>& entrants, size_t seed, int64_t clip,
                                  const std::function<void()>& done) {
  std::vector<ClipScores> scores;
  std::vector<cv::Mat> reference;
  for (const Entrant& entrant : entrants) {
    PaintedClip painted = paint_clip(request, *entrant.networks[seed], entrant.methods[seed], clip,
                                     reference.empty() ? nullptr : &reference);
    if (reference.empty()) reference = std::move(painted.frames);
    scores.push_back(std::move(painted.scores));
    done();
  }
  return scores;
}

/// Names that a contestant lacks for a clip, as PSNR of the reference, are not there.
void add_scores(const std::vector<ClipScores>& of_clip, size_t seed, size_t seeds,
                std::vector<ContestScores>& scores) {
  for (size_t i = 0; i < scores.size(); ++i)
    for (const auto& [name, value] : of_clip[i]) {
      SeedsByClips& values = scores[i].by_name[name];
      values.resize(seeds);
      values[seed].push_back(value);
    }
}

const SeedsByClips& find_scores(const ContestScores& scores, const std::string& name) {
  static const SeedsByClips none;
  const auto found = scores.by_name.find(name);
  return found == scores.by_name.end() ? none : found->second;
}

nlohmann::json interval_json(const MeanInterval& mean) {
  return {number_or_null(mean.mean), number_or_null(mean.mean - mean.half_width),
          number_or_null(mean.mean + mean.half_width)};
}

nlohmann::json numbers(const std::vector<double>& values) {
  nlohmann::json list = nlohmann::json::array();
  for (const double value : values) list.push_back(number_or_null(value));
  return list;
}

nlohmann::json contest_json(const ContestScores& scores) {
  nlohmann::json json = {{"label", scores.label}, {"backend", scores.backend}};
  for (const auto& [name, values] : scores.by_name) {
    nlohmann::json& entry = json["scores"][name];
    entry["mean"] = interval_json(mean_interval(clip_means(values)));
    for (const std::vector<double>& seed : values) entry["by_seed"].push_back(numbers(seed));
  }
  return json;
}

}  // namespace

std::vector<ContestScores> hold_contest(const ExperimentRequest& request,
                                        const std::vector<Contestant>& contestants,
                                        bool& interrupted) {
  std::vector<Entrant> entrants;
  std::vector<ContestScores> scores;
  for (const Contestant& contestant : contestants) {
    entrants.push_back(enter(contestant));
    if (entrants.back().networks.size() != entrants.front().networks.size())
      throw InputError(contestant.label + " has another number of networks than " +
                       contestants.front().label);
    scores.push_back({contestant.label, entrants.back().methods.front().text(), {}});
  }
  const size_t seeds = entrants.front().networks.size();
  const auto runs = static_cast<int64_t>(seeds * entrants.size());
  Progress progress("painting", request.clips * runs);
  int64_t done = 0;
  try {
    for (int64_t clip = 0; clip < request.clips; ++clip)
      for (size_t seed = 0; seed < seeds; ++seed)
        add_scores(paint_all(request, entrants, seed, clip, [&] { progress.update(++done); }), seed,
                   seeds, scores);
  } catch (const Cancelled&) {
    interrupted = true;
  }
  return scores;
}

void add_contest(const std::vector<ContestScores>& scores,
                 const std::vector<ContestColumn>& columns, ExperimentResult& result) {
  result.headings.emplace_back("attention");
  std::vector<std::vector<std::string>> rows;
  for (const ContestScores& s : scores) rows.push_back({s.label});
  result.record["contestants"] = nlohmann::json::array();
  for (const ContestScores& s : scores) result.record["contestants"].push_back(contest_json(s));
  for (const ContestColumn& column : columns) {
    result.headings.emplace_back(column.heading);
    std::vector<SeedsByClips> others;
    for (const ContestScores& s : scores) others.push_back(find_scores(s, column.score));
    const SeedsByClips baseline = others.front();
    others.erase(others.begin());
    const std::vector<PooledDifference> differences = pooled_differences(baseline, others);
    for (size_t i = 0; i < scores.size(); ++i) {
      MeanInterval mean = mean_interval(clip_means(find_scores(scores[i], column.score)));
      mean.mean = column.scale * mean.mean + column.offset;
      mean.half_width *= std::abs(column.scale);
      const bool star = i > 0 && differences[i - 1].significant();
      rows[i].push_back(with_interval(mean, column.digits) + (star ? "*" : ""));
      if (i > 0)
        result.record["contestants"][i]["difference_to_first"][column.score] = {
            {"mean", interval_json(differences[i - 1].difference)},
            {"adjusted_p", differences[i - 1].adjusted_p}};
    }
  }
  for (auto& row : rows) result.rows.push_back(std::move(row));
  const bool several =
      scores.front().by_name.empty() || scores.front().by_name.begin()->second.size() != 1;
  result.notes.push_back(fmt::format(
      "Means over clips{} with 95% intervals of Student's t; * differs from the first row, paired "
      "by clip, with p below 0.05 after Holm's correction for the rows of a column.",
      several ? ", each the mean over the seeds' networks," : ""));
}

void add_seed_column(const std::string& heading, int digits,
                     const std::vector<std::vector<double>>& values, ExperimentResult& result) {
  result.headings.push_back(heading);
  for (size_t row = 0; row < result.rows.size(); ++row) {
    result.rows[row].push_back(with_interval(mean_interval(values[row]), digits));
    result.record["contestants"][row]["trainings"][heading] = numbers(values[row]);
  }
}

}  // namespace vidattn

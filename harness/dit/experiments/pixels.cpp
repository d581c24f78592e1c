#include <fmt/format.h>

#include <cmath>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/dit_density.h"
#include "harness/dit/experiments/cheap_metrics.h"
#include "harness/dit/experiments/recalled.h"
#include "harness/host/progress.h"
#include "harness/io/json_file.h"
#include "harness/io/text/counted.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/model_file.h"
#include "metrics/statistics/kendall.h"
#include "metrics/video/frame_comparison.h"

namespace vidattn {
namespace {

constexpr double kDensities[] = {0.1, 0.25, 0.5};

const std::vector<std::string>& default_methods() {
  static const std::vector<std::string> names{
      "sta",   "radial",     "svg",      "svg2",    "moba",         "sparge",       "nabla",
      "draft", "xattention", "subblock", "bigbird", "random_block", "oracle_block", "oracle_token"};
  return names;
}

/// What a clip says of a method: cheap metrics, first step and mean of all; and the painted video.
struct Judgement {
  std::vector<double> first, all;
  double psnr = 0, distance = 0, kept = 0;

  /// Adds a share of another's.
  void add(const Judgement& more, double share) {
    first.resize(more.first.size());
    all.resize(more.all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      first[i] += share * more.first[i];
      all[i] += share * more.all[i];
    }
    psnr += share * more.psnr;
    distance += share * more.distance;
    kept += share * more.kept;
  }
};

/// A method at a density, and what every clip says of it.
struct Judged {
  BackendSpec spec;
  std::string label;
  double target = 0;
  std::vector<std::vector<double>> first, all;  ///< cheap metrics by clip: first step, mean
  std::vector<double> psnr, distance, kept;     ///< of the painted video, by clip

  void add_clip(const Judgement& judgement) {
    first.push_back(judgement.first);
    all.push_back(judgement.all);
    psnr.push_back(judgement.psnr);
    distance.push_back(judgement.distance);
    kept.push_back(judgement.kept);
  }
};

double psnr_between(const std::vector<cv::Mat>& a, const std::vector<cv::Mat>& b) {
  double errors = 0;
  for (size_t i = 0; i < a.size(); ++i) errors += mean_squared_error(a[i], b[i]);
  return psnr(errors / static_cast<double>(a.size()));
}

/// The methods at the densities nearest to kDensities on the first clip, each once.
std::vector<Judged> choose(const ExperimentRequest& request, const DitNetwork& network,
                           const RolloutTask& task, std::vector<std::string>& notes) {
  std::vector<Judged> chosen;
  std::string missed;
  for (const std::string& name : request.backends.empty() ? default_methods() : request.backends)
    for (const double density : kDensities) {
      const MethodSettings settings{method_for(network.config(), name),
                                    &find_device(request.device)};
      DensitySolution solved = solve_for_rollout(network, task, settings, density);
      if (missed_density(solved.density, density))
        missed += fmt::format("{}{} {:g} ({:.3g})", missed.empty() ? "" : ", ", name, density,
                              solved.density);
      const std::string label = fmt::format("{} {:.3g}", name, solved.density);
      bool known = false;
      for (const Judged& other : chosen) known = known || other.label == label;
      if (!known) chosen.push_back({std::move(solved.spec), label, density, {}, {}, {}, {}, {}});
    }
  if (!missed.empty())
    notes.push_back(
        "Densities that were missed by more than 2% and are judged as they are: " + missed + ".");
  return chosen;
}

/// One clip: the methods' cheap metrics and what they paint, beside full attention.
class JudgedClip {
 public:
  JudgedClip(const ExperimentRequest& request, const DitNetwork& network, int64_t index)
      : network_(network),
        shown_(experiment_clip(request, network.config(), index)),
        clip_(request, network, shown_, index),
        device_(find_device(request.device)),
        full_(paint(parse_backend("full"))) {
    const int64_t last = network.config().blocks - 1;
    for (const int64_t step : {int64_t{0}, task().steps / 2, task().steps - 2})
      for (const int64_t block : {int64_t{1}, last})
        probes_.emplace_back(network, task(), std::min(block, last), step, device_);
  }

  const RolloutTask& task() const { return clip_.task(); }

  Judgement judge(const BackendSpec& method) const {
    std::vector<std::vector<double>> found;
    for (const Probe& probe : probes_) found.push_back(probe.metrics(method));
    const RecalledPainting painted = paint(method);
    return {mean_of(found, kProbesOfAStep), mean_of(found, found.size()),
            psnr_between(painted.frames, full_.frames), relative_distance(painted, full_),
            painted.recall.kept};
  }

 private:
  static constexpr size_t kProbesOfAStep = 2;

  static std::vector<double> mean_of(const std::vector<std::vector<double>>& rows, size_t count) {
    std::vector<double> mean(rows.front().size());
    for (size_t row = 0; row < count; ++row)
      for (size_t i = 0; i < mean.size(); ++i) mean[i] += rows[row][i] / static_cast<double>(count);
    return mean;
  }

  RecalledPainting paint(const BackendSpec& method) const {
    return clip_.paint(network_, {method, &device_});
  }

  const DitNetwork& network_;
  TrainingClip shown_;
  RecalledClip clip_;
  const Device& device_;
  RecalledPainting full_;
  std::vector<Probe> probes_;
};

/// A metric or an outcome of all methods, [clip][method].
template <class Get>
std::vector<std::vector<double>> by_clip(const std::vector<Judged>& methods, size_t clips,
                                         const Get& get) {
  std::vector<std::vector<double>> table(clips);
  for (size_t clip = 0; clip < clips; ++clip)
    for (const Judged& method : methods) table[clip].push_back(get(method, clip));
  return table;
}

std::string shown(const TauInterval& t) {
  return std::isnan(t.tau) ? "-" : fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", t.tau, t.low, t.high);
}

void add_taus(const std::vector<Judged>& methods, size_t clips, ExperimentResult& result) {
  result.headings = {"metric", "PSNR: first step", "PSNR: mean of steps", "colour kept: mean"};
  const auto psnrs = by_clip(methods, clips, [](const Judged& m, size_t c) { return m.psnr[c]; });
  const auto kept = by_clip(methods, clips, [](const Judged& m, size_t c) { return m.kept[c]; });
  for (size_t i = 0; i < cheap_metric_names().size(); ++i) {
    const CheapMetric& metric = cheap_metric_names()[i];
    const auto first = by_clip(
        methods, clips, [&](const Judged& m, size_t c) { return metric.better * m.first[c][i]; });
    const auto all = by_clip(
        methods, clips, [&](const Judged& m, size_t c) { return metric.better * m.all[c][i]; });
    const TauInterval taus[] = {tau_of_means(first, psnrs), tau_of_means(all, psnrs),
                                tau_of_means(all, kept)};
    result.rows.push_back({metric.name, shown(taus[0]), shown(taus[1]), shown(taus[2])});
    for (const TauInterval& tau : taus)
      result.record["tau"][metric.name].push_back(
          {number_or_null(tau.tau), number_or_null(tau.low), number_or_null(tau.high)});
  }
}

void add_methods(const std::vector<Judged>& methods, ExperimentResult& result) {
  for (const Judged& m : methods)
    result.record["methods"].push_back({{"label", m.label},
                                        {"backend", m.spec.text()},
                                        {"target", m.target},
                                        {"first_step", m.first},
                                        {"mean_of_steps", m.all},
                                        {"psnr", m.psnr},
                                        {"relative_distance", m.distance},
                                        {"colour_kept", m.kept}});
  for (const CheapMetric& metric : cheap_metric_names())
    result.record["metrics"].push_back(metric.name);
}

ExperimentResult pixels(const ExperimentRequest& request) {
  if (request.checkpoints.empty())
    throw InputError("pixels needs a network, or several that differ in their seed: --checkpoint");
  std::vector<DitNetwork> networks;
  for (const std::string& path : request.checkpoints) networks.emplace_back(load_model(path));
  ExperimentResult result;
  std::vector<Judged> methods;
  size_t clips = 0;
  const auto count = static_cast<int64_t>(networks.size());
  Progress progress("painting", request.clips * count);
  try {
    for (; clips < static_cast<size_t>(request.clips); ++clips) {
      std::vector<Judgement> judgements;
      for (int64_t n = 0; n < count; ++n) {
        const JudgedClip clip(request, networks[n], static_cast<int64_t>(clips));
        if (methods.empty()) methods = choose(request, networks[n], clip.task(), result.notes);
        judgements.resize(methods.size());
        for (size_t i = 0; i < methods.size(); ++i)
          judgements[i].add(clip.judge(methods[i].spec), 1.0 / static_cast<double>(count));
        progress.update(static_cast<int64_t>(clips) * count + n + 1);
      }
      for (size_t i = 0; i < methods.size(); ++i) methods[i].add_clip(judgements[i]);
    }
  } catch (const Cancelled&) {
    result.interrupted = true;
  }
  if (clips == 0) return result;
  add_taus(methods, clips, result);
  add_methods(methods, result);
  result.notes.push_back(fmt::format(
      "Kendall's tau, with its 95% interval over {} (means over {}), between what a "
      "metric says of {} "
      "methods at densities and what they paint: PSNR against full attention's video from the "
      "same noise, and how much a character keeps of its colour. Metrics are signed so that +1 "
      "means that the metric orders the methods as the video does.",
      counted(static_cast<int64_t>(clips), "clip"), counted(count, "network"), methods.size()));
  return result;
}

const RegisterExperiment registered_pixels(
    {"pixels", "which cheap metric of attention predicts the painted video?", pixels});

}  // namespace
}  // namespace vidattn

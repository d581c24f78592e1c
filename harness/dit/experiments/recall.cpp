#include <fmt/format.h>

#include <algorithm>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/experiments/pooled.h"
#include "harness/dit/experiments/recalled.h"
#include "harness/dit/experiments/trained/trained_models.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/io/json_file.h"
#include "harness/workloads/dit/model_file.h"
#include "harness/workloads/dit/palette.h"
#include "metrics/statistics/proportion.h"

namespace vidattn {
namespace {

/// A network with the method that attends in it.
struct Contender {
  std::string checkpoint, backend;
  std::shared_ptr<const DitNetwork> network;
  std::vector<int> painted;  ///< colour by clip
  std::vector<double> kept;  ///< of the colour, by clip
  double density = 0, seconds = 0;
};

void add_contenders(const std::string& path, std::vector<std::string> backends,
                    std::vector<Contender>& all) {
  const auto network = std::make_shared<const DitNetwork>(load_model(path));
  if (backends.empty()) backends = {trained_with(network->checkpoint())};
  for (const std::string& backend : backends) {
    method_for(network->config(), backend);
    all.push_back({path, backend, network, {}});
  }
}

/// Full-attention networks, and each of the methods fine-tuned from them.
std::vector<std::string> train_networks(const ExperimentRequest& request) {
  const std::vector<TrainedVariant> variants = variants_of(
      request.backends.empty() ? std::vector<std::string>{kPaperMethod} : request.backends);
  require_trainable(request, variants);
  require_bases(request);
  const std::vector<std::string> bases = base_models(request);
  std::vector<std::string> files = bases;
  for (const TrainedVariant& variant : variants)
    for (std::string& file : averaged_models(train_variant(request, variant, bases)))
      files.push_back(std::move(file));
  return files;
}

std::vector<Contender> contenders_of(const ExperimentRequest& request) {
  std::vector<Contender> all;
  if (request.checkpoints.empty()) {
    if (request.folder.empty())
      throw InputError("recall needs networks: --checkpoint FILE, or --out FOLDER to train them");
    for (const std::string& path : train_networks(request)) add_contenders(path, {}, all);
  }
  for (const std::string& path : request.checkpoints) add_contenders(path, request.backends, all);
  return all;
}

/// What networks that are pooled have in common, all but their seed: as a text for readers, and
/// with what hardly differs.
struct Kind {
  std::string text, whole;
  bool operator==(const Kind& other) const { return whole == other.whole; }
};

Kind kind_of(const Contender& c) {
  const DitCheckpoint& checkpoint = c.network->checkpoint();
  const auto fact = [&](const char* name) {
    const auto found = checkpoint.facts.find(name);
    return found == checkpoint.facts.end() ? std::string("?") : found->second;
  };
  Kind kind;
  kind.text = fmt::format("{} trained with {}, {} steps", checkpoint.config.size,
                          trained_with(checkpoint), fact("steps"));
  if (checkpoint.config.groups > 0)
    kind.text += fmt::format(", alpha {} ({})", fact("alpha"), fact("balance"));
  kind.text += ", attending by " + c.backend;
  kind.whole = kind.text + to_json(checkpoint.config).dump();
  for (const char* name : {"rate", "clips", "dtype"}) kind.whole += " " + fact(name);
  return kind;
}

/// Networks of one kind as seeds of it, by clip.
void add_pooled_kinds(const std::vector<Contender>& contenders, ExperimentResult& result) {
  std::vector<Kind> kinds;
  std::vector<SeedsByClips> values;
  for (const Contender& c : contenders) {
    const auto found = std::find(kinds.begin(), kinds.end(), kind_of(c));
    const auto kind = static_cast<size_t>(found - kinds.begin());
    if (found == kinds.end()) {
      kinds.push_back(kind_of(c));
      values.emplace_back();
    }
    values[kind].push_back(c.kept);
  }
  const auto differences = pooled_differences(values.front(), {values.begin() + 1, values.end()});
  for (size_t i = 0; i < kinds.size(); ++i) {
    const MeanInterval mean = mean_interval(clip_means(values[i]));
    std::string text = fmt::format("{}, seeds: {}: colour kept {} over clips", kinds[i].text,
                                   values[i].size(), with_interval(mean, 3));
    nlohmann::json record = {{"kind", kinds[i].text},
                             {"networks", values[i].size()},
                             {"mean", number_or_null(mean.mean)},
                             {"half_width", number_or_null(mean.half_width)},
                             {"by_seed", seed_means(values[i])}};
    if (i > 0) {
      const PooledDifference& apart = differences[i - 1];
      text += fmt::format("; less the first kind, paired by clip, {} (p {:.2g}, Holm's)",
                          with_interval(apart.difference, 3), apart.adjusted_p);
      record["less_the_first"] = {{"mean", number_or_null(apart.difference.mean)},
                                  {"half_width", number_or_null(apart.difference.half_width)},
                                  {"adjusted_p", apart.adjusted_p}};
    }
    result.notes.push_back(text + ".");
    result.record["kinds"].push_back(std::move(record));
  }
}

/// All shots of a clip but the first.
void paint(const ExperimentRequest& request, const TrainingClip& shown, int64_t index,
           Contender& contender) {
  const DitNetwork& network = *contender.network;
  const RecalledClip clip(request, network, shown, index);
  const RecalledPainting painting = clip.paint(
      network, {method_for(network.config(), contender.backend), &find_device(request.device)});
  contender.painted.push_back(painting.recall.colour);
  contender.kept.push_back(painting.recall.kept);
  contender.density += painting.density;
  contender.seconds += painting.seconds;
}

ExperimentResult result_of(const std::vector<Contender>& contenders, const std::vector<int>& truth,
                           const ExperimentRequest& request) {
  ExperimentResult result;
  result.headings = {"model",        "attention",   "density", "right colour",
                     "95% interval", "colour kept", "s/clip"};
  for (const Contender& c : contenders) {
    int64_t right = 0;
    for (size_t i = 0; i < c.painted.size(); ++i) right += c.painted[i] == truth[i];
    if (c.painted.empty()) continue;
    const auto clips = static_cast<int64_t>(c.painted.size());
    const Proportion share = wilson_interval(right, clips);
    const double each = 1 / static_cast<double>(clips);
    result.rows.push_back({c.checkpoint, c.backend, fmt::format("{:.3g}", c.density * each),
                           fmt::format("{}/{} = {:.3f}", right, clips, share.value),
                           fmt::format("[{:.3f}, {:.3f}]", share.low, share.high),
                           with_interval(mean_interval(c.kept), 3),
                           fmt::format("{:.3g}", c.seconds * each)});
    result.record["contenders"].push_back({{"checkpoint", c.checkpoint},
                                           {"backend", c.backend},
                                           {"density", c.density * each},
                                           {"accuracy", share.value},
                                           {"interval", {share.low, share.high}},
                                           {"painted", c.painted},
                                           {"colour_kept", c.kept},
                                           {"seconds", c.seconds * each}});
  }
  result.record["truth"] = truth;
  result.record["chance"] = 1.0 / kColours;
  result.record["steps"] = request.steps;
  result.notes = {fmt::format(
      "Shot 0 is given, the others are painted in {} steps, twice from the same noise: with a "
      "character that shot 0 and shot 2 show, shot 1 does not, in its colour and in the opposite "
      "one. Judged is what changes in shot 2 in the character's true mask: which colour's change "
      "is it (chance is 1/{} = {:.3f}), and how much of the true change is kept?",
      request.steps, kColours, 1.0 / kColours)};
  if (contenders.size() > 1 && !contenders.front().painted.empty())
    add_pooled_kinds(contenders, result);
  return result;
}

ExperimentResult recall_of(const ExperimentRequest& request, std::vector<Contender> contenders) {
  const DitConfig& config = contenders.front().network->config();
  const auto jobs = static_cast<int64_t>(contenders.size());
  Progress progress("painting", request.clips * jobs);
  std::vector<int> truth;
  bool stopped = false;
  for (int64_t i = 0; i < request.clips && !stopped; ++i) {
    const TrainingClip clip = experiment_clip(request, config, i);
    truth.push_back(RecalledClip(request, *contenders.front().network, clip, i).colour());
    for (int64_t job = 0; job < jobs && !stopped; ++job) {
      try {
        paint(request, clip, i, contenders[job]);
      } catch (const Cancelled&) {
        stopped = true;
      }
      progress.update(i * jobs + job + 1);
    }
  }
  ExperimentResult result = result_of(contenders, truth, request);
  result.interrupted = stopped || interrupted();
  return result;
}

ExperimentResult recall(const ExperimentRequest& request) {
  try {
    return recall_of(request, contenders_of(request));
  } catch (const Cancelled&) {  // in a training, which keeps what it has
    ExperimentResult result;
    result.interrupted = true;
    return result;
  }
}

const RegisterExperiment registered_recall(
    {"recall", "is a character of a given shot painted in its colours in a later one?", recall});

}  // namespace
}  // namespace vidattn

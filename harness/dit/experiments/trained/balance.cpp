#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "attention/cancel.h"
#include "harness/dit/experiments/pooled.h"
#include "harness/dit/experiments/trained/trained_models.h"
#include "harness/dit/training/settings.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

/// Keys of a training's log that a balance loss is judged by, and what they are called.
constexpr std::pair<const char*, const char*> kReadings[] = {{"balance_eq8", "eq8"},
                                                             {"balance_switch", "switch"},
                                                             {"balance_one_hot", "onehot"},
                                                             {"largest_over_mean", "largest/mean"}};
constexpr size_t kCurvePoints = 50;
constexpr double kNearOne = 0.05;

/// No balance loss, and two weights of each reading of P.
std::vector<TrainedVariant> balance_variants() {
  const std::string backend = kPaperMethod;
  std::vector<TrainedVariant> variants{{"alpha 0", backend, 0}};
  for (const std::string& form : balance_forms())
    for (const double alpha : {0.1, 1.0})
      variants.push_back(
          {fmt::format("alpha {:g} {}", alpha, form), backend, alpha, parse_balance_form(form)});
  return variants;
}

/// Whether a curve does what Figure 12 shows: begins above 1 and comes near to it, from above.
bool falls_to_one(const std::vector<double>& curve) {
  return first_tenth(curve) > 1 + kNearOne && std::abs(last_tenth(curve) - 1) <= kNearOne &&
         *std::min_element(curve.begin(), curve.end()) > 1 - kNearOne;
}

/// Means of so many pieces of a curve.
nlohmann::json pieces(const std::vector<double>& curve) {
  nlohmann::json points = nlohmann::json::array();
  const size_t count = std::min(kCurvePoints, curve.size());
  for (size_t i = 0; i < count; ++i) {
    const size_t from = i * curve.size() / count, to = (i + 1) * curve.size() / count;
    double sum = 0;
    for (size_t step = from; step < to; ++step) sum += curve[step];
    points.push_back(number_or_null(sum / static_cast<double>(to - from)));
  }
  return points;
}

void add_variant(const TrainedVariant& variant, const TrainedFolders& folders,
                 ExperimentResult& result) {
  std::vector<std::string> row{variant.label};
  nlohmann::json record = {{"label", variant.label},
                           {"backend", variant.backend},
                           {"alpha", variant.alpha},
                           {"form", to_string(variant.form)}};
  std::vector<std::map<std::string, std::vector<double>>> curves;
  for (const std::string& folder : folders) curves.push_back(training_curves(folder));
  for (const auto& [key, name] : kReadings) {
    std::vector<double> first, last;
    int64_t falling = 0;
    for (const auto& seed : curves) {
      const std::vector<double>& curve = seed.at(key);
      first.push_back(first_tenth(curve));
      last.push_back(last_tenth(curve));
      falling += falls_to_one(curve);
      record["curves"][name].push_back(pieces(curve));
    }
    row.push_back(fmt::format("{:.2f} > {}", mean_interval(first).mean,
                              with_interval(mean_interval(last), 2)) +
                  (falling == static_cast<int64_t>(curves.size()) ? " to 1" : ""));
    record["first"][name] = first;
    record["last"][name] = last;
    record["falls_to_one"][name] = falling;
  }
  std::vector<double> losses;
  for (const auto& seed : curves) losses.push_back(last_tenth(seed.at("loss")));
  row.push_back(with_interval(mean_interval(losses), 4));
  record["flow_loss"] = losses;
  result.rows.push_back(std::move(row));
  result.record["variants"].push_back(std::move(record));
}

ExperimentResult balance(const ExperimentRequest& request) {
  const std::vector<TrainedVariant> variants = balance_variants();
  require_trainable(request, variants);
  ExperimentResult result;
  result.headings = {"training"};
  for (const auto& [key, name] : kReadings) result.headings.emplace_back(name);
  result.headings.emplace_back("flow loss");
  try {
    const std::vector<std::string> bases = base_models(request);
    for (const TrainedVariant& variant : variants)
      add_variant(variant, train_variant(request, variant, bases), result);
  } catch (const Cancelled&) {
    result.interrupted = true;
  }
  result.notes.push_back(fmt::format(
      "MoGA, Figures 12 and 14, Table 7: M sum F P in three readings of P and the largest group "
      "over the mean, means over blocks; first tenth of the steps > last tenth, {}. \"to 1\": with "
      "every seed it begins above {:g} and ends within "
      "{:g} of 1 without having been below, as Figure 12 shows it. Largest/mean is 5 where all "
      "tokens are in one group.",
      request.seeds > 1
          ? fmt::format("with 95% intervals over {} seeds (Student's t)", request.seeds)
          : "of one seed, which gives no interval",
      1 + kNearOne, kNearOne));
  return result;
}

const RegisterExperiment registered_balance(
    {"balance", "which reading of the balance loss keeps groups even, and at which weight?",
     balance});

}  // namespace
}  // namespace vidattn

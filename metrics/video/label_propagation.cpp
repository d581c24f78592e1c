#include "metrics/video/label_propagation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr double kTemperatures[] = {0.2, 0.14, 0.1, 0.07, 0.05, 0.035, 0.025, 0.018, 0.0125, 0.009};
constexpr int64_t kMostQueries = 512;  // known tokens that τ is judged on

std::set<int32_t> known_regions(const LabelTask& task) {
  const auto end = task.labels.begin() + task.known_frames * task.grid.frame_size();
  std::set<int32_t> seen(task.labels.begin(), end);
  seen.erase(0);
  return seen;
}

void check(const LabelTask& task) {
  task.grid.validate();
  const int64_t length = task.grid.tokens();
  if (static_cast<int64_t>(task.labels.size()) != length || !task.features ||
      task.features->shape.size() != 2 || task.features->shape[0] != length)
    throw InputError("label propagation needs one label and one row of features for each of " +
                     std::to_string(length) + " tokens");
  if (task.known_frames < 2 || task.known_frames >= task.grid.frames)
    throw InputError("label propagation: known frames must lie between 2 and " +
                     std::to_string(task.grid.frames - 1));
  for (const int32_t label : task.labels)
    if (label < 0 || label > task.regions)
      throw InputError("label propagation: label " + std::to_string(label) + " lies outside 0 to " +
                       std::to_string(task.regions));
  if (known_regions(task).empty())
    throw InputError("label propagation: the known frames show no region, take more of them");
}

std::vector<float> unit_rows(const std::vector<float>& rows, int64_t channels) {
  std::vector<float> unit = rows;
  for (size_t i = 0; i < unit.size(); i += channels) {
    double norm = 0;
    for (int64_t c = 0; c < channels; ++c) norm += double{unit[i + c]} * unit[i + c];
    if (norm == 0) continue;
    for (int64_t c = 0; c < channels; ++c) unit[i + c] /= static_cast<float>(std::sqrt(norm));
  }
  return unit;
}

void set_one_hot(int32_t label, float* row, int64_t dim) {
  std::fill(row, row + dim, 0.0F);
  row[label] = 1;
}

}  // namespace

LabelPropagation::LabelPropagation(LabelTask task) : task_(std::move(task)) {
  check(task_);
  const int64_t length = task_.grid.tokens(), channels = task_.features->shape[1];
  const int64_t dim = (std::max<int64_t>(channels, task_.regions + 1) + 7) / 8 * 8;
  const auto unit = unit_rows(task_.features->as<float>("features"), channels);
  choose_temperature(unit, channels);
  const auto scale =
      static_cast<float>(std::sqrt(std::sqrt(static_cast<double>(dim)) / temperature_));
  auto q = std::make_shared<Tensor>(length, 1, dim);
  auto v = std::make_shared<Tensor>(length, 1, dim);
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t c = 0; c < channels; ++c) q->row(i, 0)[c] = scale * unit[i * channels + c];
    if (i < task_.known_frames * task_.grid.frame_size())
      set_one_hot(task_.labels[i], v->row(i, 0), dim);
  }
  inputs_.q = inputs_.k = q;
  inputs_.v = v;
  inputs_.grid = task_.grid;
  inputs_.extra["hidden"] = task_.features;
}

void LabelPropagation::choose_temperature(const std::vector<float>& unit, int64_t channels) {
  const int64_t known = task_.known_frames * task_.grid.frame_size();
  const int64_t step = (known + kMostQueries - 1) / kMostQueries;
  std::vector<double> likelihood(std::size(kTemperatures));
  for (int64_t i = 0; i < known; i += step) {
    std::vector<double> cosine(known);
    for (int64_t j = 0; j < known; ++j)
      for (int64_t c = 0; c < channels; ++c)
        cosine[j] += double{unit[i * channels + c]} * unit[j * channels + c];
    for (size_t t = 0; t < likelihood.size(); ++t) {
      // A floor as of one vote among all, so that one token cannot decide alone.
      double right = 0, all = 0;
      for (int64_t j = 0; j < known; ++j) {
        if (i / task_.grid.frame_size() == j / task_.grid.frame_size()) continue;
        const double weight = std::exp((cosine[j] - 1) / kTemperatures[t]);
        all += weight;
        if (task_.labels[j] == task_.labels[i]) right += weight;
      }
      const double floor = 1.0 / static_cast<double>(known);
      likelihood[t] += std::log(std::max(floor, all > 0 ? right / all : 0));
    }
  }
  temperature_ =
      kTemperatures[std::max_element(likelihood.begin(), likelihood.end()) - likelihood.begin()];
}

Inputs LabelPropagation::next(const Inputs& in, const Tensor& o) const {
  auto v = std::make_shared<Tensor>(o.clone());
  for (int64_t i = 0; i < task_.known_frames * task_.grid.frame_size(); ++i)
    set_one_hot(task_.labels[i], v->row(i, 0), v->dim());
  Inputs after = in;
  after.v = v;
  return after;
}

std::vector<int32_t> LabelPropagation::decide(const Tensor& o) const {
  std::vector<int32_t> labels(o.length(), -1);
  for (int64_t i = 0; i < o.length(); ++i) {
    const float* share = o.row(i, 0);
    const auto best = std::max_element(share, share + task_.regions + 1) - share;
    if (share[best] > 0) labels[i] = static_cast<int32_t>(best);
  }
  return labels;
}

RegionScores region_scores(const LabelTask& task, const std::vector<int32_t>& predicted,
                           int64_t begin, int64_t end) {
  RegionScores scores;
  double sum = 0;
  int64_t regions = 0;
  const int64_t first = begin * task.grid.frame_size(), last = end * task.grid.frame_size();
  for (const int32_t region : known_regions(task)) {
    int64_t both = 0, either = 0, present = 0;
    for (int64_t i = first; i < last; ++i) {
      const bool truth = task.labels[i] == region, found = predicted[i] == region;
      both += truth && found;
      either += truth || found;
      present += truth;
    }
    if (present == 0) continue;
    sum += static_cast<double>(both) / static_cast<double>(either);
    ++regions;
  }
  if (regions > 0) scores.iou = sum / static_cast<double>(regions);
  scores.tokens = last - first;
  scores.undecided =
      static_cast<double>(std::count(predicted.begin() + first, predicted.begin() + last, -1)) /
      static_cast<double>(std::max<int64_t>(1, scores.tokens));
  return scores;
}

}  // namespace vidattn

#include "harness/measure/record/measured_case.h"

#include <algorithm>
#include <map>
#include <new>
#include <utility>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/measure/pass_timing.h"
#include "metrics/plan/groups/group_iou.h"
#include "metrics/plan/layer_kinds.h"

namespace vidattn {
namespace {

constexpr const char* kUntimed = "interrupted before it was timed";
constexpr const char* kNoFull = "full attention was not timed beside it";

std::optional<RatioEstimate> estimate(const std::vector<double>& logs) {
  return logs.empty() ? std::nullopt : std::optional(estimate_ratio(logs));
}

/// Time of the kernels over what as many multiply-adds took in the same block.
std::vector<double> fed_log_ratios(const Case& c, double flops, const TimingFacts* timing) {
  std::vector<double> logs;
  if (timing == nullptr) return logs;
  for (const Block& b : c.result.blocks)
    if (b.index < static_cast<int64_t>(timing->fed_gflops.size()))
      logs.push_back(std::log(b.kernel_seconds() * 1e9 * timing->fed_gflops[b.index] / flops));
  return logs;
}

/// Of the kernels, with or without planning, block by block.
double median_sum(const Case& c, bool with_plan) {
  std::vector<double> sums;
  for (size_t i = 0; i < c.run_seconds.size(); ++i)
    sums.push_back(c.run_seconds[i] + (c.backward_seconds.empty() ? 0 : c.backward_seconds[i]) +
                   (with_plan ? c.plan_seconds[i] : 0));
  return median(std::move(sums));
}

}  // namespace

MeasuredCase::MeasuredCase(const Case& of, const Case* full, const DenoisingRun& denoising,
                           const TimingFacts* timing)
    : c(of),
      plan(median(of.plan_seconds)),
      run(median(of.run_seconds)),
      backward(median(of.backward_seconds)),
      kernels(median_sum(of, false)),
      total(median_sum(of, true)),
      full_(full),
      denoising_(denoising),
      ratio_(estimate(log_ratios(of.result.blocks))),
      fed_(estimate(fed_log_ratios(of, flops_of(of), timing))) {}

Computed MeasuredCase::run_density() const {
  const auto& [backend, params] = c.spec;
  try {
    const double density = c.kinds.empty() ? mean_layer_density(*backend, params, c.in,
                                                                c.stats.density, denoising_.layers)
                                           : c.stats.density;
    return {backend->run_density(params, density, denoising_.steps, denoising_.layers)};
  } catch (const Cancelled&) {
    return {NAN, "interrupted before its other layers were planned"};
  } catch (const InputError& error) {
    return {NAN, std::string("another layer cannot be planned: ") + error.what()};
  } catch (const std::bad_alloc&) {
    return {NAN, "out of memory for the plan of another layer"};
  }
}

double MeasuredCase::speedup() const {
  if (ratio_) return std::exp(-ratio_->log_ratio);
  return full_ ? median_sum(*full_, true) / total : NAN;
}

template <class Use>
void MeasuredCase::for_each_pair(const Use& use) const {
  if (full_ == nullptr) return;
  std::map<int64_t, const Block*> dense;
  for (const Block& b : full_->result.blocks) dense[b.index] = &b;
  for (const Block& b : c.result.blocks)
    if (const auto beside = dense.find(b.index); beside != dense.end()) use(*beside->second, b);
}

double MeasuredCase::flops_of(const Case& c) { return timed_flops(c.stats, c.pass()); }

double MeasuredCase::speedup_of(double (*seconds)(const Block&)) const {
  std::vector<double> ratios;
  for_each_pair([&](const Block& dense, const Block& own) {
    ratios.push_back(seconds(dense) / seconds(own));
  });
  return median(std::move(ratios));
}

double MeasuredCase::rate_over_full() const {
  if (full_ == nullptr) return NAN;
  const double work = flops() / flops_of(*full_);
  std::vector<double> shares;
  for_each_pair([&](const Block& dense, const Block& own) {
    shares.push_back(work * dense.kernel_seconds() / own.kernel_seconds());
  });
  return shares.empty() ? work * median_sum(*full_, false) / kernels : median(std::move(shares));
}

double MeasuredCase::dense_time() const {
  std::vector<double> times;
  for (const Block& b : c.result.blocks)
    if (b.dense_seconds > 0) times.push_back(b.dense_seconds);
  return median(std::move(times));
}

double MeasuredCase::share_of_peak() const {
  std::vector<double> peaks;
  for (const Block& b : c.result.blocks)
    if (b.peak_flops > 0) peaks.push_back(b.peak_flops);
  return rate() / highest(peaks);
}

Computed MeasuredCase::target() const {
  const auto& wanted = c.result.identity.density;
  return {wanted.value_or(NAN), "", !wanted};
}

Computed MeasuredCase::of_forward(Computed figure) const {
  figure.absent |= !times_forward(c.pass());
  return figure;
}

Computed MeasuredCase::of_backward(Computed figure) const {
  figure.absent |= !times_backward(c.pass());
  return figure;
}

Computed MeasuredCase::of_both(Computed figure) const {
  return of_forward(of_backward(std::move(figure)));
}

Computed MeasuredCase::quantisation() const {
  if (c.dtype == DType::f32) return {0};  // nothing is rounded
  return {c.quantisation_error, "its operands are stored in " + to_string(c.dtype)};
}

Computed MeasuredCase::timed(double value) const { return {value, kUntimed}; }

Computed MeasuredCase::beside_full(double value) const {
  return {value, c.run_seconds.empty() ? kUntimed : kNoFull};
}

Computed MeasuredCase::compared(double value) const {
  if (!c.is_full() && c.result.blocks.size() == 1)
    return {NAN, "one block shows no spread; measure more"};
  if (c.stats.density == 0) return {NAN, "the plan computes nothing"};
  return beside_full(value);
}

Computed MeasuredCase::of_groups(const char* figure) const {
  const auto found = c.figures.find(figure);
  return {found == c.figures.end() ? NAN : found->second, "the method has no groups"};
}

Computed MeasuredCase::of_masks(const char* figure) const {
  if (c.in.find(kIdentity) == nullptr) return {NAN, "", true};
  const bool grouped = c.figures.contains("largest_group_over_mean");
  const auto found = c.figures.find(figure);
  return {found == c.figures.end() ? NAN : found->second,
          grouped ? "nobody is in it, or it has one group" : "the method has no groups"};
}

Computed MeasuredCase::of_ranks(GridBalance RankBalance::*scheme,
                                double (*figure)(const GridBalance&)) const {
  if (c.rank_balance.empty()) return {NAN, "", true};
  const GridBalance& most = c.rank_balance.back().*scheme;
  if (!most.refused.empty()) return {NAN, most.refused};
  return {figure(most), "the plan computes nothing"};
}

Computed MeasuredCase::central(const std::optional<RatioEstimate>& e) {
  return {e ? std::exp(e->log_ratio) : NAN, "", !e};
}

Computed MeasuredCase::end(const std::optional<RatioEstimate>& e, double Interval::*end) {
  const bool known = e && std::isfinite(e->interval.*end);
  return {known ? std::exp(e->interval.*end) : NAN, "too few blocks for an interval", !e};
}

Computed MeasuredCase::on_device(double value) const {
  return {value, "", !(device(&DeviceTimes::device) > 0)};
}

Computed MeasuredCase::device_beside_full(double value) const {
  return {value, kNoFull, !(device(&DeviceTimes::device) > 0)};
}

double MeasuredCase::device_speedup() const {
  return full_ ? device_median(*full_, &DeviceTimes::device) / device(&DeviceTimes::device) : NAN;
}

/// Only the kernels' time grows with the number of rows.
double MeasuredCase::device_median(const Case& c, double DeviceTimes::*part) {
  std::vector<double> values;
  for (const DeviceTimes& times : c.device_times)
    values.push_back(part == &DeviceTimes::device ? c.scale_up * times.*part : times.*part);
  return median(values);
}

}  // namespace vidattn

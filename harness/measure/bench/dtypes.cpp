#include "harness/measure/bench/dtypes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <set>

#include "attention/cancel.h"
#include "attention/cpu/scores.h"
#include "attention/cpu/units/simd.h"
#include "attention/error.h"
#include "attention/lowbit/plain.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/output/thrown.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/bench/shapes.h"
#include "harness/measure/engine/engine.h"
#include "harness/measure/verify.h"
#include "metrics/plan/check/equality.h"
#include "metrics/plan/fidelity.h"
#include "metrics/plan/stats.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr const char* kScores = "scores";
constexpr int64_t kCheckedTokens = 24;

/// The work in one of the types.
struct Side {
  DType dtype;
  std::shared_ptr<const Inputs> in;
  std::function<void()> run;
  double flops = 0, error = NAN, limit = NAN;
};

std::vector<BenchLine> works_of(bool quick, bool scores) {
  std::vector<BenchLine> works;
  const std::vector<std::pair<int64_t, int64_t>> shapes =
      quick ? std::vector<std::pair<int64_t, int64_t>>{{4096, 128}}
            : std::vector<std::pair<int64_t, int64_t>>{{8192, 64}, {8192, 128}, {31200, 128}};
  for (const auto& [length, dim] : shapes) {
    if (scores) works.push_back({kScores, length, 1, dim});
    works.push_back({"full", length, 1, dim});
  }
  if (!quick) works.push_back({"groups", 31200, 1, 128});
  return works;
}

/// What multiplies the scores.
std::string unit_name(DType dtype, const Device& device) {
  if (is_low_bit(dtype)) return device.low_bit_unit(dtype);
  if (device.name() != "cpu") return "-";
  const Bf16Unit unit = dtype == DType::bf16 ? cpu_bf16_unit() : Bf16Unit::none;
  return unit == Bf16Unit::none ? "float32" : to_string(unit);
}

/// A long sum of float32 products may err by a step for each.
double scores_limit(const Inputs& in) {
  return static_cast<double>(in.dim()) * std::numeric_limits<float>::epsilon();
}

Side scores_side(const Plan& plan, std::shared_ptr<const Inputs> given, DType dtype) {
  Side side{dtype, std::move(given)};
  const auto run = std::make_shared<cpu::ScoreRun>(plan, *side.in);
  run->run();
  side.error = largest_scores_error(*side.in, run->largest());
  side.limit = scores_limit(*side.in);
  side.flops = plan_stats(plan, *side.in).flops / 2;  // values are as wide as keys
  side.run = [run] { run->run(); };
  return side;
}

Side attention_side(const Plan& plan, std::shared_ptr<const Inputs> given, DType dtype,
                    const Device& device) {
  Side side{dtype, std::move(given)};
  const auto out = std::make_shared<Output>();
  device.run(plan, *side.in, *out);
  const EqualityCheck check = check_equality(plan, *side.in, *out);
  side.error = check.error;
  side.limit = check.limit;
  side.flops = plan_stats(plan, *side.in).flops;
  side.run = [&plan, &device, in = side.in, out] { device.run(plan, *in, *out); };
  return side;
}

Timings time_sides(const std::vector<Side>& sides, double seconds) {
  std::vector<Contender> contenders;
  for (const Side& side : sides)
    contenders.push_back({to_string(side.dtype), [&side](int64_t repeat) {
                            return std::vector{RunTimes{0, seconds_each(repeat, side.run)}};
                          }});
  Policy policy;
  policy.seconds = seconds * static_cast<double>(sides.size());
  policy.min_blocks = kFewestBlocks;
  policy.max_blocks = kUnlimited;
  policy.control = 0;
  policy.warm_up.least_rounds = 1;
  policy.block_seconds = std::min(0.05, seconds / 10);
  policy.most_rounds = 8;
  Timings timings = time_contenders(contenders, policy);
  timings.rethrow_failure();
  if (timings.stopped == Stop::interrupted) throw Cancelled();
  return timings;
}

/// Seconds of the first type over this one's.
RatioEstimate gain_of(const std::vector<Block>& blocks) {
  std::vector<double> logs;
  for (const Block& block : blocks)
    logs.push_back(std::log(block.dense_seconds / block.run_seconds));
  return estimate_ratio(logs);
}

nlohmann::json side_record(const BenchLine& work, const Side& side, const Device& device,
                           const std::vector<Block>& blocks, bool first) {
  std::vector<double> seconds;
  for (const Block& block : blocks) seconds.push_back(block.run_seconds);
  nlohmann::json record{{"work", work.shape},
                        {"length", work.length},
                        {"heads", work.heads},
                        {"dim", work.dim},
                        {"dtype", to_string(side.dtype)},
                        {"unit", unit_name(side.dtype, device)},
                        {"threads", work.threads},
                        {"check_error", side.error},
                        {"seconds", seconds},
                        {"gflops", side.flops / median(seconds) * 1e-9}};
  if (first) return record;
  const RatioEstimate gain = gain_of(blocks);
  record["times_faster"] = {{"value", std::exp(gain.log_ratio)},
                            {"low", std::exp(gain.interval.low)},
                            {"high", std::exp(gain.interval.high)}};
  return record;
}

std::string side_text(const nlohmann::json& r) {
  std::string gain = "1";
  if (r.contains("times_faster")) {
    const auto part = [&](const char* key) { return r["times_faster"][key].get<double>(); };
    gain = fmt::format("{:.2f} [{:.2f}, {:.2f}]", part("value"), part("low"), part("high"));
  }
  return fmt::format("{:<8} {:>7} {:>5} {:>4} {:>5} {:<12} {:>9.2f} {:>9.1f} {:>19} {:>9.1e}\n",
                     r["work"].get<std::string>(), r["length"].get<int64_t>(),
                     r["heads"].get<int64_t>(), r["dim"].get<int64_t>(),
                     r["dtype"].get<std::string>(), r["unit"].get<std::string>(),
                     1e3 * median(r["seconds"].get<std::vector<double>>()),
                     r["gflops"].get<double>(), gain, r["check_error"].get<double>());
}

/// Checks and measures one piece of work in all types; records of those that passed.
std::vector<nlohmann::json> measure_work(const BenchLine& work, const BenchOptions& options,
                                         const Device& device, std::string& reason) {
  const bool scores = work.shape == kScores;
  BenchLine line = work;
  if (scores) line.shape = "full";
  const Plan plan = bench_plan(line);
  std::vector<Side> sides;
  for (const DType dtype : options.dtypes) {
    line.dtype = dtype;
    auto in = std::make_shared<const Inputs>(bench_inputs(line));
    sides.push_back(scores ? scores_side(plan, std::move(in), dtype)
                           : attention_side(plan, std::move(in), dtype, device));
    if (!(sides.back().error <= sides.back().limit)) {
      reason = fmt::format("{} failed its check against the reference: {:.1e}", to_string(dtype),
                           sides.back().error);
      return {};
    }
  }
  const Timings timings = time_sides(sides, options.seconds);
  std::vector<nlohmann::json> records;
  for (size_t i = 0; i < sides.size(); ++i)
    records.push_back(side_record(work, sides[i], device, timings.contenders[i].blocks(), i == 0));
  return records;
}

void check_dtypes(const std::vector<DType>& dtypes) {
  if (dtypes.size() < 2)
    throw InputError("bench --dtype: needs two or more, the first is what others are held against");
  if (std::set<DType>(dtypes.begin(), dtypes.end()).size() < dtypes.size())
    throw InputError("bench --dtype: the same type twice");
}

std::string emulated_note(const BenchOptions& options, const Device& device) {
  std::string text;
  for (const DType dtype : options.dtypes)
    if (is_low_bit(dtype) && device.low_bit_unit(dtype) == kEmulated)
      text += emulation_note(to_string(dtype), device.name()) + "\n";
  return text;
}

}  // namespace

double largest_scores_error(const Inputs& in, const std::vector<float>& largest) {
  const auto tokens = sample_tokens(in.length(), kCheckedTokens);
  HeadTable table;
  const auto length = static_cast<int32_t>(in.length()), keys = static_cast<int32_t>(in.keys());
  table.add(0, length, {{0, keys}});
  const Branch all{.tables = {table}};
  const PlainLowBits low(all, in);
  const Tensor &q = low.q ? *low.q : *in.q, &k = low.k ? *low.k : *in.k;
  double difference = 0, norm = 0;
  for (const int64_t token : tokens)
    for (int64_t h = 0; h < in.heads(); ++h) {
      double high = -INFINITY;
      for (int64_t j = 0; j < in.keys(); ++j) {
        double dot = 0;
        for (int64_t c = 0; c < in.dim(); ++c)
          dot += double{q.at(token, h, c)} * k.at(j, in.kv_head(h), c);
        high = std::max(high, in.softmax_scale() * dot);
      }
      std::vector<float> query(in.dim());
      in.q->read_row(token, h, query.data());
      high += low.lse_offset(query, in.kv_head(h), in.softmax_scale());
      difference += std::pow(high - largest[token * in.heads() + h], 2);
      norm += high * high;
    }
  return std::sqrt(difference / norm);
}

ExitCode bench_dtypes(const BenchOptions& options, const Device& device) {
  check_dtypes(options.dtypes);
  nlohmann::json record = record_header("bench", "1.2", options.arguments);
  record["device"] = options.device;
  record["dtypes"] = nlohmann::json::array();
  print_out("{:<8} {:>7} {:>5} {:>4} {:>5} {:<12} {:>9} {:>9} {:>19} {:>9}\n", "work", "N", "heads",
            "D", "dtype", "scores by", "ms", "GFLOP/s",
            "times " + to_string(options.dtypes[0]) + "'s speed", "error");
  Outputs outputs;
  bool failed = false;
  for (const BenchLine& work : works_of(options.quick, device.name() == "cpu")) {
    if (interrupted()) break;
    std::string reason;
    std::vector<nlohmann::json> records;
    try {
      records = measure_work(work, options, device, reason);
    } catch (const Cancelled&) {
      break;
    } catch (const std::exception&) {  // what the other works gave is not lost for it
      reason = failure_text(std::current_exception());
    }
    failed |= !reason.empty();
    if (!reason.empty()) print_out("{} {}: {}\n", work.shape, work.length, reason);
    for (nlohmann::json& side : records) {
      print_out("{}", side_text(side));
      record["dtypes"].push_back(std::move(side));
    }
    std::fflush(stdout);
  }
  print_out("{}", emulated_note(options, device));
  if (!options.out.empty()) outputs.write([&] { write_json(options.out, record); });
  return outputs.code(failed ? ExitCode::regression : ExitCode::fine);
}

}  // namespace vidattn

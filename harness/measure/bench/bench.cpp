#include "harness/measure/bench/bench.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <functional>

#include "attention/cancel.h"
#include "attention/cpu/bursts.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/output/thrown.h"
#include "harness/host/record.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/measure/bench/dtypes.h"
#include "harness/measure/bench/shapes.h"
#include "harness/measure/engine/engine.h"
#include "harness/measure/pass_timing.h"
#include "harness/measure/record/measurement.h"
#include "harness/measure/verify.h"
#include "metrics/machine/limits.h"
#include "metrics/machine/peak.h"
#include "metrics/plan/check/gradients.h"
#include "metrics/plan/fidelity.h"
#include "metrics/plan/stats.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

double error_of(const Plan& plan, const Inputs& in, const Output& out) {
  const auto tokens = sample_tokens(in.length(), 24);
  return relative_l2_error(out.o, tokens, reference_rows(plan, in, tokens).o);
}

/// What the line's pass asks of the machine. Gradients are float32; a forward pass reads keys and
/// values for every tile of queries, a backward pass adds to their gradients as well.
KernelWork work_of(const BenchLine& line, Pass pass, const PlanStats& stats) {
  const double values = static_cast<double>(line.length * line.heads * line.dim);
  const auto stored = static_cast<double>(size_of(line.dtype));
  const auto pairs = static_cast<double>(stats.pairs), channels = static_cast<double>(line.dim);
  const double rows = pairs / static_cast<double>(cpu::query_tile());  // of keys, tile by tile
  KernelWork work{line.dtype};
  if (times_forward(pass)) {
    work.score_flops += 2 * pairs * channels;
    work.value_flops += 2 * pairs * channels;
    work.exponentials += pairs;
    work.l2_bytes += 2 * rows * channels * stored;
    work.memory_bytes += 4 * values * stored;
  }
  if (times_backward(pass)) {
    work.dtype = DType::f32;  // half types are converted
    work.value_flops += 10 * pairs * channels;
    work.exponentials += pairs;
    work.l2_bytes += (2 + 4) * rows * channels * sizeof(float);
    work.memory_bytes += values * (4 * stored + 4 * sizeof(float));
  }
  return work;
}

nlohmann::json to_json(const UnitRates& rates) {
  return {{"fma_gflops", rates.fma},
          {"fed_fma_gflops", rates.fed_fma},
          {"bf16_dot_gflops", rates.bf16_dot},
          {"bf16_tile_gflops", rates.bf16_tile},
          {"int8_gops", rates.int8},
          {"exp2_gops", rates.exp2},
          {"l2_gbs", rates.l2},
          {"memory_gbs", rates.memory}};
}

std::string rates_line(const UnitRates& rates, int threads) {
  std::string text = fmt::format("limits of {} threads: FMA {:.0f} GFLOP/s ({:.0f} from the cache)",
                                 threads, rates.fma, rates.fed_fma);
  if (rates.bf16_dot > 0) text += fmt::format(", AVX512_BF16 {:.0f}", rates.bf16_dot);
  if (rates.bf16_tile > 0) text += fmt::format(", AMX bf16 {:.0f}", rates.bf16_tile);
  if (rates.int8 > 0) text += fmt::format(", int8 {:.0f}", rates.int8);
  return text + fmt::format("; exp2 {:.1f} G/s, L2 {:.0f} GB/s, memory {:.0f} GB/s\n", rates.exp2,
                            rates.l2, rates.memory);
}

Policy policy_of(const BenchLine& line, double seconds) {
  Policy policy;
  policy.seconds = seconds;
  policy.min_blocks = 3;
  policy.max_blocks = kUnlimited;
  policy.peak = [&line] { return fma_peak_gflops(line.threads); };
  policy.peak_age = 0;  // beside every run
  return policy;
}

/// What a line runs with.
struct BenchWork {
  Inputs in;
  Plan plan;
  Tensor d_o;
  Workspace space;
};

/// Errors of the output and, of a backward pass, of the gradients; nothing when one is too large.
std::optional<std::vector<double>> checked_errors(BenchWork& work, const BenchLine& line,
                                                  const Device& device, Pass pass) {
  device.run(work.plan, work.in, work.space.out);
  std::vector<double> errors{error_of(work.plan, work.in, work.space.out)};
  if (!(errors[0] <= equality_limit(line.dtype))) return {};
  if (!times_backward(pass)) return errors;
  const EqualityCheck check = check_gradients(device, work.plan, work.in, work.space.out, work.d_o);
  errors.push_back(check.error);
  return check.passed() ? std::optional(errors) : std::nullopt;
}

/// Measures one line; null when its check failed.
nlohmann::json measure(const BenchLine& line, const Device& device, const BenchOptions& options) {
  omp_set_num_threads(line.threads);
  BenchWork work{bench_inputs(line), bench_plan(line), {}, {}};
  work.space.out.keep = times_backward(options.pass);
  if (work.space.out.keep) work.d_o = sample_output_gradient(work.in);
  const auto errors = checked_errors(work, line, device, options.pass);
  if (!errors) return nullptr;
  const UnitRates units = measure_units(line.threads);
  std::vector<double> fed_peaks, clocks;
  const Contender kernel{line.shape, [&](int64_t repeat) {
                           fed_peaks.push_back(fed_fma_peak_gflops(line.threads));
                           const RunTimes times =
                               time_kernels(device, work.plan, work.in, &work.d_o, options.pass,
                                            repeat, work.space);
                           clocks.push_back(core_clock_ghz());
                           return std::vector{times};
                         }};
  const Timings timings = time_contenders({kernel}, policy_of(line, options.seconds));
  timings.rethrow_failure();
  if (timings.stopped == Stop::interrupted) throw Cancelled();
  std::vector<double> times;
  for (const Block& block : timings.contenders[0].blocks()) times.push_back(block.seconds());
  const PlanStats stats = plan_stats(work.plan, work.in);
  const double rate = timed_flops(stats, options.pass) / median(times) * 1e-9;
  const KernelLimit limit = kernel_limit(work_of(line, options.pass, stats), units);
  const double peak = settled_peak(highest(timings.peaks), line.dtype == DType::f32 ? rate : 0,
                                   [&] { return fma_peak_gflops(line.threads); });
  nlohmann::json found{{"shape", line.shape},
                       {"length", line.length},
                       {"heads", line.heads},
                       {"dim", line.dim},
                       {"dtype", to_string(line.dtype)},
                       {"threads", line.threads},
                       {"pass", to_string(options.pass)},
                       {"check_error", errors->front()},
                       {"seconds", times},
                       {"peaks_gflops", timings.peaks},
                       {"fed_peaks_gflops", fed_peaks},
                       {"clocks_ghz", clocks},
                       {"gflops", rate},
                       {"share_of_fma_peak", rate / peak},
                       {"share_of_fed_peak", rate / highest(fed_peaks)},
                       {"share_of_limit", limit.seconds / median(times)},
                       {"bound", limit.bound},
                       {"limits", to_json(units)}};
  if (errors->size() > 1) found["gradient_error"] = errors->back();
  // Half types may have units of their own, which are faster.
  const std::string fault = line.dtype == DType::f32 ? above_peak(rate / peak) : "";
  if (!fault.empty()) found["mistrusted"] = fault;
  return found;
}

/// A line's label, before what was measured of it.
std::string label_of(const BenchLine& line) {
  return fmt::format("{:<8} {:>7} {:>5} {:>4} {:>5} {:>7}", line.shape, line.length, line.heads,
                     line.dim, to_string(line.dtype), line.threads);
}

std::string found_text(const nlohmann::json& found) {
  const auto number = [&](const char* key) { return found[key].get<double>(); };
  return fmt::format(
      "{:>9.1f} {:>8.3f} {:>7.3f} {:>9.3f} {:>6.2f} {:>9.1e}  {}{}", number("gflops"),
      number("share_of_fma_peak"), number("share_of_fed_peak"), number("share_of_limit"),
      median(found["clocks_ghz"].get<std::vector<double>>()),
      found.value("gradient_error", number("check_error")), found["bound"].get<std::string>(),
      found.contains("mistrusted") ? "; " + found["mistrusted"].get<std::string>() : "");
}

/// What became of a line: measured, or why not. Throws Cancelled.
nlohmann::json measure_or_reason(const BenchLine& line, const Device& device,
                                 const BenchOptions& options, std::string& reason) {
  try {
    nlohmann::json found = measure(line, device, options);
    if (found.is_null()) reason = "failed its check against the reference";
    return found;
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception&) {  // what the other lines gave is not lost for it
    reason = failure_text(std::current_exception());
    return nullptr;
  }
}

}  // namespace

ExitCode bench(const BenchOptions& options) {
  const Device& device = find_device(options.device);
  require_pass(options.pass, device, DType::f32);
  if (!options.dtypes.empty() && options.pass != Pass::forward)
    throw InputError(
        "--dtype compares types at the forward pass: leave out --pass, or --dtype to time "
        "gradients");
  if (!options.dtypes.empty()) return bench_dtypes(options, device);
  const int threads = omp_get_max_threads();
  nlohmann::json record = record_header("bench", "1.3", options.arguments);
  record["device"] = options.device;
  record["pass"] = to_string(options.pass);
  record["lines"] = nlohmann::json::array();
  record["bf16_dot_peak_gflops"] = bf16_peak_gflops(threads);
  print_out("{}", rates_line(measure_units(threads), threads));
  print_out("{:<8} {:>7} {:>5} {:>4} {:>5} {:>7} {:>9} {:>8} {:>7} {:>9} {:>6} {:>9}  {}\n",
            "shape", "N", "heads", "D", "dtype", "threads", "GFLOP/s", "of peak", "of fed",
            "of limit", "GHz", "error", "bound by");
  Outputs outputs;
  bool failed = false;
  for (const BenchLine& line : bench_lines(options.quick)) {
    if (interrupted()) break;
    nlohmann::json found;
    std::string reason;
    try {
      found = measure_or_reason(line, device, options, reason);
    } catch (const Cancelled&) {
      break;
    }
    failed |= found.is_null();
    print_out("{} {}\n", label_of(line), found.is_null() ? reason : found_text(found));
    std::fflush(stdout);
    if (!found.is_null()) record["lines"].push_back(std::move(found));
  }
  omp_set_num_threads(threads);
  if (!options.out.empty()) outputs.write([&] { write_json(options.out, record); });
  return outputs.code(failed ? ExitCode::regression : ExitCode::fine);
}

}  // namespace vidattn

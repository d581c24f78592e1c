#include <fmt/format.h>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/tables/flops.h"
#include "harness/tables/operators/gemm.h"
#include "harness/tables/operators/latency.h"
#include "harness/tables/operators/methods.h"
#include "harness/tables/paper.h"
#include "harness/tables/projection.h"
#include "harness/tables/tables.h"
#include "metrics/model/memory_model.h"

namespace vidattn {
namespace {

constexpr int64_t kColumnGroups[] = {1, 5, 20};  // of the columns; 1 = full attention
constexpr int64_t kTokens = 187200;              // 30 s, the length of Table 12
constexpr int64_t kPapersDevices = 8;
constexpr double kGiga = 1e9;
// Rows of tokens that the linear layers are timed with: long enough for full speed.
constexpr int64_t kGemmRows = 1024;

const std::string kTraining = "Training time (per iter) s", kTrainingGain = "Training speedup",
                  kTrainingRam = "Training RAM GB", kInference = "Inference time (per step) s",
                  kInferenceGain = "Inference speedup", kInferenceRam = "Inference RAM GB",
                  kByFlops = "Generation speedup by FLOPs",
                  kByTime = "Generation speedup by time (Amdahl)", kWork = "Generation PFLOPs",
                  kShare = "Attention share", kOperator = "Operator speedup";

/// What the projections are made of.
struct Basis {
  const PaperTable& paper;
  const PaperTable& latency;  ///< Table 11
  FlopsCounter& counter;
  const TableOptions& options;
  const PaperRow& length;  ///< of Table 11
  int64_t tokens = length.tokens;

  const DitModel& model() const { return counter.model(); }
  /// Whether the paper's values are for this model on as many devices.
  bool is_papers() const { return counter.is_papers() && options.devices == kPapersDevices; }
  /// Printed operator time of Table 11 for this model's heads, in seconds.
  double operator_seconds(int64_t groups) const {
    const std::string column =
        groups == 1 ? "Full Attention ms" : fmt::format("MoGA (M={}) ms", groups);
    constexpr double kTableHeads = 12;
    return latency.value(length.label, column) * 1e-3 * static_cast<double>(model().heads) /
           kTableHeads;
  }
  /// FLOP/s of Table 11's full operator on one device.
  double device_rate() const {
    const auto n = static_cast<double>(tokens);
    return 4 * n * n * static_cast<double>(model().dim) / operator_seconds(1);
  }
  PassTimes papers_passes(int64_t groups) const {
    return pass_times(model(), tokens, operator_seconds(groups), device_rate(), options.devices);
  }
  MemoryEstimate memory(int64_t groups) const {
    MemoryOptions m;
    m.devices = options.devices;
    m.branches = groups == 1 ? 1 : 3;
    return estimate_memory(model(), tokens, m);
  }
  DenoisingRun run() const {
    DenoisingRun r = options.run;
    r.layers = model().layers();
    return r;
  }
};

const PaperRow& row_of(const PaperTable& latency, int64_t tokens) {
  for (const PaperRow& row : latency.rows)
    if (row.tokens == tokens) return row;
  throw InputError(fmt::format("the paper's data for table 11 has no row of {} tokens", tokens));
}

void set_paper(Table& table, const PaperTable& paper) {
  for (Cell& cell : table.cells)
    for (const PaperRow& row : paper.rows)
      if (row.label == cell.row) cell.set(Origin::paper, paper.value(cell.row, cell.column));
}

void add_projection(Table& table, const Basis& b) {
  const PassTimes full = b.papers_passes(1);
  const auto cell = [&](const std::string& row, size_t c, const char* unit, double value) {
    table.add({row, b.paper.columns[c], unit}).set(Origin::model, value);
  };
  for (size_t c = 0; c < std::size(kColumnGroups); ++c) {
    const PassTimes pass = b.papers_passes(kColumnGroups[c]);
    const MemoryEstimate memory = b.memory(kColumnGroups[c]);
    cell(kTraining, c, "s", pass.training());
    if (c > 0) cell(kTrainingGain, c, "x", full.training() / pass.training());
    cell(kTrainingRam, c, "GB", memory.training(true) / kGiga);
    cell(kInference, c, "s", pass.forward.total());
    if (c > 0) cell(kInferenceGain, c, "x", full.forward.total() / pass.forward.total());
    cell(kInferenceRam, c, "GB", memory.inference() / kGiga);
  }
}

/// The whole generation: work, and Amdahl's law by FLOPs and by the printed times.
void add_generation(Table& table, const Basis& b) {
  const DenoisingRun run = b.run();
  const PassCost full = forward_cost(b.model(), {b.tokens});
  const double printed = b.paper.value(kInference, b.paper.columns[0]);
  const double share = b.papers_passes(1).forward.attention / printed;
  Cell& by_flops = table.add({kShare, "of FLOPs", "1"});
  by_flops.set(Origin::model, full.attention_share());
  if (b.is_papers()) table.add({kShare, "of printed step time", "1"}).set(Origin::model, share);
  for (size_t c = 0; c < std::size(kColumnGroups); ++c) {
    Cell work{kWork, b.paper.columns[c], "PFLOP"}, gain{kByFlops, b.paper.columns[c], "x"};
    for (Origin origin : b.counter.origins()) {
      const double density = run.density(b.counter.density(origin, b.tokens, kColumnGroups[c]));
      const double flops = forward_cost(b.model(), {b.tokens, density}).flops();
      work.set(origin, flops * static_cast<double>(run.forward_passes()) * 1e-15);
      gain.set(origin, full.flops() / flops);
    }
    table.add(std::move(work));
    if (c == 0) continue;
    table.add(std::move(gain));
    if (!b.is_papers()) continue;
    const double speedup = b.operator_seconds(1) / b.operator_seconds(kColumnGroups[c]);
    table.add({kOperator, b.paper.columns[c], "x"}).set(Origin::model, speedup);
    table.add({kByTime, b.paper.columns[c], "x"})
        .set(Origin::model, amdahl(share, run.attention_speedup(speedup)));
  }
}

/// What the projection says of the paper's own printed step.
std::string step_note(const Basis& b, const PassTime& full) {
  return fmt::format(
      " of the printed {} s; {:.1f} s are neither (communication, norms, slower matrix products, "
      "or "
      "another number of passes). Two passes of classifier-free guidance in a step would take "
      "{:.1f} "
      "s for attention alone, so the printed step holds one",
      b.paper.at(kInference, b.paper.columns[0]).text,
      b.paper.value(kInference, b.paper.columns[0]) - full.total(), 2 * full.attention);
}

std::string accounting_note(const Basis& b) {
  const PassTime full = b.papers_passes(1).forward;
  return fmt::format(
      "PROJECTION, not a measurement. model of a time: attention as Table 11 prints it for 12 "
      "heads, "
      "times {}/12 heads and {} layers, over {} devices; everything else by its FLOPs at the rate "
      "of "
      "Table 11's full operator ({:.0f} TFLOP/s). Full attention: {:.1f} s attention and {:.1f} s "
      "rest{}.",
      b.model().heads, b.model().layers(), b.options.devices, b.device_rate() * 1e-12,
      full.attention, full.rest, b.is_papers() ? step_note(b, full) : "");
}

std::string inference_note(const Basis& b) {
  std::string text;
  const double printed_full = b.paper.value(kInference, b.paper.columns[0]);
  const double attention = b.papers_passes(1).forward.attention;
  for (size_t c = 1; c < std::size(kColumnGroups); ++c)
    text += fmt::format("{}M={}: {:.1f} s saved, Table 11's operator saves {:.1f} s",
                        text.empty() ? "" : "; ", kColumnGroups[c],
                        printed_full - b.paper.value(kInference, b.paper.columns[c]),
                        attention - b.papers_passes(kColumnGroups[c]).forward.attention);
  const double speedup = b.operator_seconds(1) / b.operator_seconds(5);
  const double share = attention / printed_full;
  return fmt::format(
      "The printed steps save more than Table 11's operators do ({}): unexplained. With "
      "attention's "
      "share of the printed full step, {:.2f}, and the printed operator speedup {:.2f}x, Amdahl's "
      "law gives {:.2f}x for M=5, which is the 1.7x of §3.3; the {}x of Table 12 would need a "
      "share "
      "of {:.2f}.",
      text, share, speedup, amdahl(share, speedup),
      b.paper.at(kInferenceGain, b.paper.columns[1]).text,
      amdahl_share(b.paper.value(kInferenceGain, b.paper.columns[1]), speedup));
}

std::string training_note(const Basis& b) {
  const PassTimes full = b.papers_passes(1);
  const double printed = b.paper.value(kTraining, b.paper.columns[0]);
  return fmt::format(
      "A training iteration at {} tokens (forward, forward again for checkpointing, backward; "
      "self-attention {:g} and the rest {:.3g} forward passes by FLOPs) takes {:.0f} s at Table "
      "11's rates, the "
      "printed one {:g} s; without checkpointing attention's {:.0f} s alone would be more, and its "
      "activations take {:.0f} GB a device. The printed time fits a mean length of {:.0f} tokens, "
      "that is clips shorter than 30 s: a reading, unexplained otherwise.",
      b.tokens, 2 + full.backward.attention / full.forward.attention,
      2 + full.backward.rest / full.forward.rest, full.training(), printed,
      full.forward.attention + full.backward.attention, b.memory(1).activations / kGiga,
      tokens_for_training_time(full, b.tokens, printed));
}

std::string memory_note(const Basis& b) {
  const MemoryEstimate full = b.memory(1), sparse = b.memory(5);
  const auto printed = [&](const std::string& row, size_t c) {
    return b.paper.value(row, b.paper.columns[c]);
  };
  return fmt::format(
      "model of memory, per device, 1 GB = 10^9 bytes: training {:.1f} GB weights, gradients and "
      "AdamW (2+2+12 bytes a weight, spread over {} devices) and {:.1f} GB checkpointed "
      "activations; "
      "inference {:.1f} GB weights (bf16, whole) and {:.1f} GB live activations. Not in it: "
      "allocator, communication buffers, text encoder, VAE. MoGA's three branches add {:.1f} GB to "
      "inference in the model; the paper prints {:.1f} GB more in inference and {:.1f} GB in "
      "training, though §3.3 says that MoGA takes no extra memory. Permuted copies of q, k, v for "
      "two branches would be {:.1f} GB: the rest is unexplained.",
      full.training_states / kGiga, b.options.devices, full.checkpoints / kGiga,
      full.weights / kGiga, full.forward_workspace / kGiga,
      (sparse.inference() - full.inference()) / kGiga,
      printed(kInferenceRam, 1) - printed(kInferenceRam, 0),
      printed(kTrainingRam, 1) - printed(kTrainingRam, 0),
      6.0 * 2 * static_cast<double>(b.tokens * b.model().dim) /
          static_cast<double>(b.options.devices) / kGiga);
}

std::string generation_note(const Basis& b) {
  const DenoisingRun run = b.run();
  return fmt::format(
      "A whole generation: {} steps of {} passes, {} layers, the first {} steps and {} layers "
      "dense "
      "(--steps --cfg-passes --dense-steps --dense-layers). by FLOPs: all work at one rate{}.",
      run.steps, run.passes, run.layers, run.dense_steps, run.dense_layers,
      b.is_papers()
          ? "; by time: attention's share of the printed full step, at Table 11's printed "
            "operator speedup"
          : "");
}

/// Notes of the rows whose difference is above 5%.
void explain(Table& table,
             const std::vector<std::pair<std::vector<std::string>, std::string>>& by) {
  for (Cell& cell : table.cells)
    for (const auto& [rows, key] : by)
      for (const std::string& row : rows)
        if (cell.row == row && std::abs(cell.difference()) > kNoteAbove) cell.notes.push_back(key);
}

void measure(Table& table, const Basis& b) {
  const LengthTimes times = measure_moga(b.model(), b.tokens, b.options);
  for (const OperatorTime& t : times.times) table.details["operators"].push_back(to_json(t));
  const OperatorTime* full = find_time(times.times, "full");
  if (!full->measured()) {
    table.note("full attention has no time: " + full->failure);
    return;
  }
  const auto rates = measure_gemms(b.model(), kGemmRows, b.options.repeat);
  const double rate = mean_rate(rates, b.model()) * 1e9;
  for (const GemmRate& g : rates)
    table.details["gemm"].push_back(
        {{"name", g.name}, {"rows", g.rows}, {"in", g.in}, {"out", g.out}, {"gflops", g.gflops}});
  if (const std::string bad = mistrusted_note(times.times); !bad.empty()) table.note(bad);
  std::string memory;
  const std::string note = table.note(
      fmt::format("measured: still a PROJECTION, for this machine alone: attention from "
                  "operators measured as in "
                  "Table 11 ({} of {} heads, scaled up), linear layers and "
                  "cross-attention by their FLOPs at {:.0f} "
                  "GFLOP/s, measured with {} rows at the shapes {}x{} and {}x{}, "
                  "float32.{}",
                  full->measured_heads, full->heads, rate * 1e-9, kGemmRows, b.model().dim,
                  b.model().dim, b.model().dim, b.model().ffn_dim,
                  b.is_papers() ? " Only its speedups are compared with the paper's." : ""));
  const PassTimes whole = pass_times(b.model(), b.tokens, full->seconds(), rate, 1);
  const auto put = [&](const std::string& row, size_t c, double value) {
    if (Cell* cell = table.find(row, b.paper.columns[c])) {
      cell->set(Origin::measured, value);
      cell->notes.push_back(note);
      if (row == kTrainingGain || row == kInferenceGain)
        if (std::isfinite(cell->value(Origin::paper))) cell->compared = Origin::measured;
    }
  };
  for (size_t c = 0; c < std::size(kColumnGroups); ++c) {
    const std::string label = c == 0 ? "full" : fmt::format("M={}", kColumnGroups[c]);
    const OperatorTime* t = find_time(times.times, label);
    if (!t->measured()) {
      table.note(label + " has no time: " + t->failure);
      continue;
    }
    const PassTimes pass = pass_times(b.model(), b.tokens, t->seconds(), rate, 1);
    put(kInference, c, pass.forward.total());
    put(kTraining, c, pass.training());
    if (c > 0) {
      put(kInferenceGain, c, whole.forward.total() / pass.forward.total());
      put(kTrainingGain, c, whole.training() / pass.training());
      put(kOperator, c, full->seconds() / t->seconds());
      put(kByTime, c,
          amdahl(whole.forward.attention_share(),
                 b.run().attention_speedup(full->seconds() / t->seconds())));
    }
    if (t->extra_bytes)
      memory += fmt::format("{}{} {:.1f} MiB", memory.empty() ? "" : ", ", label,
                            static_cast<double>(*t->extra_bytes) / (1 << 20));
  }
  table.add({kShare, "of time here", "1"}).set(Origin::measured, whole.forward.attention_share());
  if (memory.empty()) return;
  table.note("Measured operator memory beyond q, k, v and o, planning and running " +
             std::to_string(full->measured_heads) + " heads: " + memory +
             ". The index lists are shared by all heads and grow with the tokens.");
}

/// Other methods: the whole generation by FLOPs, and by time where it is measured.
Table method_table(const Basis& b) {
  Table table{"12",
              "A whole generation with other methods, taken apart",
              "in the shape of MoGA A.11, Table 12; model " + b.model().title,
              {},
              {}};
  const DenoisingRun run = b.run();
  const bool own_rule = run.dense_steps == 0 && run.dense_layers == 0;
  table.note(fmt::format("{} steps of {} passes, {} layers. {}", run.steps, run.passes, run.layers,
                         own_rule ? "Dense steps and layers as each method's own settings say."
                                  : fmt::format("The first {} steps and {} layers dense.",
                                                run.dense_steps, run.dense_layers)));
  double rate = NAN;
  if (b.options.measure)
    rate = mean_rate(measure_gemms(b.model(), kGemmRows, b.options.repeat), b.model()) * 1e9;
  const auto add = [&](const TableLength& length, const OperatorTime& t, const OperatorTime& full) {
    const BackendSpec spec = parse_backend(t.backend);
    const double density =
        own_rule ? spec.backend->run_density(spec.params, t.layers_density, run.steps, run.layers)
                 : run.density(t.layers_density);
    const double dense = forward_cost(b.model(), {length.tokens}).flops();
    table.add({length.label, t.label, "density"}).set(Origin::workload, t.density);
    table.add({length.label, t.label, "density in run"}).set(Origin::workload, density);
    table.add({length.label, t.label, "x by FLOPs"})
        .set(Origin::workload, dense / forward_cost(b.model(), {length.tokens, density}).flops());
    if (!t.measured() || !full.measured()) return;
    const PassTime pass = pass_times(b.model(), length.tokens, full.seconds(), rate, 1).forward;
    const double sparse_share = t.density < 1 ? (1 - density) / (1 - t.density) : 1;
    const double speedup = amdahl(sparse_share, full.seconds() / t.seconds());
    table.add({length.label, t.label, "x by time"})
        .set(Origin::measured, amdahl(pass.attention_share(), speedup));
  };
  const TableLength length{fmt::format("{} tokens", b.tokens), b.tokens};
  add_methods(table, b.model(), wanted_lengths({length}, b.options), b.options, add);
  return table;
}

}  // namespace

Table table12(const TableOptions& options) {
  const PaperTable paper = paper_table("12", options.paper),
                   latency = paper_table("11", options.paper);
  FlopsCounter counter(options, paper.model);
  const Basis basis{paper, latency, counter, options, row_of(latency, kTokens)};
  if (!options.backends.empty()) return method_table(basis);
  Table table = counter.table(paper);
  table.note(accounting_note(basis));
  add_projection(table, basis);
  if (counter.is_papers() && !basis.is_papers())
    table.note(
        fmt::format("The paper's values are for {} devices, so not compared.", kPapersDevices));
  if (basis.is_papers()) {
    set_paper(table, paper);
    const std::string inference = table.note(inference_note(basis));
    const std::string training = table.note(training_note(basis));
    const std::string memory = table.note(memory_note(basis));
    explain(table, {{{kTraining, kTrainingGain}, training},
                    {{kInference, kInferenceGain}, inference},
                    {{kTrainingRam, kInferenceRam}, memory}});
  }
  add_generation(table, basis);
  table.note(generation_note(basis));
  if (options.measure && !interrupted()) measure(table, basis);
  table.mark_unexplained();
  return table;
}

namespace {
const RegisterTable registered_table12(12, table12);
}  // namespace

}  // namespace vidattn

#include "harness/tables/generation/measured.h"

#include "harness/tables/notes.h"
#include "harness/tables/operators/gemm.h"
#include "harness/tables/operators/latency.h"
#include "harness/tables/operators/methods.h"

namespace vidattn {
namespace {

// Rows of tokens that the linear layers are timed with: long enough for full speed.
constexpr int64_t kGemmRows = 1024;
constexpr double kMebi = 1 << 20;

/// The column of c groups is measured with this operator.
std::string operator_label(size_t c) {
  return c == 0 ? "full" : fmt::format("M={}", kGenerationGroups[c]);
}

std::string projection_note(const Basis& b, const OperatorTime& full, double rate) {
  return note_text("table12.measured", fmt::arg("measured_heads", full.measured_heads),
                   fmt::arg("heads", full.heads), fmt::arg("rate", rate * 1e-9),
                   fmt::arg("rows", kGemmRows), fmt::arg("dim", b.model().dim),
                   fmt::arg("ffn_dim", b.model().ffn_dim),
                   fmt::arg("compared", b.is_papers() ? note_text("table12.measured_compared")
                                                      : std::string())) +
         (times_backward(full.pass) ? " " + note_text("table12.measured_backward") : "");
}

/// FLOP/s of the linear layers; details["gemm"] has each.
double measured_rate(Table& table, const Basis& b) {
  const auto rates = measure_gemms(b.model(), kGemmRows, b.options.repeat);
  for (const GemmRate& g : rates)
    table.details["gemm"].push_back(
        {{"name", g.name}, {"rows", g.rows}, {"in", g.in}, {"out", g.out}, {"gflops", g.gflops}});
  return mean_rate(rates, b.model()) * 1e9;
}

/// Puts what follows from the measured operators into the table's cells.
class Projector {
 public:
  Projector(Table& table, const Basis& b, const OperatorTime& full, double rate)
      : table_(table),
        b_(b),
        full_(full),
        rate_(rate),
        dense_(passes(full)),
        note_(table.note(projection_note(b, full, rate))) {}

  const PassTime& dense_forward() const { return dense_.forward; }

  void fill(size_t c, const OperatorTime& time) {
    const PassTimes sparse = passes(time);
    put(kInference, c, sparse.forward.total());
    put(kTraining, c, sparse.training());
    if (times_backward(time.pass)) {
      const auto& [forward, backward] = sparse;
      add(kTrainingAttention, c, Origin::measured, 2 * forward.attention + backward.attention);
      add(kTrainingRest, c, Origin::model, 2 * forward.rest + backward.rest);
    }
    if (c == 0) return;
    put(kInferenceGain, c, dense_.forward.total() / sparse.forward.total());
    put(kTrainingGain, c, dense_.training() / sparse.training());
    const double speedup = full_.forward_seconds() / time.forward_seconds();
    put(kOperator, c, speedup);
    put(kByTime, c, amdahl(dense_.forward.attention_share(), b_.run().attention_speedup(speedup)));
  }

 private:
  PassTimes passes(const OperatorTime& time) const { return pass_times(b_.model(), time, rate_); }

  void add(const std::string& row, size_t c, Origin origin, double seconds) {
    table_.add({row, b_.paper.columns[c], "s"}).set(origin, seconds);
  }

  void put(const std::string& row, size_t c, double value) {
    Cell* cell = table_.find(row, b_.paper.columns[c]);
    if (!cell) return;
    cell->set(Origin::measured, value);
    cell->notes.push_back(note_);
    if (row == kTrainingGain || row == kInferenceGain)
      if (std::isfinite(cell->value(Origin::paper))) cell->compared = Origin::measured;
  }

  Table& table_;
  const Basis& b_;
  const OperatorTime& full_;
  double rate_;
  PassTimes dense_;
  std::string note_;
};

void note_memory(Table& table, const std::vector<OperatorTime>& times) {
  std::string each;
  for (const OperatorTime& t : times)
    if (t.extra_bytes)
      each += fmt::format("{}{} {:.1f} MiB", each.empty() ? "" : ", ", t.label,
                          static_cast<double>(*t.extra_bytes) / kMebi);
  if (!each.empty())
    table.note(note_text("table12.measured_memory", fmt::arg("heads", times.front().measured_heads),
                         fmt::arg("each", each)));
}

}  // namespace

void add_measured_generation(Table& table, const Basis& b) {
  const std::vector<OperatorTime> times = measure_moga(b.model(), b.tokens, b.options).times;
  for (const OperatorTime& t : times) table.details["operators"].push_back(to_json(t));
  const auto no_time = [&](const std::string& what, const OperatorTime& t) {
    table.note(note_text("any.no_time", fmt::arg("operator", what),
                         fmt::arg("length", b.length.label), fmt::arg("why", t.failure)));
  };
  const OperatorTime& full = *find_time(times, operator_label(0));
  if (!full.measured()) return no_time("full attention", full);
  const double rate = measured_rate(table, b);
  if (const std::string bad = mistrusted_note(times); !bad.empty()) table.note(bad);
  Projector projector(table, b, full, rate);
  for (size_t c = 0; c < std::size(kGenerationGroups); ++c) {
    const OperatorTime& time = *find_time(times, operator_label(c));
    if (time.measured())
      projector.fill(c, time);
    else
      no_time(time.label, time);
  }
  table.add({kShareHere, b.paper.columns[0], "1"})
      .set(Origin::measured, projector.dense_forward().attention_share());
  note_memory(table, times);
}

Table generation_of_methods(const Basis& b) {
  Table table{"12", b.paper.label, "A whole generation with other methods, taken apart",
              "in the shape of " + b.paper.where + "; model " + b.model().title};
  const DenoisingRun run = b.run();
  const bool own_rule = run.dense_steps == 0 && run.dense_layers == 0;
  const std::string dense =
      own_rule ? note_text("table12.methods_own_dense")
               : note_text("table12.methods_dense", fmt::arg("dense_steps", run.dense_steps),
                           fmt::arg("dense_layers", run.dense_layers));
  table.note(note_text("table12.methods", fmt::arg("steps", run.steps),
                       fmt::arg("passes", run.passes), fmt::arg("layers", run.layers),
                       fmt::arg("dense", dense)));
  const double rate = b.options.measure ? measured_rate(table, b) : NAN;
  const auto add = [&](const TableLength& length, const OperatorTime& t, const OperatorTime& full) {
    const BackendSpec spec = parse_backend(t.backend);
    const double density =
        own_rule ? spec.backend->run_density(spec.params, t.density, run.steps, run.layers)
                 : run.density(t.density);
    const double dense_flops = forward_cost(b.model(), {length.tokens}).flops();
    table.add({length.label, t.label, "density"}).set(Origin::workload, t.density);
    table.add({length.label, t.label, "density in run"}).set(Origin::workload, density);
    table.add({length.label, t.label, "x by FLOPs"})
        .set(Origin::workload,
             dense_flops / forward_cost(b.model(), {length.tokens, density}).flops());
    if (!t.measured() || !full.measured()) return;
    const PassTimes dense = pass_times(b.model(), full, rate), own = pass_times(b.model(), t, rate);
    const double sparse_share = t.density < 1 ? (1 - density) / (1 - t.density) : 1;
    const double speedup = amdahl(sparse_share, full.forward_seconds() / t.forward_seconds());
    table.add({length.label, t.label, "x by time"})
        .set(Origin::measured, amdahl(dense.forward.attention_share(), speedup));
    if (times_backward(t.pass))
      table.add({length.label, t.label, "x training"})
          .set(Origin::measured, dense.training() / own.training());
  };
  const TableLength length{fmt::format("{} tokens", b.tokens), b.tokens};
  add_methods(table, b.model(), wanted_lengths({length}, b.options), b.options, add);
  return table;
}

}  // namespace vidattn

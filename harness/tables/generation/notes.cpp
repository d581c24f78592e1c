#include "harness/tables/generation/notes.h"

#include "harness/tables/notes.h"

namespace vidattn {
namespace {

constexpr double kGiga = 1e9;

/// What the projection says of the paper's own printed step.
std::string step_note(const Basis& b, const PassTime& full) {
  return note_text(
      "table12.accounting_step",
      fmt::arg("printed", b.paper.at(kInference, b.paper.columns[0]).text),
      fmt::arg("neither", b.paper.value(kInference, b.paper.columns[0]) - full.total()),
      fmt::arg("two_passes", 2 * full.attention));
}

}  // namespace

std::string accounting_note(const Basis& b) {
  const PassTime full = b.papers_passes(1).forward;
  return note_text("table12.accounting", fmt::arg("heads", b.model().heads),
                   fmt::arg("layers", b.model().layers()), fmt::arg("devices", b.options.devices),
                   fmt::arg("rate", b.device_rate() * 1e-12), fmt::arg("attention", full.attention),
                   fmt::arg("rest", full.rest),
                   fmt::arg("step", b.is_papers() ? step_note(b, full) : std::string()));
}

std::string inference_note(const Basis& b) {
  std::string saved;
  const double printed_full = b.paper.value(kInference, b.paper.columns[0]);
  const double attention = b.papers_passes(1).forward.attention;
  for (size_t c = 1; c < std::size(kGenerationGroups); ++c)
    saved += fmt::format("{}M={}: {:.1f} s saved, Table 11's operator saves {:.1f} s",
                         saved.empty() ? "" : "; ", kGenerationGroups[c],
                         printed_full - b.paper.value(kInference, b.paper.columns[c]),
                         attention - b.papers_passes(kGenerationGroups[c]).forward.attention);
  const double speedup = b.operator_seconds(1) / b.operator_seconds(5);
  const double share = attention / printed_full;
  const Printed& gain = b.paper.at(kInferenceGain, b.paper.columns[1]);
  return note_text("table12.inference", fmt::arg("saved", saved), fmt::arg("share", share),
                   fmt::arg("speedup", speedup), fmt::arg("amdahl", amdahl(share, speedup)),
                   fmt::arg("printed", gain.text),
                   fmt::arg("needed", amdahl_share(gain.value(), speedup)));
}

std::string training_note(const Basis& b) {
  const PassTimes full = b.papers_passes(1);
  const double printed = b.paper.value(kTraining, b.paper.columns[0]);
  return note_text("table12.training", fmt::arg("tokens", b.tokens),
                   fmt::arg("attention", 2 + full.backward.attention / full.forward.attention),
                   fmt::arg("rest", 2 + full.backward.rest / full.forward.rest),
                   fmt::arg("seconds", full.training()), fmt::arg("printed", printed),
                   fmt::arg("without", full.forward.attention + full.backward.attention),
                   fmt::arg("activations", b.memory(1).activations / kGiga),
                   fmt::arg("fitting", tokens_for_training_time(full, b.tokens, printed)));
}

std::string memory_note(const Basis& b) {
  const MemoryEstimate full = b.memory(1), sparse = b.memory(5);
  const auto more = [&](const std::string& row) {
    return b.paper.value(row, b.paper.columns[1]) - b.paper.value(row, b.paper.columns[0]);
  };
  // q, k and v of two branches, in bf16.
  const double copies = 2 * 3 * 2 * static_cast<double>(b.tokens * b.model().dim) /
                        static_cast<double>(b.options.devices);
  return note_text(
      "table12.memory", fmt::arg("states", full.training_states / kGiga),
      fmt::arg("devices", b.options.devices), fmt::arg("checkpoints", full.checkpoints / kGiga),
      fmt::arg("weights", full.weights / kGiga),
      fmt::arg("workspace", full.forward_workspace / kGiga),
      fmt::arg("branches", (sparse.inference() - full.inference()) / kGiga),
      fmt::arg("more_inference", more(kInferenceRam)),
      fmt::arg("more_training", more(kTrainingRam)), fmt::arg("copies", copies / kGiga));
}

std::string generation_note(const Basis& b) {
  const DenoisingRun run = b.run();
  return note_text(
      "table12.generation", fmt::arg("steps", run.steps), fmt::arg("passes", run.passes),
      fmt::arg("layers", run.layers), fmt::arg("dense_steps", run.dense_steps),
      fmt::arg("dense_layers", run.dense_layers),
      fmt::arg("by_time", b.is_papers() ? note_text("table12.generation_by_time") : std::string()));
}

}  // namespace vidattn

#include "harness/measure/record/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/io/text_table.h"
#include "harness/measure/record/measured_case.h"

namespace vidattn {
namespace {

using M = MeasuredCase;
using K = MetricKind;
using B = Better;
using T = MetricTable;

constexpr double kGiga = 1e-9, kMilli = 1e3, kPercent = 100, kMebi = 1 / (1024.0 * 1024.0);
constexpr unsigned kShown = kPage | kCompare;

double number(int64_t value) { return static_cast<double>(value); }

/// " [1.9, 2.1]", or that there is none; empty for full attention itself.
std::string speedup_interval(const Measurement& m, int digits) {
  const double low = 1 / m.metric("ratio_high"), high = 1 / m.metric("ratio_low");
  if (m.is_full()) return "";
  if (!std::isfinite(low) || !std::isfinite(high)) return m.blocks.empty() ? "" : " few blocks";
  return fmt::format(" [{:.{}g}, {:.{}g}]", low, digits, high, digits);
}

}  // namespace

// clang-format off
const std::vector<MetricInfo>& catalogue() {
  static const std::vector<MetricInfo> all = {
// Work, read off the executed plan.
{"density", "density", "1", 4, 1, K::exact, B::lower, T::cost, kShown | kLatex | kSuite | kGuarded, "executed (query, key) pairs over queries × keys, mean over heads; a combined plan counts a pair once for every branch that computes it, and where a method computes scores of which it skips the values, the two products have their shares", [](const M& m) { return Computed{m.c.stats.density}; }},
{kTargetTag.data(), "target", "1", 4, 1, K::exact, B::none, T::cost, kShown | kLatex | kSuite | kIfAny, "density that the knobs were set for; a row whose own is more than 2% off is marked missed, and is in no chart or mean at equal density", [](const M& m) { return m.target(); }},
{"sparsity", "sparsity", "1", 4, 1, K::exact, B::higher, T::cost, 0, "1 − density, always, and so negative where several branches together compute more pairs than full attention", [](const M& m) { return Computed{1 - m.c.stats.density}; }},
{"run_density", "in run", "1", 4, 1, K::exact, B::lower, T::cost, kOfMean, "density over a whole denoising run: mean over the kinds of layers that a method plans differently, with the dense warm-up and the skipped calls that published densities leave out", [](const M& m) { return m.run_density(); }},
{"tile_density_64x64", "tiles 64x64", "1", 4, 1, K::exact, B::lower, T::cost, 0, "tiles of 64 queries by 64 keys that the plan touches, in its own order, over those of full attention: what a kernel on such tiles executes of it, ragged ends included", [](const M& m) { return Computed{m.c.tiles[0].density()}; }},
{"tile_density_128x64", "tiles 128x64", "1", 4, 1, K::exact, B::lower, T::cost, 0, "tiles of 128 queries by 64 keys that the plan touches, in its own order, over those of full attention: what a kernel on such tiles executes of it, ragged ends included", [](const M& m) { return Computed{m.c.tiles[1].density()}; }},
{"tile_density_128x128", "tiles 128x128", "1", 4, 1, K::exact, B::lower, T::cost, 0, "tiles of 128 queries by 128 keys that the plan touches, in its own order, over those of full attention: what a kernel on such tiles executes of it, ragged ends included", [](const M& m) { return Computed{m.c.tiles[2].density()}; }},
{"tile_useful_64x64", "", "1", 4, 1, K::exact, B::higher, T::none, 0, "share of attended pairs in the touched tiles of 64 queries by 64 keys", [](const M& m) { return Computed{m.c.tiles[0].useful(), "the plan touches no tile"}; }},
{"tile_useful_128x64", "", "1", 4, 1, K::exact, B::higher, T::none, 0, "share of attended pairs in the touched tiles of 128 queries by 64 keys", [](const M& m) { return Computed{m.c.tiles[1].useful(), "the plan touches no tile"}; }},
{"tile_useful_128x128", "", "1", 4, 1, K::exact, B::higher, T::none, 0, "share of attended pairs in the touched tiles of 128 queries by 128 keys", [](const M& m) { return Computed{m.c.tiles[2].useful(), "the plan touches no tile"}; }},
{"pairs", "", "pairs", 3, 1, K::exact, B::lower, T::none, kGuarded, "executed (query, key) pairs, all heads and branches, centroids among the keys; those whose values are skipped do not count", [](const M& m) { return Computed{number(m.c.stats.pairs)}; }},
{"attention_flops", "GFLOP", "flop", 4, kGiga, K::exact, B::lower, T::cost, kGuarded, "attention FLOPs, 2·(scored pairs·D + pairs·DV), D channels of keys and DV of values: two products, 2 per multiply-add, and those of linear terms (sla, pisa); the softmax is not counted", [](const M& m) { return Computed{m.c.stats.flops}; }},
{"backward_flops", "backward GFLOP", "flop", 4, kGiga, K::exact, B::lower, T::cost, kIfAny, "FLOPs of the backward pass, 2·pairs·(3·D + 2·DV): the scores again and four more products, and those of linear terms (sla, pisa), where that pass is timed", [](const M& m) { return m.of_backward({m.c.stats.backward_flops}); }},
{"planning_flops", "", "flop", 4, kGiga, K::exact, B::lower, T::none, 0, "FLOPs of planning (router, pooling, k-means …), counted apart; the JSON has them per stage", [](const M& m) { return Computed{m.c.stats.planning_flops}; }},
{"uncovered_tokens", "", "tokens", 9, 1, K::exact, B::lower, T::none, 0, "tokens whose output no branch computes in some head: it is 0 there", [](const M& m) { return Computed{number(m.c.coverage.uncovered)}; }},
{"keyless_tokens", "", "tokens", 9, 1, K::exact, B::lower, T::none, 0, "tokens that are in a query segment, but see no key in some head: their output is 0 there", [](const M& m) { return Computed{number(m.c.coverage.keyless)}; }},
{"unmentioned_text", "", "tokens", 9, 1, K::exact, B::lower, T::none, 0, "text tokens that are in no query segment and in no range of keys of some head", [](const M& m) { return Computed{number(m.c.coverage.unmentioned_text)}; }},
// Over ranks (`--ranks`): of the most that were asked for; the record has all of them.
{"ulysses_pair_balance", "Ulysses pairs", "1", 4, 1, K::exact, B::lower, T::cost, kIfAny, "pairs of the busiest rank over the mean, heads over the most ranks of `--ranks`", [](const M& m) { return m.of_ranks(&RankBalance::ulysses, [](const GridBalance& b) { return b.pairs; }); }},
{"ulysses_tile_balance", "Ulysses tiles", "1", 4, 1, K::exact, B::lower, T::cost, kIfAny, "the same in tiles of 128 queries by 128 keys that the plan touches", [](const M& m) { return m.of_ranks(&RankBalance::ulysses, [](const GridBalance& b) { return b.tiles; }); }},
{"ulysses_bytes", "Ulysses MiB", "byte", 4, kMebi, K::exact, B::lower, T::cost, kIfAny, "most bytes that one of these ranks sends in a forward pass of the layer: q, k, v and o in the storage type, and the lists of tables that heads of several ranks share", [](const M& m) { return m.of_ranks(&RankBalance::ulysses, [](const GridBalance& b) { return number(b.bytes()); }); }},
{"ring_pair_balance", "ring pairs", "1", 4, 1, K::exact, B::lower, T::cost, kIfAny, "pairs of the busiest rank over the mean, tokens over the most ranks of `--ranks`", [](const M& m) { return m.of_ranks(&RankBalance::ring, [](const GridBalance& b) { return b.pairs; }); }},
{"ring_tile_balance", "ring tiles", "1", 4, 1, K::exact, B::lower, T::cost, kIfAny, "the same in tiles of 128 of the rank's own queries by 128 keys of one block", [](const M& m) { return m.of_ranks(&RankBalance::ring, [](const GridBalance& b) { return b.tiles; }); }},
{"ring_step_balance", "ring in steps", "1", 4, 1, K::exact, B::lower, T::cost, kIfAny, "the same where every rank waits for the slowest after each block of keys: the sum over the steps of the busiest rank's tiles over the mean", [](const M& m) { return m.of_ranks(&RankBalance::ring, [](const GridBalance& b) { return b.tiles_in_steps; }); }},
{"ring_bytes", "ring MiB", "byte", 4, kMebi, K::exact, B::lower, T::cost, kIfAny, "most bytes that one of these ranks sends in a forward pass of the layer: k and v in the storage type, and the plan's lists", [](const M& m) { return m.of_ranks(&RankBalance::ring, [](const GridBalance& b) { return number(b.bytes()); }); }},
// Time: medians over interleaved blocks.
{"validation_time", "", "s", 3, kMilli, K::time, B::lower, T::none, 0, "time of one look through the plan for what no plan may do (keys that a query would count twice, lists that leave their tensor); in no other time", [](const M& m) { return Computed{m.c.validation_seconds}; }},
{"setup_time", "", "s", 3, kMilli, K::time, B::lower, T::none, 0, "one-time work that a trained model would have done before, such as a training-free router's", [](const M& m) { return Computed{m.c.setup_seconds}; }},
{"plan_time", "plan ms", "s", 3, kMilli, K::time, B::lower, T::cost, kPage, "median time of planning, which is part of the cost", [](const M& m) { return m.of_forward(m.timed(m.plan)); }},
{"run_time", "run ms", "s", 4, kMilli, K::time, B::lower, T::cost, 0, "median time of running the plan: with planning the forward pass", [](const M& m) { return m.of_forward(m.timed(m.run)); }},
{"backward_time", "backward ms", "s", 4, kMilli, K::time, B::lower, T::cost, kPage | kLatex | kIfAny, "median time of the backward pass, where it is timed (`--pass`)", [](const M& m) { return m.of_backward(m.timed(m.backward)); }},
{"total_time", "total ms", "s", 4, kMilli, K::time, B::lower, T::cost, kPage | kLatex | kSuite, "planning, running and the backward pass, as far as they are timed (`--pass`): median over the blocks of their sum, which is not the sum of their medians", [](const M& m) { return m.timed(m.total); }},
{"flop_rate", "GFLOP/s", "flop/s", 3, kGiga, K::time, B::higher, T::cost, 0, "FLOPs of running (what planning computes left out), and of the backward pass where it is timed, over the time without planning", [](const M& m) { return m.timed(m.rate()); }},
{"share_of_peak", "of peak", "1", 3, 1, K::time, B::higher, T::cost, kPage | kSuite, "FLOP/s of running (what planning computes left out) over the multiply-add peak measured beside it on the same threads, of the unit that the kernel uses for the storage type (registers only, best of short bursts); a case above it is mistrusted", [](const M& m) { return Computed{m.share_of_peak(), "no peak is measured for this device and storage type"}; }},
{"speedup", "speedup", "1", 3, 1, K::time, B::higher, T::cost, kPage | kLatex, "time of full attention on the same device and storage type over the method's, planning included: 1 / `ratio`, with its 95% bootstrap interval over blocks; `few blocks`: of fewer than 6 there is none; unknown after a single block", [](const M& m) { return m.compared(m.speedup()); }},
{"forward_speedup", "forward speedup", "1", 3, 1, K::time, B::higher, T::cost, kPage | kLatex | kIfAny, "the same of planning and running alone, where both passes are timed", [](const M& m) { return m.of_both(m.compared(m.speedup_of([](const Block& b) { return b.plan_seconds + b.run_seconds; }))); }},
{"backward_speedup", "backward speedup", "1", 3, 1, K::time, B::higher, T::cost, kPage | kLatex | kIfAny, "the same of the backward pass alone, where both are timed", [](const M& m) { return m.of_both(m.compared(m.speedup_of([](const Block& b) { return b.backward_seconds; }))); }},
{"backward_over_forward", "backward/forward", "1", 3, 1, K::time, B::lower, T::cost, kIfAny, "time of the backward pass over that of running, by their medians", [](const M& m) { return m.of_both(m.timed(m.backward / m.run)); }},
{"theoretical_speedup", "1/density", "1", 3, 1, K::exact, B::higher, T::cost, kPage | kOfMean, "the speedup that the density alone would give", [](const M& m) { return Computed{m.theoretical_speedup()}; }},
{"realised_share", "realised", "1", 3, 1, K::time, B::higher, T::cost, kPage | kLatex, "speedup over 1/density, that is speedup × density; `disturbed` above 1.05: fewer pairs cannot save more than their share", [](const M& m) { return m.compared(m.realised()); }},
{"realised_share_run", "run only", "1", 3, 1, K::time, B::higher, T::cost, 0, "the same with planning left out on both sides, paired by block: what the kernel makes of the plan's shape", [](const M& m) { return m.compared(m.rate_over_full()); }},
{"planning_share", "plan%", "1", 2, kPercent, K::time, B::lower, T::cost, 0, "median time of planning over the total", [](const M& m) { return m.of_forward(m.timed(m.planning_share())); }},
{"ratio", "ratio", "1", 3, 1, K::time, B::lower, T::none, kSuite, "time over full attention's in the same block, of the median log ratio over the blocks", [](const M& m) { return m.ratio(); }},
{"ratio_low", "low", "1", 3, 1, K::time, B::none, T::none, kSuite, "lower end of the ratio's 95% bootstrap interval over blocks", [](const M& m) { return m.ratio_low(); }},
{"ratio_high", "high", "1", 3, 1, K::time, B::none, T::none, kSuite, "upper end of the ratio's interval", [](const M& m) { return m.ratio_high(); }},
{"fed_ratio", "", "1", 3, 1, K::time, B::lower, T::none, 0, "time without planning over what as many multiply-adds with operands from the nearest cache took in the same block", [](const M& m) { return m.fed_ratio(); }},
{"fed_ratio_low", "", "1", 3, 1, K::time, B::none, T::none, 0, "lower end of its interval", [](const M& m) { return m.fed_ratio_low(); }},
{"fed_ratio_high", "", "1", 3, 1, K::time, B::none, T::none, 0, "upper end of its interval", [](const M& m) { return m.fed_ratio_high(); }},
{"dense_time", "", "s", 4, kMilli, K::time, B::none, T::none, 0, "median time of full attention in the same blocks", [](const M& m) { return m.beside_full(m.dense_time()); }},
// Nearness to full attention.
{"check_error", "check", "1", 2, 1, K::fidelity, B::lower, T::fidelity, kShown, "relative L2 error against the float64 reference executing the same plan, on sampled tokens (2e-5 allowed in f32 and fp8, 1e-2 in bf16 and int8, 2e-3 in f16, more where scores are huge: `check_limit`): it proves that the device executed the plan, and `vidattn conform` that the plan is the method's; a case that fails it has no times", [](const M& m) { return Computed{m.c.check_error}; }},
{"check_limit", "", "1", 2, 1, K::fidelity, B::none, T::none, 0, "what `check_error` may be: the storage type's limit, or 3 of float32's steps at the largest score of the sampled tokens where that is more", [](const M& m) { return Computed{m.c.check_limit}; }},
{"gradient_error", "gradients", "1", 2, 1, K::fidelity, B::lower, T::fidelity, kShown | kIfAny, "largest relative L2 error of dq, dk and dv against the float64 reference, for the gradient of an output that is 0 but on sampled tokens; where the backward pass is timed", [](const M& m) { return m.of_backward({m.c.gradient_error}); }},
{"gradient_limit", "", "1", 2, 1, K::fidelity, B::none, T::none, 0, "what `gradient_error` may be: two and a half times what the output may", [](const M& m) { return m.of_backward({m.c.gradient_limit}); }},
{"relative_l2", "rel L2", "1", 3, 1, K::fidelity, B::lower, T::fidelity, kShown | kLatex | kSuite | kGuarded, "relative L2 error of the output against full attention's in the same storage type, of int8 and fp8 in float32, over `tokens` tokens and all heads", [](const M& m) { return Computed{m.c.fidelity.relative_l2}; }},
{kSelectionErrorTag.data(), "selection", "1", 3, 1, K::fidelity, B::lower, T::fidelity, kPage, "relative L2 error of the plan in float against full attention in float: what the method's choice of keys costs; beside f32, bf16 and f16 it is `relative_l2`, in int8 and fp8 the plan runs once more, in float32", [](const M& m) { return Computed{m.c.selection_error}; }},
{kQuantisationErrorTag.data(), "quantised", "1", 3, 1, K::fidelity, B::lower, T::fidelity, kPage, "relative L2 error of int8 or fp8 against float32 under the same plan: what the low bits cost; 0 in f32, unknown in bf16 and f16, whose operands are stored so before the plan is made", [](const M& m) { return m.quantisation(); }},
{"cosine", "cosine", "1", 4, 1, K::fidelity, B::higher, T::fidelity, kShown | kGuarded, "cosine between the two outputs' rows, mean over tokens and heads", [](const M& m) { return Computed{m.c.fidelity.cosine}; }},
{"max_error", "max err", "1", 3, 1, K::fidelity, B::lower, T::fidelity, kGuarded, "largest absolute difference between the two outputs", [](const M& m) { return Computed{m.c.fidelity.max_error}; }},
{"recall_mean", "recall", "1", 3, 1, K::fidelity, B::higher, T::fidelity, kShown | kLatex | kGuarded, "attention mass of full attention on the keys that a method sees, exp(LSE_method − LSE_full) per query and head; of a plan of several branches, or one in which tokens take another token's result, the mass of the token's own query on the union of the keys, at up to 128 tokens", [](const M& m) { return Computed{m.c.fidelity.recall_mean}; }},
{"recall_p5", "recall p5", "1", 3, 1, K::fidelity, B::higher, T::fidelity, kShown | kGuarded, "its 5th percentile", [](const M& m) { return Computed{m.c.fidelity.recall_p5}; }},
{"recall_of_blocks", "of blocks", "1", 3, 1, K::fidelity, B::higher, T::fidelity, kShown, "recall over that of the best blocks: 64 × 64, in stored order, chosen by their true mass, at the density of each head on the call's own keys, spread evenly or as the plan spreads it; over the same up to 256 queries", [](const M& m) { return Computed{m.c.efficiency.of_blocks, "too little memory for the scores of the ceiling"}; }},
{"recall_of_tokens", "of tokens", "1", 3, 1, K::fidelity, B::higher, T::fidelity, kShown, "recall over that of the keys of largest probability, as many for each query as the head's density allows: what is possible at all", [](const M& m) { return Computed{m.c.efficiency.of_tokens, "too little memory for the scores of the ceiling"}; }},
{"fidelity_tokens", "tokens", "tokens", 9, 1, K::exact, B::none, T::fidelity, 0, "tokens over which fidelity is taken", [](const M& m) { return Computed{number(m.c.fidelity.tokens)}; }},
{"group_balance", "largest/mean", "1", 3, 1, K::fidelity, B::lower, T::fidelity, 0, "largest group over the mean", [](const M& m) { return m.of_groups("largest_group_over_mean"); }},
{"balance_loss_eq8", "loss eq8", "1", 3, 1, K::fidelity, B::lower, T::fidelity, 0, "balance loss of the groups as in MoGA's Eq. 8", [](const M& m) { return m.of_groups("loss_eq8"); }},
{"balance_loss_switch", "loss switch", "1", 3, 1, K::fidelity, B::lower, T::fidelity, 0, "balance loss of the groups with Switch Transformer's mean probability", [](const M& m) { return m.of_groups("loss_switch"); }},
{"balance_loss_one_hot", "loss one-hot", "1", 3, 1, K::fidelity, B::lower, T::fidelity, 0, "balance loss of the groups with the choices in place of probabilities, alpha times M times the sum of squared shares: alpha for even groups alone", [](const M& m) { return m.of_groups("loss_one_hot"); }},
{"router_iou", "router IoU", "1", 3, 1, K::fidelity, B::higher, T::fidelity, kIfAny, "of the mask of a character, or of all people, in a latent frame the largest intersection over union with a group's tokens there, mean over masks (MoGA A.9); with `--masks`", [](const M& m) { return m.of_masks("router_iou"); }},
{"random_group_iou", "random IoU", "1", 3, 1, K::exact, B::none, T::fidelity, kIfAny, "what one of as many groups drawn at random is expected to have, s / ((M - 1) s + 1) for M groups and a mask that covers the share s of its frame, mean over masks", [](const M& m) { return m.of_masks("random_group_iou"); }},
// Memory.
{"planning_bytes", "", "byte", 3, kMebi, K::exact, B::lower, T::none, 0, "scratch memory of planning's largest stage", [](const M& m) { return Computed{number(m.c.stats.planning_bytes)}; }},
{"index_memory", "index MiB", "byte", 3, kMebi, K::exact, B::lower, T::fidelity, kShown | kGuarded, "the plan's own memory: orders, segments and ranges", [](const M& m) { return Computed{number(m.c.stats.index_bytes)}; }},
{"gather_bytes", "", "byte", 3, kMebi, K::exact, B::lower, T::none, 0, "rows of q, k, v and o that a kernel for each branch would look up in a list, an order or an output map, each read or written once, in the storage type", [](const M& m) { return Computed{number(m.c.traffic.gather_bytes(m.c.in, size_of(m.c.dtype)))}; }},
{"prepared_memory", "", "byte", 3, kMebi, K::exact, B::lower, T::none, 0, "operands that planning prepared: pooled tiles, compressed keys, centroids", [](const M& m) { return Computed{number(m.c.stats.prepared_bytes)}; }},
{"state_memory", "", "byte", 3, kMebi, K::exact, B::lower, T::none, 0, "what a method keeps from one step of a denoising run to the next (centroids, residuals, skip lists), of one layer", [](const M& m) { return Computed{number(m.c.state_bytes), "", !m.c.before}; }},
{"peak_extra_memory", "extra MiB", "byte", 3, kMebi, K::memory, B::lower, T::fidelity, kShown | kLatex, "highest resident memory of what is timed beyond q, k, v and o (and, in a backward pass, their gradients), measured on the process", [](const M& m) { return Computed{m.c.extra_bytes ? number(*m.c.extra_bytes) : NAN, "not measurable on this system"}; }},
// On devices with memory of their own: where the time went.
{"upload_time", "upload ms", "s", 3, kMilli, K::time, B::lower, T::transfers, 0, "operands and index lists on their way to the device", [](const M& m) { return m.on_device(m.device(&DeviceTimes::upload)); }},
{"device_time", "device ms", "s", 4, kMilli, K::time, B::lower, T::transfers, 0, "the forward pass's kernels alone, on the device's clock where it has one", [](const M& m) { return m.on_device(m.device(&DeviceTimes::device)); }},
{"download_time", "download ms", "s", 3, kMilli, K::time, B::lower, T::transfers, 0, "output and LSE on their way back", [](const M& m) { return m.on_device(m.device(&DeviceTimes::download)); }},
{"device_flop_rate", "device GFLOP/s", "flop/s", 3, kGiga, K::time, B::higher, T::transfers, 0, "attention FLOPs over the kernels' time", [](const M& m) { return m.on_device(m.device_rate()); }},
{"device_speedup", "device speedup", "1", 3, 1, K::time, B::higher, T::transfers, 0, "full attention's kernel time over the method's", [](const M& m) { return m.device_beside_full(m.device_speedup()); }},
{"device_realised_share", "device realised", "1", 3, 1, K::time, B::higher, T::transfers, 0, "device speedup over 1/density", [](const M& m) { return m.device_beside_full(m.device_speedup() * m.c.stats.density); }},
  };
  return all;
}
// clang-format on

std::string to_string(MetricKind kind) {
  constexpr const char* kNames[] = {"exact", "fidelity", "time", "memory"};
  return kNames[static_cast<int>(kind)];
}

std::string to_string(Better better) {
  constexpr const char* kNames[] = {"", "higher", "lower"};
  return kNames[static_cast<int>(better)];
}

std::string MetricInfo::cell(const Measurement& m) const {
  const double value = m.metric(tag);
  if (!std::isfinite(value)) return "-";
  if (tag == kRealisedTag && m.disturbed()) return "disturbed";
  std::string text = fmt::format("{:.{}g}", value * scale, digits);
  constexpr double kWhole = 1e7;  // below it "100" says what "1e+02" does
  if (text.find("e+") != std::string::npos && std::abs(value * scale) < kWhole)
    text = fmt::format("{:.0f}", value * scale);
  if (tag == kTargetTag && m.missed_density()) text += " missed";
  if (tag == kSpeedupTag) text += speedup_interval(m, digits);
  return text;
}

std::vector<const MetricInfo*> metrics_in(MetricPlace place) {
  std::vector<const MetricInfo*> found;
  for (const MetricInfo& m : catalogue())
    if (m.in(place)) found.push_back(&m);
  return found;
}

std::vector<const MetricInfo*> columns_of(MetricTable table) {
  std::vector<const MetricInfo*> found;
  for (const MetricInfo& m : catalogue())
    if (m.table == table) found.push_back(&m);
  return found;
}

const MetricInfo* find_metric(const std::string& tag) {
  const auto& all = catalogue();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& m) { return tag == m.tag; });
  return found == all.end() ? nullptr : &*found;
}

std::string glossary() {
  std::vector<std::vector<std::string>> rows;
  for (const MetricInfo& m : catalogue())
    rows.push_back({m.header[0] ? fmt::format("**{}**", m.header) : "", fmt::format("`{}`", m.tag),
                    m.unit, to_string(m.better), m.meaning});
  return marked_up_table({"column", "tag", "unit", "better", "meaning"}, rows, "lllll");
}

}  // namespace vidattn

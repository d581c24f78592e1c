#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/block_scores.h"
#include "baselines/blocks.h"
#include "baselines/centroids.h"

namespace vidattn {
namespace {

constexpr const char* kSana = "NVlabs/Sana, Sol-Attn";

struct SolParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t block = integer("block", 64, "Tokens of a block.", kSana, 1);
  double tau =
      real("tau", 1, "A block is exact whose score is this many deviations above the mean.", kSana,
           -1e3, 1e3);
  std::string thresh_type =
      choice("thresh_type", {"diag", "exact"},
             "Deviation of a row's scores: from the variance of the keys' means by channel, or of "
             "the scores themselves.",
             kSana);
  int64_t band = integer("band", 1, "Exact blocks on each side of the query's own.", kSana, 0);
  int64_t sink_start = integer(
      "sink_start", 0, "First position of the sequence that all queries see exactly.", kSana, 0);
  int64_t sink_tokens =
      integer("sink_tokens", 0, "How many; in text_mode=sink the text unless given.", kSana, 0);
  bool sink_given = given("sink_tokens");
  bool dense_sink_queries =
      flag("dense_sink_queries", false, "Queries of the sink attend to all tokens.", "vLLM-Omni");
  std::string text_mode =
      choice("text_mode", {"sink", "separate", "none"},
             "Text is in blocks and the sink (packed sequences), apart from the blocks and exact "
             "for all (HunyuanVideo), or like any other token.",
             kSana);
  std::string token_order = choice("token_order", {"raster", "morton"},
                                   "Order of the video tokens that blocks cut.", kSana);
  std::string text_place = choice(
      "text_place", {"suffix", "prefix", "none"},
      "Where the text stands in the model's sequence, which blocks cut; in the call it follows "
      "the video.",
      "");
  int64_t text_length = integer("text_length", -1, "Text tokens; -1 = the grid's.", "", -1);
};

/// Bits of t, y and x in turn, t lowest.
uint64_t morton_code(int64_t t, int64_t y, int64_t x) {
  uint64_t code = 0;
  for (int bit = 0; bit < 21; ++bit)
    code |= (static_cast<uint64_t>(t >> bit & 1) | static_cast<uint64_t>(y >> bit & 1) << 1 |
             static_cast<uint64_t>(x >> bit & 1) << 2)
            << 3 * bit;
  return code;
}

/// Tokens in the order that blocks cut; the first `blocked` of them are in blocks.
struct SolSequence {
  std::vector<int32_t> tokens;
  int64_t blocked;
  DenseSpan text;  ///< positions
};

std::vector<int32_t> video_order(const VideoGrid& grid, const std::string& order) {
  std::vector<int32_t> tokens(grid.video_tokens());
  std::iota(tokens.begin(), tokens.end(), 0);
  if (order == "raster") return tokens;
  std::vector<uint64_t> code;
  for (int64_t t = 0; t < grid.frames; ++t)
    for (int64_t y = 0; y < grid.height; ++y)
      for (int64_t x = 0; x < grid.width; ++x) code.push_back(morton_code(t, y, x));
  std::sort(tokens.begin(), tokens.end(), [&](int32_t a, int32_t b) { return code[a] < code[b]; });
  return tokens;
}

int64_t text_tokens_of(const Inputs& in, const SolParams& p) {
  const int64_t known = in.grid.known() ? in.grid.text_tokens : 0;
  const int64_t text = p.text_length < 0 ? known : p.text_length;
  if (text >= in.length() || (in.grid.known() && text != known))
    throw InputError("sol: text_length is " + std::to_string(text) + ", but of the " +
                     std::to_string(in.length()) + " tokens " + std::to_string(known) +
                     " are text");
  return text;
}

SolSequence sequence_of(const Inputs& in, const SolParams& p) {
  if (p.token_order == "morton") in.need_grid("sol: token_order=morton");
  const auto text = static_cast<int32_t>(text_tokens_of(in, p));
  const auto all = static_cast<int32_t>(in.length()), video = all - text;
  const bool separate = p.text_mode == "separate";
  const bool first = p.text_place == "prefix" && !separate;
  SolSequence s{{}, separate ? video : all, {first ? 0 : video, first ? text : all}};
  s.tokens.resize(video);
  std::iota(s.tokens.begin(), s.tokens.end(), 0);
  if (in.grid.known()) s.tokens = video_order(in.grid, p.token_order);
  std::vector<int32_t> words(text);
  std::iota(words.begin(), words.end(), video);
  s.tokens.insert(first ? s.tokens.begin() : s.tokens.end(), words.begin(), words.end());
  return s;
}

DenseSpan sink_of(const SolSequence& s, const SolParams& p) {
  if (p.text_mode == "sink" && !p.sink_given) return s.text;
  if (p.sink_start > 0 && p.sink_start >= s.blocked)
    throw InputError("sol: sink_start = " + std::to_string(p.sink_start) + " is beyond the " +
                     std::to_string(s.blocked) + " tokens in blocks");
  return {static_cast<int32_t>(p.sink_start),
          static_cast<int32_t>(p.sink_start + std::min(p.sink_tokens, s.blocked - p.sink_start))};
}

/// Mean and spread of the pooled keys of one head, over the blocks.
struct KeyStatistics {
  std::vector<double> mean, variance;  ///< per channel

  KeyStatistics(const Tensor& means, int64_t kv_head) : mean(means.dim()), variance(means.dim()) {
    const auto n = static_cast<double>(means.length());
    for (int64_t b = 0; b < means.length(); ++b)
      for (int64_t c = 0; c < means.dim(); ++c) mean[c] += means.row(b, kv_head)[c] / n;
    for (int64_t b = 0; b < means.length(); ++b)
      for (int64_t c = 0; c < means.dim(); ++c) {
        const double off = means.row(b, kv_head)[c] - mean[c];
        variance[c] += off * off / n;
      }
  }
};

/// Score above which a query block's key blocks are exact. `row` is its pooled scores.
double threshold(const KeyStatistics& keys, const float* query, std::span<const float> row,
                 double scale, const SolParams& p) {
  double mean = 0, variance = 0;
  for (size_t c = 0; c < keys.mean.size(); ++c) {
    mean += scale * query[c] * keys.mean[c];
    variance += scale * scale * query[c] * query[c] * keys.variance[c];
  }
  if (p.thresh_type == "exact") {
    variance = 0;
    for (const float r : row) variance += (r - mean) * (r - mean) / static_cast<double>(row.size());
  }
  constexpr double kFloor = 1e-6 * std::numbers::ln2 * std::numbers::ln2;
  return mean + p.tau * std::sqrt(std::max(variance, 0.0) + kFloor);
}

/// Sol-Attn (NVIDIA, Sana): key blocks whose pooled score stands out of its row are attended
/// exactly, all others through their centroid, under one softmax.
class Sol : public Method<SolParams> {
 public:
  std::string name() const override { return "sol"; }

  BackendInfo describe() const override {
    return {.title = "key blocks whose pooled score stands out exactly, centroids of all others",
            .paper = "Sol-Attn, NVlabs/Sana 2026",
            .plans_from = PlansFrom::own_head,
            .presets = {{"minimax-h3", {{"block", "64"}, {"text_mode", "sink"}}},
                        {"hunyuanvideo-720p", {{"block", "64"}, {"text_mode", "separate"}}}},
            .knob = {"tau", 8, -8}};
  }

 protected:
  std::vector<DensityKnob> knobs(const Inputs&, const SolParams& p) const override {
    return with_smaller_blocks(info().knob, "block", p.block, 16);
  }

  Plan make_plan(const Inputs& in, const SolParams& p) const override {
    const SolSequence sequence = sequence_of(in, p);
    std::vector<int32_t> label(in.length(), -1);
    for (int64_t i = 0; i < sequence.blocked; ++i)
      label[sequence.tokens[i]] = static_cast<int32_t>(i / p.block);
    const Blocks blocks = make_blocks(label, (sequence.blocked + p.block - 1) / p.block);
    Plan plan;
    const BlockMeans means = pool_blocks(in, blocks, "block means", plan);
    const DenseSpan sink = sink_of(sequence, p);
    // Null where blocks cut the tokens as they lie: nothing is gathered then.
    const bool as_they_lie = std::is_sorted(sequence.tokens.begin(), sequence.tokens.end());
    CentroidPlan parts(as_they_lie ? nullptr : make_order(sequence.tokens), blocks.start,
                       static_cast<int32_t>(in.length()), means,
                       p.dense_sink_queries ? sink : DenseSpan{});
    for (int64_t h = 0; h < in.heads(); ++h) add_head(in, p, h, means, sink, parts, plan);
    plan.branches = std::move(parts).branches();
    if (in.explain) plan.explained["block_label"] = {{in.length()}, blocks.label};
    return plan;
  }

 private:
  static void add_head(const Inputs& in, const SolParams& p, int64_t head, const BlockMeans& means,
                       DenseSpan sink, CentroidPlan& parts, Plan& plan) {
    const int64_t n = means.k->length(), kv_head = in.kv_head(head);
    const StageTimer timer(plan, "routing",
                           2.0 * static_cast<double>(n * n * in.dim()) + 6.0 * n * in.dim(),
                           n * n + std::min<int64_t>(n, 256) * n * 4);
    const KeyStatistics keys(*means.k, kv_head);
    const double scale = in.softmax_scale();
    const HeadMatrix q(*means.q, head), k(*means.k, kv_head);
    const int64_t sink_first = sink.begin / p.block;
    const int64_t sink_last = sink.begin < sink.end ? (sink.end + p.block - 1) / p.block : 0;
    const auto exact = [&](int64_t a, std::span<const float> row) {
      const double least = threshold(keys, q.row(a), row, scale, p);
      std::vector<int32_t> chosen;
      for (int64_t b = 0; b < n; ++b)
        if (row[b] > least || std::abs(a - b) <= p.band || (b >= sink_first && b < sink_last))
          chosen.push_back(static_cast<int32_t>(b));
      return chosen;
    };
    const auto map = choose_blocks(q, k, scale, exact);
    parts.add_head(map.data());
    if (!in.explain) return;
    const std::vector<float> values = scores(q, k, scale);
    std::vector<float> thresholds(n);
    for (int64_t a = 0; a < n; ++a)
      thresholds[a] = static_cast<float>(
          threshold(keys, q.row(a), {&values[a * n], static_cast<size_t>(n)}, scale, p));
    explain_head("block_map", {in.heads(), n, n}, map, plan);
    explain_head("route_score", {in.heads(), n, n}, values, plan);
    explain_head("route_threshold", {in.heads(), n}, thresholds, plan);
  }
};

const RegisterBackend<Sol> registered_sol;

}  // namespace
}  // namespace vidattn

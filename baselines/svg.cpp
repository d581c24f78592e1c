#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/text_tokens.h"

namespace vidattn {
namespace {

enum Kind { kSpatial = 0, kTemporal = 1 };

struct SvgParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "published code, svg/models";
  std::string model_type = choice(
      "model_type", {"wan", "hunyuan"},
      "wan: window rounded up, ends included, sink; hunyuan: rounded down, ends excluded, text.",
      kCode);
  double sparsity =
      real("sparsity", 0.3, "KEPT fraction of the pairs, despite its name.", kCode, 0, 1);
  bool sparsity_given = given("sparsity");
  int64_t num_frames = integer("num_frames", 0, "Latent frames; 0 = the grid's.", kCode, 0);
  int64_t frame_size = integer("frame_size", 0, "Tokens of a frame; 0 = the grid's.", kCode, 0);
  double width_multiplier =
      real("width_multiplier", 0, "Window in frames; 0 = from sparsity.", kCode, 0, 1e9);
  int64_t window_tokens =
      integer("window_tokens", 0, "Window in tokens; 0 = from the width.", kCode, 0, 1 << 30);
  int64_t block = integer("block", 128, "Tokens to which windows and profile bands are rounded.",
                          kCode, 1, 1 << 30);
  bool first_frame_sink =
      flag("first_frame_sink", true,
           "Everyone sees the first frame_size positions of the head's order (wan only).", kCode);
  int64_t num_sampled_rows =
      integer("num_sampled_rows", 64, "Query rows that classify the heads.", kCode, 1, 1 << 20);
  int64_t sample_mse_max_row =
      integer("sample_mse_max_row", 10000,
              "The rows are drawn with replacement from this many first tokens.", kCode, 1);
  int64_t seed = integer("seed", 1, "Seed of the drawn rows.", "-", 0, 0x7fffffff);
  TextParams text{*this, kCode};

  bool wan() const { return model_type == "wan"; }
};

/// Window in frames for which about `kept` of the pairs stay visible beside the text
/// (sparsity_to_width of the published code).
double width_for(double kept, int64_t context, int64_t frames, int64_t frame_size) {
  const auto text = static_cast<double>(context), fs = static_cast<double>(frame_size);
  const double n = text + static_cast<double>(frames) * fs;
  const double video_kept = (kept * n * n - 2 * n * text) / (n * n);
  return n * (1 - std::sqrt(std::max(0.0, 1 - video_kept))) / fs;
}

/// The window in tokens: Wan rounds up to whole blocks, HunyuanVideo down.
int64_t window_for(double width, int64_t frame_size, int64_t block, bool round_up) {
  const double blocks = width * static_cast<double>(frame_size) / static_cast<double>(block);
  return static_cast<int64_t>(round_up ? std::ceil(blocks) : std::floor(blocks)) * block;
}

/// The two kinds of masks of one call. A spatial head orders the video tokens by frame, a temporal
/// head by position in the frame; both look along a band of their order.
struct Masks {
  TextTokens text;
  int64_t frames, frame_size;
  int64_t block;
  int64_t reach;         ///< largest visible distance; -1 = none
  int64_t sink;          ///< first positions of the order that everyone sees
  int64_t profile_band;  ///< blocks visible to each side when profiling, the own one included
  Order temporal_order;

  Order order(Kind kind) const { return kind == kSpatial ? nullptr : temporal_order; }

  int64_t position(Kind kind, int64_t token) const {
    if (kind == kSpatial || token >= text.video) return token;
    return token % frame_size * frames + token / frame_size;
  }

  HeadTable run(Kind kind) const {
    const auto video = static_cast<int32_t>(text.video), real = static_cast<int32_t>(text.real());
    const auto far = static_cast<int32_t>(reach), first = static_cast<int32_t>(sink);
    HeadTable table;
    table.query_order = table.key_order = order(kind);
    std::vector<KeyRange> ranges;
    if (first > 0) ranges.push_back({0, first});
    if (far >= 0) ranges.push_back({first, video, -far, far});
    if (text.prompt > 0) ranges.push_back({video, real});
    table.add(0, video, ranges);
    if (text.prompt > 0) table.add(video, real, {{0, real}});
    if (text.padding > 0)
      table.add(real, static_cast<int32_t>(text.length()),
                {{real, static_cast<int32_t>(text.length())}});
    return table;
  }

  /// Keys of a token that no mask limits: everything real, or all padding.
  KeyRange unmasked(int64_t token) const {
    const auto real = static_cast<int32_t>(text.real());
    return token < real ? KeyRange{0, real} : KeyRange{real, static_cast<int32_t>(text.length())};
  }

  /// Keys of a token under the profile mask of a kind: whole blocks around its own, and the sink.
  std::vector<KeyRange> profile_keys(Kind kind, int64_t token) const {
    if (token >= text.video) return {unmasked(token)};
    const int64_t own = position(kind, token) / block;
    const int64_t begin = std::clamp<int64_t>((own - profile_band + 1) * block, 0, text.video);
    const int64_t end = std::clamp((own + profile_band) * block, begin, text.video);
    std::vector<KeyRange> keys;
    const auto add = [&](int64_t from, int64_t to) {
      if (from < to) keys.push_back({static_cast<int32_t>(from), static_cast<int32_t>(to)});
    };
    add(0, sink);
    if (profile_band > 0) add(std::max(begin, sink), end);
    add(text.video, text.real());
    return keys;
  }

  /// One query per sampled row, in the rows' order.
  HeadTable profile(Kind kind, const std::vector<int32_t>& rows) const {
    HeadTable table;
    table.key_order = order(kind);
    for (size_t i = 0; i < rows.size(); ++i)
      table.add(static_cast<int32_t>(i), static_cast<int32_t>(i + 1), profile_keys(kind, rows[i]));
    return table;
  }

  HeadTable unmasked(const std::vector<int32_t>& rows) const {
    HeadTable table;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto begin = static_cast<int32_t>(i);
      const KeyRange keys = unmasked(rows[i]);
      // Neighbours share a segment, so that the keys are read once.
      if (i > 0 && table.ranges.back().begin == keys.begin)
        ++table.segments.back().query_end;
      else
        table.add(begin, begin + 1, {keys});
    }
    return table;
  }
};

Order token_major(const TextTokens& text, int64_t frames, int64_t frame_size) {
  std::vector<int32_t> order;
  order.reserve(text.length());
  for (int64_t p = 0; p < frame_size; ++p)
    for (int64_t t = 0; t < frames; ++t) order.push_back(static_cast<int32_t>(t * frame_size + p));
  for (int64_t i = text.video; i < text.length(); ++i) order.push_back(static_cast<int32_t>(i));
  return make_order(std::move(order));
}

/// Attention of the sampled query rows under a table, [n,H,DV] float32.
Tensor attend_rows(const Inputs& sampled, HeadTable table) {
  Plan plan;
  plan.branches.push_back({.name = "profile", .tables = {std::move(table)}});
  Output out;
  sampled.device->run(plan, sampled, out);
  return std::move(out.o);
}

Inputs sample_queries(const Inputs& in, const std::vector<int32_t>& rows) {
  Inputs sampled = in;
  Tensor q(static_cast<int64_t>(rows.size()), in.heads(), in.dim());
  for (size_t i = 0; i < rows.size(); ++i)
    for (int64_t h = 0; h < in.heads(); ++h)
      in.q->read_row(rows[i], h, q.row(static_cast<int64_t>(i), h));
  sampled.q = std::make_shared<const Tensor>(std::move(q));
  sampled.grid = {};
  return sampled;
}

/// Mean squared difference over rows and channels, per head.
std::vector<float> squared_error(const Tensor& a, const Tensor& b) {
  std::vector<float> error(a.heads());
  for (int64_t h = 0; h < a.heads(); ++h) {
    double sum = 0;
    for (int64_t i = 0; i < a.length(); ++i)
      for (int64_t c = 0; c < a.dim(); ++c) {
        const double d = double{a.row(i, h)[c]} - b.row(i, h)[c];
        sum += d * d;
      }
    error[h] = static_cast<float>(sum / static_cast<double>(a.length() * a.dim()));
  }
  return error;
}

Array profile_rows(const Masks& masks, const std::vector<int32_t>& rows) {
  const auto n = static_cast<int64_t>(rows.size()), length = masks.text.length();
  std::vector<uint8_t> seen(2 * n * length);
  for (const Kind kind : {kSpatial, kTemporal}) {
    const HeadTable order{nullptr, masks.order(kind), {}, {}};
    for (int64_t i = 0; i < n; ++i)
      for (const KeyRange& range : masks.profile_keys(kind, rows[i]))
        for (int64_t p = range.begin; p < range.end; ++p)
          seen[(kind * n + i) * length + order.key_row(p)] = 1;
  }
  return {{2, n, length}, std::move(seen)};
}

/// Sparse VideoGen: sampled query rows decide online whether a head looks along frames or along
/// time; each kind has a fixed band in its own order of the tokens.
class Svg : public Method<SvgParams> {
 public:
  std::string name() const override { return "svg"; }
  BackendInfo describe() const override {
    const auto preset = [](const char* name, const char* model, const char* kept, const char* steps,
                           const char* layers) {
      return Preset{name,
                    {{"model_type", model},
                     {"sparsity", kept},
                     {"dense_step_share", steps},
                     {"dense_layer_share", layers}}};
    };
    return {
        .title = "heads profiled online as spatial or temporal, each a band in its own token order",
        .paper = "Xi et al. 2025, Sparse VideoGen, arXiv 2502.01776",
        .plans_from = PlansFrom::own_head,
        .inputs = {{"sample_rows", "[n]", "Query rows (tokens) that classify the heads, int32."}},
        .presets = {preset("wan1.3b-480p", "wan", "0.3", "0.2", "0.03"),
                    preset("wan14b-480p", "wan", "0.3", "0.2", "0.03"),
                    preset("wan14b-720p", "wan", "0.3", "0.2", "0.03"),
                    preset("wan14b-i2v-720p", "wan", "0.3", "0.35", "0.03"),
                    preset("hunyuan-720p", "hunyuan", "0.25", "0.1", "0.03"),
                    preset("hunyuan-480p", "hunyuan", "0.2", "0.04", "0")},
        .knob = {"sparsity", 0, 1},
        .warm_up =
            DenseWarmUp{.step_share = 0.2, .layer_share = 0.03, .source = "published scripts"}};
  }

  Plan dense_plan(const Inputs& in, const SvgParams& p) const override {
    return full_plan(in, masks_for(in, p).text.padding);
  }

  /// The masks of Wan have no text, those of HunyuanVideo do.
  bool takes_text(const SvgParams& p) const override {
    return !p.wan() || p.text.context_length >= 0;
  }

  Plan make_plan(const Inputs& in, const SvgParams& p) const override {
    Plan plan;
    const Masks masks = [&] {
      const StageTimer timer(plan, "token order", 0, in.length() * 4);
      return masks_for(in, p);
    }();
    if (!in.device)
      throw InputError("svg profiles sampled rows while planning and needs a device to run them");
    const std::vector<int32_t> rows = sample_rows(in, p);
    const std::vector<float> mse = profile(in, masks, rows, plan);
    const int64_t heads = in.heads();
    std::vector<int32_t> best(heads);
    Branch branch{.name = "svg"};
    for (int64_t h = 0; h < heads; ++h) {
      best[h] = mse[heads + h] < mse[h] ? kTemporal : kSpatial;
      branch.tables.push_back(masks.run(static_cast<Kind>(best[h])));
    }
    plan.branches.push_back(std::move(branch));
    plan.figures["temporal_heads"] =
        static_cast<double>(std::count(best.begin(), best.end(), kTemporal));
    if (in.explain) {
      plan.explained["best"] = {{heads}, std::move(best)};
      plan.explained["sample_mse"] = {{2, heads}, mse};
      plan.explained["sample_rows"] = {{static_cast<int64_t>(rows.size())}, rows};
      plan.explained["profile_rows"] = profile_rows(masks, rows);
    }
    return plan;
  }

  /// 0 where the parameters leave the sizes to the grid.
  std::map<std::string, ParamValue> derived(const SvgParams& p, const StepContext&) const override {
    const int64_t context = std::max<int64_t>(0, p.text.context_length), fs = p.frame_size;
    const bool known = p.num_frames > 0 && fs > 0;
    const double width = known ? width_for(p.sparsity, context, p.num_frames, fs) : 0;
    return {{"width_multiplier", width},
            {"window_tokens_wan", window_for(width, fs, p.block, true)},
            {"window_tokens_hunyuan", window_for(width, fs, p.block, false)}};
  }

 private:
  /// Frames and frame size from the parameters or the grid, which must agree.
  static std::array<int64_t, 2> frames_of(const Inputs& in, const SvgParams& p, int64_t video) {
    if (p.num_frames == 0 || p.frame_size == 0) in.need_grid("svg");
    const std::array<int64_t, 2> size{p.num_frames > 0 ? p.num_frames : in.grid.frames,
                                      p.frame_size > 0 ? p.frame_size : in.grid.frame_size()};
    if (in.grid.known() && (size[0] != in.grid.frames || size[1] != in.grid.frame_size()))
      throw InputError("svg: num_frames and frame_size are not those of the grid, " +
                       std::to_string(in.grid.frames) + " frames of " +
                       std::to_string(in.grid.frame_size()) + " tokens");
    if (video % size[0] != 0 || video / size[0] != size[1])
      throw InputError("svg: " + std::to_string(size[0]) + " frames of " + std::to_string(size[1]) +
                       " tokens are not the " + std::to_string(video) + " video tokens of q");
    return size;
  }

  /// The window in tokens; whichever of sparsity, width_multiplier and window_tokens were given
  /// must agree.
  static int64_t window_of(const SvgParams& p, int64_t context, int64_t frames, int64_t fs) {
    const double width = p.width_multiplier;
    const double computed = width_for(p.sparsity, context, frames, fs);
    if (width > 0 && p.sparsity_given && std::abs(width - computed) > 1e-6 * std::abs(computed))
      throw InputError("svg: width_multiplier " + to_text(width) +
                       " contradicts sparsity, from which follows " + to_text(computed));
    const int64_t window = window_for(width > 0 ? width : computed, fs, p.block, p.wan());
    if (p.window_tokens == 0) return std::max<int64_t>(0, window);
    if (p.window_tokens != window && (width > 0 || p.sparsity_given))
      throw InputError("svg: window_tokens " + std::to_string(p.window_tokens) +
                       " contradicts the width, from which follows " + std::to_string(window));
    return p.window_tokens;
  }

  static Masks masks_for(const Inputs& in, const SvgParams& p) {
    const TextTokens text = text_tokens(in, p.text, "svg");
    if (p.wan() && text.length() > text.video)
      throw InputError("svg: model_type=wan takes no context_length; give model_type=hunyuan");
    const auto [frames, fs] = frames_of(in, p, text.video);
    const int64_t window = window_of(p, text.length() - text.video, frames, fs);
    return {text, frames, fs, p.block,
            // Wan sees up to the window (<=), HunyuanVideo stops before it (<).
            p.wan() ? std::min(window, text.video) : std::min(window - 1, text.video),
            p.wan() && p.first_frame_sink ? fs : 0,
            p.wan() ? 2 * fs / p.block : 3 * fs / (2 * p.block), token_major(text, frames, fs)};
  }

  static std::vector<int32_t> sample_rows(const Inputs& in, const SvgParams& p) {
    if (const Array* given = in.find("sample_rows")) {
      const auto& rows = given->as<int32_t>("sample_rows");
      if (rows.empty()) throw InputError("svg: sample_rows is empty");
      for (int32_t row : rows)
        if (row < 0 || row >= in.length())
          throw InputError("svg: sample_rows holds " + std::to_string(row) +
                           ", the tokens are 0 to " + std::to_string(in.length() - 1));
      return rows;
    }
    // Every layer and step draws its own rows, as the published code does.
    std::seed_seq seed{p.seed, in.context.layer, in.context.step};
    std::mt19937_64 random(seed);
    const auto limit = static_cast<uint64_t>(std::min(p.sample_mse_max_row, in.length()));
    std::vector<int32_t> rows(p.num_sampled_rows);
    for (int32_t& row : rows) row = static_cast<int32_t>(random() % limit);
    return rows;
  }

  /// Errors [2,H] of the sampled rows' outputs under the masks of either kind.
  static std::vector<float> profile(const Inputs& in, const Masks& masks,
                                    const std::vector<int32_t>& rows, Plan& plan) {
    std::array<HeadTable, 3> tables{masks.profile(kSpatial, rows), masks.profile(kTemporal, rows),
                                    masks.unmasked(rows)};
    double pairs = 0;
    for (const HeadTable& table : tables) pairs += static_cast<double>(table.pairs());
    const auto row_bytes = static_cast<int64_t>(rows.size()) * in.heads() * in.dim() * 4;
    const StageTimer timer(
        plan, "profile rows",
        2 * pairs * static_cast<double>(in.heads() * (in.dim() + in.value_dim())), 4 * row_bytes);
    const Inputs sampled = sample_queries(in, rows);
    const Tensor exact = attend_rows(sampled, std::move(tables[2]));
    std::vector<float> mse = squared_error(attend_rows(sampled, std::move(tables[0])), exact);
    const auto temporal = squared_error(attend_rows(sampled, std::move(tables[1])), exact);
    mse.insert(mse.end(), temporal.begin(), temporal.end());
    return mse;
  }
};

const RegisterBackend<Svg> registered_svg;

}  // namespace
}  // namespace vidattn

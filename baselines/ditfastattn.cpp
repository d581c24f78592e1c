#include <algorithm>
#include <numeric>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/methods/method.h"

namespace vidattn {
namespace {

constexpr int64_t kUnlimited = -1, kByShare = -2;

struct DitFastAttnParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t window_left =
      integer("window_left", kByShare,
              "Tokens seen before the query; -1 = unlimited, -2 = window_share of the sequence.",
              "public code", -2, 1 << 30);
  int64_t window_right =
      integer("window_right", kByShare,
              "Tokens seen after the query; -1 = unlimited, -2 = window_share of the sequence.",
              "public code", -2, 1 << 30);
  double window_share =
      real("window_share", 0.0625, "Width of either side as a share of the sequence, rounded down.",
           "second version: 1/16 or 1/32", 0, 1);
  std::string order = choice("order", {"raster", "token_major"},
                             "Order in which the window slides: raster, or token_major (every "
                             "position of a frame over all frames).",
                             "second version: chosen per head");
  int64_t cache_interval =
      integer("cache_interval", 5,
              "Every n-th step of a run attends in full and renews the residual.", "-", 1);
  int64_t share_steps = integer(
      "share_steps", 0, "Every n-th step of a run reuses the output of the step before; 0 = none.",
      "arXiv 2406.08552 (attention sharing across timesteps)", 0);
  bool share_cfg =
      flag("share_cfg", false,
           "The unconditional pass of classifier-free guidance takes the conditional one's output.",
           "arXiv 2406.08552 (attention sharing across CFG)");
};

/// Tokens seen on one side, at most all of them.
int32_t window_side(int64_t given, double share, int64_t length) {
  if (given == kByShare) return static_cast<int32_t>(share * static_cast<double>(length));
  return static_cast<int32_t>(given == kUnlimited ? length : std::min(given, length));
}

/// Positions of a frame one after the other, each over all frames; text stays at the end.
Order token_major(const VideoGrid& grid) {
  std::vector<int32_t> order(grid.tokens());
  std::iota(order.begin(), order.end(), 0);
  for (int64_t p = 0; p < grid.frame_size(); ++p)
    for (int64_t t = 0; t < grid.frames; ++t)
      order[p * grid.frames + t] = static_cast<int32_t>(t * grid.frame_size() + p);
  return make_order(std::move(order));
}

Plan window_plan(const Inputs& in, const DitFastAttnParams& p) {
  const auto length = static_cast<int32_t>(in.length());
  HeadTable table;
  if (p.order == "token_major") {
    in.need_grid("ditfastattn with order=token_major");
    table.query_order = table.key_order = token_major(in.grid);
  }
  const int32_t left = window_side(p.window_left, p.window_share, length);
  const int32_t right = window_side(p.window_right, p.window_share, length);
  table.add(0, length,
            {{0, length, left < length ? -left : KeyRange::kNoLow,
              right < length ? right : KeyRange::kNoHigh}});
  Plan plan;
  plan.branches.push_back({.name = "window", .tables = {std::move(table)}});
  return plan;
}

Tensor run_plan(const Plan& plan, const Inputs& in) {
  Output out;
  in.device->run(plan, in, out);
  return std::move(out.o);
}

/// full - window attention of the cache step `in`, float32. Adds its cost and explanation.
std::shared_ptr<const Tensor> residual_of(const Inputs& in, const DitFastAttnParams& p,
                                          Plan& plan) {
  if (!in.device)
    throw InputError("ditfastattn needs a device to compute the residual of its cache step");
  const Plan full = full_plan(in), window = window_plan(in, p);
  double pairs = 0;
  for (int64_t h = 0; h < in.heads(); ++h)
    pairs += static_cast<double>(full.branches[0].pairs(h, in.heads()) +
                                 window.branches[0].pairs(h, in.heads()));
  const StageTimer timer(plan, "cached residual", 4 * pairs * static_cast<double>(in.dim()),
                         in.q->size() * 4 + in.q->bytes());
  Tensor residual = run_plan(full, in).to(DType::f32);
  if (in.explain) plan.explained["o_full0"] = to_array(residual);
  const Tensor of_window = run_plan(window, in);
  std::vector<float> row(in.dim());
  for (int64_t i = 0; i < in.length(); ++i)
    for (int64_t h = 0; h < in.heads(); ++h) {
      of_window.read_row(i, h, row.data());
      for (int64_t c = 0; c < in.dim(); ++c) residual.row(i, h)[c] -= row[c];
    }
  if (in.explain) plan.explained["residual"] = to_array(residual);
  return std::make_shared<const Tensor>(std::move(residual));
}

std::shared_ptr<const Tensor> cached_input(const Inputs& in, const char* name, const Tensor& like) {
  const Array& array = in.need(name, "ditfastattn: q0, k0 and v0 come together; it");
  const std::vector<int64_t> shape{like.length(), like.heads(), like.dim()};
  if (array.shape != shape)
    throw InputError("ditfastattn: " + std::string(name) + " must have the shape of the call's " +
                     name[0] + ": [" + std::to_string(shape[0]) + "," + std::to_string(shape[1]) +
                     "," + std::to_string(shape[2]) + "]");
  Tensor tensor(shape[0], shape[1], shape[2]);
  std::copy_n(array.as<float>(name).data(), array.size(), tensor.data<float>());
  return std::make_shared<const Tensor>(std::move(tensor));
}

/// What happens to the attention of a step.
enum class StepKind { cache, window, reuse };

StepKind kind_of(const DitFastAttnParams& p, int64_t step) {
  if (step % p.cache_interval == 0) return StepKind::cache;
  const int64_t share = p.share_steps;
  return share > 0 && step % share == share - 1 ? StepKind::reuse : StepKind::window;
}

/// DiTFastAttn: window attention over the flattened tokens plus the residual, full minus window,
/// of an earlier cache step. The residual comes from q0, k0, v0 where they are given, in a
/// denoising run from its last cache step, and is 0 in a single call without either.
///
/// The authors search for the treatment of every layer and step; here it follows fixed periods:
/// every `cache_interval`-th step attends in full and renews the residual, every `share_steps`-th
/// one reuses the whole output of the step before. Reused outputs, and those of the unconditional
/// pass with `share_cfg`, never reach an attention call: they count in run_density, and derived()
/// names the kind of a step. A plan asked for in a reused step is that of a window step.
class DitFastAttn : public Method<DitFastAttnParams> {
 public:
  std::string name() const override { return "ditfastattn"; }

  BackendInfo describe() const override {
    return {
        .title = "window attention plus the cached residual (full minus window) of an earlier step",
        .paper =
            "Yuan et al. 2024, arXiv 2406.08552; second version: Zhang et al. 2025, arXiv "
            "2503.22796",
        .plans_from = PlansFrom::own_head,
        .takes_width = false,
        .inputs = {{"q0", "[L,H,D]", "Queries of the cache step."},
                   {"k0", "[L,HK,D]", "Keys of the cache step."},
                   {"v0", "[L,HK,D]", "Values of the cache step."}},
        .presets = {{"v2-16", {{"window_share", "0.0625"}}},
                    {"v2-32", {{"window_share", "0.03125"}}},
                    {"v2-16-token-major", {{"window_share", "0.0625"}, {"order", "token_major"}}},
                    {"v2-32-token-major", {{"window_share", "0.03125"}, {"order", "token_major"}}},
                    {"v1-64", {{"window_left", "64"}, {"window_right", "64"}}},
                    {"v1-128", {{"window_left", "128"}, {"window_right", "128"}}}},
        .knob = {"window_share", 0, 1}};
  }

  Plan make_plan(const Inputs& in, const DitFastAttnParams& p) const override {
    Plan plan = window_plan(in, p);
    if (in.find("q0") || in.find("k0") || in.find("v0")) {
      Inputs first = in;
      first.q = cached_input(in, "q0", *in.q);
      first.k = cached_input(in, "k0", *in.k);
      first.v = cached_input(in, "v0", *in.v);
      plan.constant = residual_of(first, p, plan);
      plan.constant_of_call = !in.find("q0") || !in.find("k0") || !in.find("v0");
    } else if (in.context.cache && in.context.step >= 0) {
      return plan_in_run(in, p, std::move(plan));
    }
    return plan;
  }

  std::map<std::string, ParamValue> derived(const DitFastAttnParams& p,
                                            const StepContext& context) const override {
    if (context.step < 0) return {};
    constexpr const char* kNames[] = {"full, renews the residual", "window and residual",
                                      "output of the step before"};
    return {{"step_kind", std::string(kNames[static_cast<int>(kind_of(p, context.step))])}};
  }

  double run_density(const Params& params, double density, int64_t steps, int64_t) const override {
    const DitFastAttnParams p(params);
    double sum = 0;
    for (int64_t step = 0; step < steps; ++step) {
      const StepKind kind = kind_of(p, step);
      sum += kind == StepKind::cache ? 1 : kind == StepKind::window ? density : 0;
    }
    return sum / static_cast<double>(steps) * (p.share_cfg ? 0.5 : 1);
  }

 private:
  /// A cache step keeps its residual for the layer; so does a step that finds none.
  static Plan plan_in_run(const Inputs& in, const DitFastAttnParams& p, Plan window) {
    auto& kept =
        in.context.cache->tensors["ditfastattn residual " + std::to_string(in.context.layer)];
    if (kept && kind_of(p, in.context.step) != StepKind::cache) {
      if (kept->size() != in.q->size())
        throw InputError("ditfastattn: the cached residual is of another shape than q");
      window.constant = kept;
      return window;
    }
    Plan full = full_plan(in);
    kept = residual_of(in, p, full);
    return full;
  }
};

const RegisterBackend<DitFastAttn> registered_ditfastattn;

}  // namespace
}  // namespace vidattn
